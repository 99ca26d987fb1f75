//! `pixelwitness demo --gallery`: plays every channel and prints how each fared.

use std::path::{Path, PathBuf};

use super::batch::default_out;
use super::batch::one;
use super::options::{Replay, cancel_on_signal};
use super::{exit, talk};
use crate::bundle::read_body;
use crate::capture::Deliver;
use crate::demo::gallery::{self, Channel, Row};
use crate::demo::{Build, DemoServer};
use crate::report::{audit, gallery as table};
use crate::run::{Run, RunError, RunOptions};
use crate::scenario::Scenario;

/// Plays the gallery once; what arrived at the server is added to `log`, a JSON object each. Gives the exit code.
pub(super) async fn play(
    replay: &Replay,
    browser: PathBuf,
    out: Option<PathBuf>,
    only: &[String],
    log: &mut Vec<String>,
) -> u8 {
    for name in only {
        if !gallery::channels().any(|channel| channel.name == name) {
            let known: Vec<&str> = gallery::channels().map(|channel| channel.name).collect();
            talk::error(
                &format!("the gallery has no channel `{name}`"),
                Some(&format!("it has: {}", known.join(", "))),
            );
            return exit::BAD_INPUT;
        }
    }
    let played: Vec<&'static Channel> = gallery::channels()
        .filter(|channel| only.is_empty() || only.iter().any(|name| name == channel.name))
        .collect();
    let out = out.unwrap_or_else(|| default_out("gallery"));
    let server = match DemoServer::start(Build::Leaky).await {
        Ok(server) => server,
        Err(error) => {
            talk::error(&format!("the demo site did not start: {error}"), None);
            return exit::INCONCLUSIVE;
        }
    };
    let code = match against(&server, replay, browser, out, &played).await {
        Ok((run, rows)) => print(replay.json, &run, &rows),
        Err(code) => code,
    };
    for entry in server.access_log() {
        log.push(serde_json::json!({ "build": "gallery", "request": entry }).to_string());
    }
    server.stop().await;
    code
}

async fn against(
    server: &DemoServer,
    replay: &Replay,
    browser: PathBuf,
    out: PathBuf,
    played: &[&'static Channel],
) -> Result<(Run, Vec<Row>), u8> {
    let failed = |what: String| {
        talk::error(&what, None);
        exit::INCONCLUSIVE
    };
    // Two channels upload a file from disk.
    let file = tempfile::Builder::new()
        .prefix("pixelwitness-upload-")
        .tempfile()
        .and_then(|file| {
            std::fs::write(file.path(), gallery::upload())?;
            Ok(file)
        })
        .map_err(|error| failed(format!("failed to write a file to upload: {error}")))?;
    let text = gallery::scenario(played.iter().copied(), file.path());
    let scenario = Scenario::parse(Path::new("gallery.yaml"), text)
        .map_err(|diagnostic| talk::diagnostic(&diagnostic))?;
    let mut options = RunOptions {
        connect_to: gallery::connect_to(server.addr()),
        trusted_keys: vec![server.spki_sha256_base64().to_owned()],
        ..replay.options(browser, out, None)?
    };
    options.browser_args.push(gallery::BROWSER_ARG.to_owned());
    // Its forms file nothing with anybody.
    if options.deliver == Deliver::AllButReports {
        options.deliver = Deliver::All;
    }
    let run = one(
        &scenario,
        &options,
        cancel_on_signal(),
        &scenario.title,
        None,
    )
    .await
    .map_err(|error: RunError| {
        talk::error(&error.to_string(), Some(&error.help()));
        exit::INCONCLUSIVE
    })?;
    let rows = gallery::tally(
        played,
        &server.access_log(),
        &server.socket_messages(),
        &run.exchanges,
        |exchange| read_body(&run.bundle, exchange),
    );
    Ok((run, rows))
}

fn print(json: bool, run: &Run, rows: &[Row]) -> u8 {
    for problem in &run.record.problems {
        talk::error(&problem.message, problem.help.as_deref());
    }
    let good = rows.iter().all(Row::is_good) && run.record.problems.is_empty();
    let code = if good { exit::OK } else { exit::INCONCLUSIVE };
    if json {
        let result = serde_json::json!({
            "exit_code": code, "bundle": run.bundle, "channels": rows, "run": run.record,
        });
        talk::data(&format!("{result:#}"));
    } else {
        let mut stdout = std::io::stdout().lock();
        // A reader that has gone away, as `head` does, is no failure of the run.
        let colour = talk::colour_on_stdout();
        let _ = table::render(rows, colour, &mut stdout)
            .and_then(|()| audit::render(&run.record.audit, colour, &mut stdout));
        talk::note(&format!("evidence: {}", run.bundle.display()));
    }
    code
}
