//! The report as a page, in a real Chromium: clicked through, printed, hostile; and that it shows what the bundle holds.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use pixelwitness::demo::Build;
use pixelwitness::model::{Exchange, Outcome, StepState};
use pixelwitness::run::{Run, page, print};
use pixelwitness::scenario::Scenario;
use serde_json::Value;

use crate::common::{
    check, chromium, copy_folder, debian, pixelwitness, replay, root, shell, verify, written,
};
use crate::viewer::Viewer;

const MAIN: &str = "report-sexual-offence.yaml";

async fn leaky(folder: &Path) -> Run {
    let text = std::fs::read_to_string(root().join("scenarios/demo").join(MAIN)).unwrap();
    let scenario = Scenario::parse(Path::new(MAIN), text).unwrap();
    let (run, server) = replay(&scenario, Build::Leaky, &folder.join("run")).await;
    server.stop().await;
    run
}

/// The page that stands alone, beside the bundle.
fn alone(run: &Run, folder: &Path) -> PathBuf {
    let path = folder.join("report.html");
    let mut html = Vec::new();
    page(run, false, &mut html).unwrap();
    std::fs::write(&path, html).unwrap();
    path
}

#[tokio::test]
async fn a_report_is_clicked_through() {
    let folder = tempfile::tempdir().unwrap();
    let run = leaky(folder.path()).await;
    let mut viewer = Viewer::start().await;
    viewer.width(1200).await;
    // That in the bundle, where it lies, and that which stands alone.
    for path in [
        run.bundle.join("data/report.html"),
        alone(&run, folder.path()),
    ] {
        viewer.open(&path).await;
        viewer
            .until("document.documentElement.dataset.ready === 'true'")
            .await;
        assert_eq!(viewer.text("h1").await, run.record.scenario.title);
        let answers = viewer
            .ask("[...document.querySelectorAll('.card .answer')].map((answer) => answer.textContent)")
            .await;
        assert_eq!(answers, serde_json::json!(["found", "found", "found"]));
        let steps = viewer
            .ask("document.querySelectorAll('section.step[id^=step-]').length")
            .await;
        assert_eq!(steps, run.record.journey.steps.len());
        let pictures = viewer
            .ask("Promise.all([...document.querySelectorAll('.store image')].map((image) => { const copy = new Image(); copy.src = image.getAttribute('href'); return copy.decode().then(() => copy.naturalWidth > 100); }))")
            .await;
        let pictures = pictures.as_array().unwrap();
        assert!(pictures.len() >= run.record.journey.steps.len() - 1);
        assert!(pictures.iter().all(|decodes| *decodes == true));

        // An event opens to what it said.
        let event = run
            .events
            .iter()
            .find(|event| event.event_name.as_deref() == Some("SubscribedButtonClick"))
            .unwrap();
        let entry = format!("#{}", event.exchange);
        assert_eq!(
            viewer
                .ask(&format!(
                    "document.querySelector('{entry} .detail').checkVisibility()"
                ))
                .await,
            false
        );
        viewer.click(&format!("{entry} > summary")).await;
        viewer
            .until(&format!(
                "document.querySelector('{entry} .detail').checkVisibility()"
            ))
            .await;
        let detail = viewer.text(&format!("{entry} .detail")).await;
        assert!(
            detail.contains("cd[buttonText]") && detail.contains("What caused it"),
            "{detail}"
        );
        assert!(
            detail.contains("c_user") && detail.contains("the Facebook account"),
            "{detail}"
        );

        // A filter leaves what fits, and its steps.
        viewer.click("#search").await;
        viewer.type_text("SubscribedButtonClick").await;
        let clicks = run
            .events
            .iter()
            .filter(|event| event.event_name.as_deref() == Some("SubscribedButtonClick"));
        let clicks = clicks.count();
        let visible = "[...document.querySelectorAll('details.entry')].filter((entry) => entry.checkVisibility()).length";
        viewer.until(&format!("{visible} === {clicks}")).await;
        assert!(
            viewer
                .text("#shown")
                .await
                .starts_with(&format!("{clicks} of "))
        );
        assert_eq!(
            viewer
                .ask("document.querySelector('#step-3').checkVisibility()")
                .await,
            false
        );
        viewer.click("#search").await;
        viewer
            .ask("document.querySelector('#search').select()")
            .await;
        viewer.type_text("nothing has this").await;
        viewer.until(&format!("{visible} === 0")).await;
        viewer
            .ask("document.querySelector('#search').select()")
            .await;
        viewer.type_text(" ").await;
        viewer.click("#matters").await;
        let found: HashSet<&str> = run
            .findings
            .leaks
            .iter()
            .map(|leak| leak.exchange.as_str())
            .collect();
        viewer.until(&format!("{visible} > {}", found.len())).await;
        viewer.click("#matters").await;
        viewer
            .until(&format!(
                "{visible} === document.querySelectorAll('details.entry').length"
            ))
            .await;

        // A link leads to the request that it names, which opens.
        let link = "#typed ~ article a";
        let leads_to = viewer.text(link).await;
        viewer.click(link).await;
        viewer
            .until(&format!("document.querySelector('#{leads_to}').open"))
            .await;
        // And the keyboard opens and closes it.
        viewer
            .ask(&format!(
                "document.querySelector('#{leads_to} > summary').focus()"
            ))
            .await;
        viewer.ask("document.activeElement.click()").await;
        viewer
            .until(&format!("!document.querySelector('#{leads_to}').open"))
            .await;
        assert_eq!(viewer.misdeeds().await, Vec::<String>::new());
    }
    // Links to the bundle's files lead there.
    viewer.open(&run.bundle.join("data/report.html")).await;
    let links = viewer
        .ask("[...document.querySelectorAll('a[href]:not([href^=\"#\"])')].map((link) => link.getAttribute('href'))")
        .await;
    let links: Vec<String> = serde_json::from_value(links).unwrap();
    assert!(links.iter().any(|link| link.starts_with("bodies/")));
    for link in links {
        assert!(run.bundle.join("data").join(&link).is_file(), "{link}");
    }
    viewer.close().await;
    // It is one of the bundle's files.
    let (code, result) = verify(&run.bundle, &[]);
    assert_eq!((code, check(&result, "manifest")), (0, "proven".to_owned()));
}

