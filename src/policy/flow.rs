//! What a request comes to in a baseline: a line without values and times, the same for every run that tells the same.

use std::collections::{BTreeSet, HashMap};

use super::condition::Told;
use super::view::{Request, Traffic, View};
use crate::model::{Outcome, PageFrom, Strength, UrlParts};

/// The line of each request of a run: page template, recipient, endpoint, event, names of fields, verdicts, with tabs between
/// them; `-` where there is none.
pub fn flows(view: &View<'_>) -> Vec<String> {
    let Traffic {
        record, findings, ..
    } = view.traffic;
    let canaries = record.canaries.iter();
    let typed: Vec<String> = canaries.map(|canary| canary.value.to_lowercase()).collect();
    // What stood in a request of what was typed, in whatever form.
    let mut found: HashMap<&str, Vec<String>> = HashMap::new();
    for leak in &findings.leaks {
        let values = found.entry(&leak.exchange).or_default();
        values.push(leak.value.to_lowercase());
    }
    let flows = view.requests.iter().map(|request| {
        let own = found.get(request.exchange.id.as_str());
        let typed = typed.iter().chain(own.into_iter().flatten());
        let typed: Vec<String> = typed.filter(|value| value.len() >= 4).cloned().collect();
        flow(view, request, &typed)
    });
    flows.collect()
}

fn flow(view: &View<'_>, request: &Request<'_>, typed: &[String]) -> String {
    let record = view.traffic.record;
    let origin = &record.scenario.origin;
    let page =
        request
            .pages
            .first()
            .map(|(page, _)| match (view.short(page), UrlParts::of(page)) {
                (path, _) if path.starts_with('/') => template(path, typed),
                (_, Some(parts)) => format!("{}{}", parts.host, template(parts.path, typed)),
                (_, None) => "-".to_owned(),
            });
    // That the same left for certain says more than that it may have.
    let verdict = |told: Told| {
        let mut facts = request.facts.iter().filter(|fact| fact.told == Some(told));
        let suspected = facts.clone().all(|fact| fact.suspected);
        let mark = if suspected { "?" } else { "" };
        facts.next().map(|_| format!("{}{mark}", told.as_str()))
    };
    let mut verdicts: Vec<String> = Told::ALL.into_iter().filter_map(verdict).collect();
    let told_something = !verdicts.is_empty();
    let exchange = request.exchange;
    if exchange.outcome == Outcome::Blocked
        || (exchange.outcome == Outcome::Failed && exchange.sent == Some(false))
    {
        verdicts.push("never_left".to_owned());
    }
    // What was told before an answer is another thing than what is told after it.
    if matches!(request.consent.as_str(), "accept" | "reject") {
        verdicts.push(format!("after_{}", request.consent));
    }
    let parts = UrlParts::of(&request.exchange.url);
    let host = request.host().to_lowercase();
    let endpoint = match parts {
        Some(parts) if request.event.is_some() || told_something => {
            format!("{host}{}", template(parts.path, typed))
        }
        _ => format!("{host}/*"),
    };
    let event = request.event.map(|event| match &event.event_name {
        Some(name) => name
            .split_whitespace()
            .map(|word| if is_id(word) { "*" } else { word })
            .collect::<Vec<_>>()
            .join(" "),
        None => event.kind.as_str().to_owned(),
    });
    let columns = [
        page.unwrap_or_else(|| "-".to_owned()),
        request.recipient().unwrap_or("-").to_owned(),
        endpoint,
        event.unwrap_or_else(|| "-".to_owned()),
        fields(request, origin, typed).join(" "),
        verdicts.join(" "),
    ];
    let columns = columns.map(|column| match column.trim() {
        "" => "-".to_owned(),
        column => masked(&column.replace(char::is_control, " "), typed),
    });
    columns.join("\t")
}

