//! What the requests in a file told: a table of page, event, what it told and whom it names; then who else was asked.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use serde_json::Value;

use super::count;
use crate::intake::Decoded;
use crate::model::{
    EventKind, Party, Strength, TrackerEvent, UrlParts, ValueForm, recipient, registrable_domain,
};

/// Longer texts are cut in the table; the records have them whole.
const SHOWN: usize = 60;
/// Rows of the table, and hosts that are listed.
const MOST_ROWS: usize = 1000;
const MOST_HOSTS: usize = 20;

/// Grows with the pages and events that differ, not with the requests.
#[derive(Debug, Default)]
pub struct Decodings {
    rows: Vec<Row>,
    index: HashMap<RowKey, usize>,
    more_rows: usize,
    events: BTreeMap<String, usize>,
    repeated: usize,
    /// First problem of each kind of record that has some, and how many have.
    problems: usize,
    unreadable: usize,
    /// Page → registrable domain of its site, and whether a tracker was told so.
    first_party: HashMap<Option<String>, (String, bool)>,
    /// (page, domain, company or domain) → requests that no decoder read.
    others: BTreeMap<(Option<String>, String, String), usize>,
    requests: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RowKey {
    page: String,
    recipient: String,
    event: String,
    told: String,
    names: String,
}

#[derive(Debug)]
struct Row {
    key: RowKey,
    times: usize,
}

impl Decodings {
    /// Takes what a request came to; its records already have ids, and are marked where they repeat others.
    pub fn add(&mut self, decoded: &Decoded) {
        self.requests += 1;
        if let Some(seen) = &decoded.seen {
            let host = seen.host.to_ascii_lowercase();
            let domain = registrable_domain(&host);
            // The site is what a tracker is told that the page is of, else the first that no tracker's decoder knows.
            let told = decoded.events.iter().find_map(|event| {
                let parts = UrlParts::of(event.page_url.as_deref()?)?;
                Some(registrable_domain(parts.host).to_owned())
            });
            let first = told.map(|domain| (domain, true)).or_else(|| {
                decoded
                    .events
                    .is_empty()
                    .then(|| (domain.to_owned(), false))
            });
            if let Some((domain, is_told)) = first {
                match self.first_party.entry(seen.page.clone()) {
                    Entry::Vacant(vacant) => {
                        vacant.insert((domain, is_told));
                    }
                    Entry::Occupied(mut known) if is_told && !known.get().1 => {
                        known.insert((domain, true));
                    }
                    Entry::Occupied(_) => {}
                }
            }
            if decoded.events.is_empty() {
                let who = recipient(&host).unwrap_or(domain).to_owned();
                let key = (seen.page.clone(), domain.to_owned(), who);
                *self.others.entry(key).or_default() += 1;
            }
        }
        for event in &decoded.events {
            self.add_event(event);
        }
    }

    /// Requests that could not be read at all.
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    fn add_event(&mut self, event: &TrackerEvent) {
        if event.kind == EventKind::Unknown {
            self.unreadable += 1;
            return;
        }
        self.problems += usize::from(!event.problems.is_empty());
        if event.duplicate_of.is_some() {
            self.repeated += 1;
            return;
        }
        if matches!(event.kind, EventKind::Event | EventKind::Gateway) {
            *self.events.entry(event.recipient.to_string()).or_default() += 1;
        }
        let key = RowKey {
            page: event.page_url.clone().unwrap_or_default(),
            recipient: event.recipient.to_string(),
            event: name(event),
            told: told(event),
            names: names(event),
        };
        if let Some(&row) = self.index.get(&key) {
            self.rows[row].times += 1;
        } else if self.rows.len() < MOST_ROWS {
            self.index.insert(key.clone(), self.rows.len());
            self.rows.push(Row { key, times: 1 });
        } else {
            self.more_rows += 1;
        }
    }