#[tokio::test]
async fn the_page_is_read_without_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let run = leaky(folder.path()).await;
    let mut viewer = Viewer::start().await;
    viewer.width(390).await;
    let html = std::fs::read_to_string(alone(&run, folder.path())).unwrap();
    // As where scripts are switched off: those of the page are no scripts any more.
    let path = folder.path().join("without.html");
    std::fs::write(
        &path,
        html.replace("<script>", "<script type=\"text/plain\">"),
    )
    .unwrap();
    viewer.open(&path).await;
    assert_eq!(
        viewer
            .ask("document.documentElement.dataset.ready ?? null")
            .await,
        Value::Null
    );
    assert_eq!(
        viewer
            .ask("document.querySelector('#filter').checkVisibility()")
            .await,
        false
    );
    let entry = &run
        .events
        .iter()
        .find(|event| event.tells())
        .unwrap()
        .exchange;
    viewer.click(&format!("#{entry} > summary")).await;
    viewer
        .until(&format!(
            "document.querySelector('#{entry} .detail').checkVisibility()"
        ))
        .await;
    assert_eq!(
        viewer
            .ask("document.documentElement.scrollWidth <= innerWidth")
            .await,
        true
    );
    viewer.close().await;
}

/// All that the records say, in one text.
fn said(value: &Value, all: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            all.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| said(item, all)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            all.insert(key.clone());
            said(item, all);
        }),
        Value::Number(number) => {
            all.insert(number.to_string());
        }
        _ => {}
    }
}

#[tokio::test]
async fn it_shows_what_the_bundle_holds_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let run = leaky(folder.path()).await;
    let mut viewer = Viewer::start().await;
    viewer.open(&alone(&run, folder.path())).await;
    // Every event has a line, and every request that was made of a third party.
    let lines = viewer
        .ask("[...document.querySelectorAll('details.entry')].map((entry) => entry.id)")
        .await;
    let lines: HashSet<String> = serde_json::from_value(lines).unwrap();
    for event in &run.events {
        assert!(
            lines.contains(&event.exchange) || lines.contains(&event.id),
            "{}",
            event.id
        );
    }
    for exchange in run
        .exchanges
        .iter()
        .filter(|x| x.outcome == Outcome::Contained)
    {
        assert!(lines.contains(&exchange.id), "{}", exchange.id);
    }
    // What is shown of events, word for word, is in the records or in the bodies.
    let mut all = HashSet::new();
    for value in [
        serde_json::to_value(&run.events).unwrap(),
        serde_json::to_value(&run.exchanges).unwrap(),
        serde_json::to_value(&run.findings).unwrap(),
    ] {
        said(&value, &mut all);
    }
    for exchange in &run.exchanges {
        let body = pixelwitness::bundle::read_body(&run.bundle, exchange);
        all.extend(body.and_then(|body| String::from_utf8(body).ok()));
    }
    let shown = viewer
        .ask("[...document.querySelectorAll('.detail table td code, .detail .leak dd > code, .detail ol code')].filter((code) => !code.closest('summary')).map((code) => code.textContent)")
        .await;
    let shown: Vec<String> = serde_json::from_value(shown).unwrap();
    assert!(shown.len() > 500, "{}", shown.len());
    for text in shown.iter().filter(|text| !text.is_empty()) {
        let decoded = serde_json::from_str::<Value>(text)
            .is_ok_and(|value| value.is_object() || value.is_array());
        assert!(all.contains(text) || decoded, "{text:?} is in no record");
    }
    // Each parameter stands there, in its record's order.
    for event in run.events.iter().filter(|event| event.tells()) {
        let rows = viewer
            .ask(&format!("[...document.querySelectorAll('#{} table:last-of-type tr td:first-child')].map((cell) => cell.textContent)", event.exchange))
            .await;
        let keys: Vec<&str> = event
            .parameters
            .iter()
            .map(|parameter| &*parameter.key)
            .collect();
        assert_eq!(rows, serde_json::json!(keys), "{}", event.id);
    }
    viewer.close().await;
}

