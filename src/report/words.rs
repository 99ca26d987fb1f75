//! What records say, in words: for every report that a person reads.

use std::collections::{BTreeMap, HashMap, HashSet};

use url::Url;

use crate::model::{
    AuditVerdict, EventKind, Exchange, Leak, LeakExtent, Origin, Outcome, Party, Residue, Strength,
    TrackerEvent, UrlParts, ValueForm,
};
use crate::run::Run;

/// A page of the site by its path; any other address whole.
pub(super) fn short<'a>(url: &'a str, origin: &str) -> &'a str {
    match (Url::parse(url), url.strip_prefix(origin)) {
        (Ok(_), Some(path)) if path.starts_with('/') => path,
        _ => url,
    }
}

/// What became of a request, unless it is known to have left.
pub(super) fn doubt(sent: Option<bool>, outcome: Outcome) -> Option<&'static str> {
    match (sent, outcome) {
        (Some(true), _) => None,
        (_, Outcome::Contained) => Some("contained: not delivered"),
        (Some(false), Outcome::Completed) => Some("from the browser's cache: it did not leave"),
        (Some(false), _) => Some("attempted: it did not leave"),
        (None, _) => Some("whether it left is unknown"),
    }
}

/// What an event says: `clicked “Report a burglary”`.
pub(super) fn said(event: &TrackerEvent) -> String {
    let text = |key: &str| event.custom_data.get(key).and_then(|value| value.as_str());
    let title = |key: &str, field: &str| {
        event
            .custom_data
            .get(key)
            .and_then(|value| value.get(field)?.as_str())
    };
    match event.event_name.as_deref() {
        Some("PageView") => "page viewed".to_owned(),
        Some("SubscribedButtonClick") => match text("buttonText") {
            Some(button) => format!("clicked “{}”", button.trim()),
            None => "a button was clicked".to_owned(),
        },
        Some("Microdata") => match title("Meta", "title") {
            Some(title) => format!("page's content read: “{title}”"),
            None => "page's content read".to_owned(),
        },
        Some(name) => {
            let data: Vec<String> = event
                .custom_data
                .iter()
                .map(|(key, value)| format!("{key} {value}"))
                .collect();
            format!("{name} {}", data.join(", ")).trim().to_owned()
        }
        None => "an event without a name".to_owned(),
    }
}

/// What it says of the person, in a word each: `e-mail`, `phone`.
pub(super) fn given(event: &TrackerEvent) -> Vec<&str> {
    let mut given: Vec<&str> = Vec::new();
    for datum in &event.user_data {
        let word = word(&datum.key);
        if datum.form != ValueForm::Placeholder && !given.contains(&word) {
            given.push(word);
        }
    }
    given
}

/// What a key of advanced matching holds, in a word.
fn word(key: &str) -> &str {
    match key {
        "em" => "e-mail",
        "ph" => "phone",
        "fn" => "first name",
        "ln" => "last name",
        "db" => "date of birth",
        "zp" => "postcode",
        "ct" => "town",
        "st" => "county",
        "ge" => "gender",
        other => other,
    }
}

/// Whom a signal of that strength names.
pub(super) fn whom(strength: Strength) -> &'static str {
    match strength {
        Strength::Account => "the Facebook account",
        Strength::Person => "a person",
        Strength::SitePerson => "a person at this site",
        Strength::Click => "an ad click, and so an account",
        Strength::Browser => "this browser",
        Strength::Weak => "weak",
    }
}

/// The question that a verdict answers.
pub(super) fn question(verdict: &str) -> &'static str {
    match verdict {
        "typed_value" => "Did what was typed leave?",
        "page_context" => "Was it told what the pages are about?",
        _ => "Was it tied to a person or a browser?",
    }
}

/// How a leak came about, and how much of what was typed it is.
pub(super) fn chain_and_extent(leak: &Leak) -> String {
    let chain = &leak.chain;
    match leak.extent {
        LeakExtent::Whole => chain.clone(),
        LeakExtent::Part { characters, of } => {
            format!("{chain}  (the first {characters} of {of} characters)")
        }
        LeakExtent::Split { pieces } => format!("{chain}  (in {pieces} pieces)"),
        LeakExtent::Keystrokes { .. } => format!("{chain}  (key by key)"),
    }
}

/// Where it was typed: `typed in step 16 (#email)`; nothing where that is not known. `typed` as it is to be written.
pub(super) fn typed_in(leak: &Leak, typed: &str) -> Option<String> {
    let steps: Vec<String> = leak.typed_in.iter().map(u32::to_string).collect();
    let field = leak.fields.join(", ");
    match steps.as_slice() {
        [] => None,
        [step] => Some(format!("{typed} in step {step} ({field})")),
        steps => Some(format!("{typed} in steps {} ({field})", steps.join(", "))),
    }
}

/// Which side of the audit alone has a request.
pub(super) fn side(seen_by: Residue) -> &'static str {
    match seen_by {
        Residue::NetLog => "in the network log alone",
        Residue::Cdp => "in the browser's messages alone",
    }
}

/// Signals that name a person or a browser, the strongest first, each with the number of events that carried it.
pub(super) fn named<'a>(
    told: impl IntoIterator<Item = &'a TrackerEvent>,
) -> BTreeMap<(Strength, &'a str, &'a str), usize> {
    let mut signals = BTreeMap::new();
    for event in told {
        for identity in &event.identity {
            if identity.strength <= Strength::Browser {
                let key = (
                    identity.strength,
                    identity.signal.as_str(),
                    identity.value.as_str(),
                );
                *signals.entry(key).or_default() += 1;
            }
        }
    }
    signals
}