    /// # Errors
    /// If it cannot be written.
    pub fn render(&self, colour: bool, out: &mut dyn Write) -> io::Result<()> {
        let (bold, plain) = if colour {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        let told: Vec<String> = self
            .events
            .iter()
            .map(|(recipient, events)| format!("{recipient} {}", count(*events, "event")))
            .collect();
        write!(out, "{bold}{}{plain}: ", count(self.requests, "request"))?;
        if told.is_empty() {
            writeln!(out, "none is an event that a decoder knows.")?;
        } else {
            writeln!(out, "{}.", told.join(", "))?;
        }
        let mut pages: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !pages.contains(&row.key.page.as_str()) {
                pages.push(&row.key.page);
            }
        }
        for page in pages {
            let title = if page.is_empty() {
                "(no page was told)"
            } else {
                page
            };
            writeln!(out, "\n{bold}{}{plain}", cut(title, 2 * SHOWN))?;
            for row in self.rows.iter().filter(|row| row.key.page == page) {
                let times = if row.times > 1 {
                    format!(" ×{}", row.times)
                } else {
                    String::new()
                };
                let key = &row.key;
                writeln!(out, "  {}: {}{times}", key.recipient, key.event)?;
                for (label, text) in [("told", &key.told), ("names", &key.names)] {
                    if !text.is_empty() {
                        writeln!(out, "      {label}: {text}")?;
                    }
                }
            }
        }
        writeln!(out)?;
        if self.more_rows > 0 {
            writeln!(
                out,
                "{} are not shown: the records have them.",
                count(self.more_rows, "more event")
            )?;
        }
        if self.repeated > 0 {
            writeln!(
                out,
                "{} of events above are left out (`duplicate_of`).",
                match self.repeated {
                    1 => "1 repeated delivery".to_owned(),
                    repeated => format!("{repeated} repeated deliveries"),
                }
            )?;
        }
        for (party, title) in [
            (Party::Third, "Other third parties"),
            (Party::First, "The site itself"),
        ] {
            self.render_others(party, title, out)?;
        }
        if self.problems > 0 {
            writeln!(
                out,
                "{} with `problems`: see them there.",
                count(self.problems, "record")
            )?;
        }
        if self.unreadable > 0 {
            writeln!(
                out,
                "{} could not be read: what they told is unknown.",
                count(self.unreadable, "request")
            )?;
        }
        Ok(())
    }

    fn render_others(&self, party: Party, title: &str, out: &mut dyn Write) -> io::Result<()> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for ((page, domain, who), requests) in &self.others {
            let first = self.first_party.get(page).map(|(first, _)| first.as_str());
            if Party::of(domain, first.unwrap_or_default()) == party {
                *counts.entry(who).or_default() += requests;
            }
        }
        let mut others: Vec<(&str, usize)> = counts.into_iter().collect();
        if others.is_empty() {
            return Ok(());
        }
        others.sort_by_key(|(who, requests)| (usize::MAX - requests, who.to_owned()));
        let shown: Vec<String> = others
            .iter()
            .take(MOST_HOSTS)
            .map(|(who, requests)| format!("{who} {requests}"))
            .collect();
        let more = match others.len().saturating_sub(MOST_HOSTS) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        writeln!(
            out,
            "{title} (requests that no decoder reads): {}{more}.",
            shown.join(", ")
        )
    }
}

fn name(event: &TrackerEvent) -> String {
    let kind = match event.kind {
        EventKind::Event => None,
        EventKind::Config => Some("configuration"),
        EventKind::Library => Some("script"),
        EventKind::Gateway => Some("by a Gateway"),
        EventKind::IdentitySync => Some("identity sync"),
        EventKind::Telemetry => Some("telemetry"),
        EventKind::Topics => Some("topics"),
        EventKind::Unknown => Some("unreadable"),
    };
    match (&event.event_name, kind) {
        (Some(name), None) => cut(name, SHOWN),
        (Some(name), Some(kind)) => format!("{} ({kind})", cut(name, SHOWN)),
        (None, Some(kind)) => kind.to_owned(),
        (None, None) => "(no event name)".to_owned(),
    }
}

/// The button's text, custom data, and which fields were taken.
fn told(event: &TrackerEvent) -> String {
    let mut said: Vec<String> = event
        .custom_data
        .iter()
        .take(8)
        .map(|(key, value)| match value {
            Value::String(text) => format!("{} “{}”", cut(key, SHOWN), cut(text, SHOWN)),
            Value::Object(_) | Value::Array(_) => format!("{} …", cut(key, SHOWN)),
            other => format!("{} {other}", cut(key, SHOWN)),
        })
        .collect();
    if event.custom_data.len() > 8 {
        said.push(format!("and {} more", event.custom_data.len() - 8));
    }
    let fields: Vec<String> = event
        .user_data
        .iter()
        .filter(|datum| datum.form != ValueForm::Unknown)
        .take(20)
        .map(|datum| match datum.form {
            ValueForm::Placeholder => format!("{}[{}] (a placeholder)", datum.source, datum.key),
            _ => format!("{}[{}]", datum.source, datum.key),
        })
        .collect();
    if !fields.is_empty() {
        said.push(fields.join(" "));
    }
    said.join(", ")
}

/// The signals of the strongest kind that there is.
fn names(event: &TrackerEvent) -> String {
    let Some(strongest) = event.identity.iter().map(|signal| signal.strength).min() else {
        return String::new();
    };
    let whom = match strongest {
        Strength::Account => "the account",
        Strength::Person => "a person",
        Strength::SitePerson => "a person at this site",
        Strength::Click => "who clicked an ad",
        Strength::Browser => "a browser",
        Strength::Weak => "weakly",
    };
    let signals: Vec<String> = event
        .identity
        .iter()
        .filter(|signal| signal.strength == strongest)
        .take(5)
        .map(|signal| {
            format!(
                "{} = {}",
                cut(&signal.signal, SHOWN),
                cut(&signal.value, 24)
            )
        })
        .collect();
    format!("{whom} ({})", signals.join(", "))
}

/// On one line, without what a terminal would obey.
fn cut(text: &str, most: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(most)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}