#[tokio::test]
async fn what_is_not_known_is_said_to_be_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = leaky(folder.path()).await;
    let event = run.events.iter().position(|event| event.tells()).unwrap();
    let id = run.events[event].exchange.clone();
    let exchange = run.exchanges.iter_mut().find(|x| x.id == id).unwrap();
    exchange.sent = None;
    exchange.initiator_chain.clear();
    exchange.time = None;
    run.events[event].time = None;
    run.record.browser = None;
    run.record.finished = None;
    run.record.journey.steps[21].state = StepState::NotReached;
    let mut viewer = Viewer::start().await;
    viewer.open(&alone(&run, folder.path())).await;
    let line = viewer.text(&format!("#{id} > summary")).await;
    assert!(
        line.contains("time unknown") && line.contains("whether it left is unknown"),
        "{line}"
    );
    viewer.click(&format!("#{id} > summary")).await;
    let detail = viewer.text(&format!("#{id} .detail")).await;
    assert!(
        detail.contains("Whether it left is unknown")
            && detail.contains("Unknown: the browser did not tell."),
        "{detail}"
    );
    let made = viewer.text("#made + dl").await;
    assert!(
        made.contains("Browser\nunknown") && made.contains("never: the run was cut short"),
        "{made}"
    );
    assert!(viewer.text("#step-22").await.contains("not reached"));
    viewer.close().await;
}

/// A picture of the page when the visitor clicked: the element's own colour is where the mark is.
#[tokio::test]
async fn what_was_pointed_at_is_framed_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let steps = "  - navigate: /report/sexual-offence/\n  - click: text/Continue to what happened\n  - change: { selector: \"#incident-date\", value: \"2023-07-01\" }\n  - hover: text/Careers\n";
    let (run, server) = replay(&written(steps), Build::Fixed, &folder.path().join("run")).await;
    server.stop().await;
    assert_eq!(run.record.problems, []);
    for step in &run.record.journey.steps[1..] {
        let pointed = step.pointed.as_ref().unwrap();
        let path = run.bundle.join(pointed.screenshot.as_ref().unwrap());
        let picture = image::open(path).unwrap().to_rgb8();
        let scale = f64::from(picture.width()) / pointed.shown.width;
        assert!(
            (f64::from(picture.height()) - pointed.shown.height * scale).abs() < 2.0,
            "{step:?}"
        );
        let (element, shown) = (pointed.element, pointed.shown);
        let (left, top) = (element.x - shown.x, element.y - shown.y);
        assert!(
            left >= 0.0
                && top >= 0.0
                && left + element.width <= shown.width
                && top + element.height <= shown.height,
            "{step:?}"
        );
        // Along its edges there is something to be seen: inside and outside differ.
        let at = |x: f64, y: f64| picture.get_pixel((x * scale) as u32, (y * scale) as u32).0;
        if step.kind == "click" {
            let inside = at(left + 6.0, top + element.height / 2.0);
            let outside = at(left - 6.0, top + element.height / 2.0);
            assert_ne!(inside, outside, "{step:?}");
        }
    }
    let own = run.record.journey.steps[1].pointed.as_ref().unwrap();
    assert_eq!(
        own.screenshot.as_deref(),
        Some("data/screenshots/002-before.png"),
        "it had to be scrolled to"
    );
    assert!(own.shown.height < 500.0);
}

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

