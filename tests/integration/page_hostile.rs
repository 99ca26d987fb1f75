//! The report as a page, full of text that would do something if it could.

use pixelwitness::model::Exchange;
use pixelwitness::run::page;
use serde_json::Value;

use crate::page::{alone, leaky};
use crate::viewer::Viewer;

/// Captured text that would do something, if it could.
const HOSTILE: [&str; 8] = [
    "</script><img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(2)>",
    "' onmouseover='alert(3)",
    "javascript:alert(4)",
    "\u{202e}gpj.exe\u{2066}\u{200f}",
    "\0\u{1b}[31m\u{85}\u{2028}",
    "{{7*7}}${7*7}<!--",
    "<a href=https://www.facebook.com/tr/>x</a><style>*{display:none}</style>",
];

/// Every text of a record with something hostile behind it, but for what has to be one of few words.
fn spoil(value: &mut Value, number: &mut usize) {
    const FIXED: [&str; 35] = [
        "id",
        "exchange",
        "duplicate_of",
        "redirected_from",
        "time",
        "outcome",
        "party",
        "body_state",
        "body_path",
        "body_sha256",
        "sources",
        "origin",
        "kind",
        "transport",
        "event_class",
        "form",
        "strength",
        "in",
        "confidence",
        "direction",
        "answered",
        "request_headers#",
        "facts",
        "frames",
        "certainty",
        "submission",
        "evidence",
        "exchanges",
        "events",
        "severity",
        "effect",
        "verdict",
        "page_from",
        "extent",
        "response_body",
    ];
    match value {
        Value::String(text) => {
            *number += 1;
            text.push_str(HOSTILE[*number % HOSTILE.len()]);
            if number.is_multiple_of(97) {
                text.push_str(&"x".repeat(200_000));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, number)),
        Value::Object(map) => {
            for (_, item) in map
                .iter_mut()
                .filter(|(key, _)| !FIXED.contains(&key.as_str()))
            {
                spoil(item, number);
            }
        }
        _ => {}
    }
}

fn spoiled<T: serde::Serialize + serde::de::DeserializeOwned>(record: &T, number: &mut usize) -> T {
    let mut value = serde_json::to_value(record).unwrap();
    spoil(&mut value, number);
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn nothing_that_was_captured_does_anything() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = leaky(folder.path()).await;
    let mut number = 0;
    run.events = run
        .events
        .iter()
        .map(|event| spoiled(event, &mut number))
        .collect();
    run.exchanges = run
        .exchanges
        .iter()
        .map(|exchange| spoiled(exchange, &mut number))
        .collect();
    for leak in &mut run.findings.leaks {
        leak.chain.push_str(HOSTILE[0]);
        leak.canary.push_str(HOSTILE[1]);
        leak.value.push_str(HOSTILE[4]);
        leak.shell = Some(HOSTILE.concat());
    }
    for context in &mut run.findings.contexts {
        context.observation.text.push_str(HOSTILE[0]);
        context.host.push_str(HOSTILE[2]);
    }
    run.record.scenario.title = HOSTILE.concat();
    for (step, hostile) in run
        .record
        .journey
        .steps
        .iter_mut()
        .zip(HOSTILE.iter().cycle())
    {
        step.what.push_str(hostile);
        step.notes.push((*hostile).to_owned());
        step.page = Some((*hostile).to_owned());
    }
    for canary in &mut run.record.canaries {
        canary.value.push_str(HOSTILE[7]);
    }
    let once = alone(&run, folder.path());
    assert!(std::fs::metadata(&once).unwrap().len() > 1_000_000);
    // So much that its details are packed, too.
    let mut large = Vec::new();
    let (exchanges, events) = (run.exchanges.clone(), run.events.clone());
    for copy in 1..40 {
        run.exchanges
            .extend(exchanges.iter().map(|exchange| Exchange {
                id: format!("{}-{copy}", exchange.id),
                ..exchange.clone()
            }));
        run.events.extend(events.iter().cloned().map(|mut event| {
            event.id += &format!("-{copy}");
            event.exchange += &format!("-{copy}");
            event
        }));
    }
    page(&run, false, &mut large).unwrap();
    let packed = folder.path().join("packed.html");
    std::fs::write(&packed, large).unwrap();
    let mut viewer = Viewer::start().await;
    for (path, width) in [(&once, 1200), (&once, 390), (&packed, 1200)] {
        viewer.width(width).await;
        viewer.open(path).await;
        viewer
            .until("document.documentElement.dataset.ready === 'true'")
            .await;
        let is_packed = viewer
            .ask("document.querySelector('[data-at]') !== null")
            .await;
        assert_eq!(is_packed, path == &packed);
        viewer
            .ask("for (const entry of [...document.querySelectorAll('details')].slice(0, 400)) entry.open = true")
            .await;
        viewer.until("[...document.querySelectorAll('details.entry[open]')].every((entry) => entry.querySelector('.detail'))").await;
        let made = viewer
            .ask("[document.images.length, document.querySelectorAll('script:not([type])').length, document.querySelectorAll('svg[onload], [onmouseover], iframe, a[href^=javascript], a[href^=http], style ~ style').length]")
            .await;
        assert_eq!(made, serde_json::json!([0, 1, 0]));
        assert_eq!(
            viewer
                .ask("document.documentElement.scrollWidth <= innerWidth")
                .await,
            true,
            "{width}"
        );
        let names = viewer.ask("document.body.textContent.includes('⟦U+202E⟧') && document.body.textContent.includes('␀') && !/[\\u202e\\u2066\\u0000]/.test(document.body.textContent)").await;
        assert_eq!(names, true);
        assert_eq!(viewer.misdeeds().await, Vec::<String>::new());
    }
    viewer.close().await;
}