/// Whether each exchange left, by its id.
pub(super) fn sent_by_id(run: &Run) -> HashMap<&str, Option<bool>> {
    let exchanges = run.exchanges.iter();
    exchanges
        .map(|exchange| (exchange.id.as_str(), exchange.sent))
        .collect()
}

/// How many of some requests left, how many did not, and of how many that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) left: usize,
    pub(super) kept: usize,
    pub(super) unknown: usize,
}

impl Fate {
    pub(super) fn take(&mut self, sent: Option<bool>) {
        match sent {
            Some(true) => self.left += 1,
            Some(false) => self.kept += 1,
            None => self.unknown += 1,
        }
    }

    /// That somebody was told something, or would have been, or that it is not known.
    pub(super) fn says(self, to: &str, what: &str) -> String {
        match (self.left, self.unknown) {
            (1.., _) => format!("{to} was told {what}"),
            (0, 1..) => format!("Whether {to} was told {what} is unknown"),
            (0, 0) => format!("{to} would have been told {what}: it did not leave"),
        }
    }

    /// `3 left, 1 did not leave`
    pub(super) fn in_numbers(self) -> String {
        let parts = [
            (self.left, "left"),
            (self.kept, "did not leave"),
            (self.unknown, "unknown"),
        ];
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        let parts: Vec<String> = parts
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        parts.join(", ")
    }
}

/// Requests that somebody else was asked for: those to third parties, and those to whatever host that carry an event; each
/// with who is told.
pub(super) fn asked(run: &Run) -> impl Iterator<Item = (&str, &Exchange)> {
    let mut told: HashMap<&str, &str> = HashMap::new();
    for event in &run.events {
        told.entry(&event.exchange).or_insert(&event.recipient);
    }
    run.exchanges
        .iter()
        .filter_map(move |exchange| match told.get(exchange.id.as_str()) {
            Some(recipient) => Some((*recipient, exchange)),
            None if is_third_partys(exchange) => Some((recipient_of(exchange), exchange)),
            None => None,
        })
}

/// Whether a value was planted for the run.
pub(super) fn is_planted(run: &Run, value: &str) -> bool {
    let mut canaries = run.record.canaries.iter();
    canaries.any(|canary| canary.value == value)
}

/// The company that a request went to, or its host.
pub(super) fn recipient_of(exchange: &Exchange) -> &str {
    match &exchange.recipient {
        Some(recipient) => recipient,
        None => host_of(exchange),
    }
}

/// The host that a request went to; its address, if that names none.
pub(super) fn host_of(exchange: &Exchange) -> &str {
    UrlParts::of(&exchange.url).map_or(exchange.url.as_str(), |parts| parts.host)
}

/// Whose doing a request is.
pub(super) fn whose_doing(origin: Origin) -> &'static str {
    match origin {
        Origin::Page => "page",
        Origin::Reporting => "reporting",
        Origin::ServiceWorkerUpdate => "service-worker update",
        Origin::Browser => "the browser itself",
    }
}

/// Whether a request went to a third party, and not by the browser's own doing.
pub(super) fn is_third_partys(exchange: &Exchange) -> bool {
    exchange.party == Party::Third && exchange.origin != Origin::Browser
}

pub(super) fn is_meta(exchange: &Exchange) -> bool {
    exchange.recipient.as_deref() == Some("Meta")
}

/// Pages of the site that were opened and on which nothing went to Meta, in the order in which they were. None: that could
/// not be established.
pub(super) fn untold(run: &Run) -> Option<Vec<&str>> {
    // An event names its page itself, and may be sent when the next page has already begun.
    let carriers: HashSet<&str> = run
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Event | EventKind::Gateway))
        .map(|event| event.exchange.as_str())
        .collect();
    let carries_event = |exchange: &Exchange| carriers.contains(exchange.id.as_str());
    let mut unplaced = false;
    let mut visited: Vec<(&str, bool)> = Vec::new();
    let mut current: BTreeMap<&str, usize> = BTreeMap::new();
    for exchange in &run.exchanges {
        let Some(target) = exchange.target.as_deref() else {
            unplaced |= is_meta(exchange) && !carries_event(exchange);
            continue;
        };
        let page = exchange.resource_type == "document"
            && exchange.frame.as_deref() == Some(target)
            && exchange.party == Party::First
            && exchange.outcome == Outcome::Completed
            && exchange.status.is_some_and(|status| status < 300);
        if page {
            let index = visited
                .iter()
                .position(|(url, _)| *url == exchange.url)
                .unwrap_or_else(|| {
                    visited.push((&exchange.url, false));
                    visited.len() - 1
                });
            current.insert(target, index);
        } else if is_meta(exchange)
            && !carries_event(exchange)
            && let Some(&index) = current.get(target)
        {
            visited[index].1 = true;
        }
    }
    for event in run
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Event | EventKind::Gateway))
    {
        let page = event.page_url.as_deref().unwrap_or_default();
        let page = page.split('#').next().unwrap_or_default();
        let mut known = false;
        for (url, told) in &mut visited {
            if *url == page {
                (*told, known) = (true, true);
            }
        }
        // An address that no visited page has (cut to the origin, or changed by script) may be any of them.
        unplaced |= !known;
    }
    let established = matches!(
        run.record.audit.verdict,
        AuditVerdict::Complete | AuditVerdict::CompleteWithListedResiduals
    );
    (established && !unplaced).then(|| {
        let quiet = visited.into_iter().filter(|(_, told)| !told);
        quiet.map(|(url, _)| url).collect()
    })
}