#[tokio::test]
async fn it_is_printed_with_the_bundles_digest_on_every_sheet() {
    debian("pdftotext", "poppler-utils");
    let folder = tempfile::tempdir().unwrap();
    let run = leaky(folder.path()).await;
    let bundle = run.bundle.display().to_string();
    let pdf = folder.path().join("report.pdf").display().to_string();
    let printed = pixelwitness(&["report", &bundle, "--format", "pdf", "-o", &pdf], &[]);
    assert_eq!(
        printed.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&printed.stderr)
    );
    let (done, digest) = shell(
        &run.bundle,
        "sha256sum tagmanifest-sha256.txt | cut -d' ' -f1",
    );
    assert!(done);
    let (done, text) = shell(folder.path(), "pdftotext -layout report.pdf -");
    assert!(done, "{text}");
    let sheets: Vec<&str> = text
        .split('\u{c}')
        .filter(|sheet| !sheet.trim().is_empty())
        .collect();
    assert!(sheets.len() > 4);
    for (number, sheet) in sheets.iter().enumerate() {
        assert!(sheet.contains(digest.trim()), "sheet {}", number + 1);
        assert!(
            sheet.contains(&format!("{} / {}", number + 1, sheets.len())),
            "sheet {}",
            number + 1
        );
    }
    assert!(text.contains("Did what was typed leave?") && text.contains("sha256 ← lower ← email"));
    // A page that is not there is no PDF.
    let nothing = print(Path::new("/nowhere/report.html"), chromium().await, "").await;
    assert!(nothing.is_err());
}

/// Before a fix and after it.
#[tokio::test]
async fn two_runs_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo").display().to_string();
    let html = folder.path().join("compared.html");
    let (html_name, quiet) = (html.display().to_string(), "--quiet");
    let demo = pixelwitness(&["demo", "-o", &out, "--html", &html_name, quiet], &[]);
    assert_eq!(demo.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&demo.stdout),
        "",
        "--quiet says nothing"
    );
    let mut viewer = Viewer::start().await;
    for width in [1200, 390] {
        viewer.width(width).await;
        viewer.open(&html).await;
        viewer
            .until("document.documentElement.dataset.ready === 'true'")
            .await;
        let outcomes = viewer
            .ask("[...document.querySelectorAll('#verdicts + table td > span')].map((word) => word.textContent)")
            .await;
        assert_eq!(
            outcomes,
            serde_json::json!([
                "found",
                "not found",
                "found",
                "not found",
                "found",
                "not found"
            ])
        );
        let differs = viewer.text("header ul").await;
        assert!(
            differs.contains("Did what was typed leave? found in A, not found in B"),
            "{differs}"
        );
        assert!(
            differs.contains("The rule no-meta-on-reports: violated in A, passed in B"),
            "{differs}"
        );
        assert_eq!(
            viewer
                .ask("document.documentElement.scrollWidth <= innerWidth")
                .await,
            true
        );
        assert_eq!(viewer.misdeeds().await, Vec::<String>::new());
    }
    viewer.close().await;
    let (a, b) = (format!("{out}/leaky"), format!("{out}/fixed"));
    let words = pixelwitness(&["report", &a, &b], &[]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(
        words.contains("Did what was typed leave?\n    A  found\n    B  not found\n"),
        "{words}"
    );
    assert!(
        words.lines().all(|line| line.chars().count() <= 100),
        "{words}"
    );
    let csv = pixelwitness(&["report", &a, &b, "--format", "csv"], &[]);
    assert_eq!(csv.status.code(), Some(2));
    // The same twice differs in nothing.
    let same = pixelwitness(&["report", &a, &a], &[]);
    let same = String::from_utf8(same.stdout).unwrap();
    assert!(!same.contains("Flows that"), "{same}");
}

/// A tampered page is found out, even where all digests were made anew.
#[tokio::test]
async fn a_page_that_says_something_else_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let run = leaky(folder.path()).await;
    let forged = folder.path().join("forged");
    copy_folder(&run.bundle, &forged);
    let path = forged.join("data/report.html");
    let html = std::fs::read_to_string(&path).unwrap();
    let spoken = html.replacen(">found</p>", ">not found</p>", 1);
    assert_ne!(html, spoken);
    std::fs::write(&path, spoken).unwrap();
    let anew = "find data -type f | LC_ALL=C sort | xargs sha256sum > manifest-sha256.txt && \
        octets=$(find data -type f -printf '%s\\n' | awk '{ sum += $1 } END { printf \"%d\", sum }') && \
        sed -i \"s/^Payload-Oxum: .*/Payload-Oxum: $octets.$(wc -l < manifest-sha256.txt)/\" bag-info.txt && \
        sha256sum VERIFY.md bag-info.txt bagit.txt manifest-sha256.txt > tagmanifest-sha256.txt";
    let (done, said) = shell(&forged, anew);
    assert!(done, "{said}");
    let (code, result) = verify(&forged, &[]);
    assert_eq!(code, 1, "{result:#}");
    assert!(
        result.to_string().contains("data/report.html"),
        "{result:#}"
    );
}
