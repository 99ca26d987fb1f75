//! What was told, page by page, and to whom else.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Style, cut, short};
use crate::model::{Outcome, TrackerEvent, ValueForm};
use crate::report::count;
use crate::run::Run;

/// Page by page, what Meta was told, in the order in which the pages first told something.
pub(super) fn pages(
    run: &Run,
    told: &[&TrackerEvent],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut order: Vec<&str> = Vec::new();
    for event in told {
        let page = event.page_url.as_deref().unwrap_or_default();
        if !order.contains(&page) {
            order.push(page);
        }
    }
    let heading = format!(
        "Meta was told of {}, in {}:",
        count(order.len(), "page"),
        count(told.len(), "event")
    );
    writeln!(out, "\n{}", style.bad(&heading))?;
    for page in order {
        let shown = if page.is_empty() {
            "(no page named)"
        } else {
            page
        };
        writeln!(
            out,
            "  {}",
            style.bold(&short(shown, &run.record.scenario.origin))
        )?;
        let mut lines: Vec<(String, usize)> = Vec::new();
        for event in told {
            if event.page_url.as_deref().unwrap_or_default() != page {
                continue;
            }
            let mut line = describe(event);
            if let Some(doubt) = doubt(run, event) {
                line.push_str(doubt);
            }
            tally(&mut lines, line);
        }
        for (line, times) in lines {
            let times = if times > 1 {
                format!("  ×{times}")
            } else {
                String::new()
            };
            writeln!(out, "    {line}{times}")?;
        }
    }
    Ok(())
}

/// Who else was told events that a decoder knows, with their names.
pub(super) fn others_told(
    others: &[&TrackerEvent],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut recipients: BTreeMap<&str, Vec<(String, usize)>> = BTreeMap::new();
    for event in others {
        let name = event.event_name.as_deref().unwrap_or("(no name)");
        tally(recipients.entry(&event.recipient).or_default(), cut(name));
    }
    for (recipient, names) in recipients {
        let events: usize = names.iter().map(|(_, times)| times).sum();
        let names: Vec<String> = names
            .iter()
            .map(|(name, times)| format!("{name} ×{times}"))
            .collect();
        let heading = format!("{recipient} was told {}:", count(events, "event"));
        writeln!(out, "\n{} {}", style.bad(&heading), names.join(", "))?;
    }
    Ok(())
}

/// Counts a line, keeping the order in which the lines first came.
pub(super) fn tally(lines: &mut Vec<(String, usize)>, line: String) {
    match lines.iter_mut().find(|(known, _)| *known == line) {
        Some((_, times)) => *times += 1,
        None => lines.push((line, 1)),
    }
}

/// What the network log does not confirm is said of each event.
pub(super) fn doubt(run: &Run, event: &TrackerEvent) -> Option<&'static str> {
    let exchange = run
        .exchanges
        .iter()
        .find(|exchange| exchange.id == event.exchange)?;
    match (exchange.sent, event.outcome) {
        (Some(true), _) => None,
        (_, Outcome::Contained) => Some("  [contained: not delivered]"),
        (Some(false), _) => Some("  [attempted: it did not leave]"),
        (None, _) => Some("  [whether it left is unknown]"),
    }
}

pub(super) fn describe(event: &TrackerEvent) -> String {
    let text = |key: &str| event.custom_data.get(key).and_then(|value| value.as_str());
    let title = |key: &str, field: &str| {
        event
            .custom_data
            .get(key)
            .and_then(|value| value.get(field)?.as_str())
            .map(str::to_owned)
    };
    let what = match event.event_name.as_deref() {
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
    };
    let mut line = cut(&what);
    let mut given: Vec<&str> = Vec::new();
    for datum in &event.user_data {
        let word = word(&datum.key);
        if datum.form != ValueForm::Placeholder && !given.contains(&word) {
            given.push(word);
        }
    }
    if !given.is_empty() {
        line.push_str(&format!(", with {}", given.join(", ")));
    }
    line
}

/// What a key of advanced matching holds, in a word.
pub(super) fn word(key: &str) -> &str {
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
