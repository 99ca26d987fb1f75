//! The report as a page, in a real Chromium: clicked through, printed, compared; and that it shows what the bundle holds.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use pixelwitness::demo::Build;
use pixelwitness::model::{JourneyState, Outcome, StepState};
use pixelwitness::run::{Run, page, print};
use pixelwitness::scenario::Scenario;
use serde_json::Value;

use crate::common::{
    check, chromium, copy_folder, debian, pixelwitness, replay, root, shell, verify, written,
};
use crate::viewer::Viewer;

const MAIN: &str = "report-sexual-offence.yaml";

pub async fn leaky(folder: &Path) -> Run {
    let text = std::fs::read_to_string(root().join("scenarios/demo").join(MAIN)).unwrap();
    let scenario = Scenario::parse(Path::new(MAIN), text).unwrap();
    let (run, server) = replay(&scenario, Build::Leaky, &folder.join("run")).await;
    server.stop().await;
    run
}

/// The page that stands alone, beside the bundle.
pub fn alone(run: &Run, folder: &Path) -> PathBuf {
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
    assert!(links.iter().any(|link| link.starts_with("./bodies/")));
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
    // Whom it names is what the verdict rests on.
    let named = viewer.text("#named + table").await;
    for link in &run.findings.identities {
        assert!(named.contains(&link.signal), "{}: {named}", link.signal);
    }
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
    // By the policy that is in the bundles, as CI systems read it.
    let of_policy = |format: &str, bundles: &[&str]| {
        let fixed = ["report", "--format", format];
        let output = pixelwitness(&[&fixed, bundles].concat(), &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let junit = of_policy("junit", &[&a]);
    assert!(
        junit.contains("<testsuites") && junit.contains("no-meta-on-reports"),
        "{junit}"
    );
    let sarif: Value = serde_json::from_str(&of_policy("sarif", &[&a, &b])).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
    let markdown = of_policy("markdown", &[&b]);
    assert!(
        markdown.starts_with("## pixelwitness: passed"),
        "{markdown}"
    );
    // The same twice differs in nothing.
    let same = pixelwitness(&["report", &a, &a], &[]);
    let same = String::from_utf8(same.stdout).unwrap();
    assert!(!same.contains("Flows that"), "{same}");
}

/// What was kept from leaving, and what is not known to have left, was told to nobody.
#[tokio::test]
async fn what_did_not_leave_was_told_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let run = leaky(folder.path()).await;
    let mut viewer = Viewer::start().await;
    for (sent, says, number) in [
        (Some(false), "would have been told", "Did not leave"),
        (None, "is unknown", "Unknown whether"),
    ] {
        let mut run = Run::load(&run.bundle).unwrap();
        for exchange in &mut run.exchanges {
            exchange.sent = sent;
        }
        for leak in &mut run.findings.leaks {
            leak.sent = sent;
            if sent == Some(false) {
                leak.outcome = Outcome::Contained;
            }
        }
        for context in &mut run.findings.contexts {
            context.sent = sent;
        }
        viewer.open(&alone(&run, folder.path())).await;
        let headline = viewer.text("header .lede").await;
        assert!(headline.contains(says), "{headline}");
        let headings = viewer
            .ask("[...document.querySelectorAll('.way h3, #topics ~ article h3')].map((heading) => heading.textContent)")
            .await;
        let headings: Vec<String> = serde_json::from_value(headings).unwrap();
        assert!(
            headings.len() > 5 && headings.iter().all(|heading| heading.contains(says)),
            "{headings:?}"
        );
        let row = format!(
            "[...document.querySelectorAll('#recipients ~ table tbody tr')].map((row) => [row.querySelector('[data-label=\"Left\"]').textContent, row.querySelector('[data-label=\"{number}\"]').textContent === row.querySelector('[data-label=\"Requests\"]').textContent])"
        );
        assert_eq!(viewer.ask(&row).await[0], serde_json::json!(["0", true]));
        assert_eq!(
            viewer
                .ask("document.querySelectorAll('.chart [class^=shade]').length === 0")
                .await,
            sent == Some(false)
        );
    }
    viewer.close().await;
}

/// A side that did not come to its end is unknown where it has nothing, and not zero.
#[tokio::test]
async fn a_side_that_broke_off_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let whole = leaky(folder.path()).await;
    let mut broken = Run::load(&whole.bundle).unwrap();
    broken.record.journey.state = JourneyState::Failed;
    broken.findings.leaks.clear();
    for step in &mut broken.record.journey.steps[9..] {
        step.state = StepState::NotReached;
    }
    broken
        .exchanges
        .retain(|exchange| exchange.step.is_some_and(|step| step < 10));
    let mut html = Vec::new();
    pixelwitness::report::html::render_comparison(&[&whole, &broken], &mut html).unwrap();
    let path = folder.path().join("compared.html");
    std::fs::write(&path, html).unwrap();
    let mut viewer = Viewer::start().await;
    viewer.open(&path).await;
    let cells = viewer
        .ask("[...document.querySelectorAll('#typed + table [data-label=\"B: times\"], #events + table [data-label=\"B: events\"]')].map((cell) => cell.textContent)")
        .await;
    let cells: Vec<String> = serde_json::from_value(cells).unwrap();
    assert!(
        cells.len() > 20 && cells.iter().all(|cell| cell.starts_with("unknown")),
        "{cells:?}"
    );
    viewer.open(&alone(&broken, folder.path())).await;
    assert!(
        viewer
            .text("#step-12 .sum")
            .await
            .contains("unknown: it was not reached")
    );
    viewer.close().await;
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
