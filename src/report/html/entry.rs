//! A line of the timeline.

use std::borrow::Cow;

use super::text::Text;
use crate::leak::is_found;
use crate::model::{
    Confidence, EventKind, Exchange, Leak, Moment, Origin, Outcome, Party, Strength, TrackerEvent,
    UrlParts,
};
use crate::report::words::{doubt, given, host_of, recipient_of, said, short, whom, whose_doing};

/// Something that was told, or a request of which nobody can read what it told.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// What links lead to.
    pub(super) anchor: &'a str,
    /// Position among all entries.
    pub(super) number: usize,
    pub(super) exchange: &'a Exchange,
    pub(super) event: Option<&'a TrackerEvent>,
    /// The first of its exchange: the request itself is shown with it.
    pub(super) is_first: bool,
    /// What was typed and stood in it.
    pub(super) leaks: Vec<&'a Leak>,
    pub(super) recipient: Text<'a>,
    /// When it was made, from the run's beginning.
    pub(super) when: String,
    pub(super) what: Text<'a>,
    /// The event's own name, where what is said of it has another.
    pub(super) name: Text<'a>,
    pub(super) page: Text<'a>,
    pub(super) tags: Vec<Tag>,
    /// It tells what was typed, or names somebody.
    pub(super) matters: bool,
}

/// A word or two beside a line.
#[derive(Debug)]
pub(super) struct Tag {
    /// Class of its colour.
    pub(super) tone: &'static str,
    pub(super) text: Text<'static>,
}

/// What an entry is made of.
#[derive(Debug)]
pub(super) struct Of<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) event: Option<&'a TrackerEvent>,
    /// The first of its exchange.
    pub(super) is_first: bool,
    /// Of its exchange, with the first.
    pub(super) leaks: Vec<&'a Leak>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(number: usize, of: Of<'a>, origin: &str, began: Moment) -> Entry<'a> {
        let Of {
            exchange,
            event,
            is_first,
            leaks,
        } = of;
        let recipient: Cow<str> = match event {
            Some(event) => event.recipient.as_ref().into(),
            None => recipient_of(exchange).into(),
        };
        let page = event.and_then(|event| event.page_url.as_deref());
        let page = page.or(exchange.document_url.as_deref()).unwrap_or("");
        let tags = tags(exchange, event, &leaks);
        let what = what(exchange, event);
        let name = event.and_then(|event| event.event_name.as_deref());
        let name = name.filter(|name| !what.starts_with(name)).unwrap_or("");
        Entry {
            anchor: match (event, is_first) {
                (Some(event), false) => &event.id,
                _ => &exchange.id,
            },
            number,
            exchange,
            event,
            is_first,
            recipient: Text::new(recipient),
            when: match event.and_then(|event| event.time).or(exchange.time) {
                Some(time) => {
                    let after = time.millis() - began.millis();
                    format!("{:+.1} s", after as f64 / 1000.0)
                }
                None => "time unknown".to_owned(),
            },
            what: Text::new(what),
            name: Text::new(name),
            page: Text::new(short(page, origin)),
            matters: tags.iter().any(|tag| tag.tone == "bad"),
            tags,
            leaks,
        }
    }
}

/// What is said on the line.
fn what<'a>(exchange: &'a Exchange, event: Option<&TrackerEvent>) -> Cow<'a, str> {
    let path = UrlParts::of(&exchange.url).map_or("", |parts| parts.path);
    let Some(event) = event else {
        let unread = match exchange.party {
            Party::Third => ", not decoded",
            Party::First => "",
        };
        let line = format!(
            "{} {}{path} ({}{unread})",
            exchange.method,
            host_of(exchange),
            exchange.resource_type,
        );
        return line.into();
    };
    let kind = match event.kind {
        EventKind::Event => "",
        EventKind::Gateway => " (by a Gateway)",
        EventKind::Config => "asked for the pixel's configuration",
        EventKind::Library => "asked for the tracker's script",
        EventKind::IdentitySync => "identities matched",
        EventKind::Telemetry => "telemetry",
        EventKind::Topics => "topics asked for",
        EventKind::Unknown => "a request that could not be read",
    };
    let mut line = match event.kind {
        EventKind::Event | EventKind::Gateway => format!("{}{kind}", said(event)),
        _ => format!("{kind}: {path}"),
    };
    let given = given(event);
    if !given.is_empty() {
        line += &format!(", with {}", given.join(", "));
    }
    line.into()
}

fn tags(exchange: &Exchange, event: Option<&TrackerEvent>, leaks: &[&Leak]) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut add = |tone: &'static str, text: String| {
        if !tags.iter().any(|tag| tag.text.raw() == text) {
            let text = Text::new(text);
            tags.push(Tag { tone, text });
        }
    };
    for leak in leaks {
        match is_found(leak) {
            true => add("bad", format!("tells what was typed: {}", leak.canary)),
            false => add("unsure", format!("perhaps what was typed: {}", leak.canary)),
        }
    }
    if let Some(event) = event {
        let strongest = event.identity.iter().map(|signal| signal.strength).min();
        match strongest {
            Some(
                strength @ (Strength::Account
                | Strength::Person
                | Strength::SitePerson
                | Strength::Click),
            ) => {
                add("bad", format!("names {}", whom(strength)));
            }
            Some(strength @ Strength::Browser) => {
                add("plain", format!("names {}", whom(strength)));
            }
            Some(Strength::Weak) | None => {}
        }
        if event.confidence != Confidence::Certain {
            add("unsure", "by its shape".to_owned());
        }
        if event.duplicate_of.is_some() {
            add("plain", "told once more".to_owned());
        }
        if !event.problems.is_empty() {
            add("unsure", "not all could be read".to_owned());
        }
    }
    let outcome = event.map_or(exchange.outcome, |event| event.outcome);
    if let Some(doubt) = doubt(exchange.sent, outcome) {
        let known = exchange.sent == Some(false) && outcome == Outcome::Completed;
        add(if known { "plain" } else { "unsure" }, doubt.to_owned());
    }
    if exchange.origin != Origin::Page {
        add(
            "plain",
            format!("not the page's doing: {}", whose_doing(exchange.origin)),
        );
    }
    tags
}
