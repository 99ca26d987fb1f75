//! What a request comes to in a baseline: a line without values and times, the same for every run that tells the same.

use std::collections::BTreeSet;

use super::condition::Told;
use super::view::{Request, View};
use crate::model::{Strength, UrlParts};

/// Page template, recipient, endpoint, event, names of fields, verdicts, with tabs between them; `-` where there is none.
pub fn flow(view: &View<'_>, request: &Request<'_>) -> String {
    let record = view.traffic.record;
    let typed: Vec<String> = record
        .canaries
        .iter()
        .map(|canary| canary.value.to_lowercase())
        .filter(|value| value.len() >= 4)
        .collect();
    let origin = &record.scenario.origin;
    let page = request.pages.first().map(|(page, _)| {
        let path = page
            .strip_prefix(origin.as_str())
            .filter(|path| path.starts_with('/'));
        match (path, UrlParts::of(page)) {
            (Some(path), _) => template(path, &typed),
            (None, Some(parts)) => format!("{}{}", parts.host, template(parts.path, &typed)),
            (None, None) => "-".to_owned(),
        }
    });
    let verdicts: BTreeSet<String> = request
        .facts
        .iter()
        .filter_map(|fact| {
            let mark = if fact.suspected { "?" } else { "" };
            fact.told.map(|told| format!("{}{mark}", told.as_str()))
        })
        .collect();
    // That the same left for certain says more.
    let verdicts: Vec<&str> = Told::ALL
        .iter()
        .flat_map(|told| {
            let sure = verdicts.get(told.as_str());
            sure.or_else(|| verdicts.get(&format!("{}?", told.as_str())))
        })
        .map(String::as_str)
        .collect();
    let parts = UrlParts::of(&request.exchange.url);
    let host = request.host().to_lowercase();
    let endpoint = match parts {
        Some(parts) if request.event.is_some() || !verdicts.is_empty() => {
            format!("{host}{}", template(parts.path, &typed))
        }
        _ => format!("{host}/*"),
    };
    let event = request.event.map(|event| match &event.event_name {
        Some(name) => name.clone(),
        None => event.kind.as_str().to_owned(),
    });
    let columns = [
        page.unwrap_or_else(|| "-".to_owned()),
        request.recipient().unwrap_or("-").to_owned(),
        endpoint,
        event.unwrap_or_else(|| "-".to_owned()),
        fields(request).join(" "),
        verdicts.join(" "),
    ];
    let columns = columns.map(|column| match column.trim() {
        "" => "-".to_owned(),
        column => masked(&column.replace(char::is_control, " "), &typed),
    });
    columns.join("\t")
}

/// Names of what says something: custom data, advanced matching, signals, and where something was found.
fn fields(request: &Request<'_>) -> Vec<String> {
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
        let name = match name.split_once("].") {
            Some((outer, _)) if known => format!("{outer}]"),
            _ => name.to_owned(),
        };
        fields.insert(name);
    }
    let plain = |name: String| -> String {
        let mut plain = String::new();
        let mut inside = false;
        for c in name.chars() {
            match c {
                '[' => inside = true,
                ']' => inside = false,
                _ => {}
            }
            match c {
                c if c.is_whitespace() => plain.push('_'),
                // Places in lists are no names.
                c if inside && c.is_ascii_digit() => {
                    if !plain.ends_with('*') {
                        plain.push('*');
                    }
                }
                c => plain.push(c),
            }
        }
        plain
    };
    let fields: BTreeSet<String> = fields.into_iter().map(plain).collect();
    fields.into_iter().collect()
}

/// A path in which what is a number, an id or a typed value is `*`.
fn template(path: &str, typed: &[String]) -> String {
    let segments = path.split('/').map(|segment| {
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
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let hex = segment.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let all_digits = digits > 0 && segment.chars().all(|c| c.is_ascii_digit());
    let long = segment.len() >= 20 && digits >= 4 && segment.chars().all(is_word);
    all_digits || (hex && digits >= 2 && segment.len() >= 8) || long || segment.contains('@')
}

/// A typed value never stands in a baseline, whatever column it got into.
fn masked(text: &str, typed: &[String]) -> String {
    let mut text = text.to_owned();
    for value in typed {
        while let Some(start) = text.to_lowercase().find(value.as_str()) {
            let Some(range) = text
                .get(start..start + value.len())
                .map(|_| start..start + value.len())
            else {
                break;
            };
            text.replace_range(range, "*");
        }
    }
    text
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
    }
}