/// Names of what says something: custom data, advanced matching, signals, and where something was found; of what was typed
/// with the canary's name, of where the visitor came from with the page.
fn fields(request: &Request<'_>, origin: &str, typed: &[String]) -> Vec<String> {
    let mut fields = BTreeSet::new();
    if let Some(event) = request.event {
        fields.extend(event.custom_data.keys().map(|key| format!("cd[{key}]")));
        let user_data = event.user_data.iter();
        fields.extend(user_data.map(|datum| format!("{}[{}]", datum.source, datum.key)));
        let signals = event.identity.iter();
        let signals = signals.filter(|signal| signal.strength <= Strength::Browser);
        fields.extend(signals.map(|signal| signal.signal.clone()));
    }
    for fact in request.facts.iter().filter(|fact| fact.told.is_some()) {
        let name = match fact.name.split_once(':') {
            Some(("query" | "form" | "multipart" | "json" | "path", name)) => name,
            _ => &fact.name,
        };
        let name = name.split(" ← ").next().unwrap_or(name);
        // What stands deep in custom data stands in it.
        let known = request.event.is_some() && name.starts_with("cd[");
        let mut name = match name.split_once("].") {
            Some((outer, _)) if known => format!("{outer}]"),
            _ => name.to_owned(),
        };
        if fact.told == Some(Told::TypedValue)
            && let Some(canary) = fact.fields.last()
        {
            name += &format!("←{canary}");
        }
        fields.insert(name);
    }
    let fields: BTreeSet<String> = fields.into_iter().map(|name| plain(&name)).collect();
    let from = request
        .pages
        .iter()
        .filter(|(_, from)| *from == PageFrom::Referrer)
        .filter_map(|(page, _)| page.strip_prefix(origin))
        .map(|path| format!("from:{}", template(path, typed)));
    fields.into_iter().chain(from).collect()
}

/// A name without spaces, ids, and places in lists.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    let mut part = String::new();
    let take = |part: &mut String, plain: &mut String| {
        plain.push_str(if is_id(part) { "*" } else { part });
        part.clear();
    };
    for c in name.chars() {
        match c {
            '[' | ']' | '.' | ':' | '←' | '/' => {
                take(&mut part, &mut plain);
                plain.push(c);
            }
            c if c.is_whitespace() => part.push('_'),
            c => part.push(c),
        }
    }
    take(&mut part, &mut plain);
    plain
}

/// A path in which what is a number, an id or a typed value is `*`.
fn template(path: &str, typed: &[String]) -> String {
    let segments = path.split('/').map(|segment| {
        // What stands behind a semicolon are parameters.
        let segment = segment.split(';').next().unwrap_or(segment);
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        let lower = decoded.to_lowercase();
        let holds_typed = typed.iter().any(|value| lower.contains(value.as_str()));
        if holds_typed || is_id(&decoded) {
            "*"
        } else {
            segment
        }
    });
    let path = segments.collect::<Vec<_>>().join("/");
    if path.is_empty() {
        "/".to_owned()
    } else {
        path
    }
}

/// A number, a UUID, a digest, a token: nothing that a person would name a page.
fn is_id(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let hex = segment.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let all_digits = digits > 0 && segment.chars().all(|c| c.is_ascii_digit());
    // Words with hyphens between them name a page, whatever year they end with.
    let long = segment.len() >= 16 && digits >= 3 && segment.chars().all(is_word);
    all_digits || (hex && digits >= 2 && segment.len() >= 8) || long || segment.contains('@')
}

/// A typed value never stands in a baseline, whatever column it got into.
fn masked(text: &str, typed: &[String]) -> String {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let mut chars: Vec<char> = text.chars().collect();
    for value in typed {
        let value: Vec<char> = value.chars().map(lower).collect();
        let mut at = 0;
        while at + value.len() <= chars.len() && !value.is_empty() {
            let here = &chars[at..at + value.len()];
            if here.iter().copied().map(lower).eq(value.iter().copied()) {
                chars.splice(at..at + value.len(), ['*']);
            }
            at += 1;
        }
    }
    chars.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_id_or_was_typed_is_a_star() {
        let typed = ["xrnwqjr.dalvsb@example.com".to_owned()];
        for (path, expected) in [
            ("/report/sexual-offence/", "/report/sexual-offence/"),
            ("/report/12345/thanks", "/report/*/thanks"),
            ("/r/550e8400-e29b-41d4-a716-446655440000", "/r/*"),
            ("/signals/config/123456789012345", "/signals/config/*"),
            ("/thanks/Xrnwqjr.Dalvsb%40example.com/", "/thanks/*/"),
            ("/advice/covid-19", "/advice/covid-19"),
            ("/en_US/fbevents.js", "/en_US/fbevents.js"),
            ("/s/AbCdEf0123456789xyzab", "/s/*"),
            ("/news/annual-report-2024/", "/news/annual-report-2024/"),
            ("/activityi;src=1;ord=8392017461928", "/activityi"),
            ("/decade/facade", "/decade/facade"),
            ("", "/"),
        ] {
            assert_eq!(template(path, &typed), expected, "{path}");
        }
    }

    #[test]
    fn typed_values_are_masked_whatever_their_case() {
        let typed = ["geheim".to_owned()];
        assert_eq!(masked("a GeheiM b geheim", &typed), "a * b *");
        assert_eq!(masked("İİİİ geheim", &typed), "İİİİ *");
    }
}
