//! Evidence records as a table for spreadsheets: a row a record, in order. RFC 4180 with a byte order mark, by which
//! Excel knows UTF-8.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};
use serde::Serialize;
use serde_json::Value;

use crate::model::TrackerEvent;

const HEAD: [&str; 20] = [
    "id",
    "time",
    "step",
    "vendor",
    "recipient",
    "kind",
    "event_name",
    "event_class",
    "pixel_id",
    "page_url",
    "url",
    "method",
    "transport",
    "outcome",
    "identity",
    "user_data",
    "custom_data",
    "duplicate_of",
    "exchange",
    "problems",
];

/// Writes it row by row. Cells that hold a list have `; ` between its items.
///
/// # Errors
/// If it cannot be written.
pub fn render(events: &[TrackerEvent], out: &mut dyn Write) -> io::Result<()> {
    out.write_all("\u{feff}".as_bytes())?;
    let mut table = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(out);
    table.write_record(HEAD)?;
    for event in events {
        let row = row(event);
        table.write_record(row.iter().map(|cell| inert(cell).into_owned()))?;
    }
    table.flush()
}

fn row(event: &TrackerEvent) -> [String; 20] {
    let identity = event.identity.iter();
    let identity = identity.map(|signal| format!("{}={}", signal.signal, signal.value));
    let user_data = event.user_data.iter();
    let user_data =
        user_data.map(|datum| format!("{} {} {}", datum.key, word(&datum.form), datum.value));
    let custom_data = match event.custom_data.is_empty() {
        true => String::new(),
        false => serde_json::to_string(&event.custom_data).unwrap_or_default(),
    };
    [
        event.id.clone(),
        text(event.time),
        text(event.step),
        event.vendor.to_string(),
        event.recipient.to_string(),
        event.kind.as_str().to_owned(),
        text(event.event_name.as_deref()),
        event.event_class.as_ref().map(word).unwrap_or_default(),
        text(event.pixel_id.as_deref()),
        text(event.page_url.as_deref()),
        event.url.clone(),
        event.method.clone(),
        word(&event.transport),
        word(&event.outcome),
        list(identity),
        list(user_data),
        custom_data,
        text(event.duplicate_of.as_deref()),
        event.exchange.clone(),
        list(event.problems.iter().cloned()),
    ]
}

fn text(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("; ")
}

/// A variant's name as records have it.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// An apostrophe before what a spreadsheet would run as a formula: pages choose what their events say. The characters are
/// OWASP's, of its page on CSV injection.
fn inert(cell: &str) -> Cow<'_, str> {
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    match cell.starts_with(formula) {
        true => format!("'{cell}").into(),
        false => cell.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> TrackerEvent {
        serde_json::from_value(json!({
            "id": "e0001", "vendor": "meta_pixel", "recipient": "Meta", "kind": "event",
            "confidence": "certain", "confidence_reason": "", "transport": "form_post",
            "method": "POST", "url": "https://www.facebook.com/tr/", "pixel_id": "12",
            "event_name": "=HYPERLINK(\"https://evil.example\")", "event_class": "custom",
            "event_id": null, "page_url": "https://police.example/a,b", "referrer": null,
            "fbp": null, "fbc": null,
            "user_data": [
                { "key": "em", "source": "ud", "value": "ab\"c", "form": "sha256" },
                { "key": "ph", "source": "ud", "value": "+4477", "form": "plain" },
            ],
            "custom_data": { "title": "Zürich\r\nnow" },
            "identity": [{ "signal": "fbp", "value": "fb.1", "strength": "browser" }],
            "parameters": [], "time": "2026-11-24T09:00:00.000Z", "outcome": "completed",
            "exchange": "x0003", "step": 2, "frame": null, "initiator": null,
            "duplicate_of": null, "problems": ["one", "two"],
        }))
        .unwrap()
    }

    #[test]
    fn a_row_is_a_record_with_every_cell_in_its_column() {
        let mut out = Vec::new();
        render(&[event(), event()], &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let table = out.strip_prefix('\u{feff}').unwrap();
        assert!(table.starts_with("id,time,step,") && table.ends_with("\r\n"));
        let mut table = csv::Reader::from_reader(table.as_bytes());
        let head = table.headers().unwrap().clone();
        let rows: Vec<_> = table.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        let cell = |name: &str| &rows[1][head.iter().position(|cell| cell == name).unwrap()];
        assert_eq!(cell("time"), "2026-11-24T09:00:00.000Z");
        assert_eq!(cell("step"), "2");
        assert_eq!(cell("event_class"), "custom");
        assert_eq!(cell("page_url"), "https://police.example/a,b");
        assert_eq!(cell("transport"), "form_post");
        assert_eq!(cell("identity"), "fbp=fb.1");
        assert_eq!(cell("user_data"), "em sha256 ab\"c; ph plain +4477");
        assert_eq!(cell("custom_data"), r#"{"title":"Zürich\r\nnow"}"#);
        assert_eq!(cell("duplicate_of"), "");
        assert_eq!(cell("exchange"), "x0003");
        assert_eq!(cell("problems"), "one; two");
        assert_eq!(cell("event_name"), "'=HYPERLINK(\"https://evil.example\")");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(inert(cell), format!("'{cell}"));
        }
        for cell in ["", "a=1", " =1", "'=1", "1-1"] {
            assert_eq!(inert(cell), cell);
        }
    }
}
