//! A page that fires pixels, as many and as fast as it is asked to, and says how long that took: for benches.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::form_urlencoded;

use super::super::meta::GIF;

/// Where the pixels go.
const SINK: &str = "https://collect.tracker.example/pixel";

/// What became of each run: counted as it comes, so that asking costs nothing while a page is timed.
#[derive(Debug, Default)]
pub(in crate::demo) struct Tallies(Mutex<BTreeMap<String, Tally>>);

#[derive(Debug, Default)]
struct Tally {
    arrived: u64,
    /// As the page says.
    ms: Option<u64>,
}

/// What is asked for under `/pixels` and `/pixel`.
pub(in crate::demo) enum Asked {
    /// `/pixels?run=NAME&n=3000[&rate=20]`: the page. `rate` is in pixels a second; without it all are fired at once.
    Page(String),
    /// `/pixel?run=NAME&…`
    Pixel(String),
    /// `/pixels/done?run=NAME&ms=1234`
    Done(String, u64),
    /// `/pixels/results`: what was reported so far, and how many pixels came.
    Results,
}

impl Asked {
    pub fn of(uri: &Uri) -> Option<Asked> {
        Some(match uri.path() {
            "/pixels" => Asked::Page(page(uri)?),
            "/pixel" => Asked::Pixel(value(uri, "run")?),
            "/pixels/done" => Asked::Done(value(uri, "run")?, value(uri, "ms")?.parse().ok()?),
            "/pixels/results" => Asked::Results,
            _ => return None,
        })
    }

    pub fn answer(self, tallies: &Tallies) -> Response {
        let mut tallies = tallies.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut response = match self {
            Asked::Page(page) => {
                ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
            }
            Asked::Pixel(run) => {
                tallies.entry(run).or_default().arrived += 1;
                ([(header::CONTENT_TYPE, "image/gif")], GIF).into_response()
            }
            Asked::Done(run, ms) => {
                tallies.entry(run).or_default().ms = Some(ms);
                "ok\n".into_response()
            }
            Asked::Results => {
                let done = tallies.iter().filter(|(_, tally)| tally.ms.is_some());
                let done: Vec<_> = done
                    .map(|(run, tally)| json!({ "run": run, "ms": tally.ms, "arrived": tally.arrived }))
                    .collect();
                json!(done).to_string().into_response()
            }
        };
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn page(uri: &Uri) -> Option<String> {
    let number = |key| value(uri, key)?.parse::<u64>().ok();
    let run: String = value(uri, "run")?
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let n = number("n")?;
    // Milliseconds between two pixels.
    let pause = number("rate")
        .filter(|rate| *rate > 0)
        .map_or(0.0, |rate| 1000.0 / rate as f64);
    Some(format!(
        "<!doctype html><html lang='en'><title>Pixels</title><h1>{n} pixels</h1><script>
        const fire = i => new Promise(r => {{ const p = new Image(); p.onload = p.onerror = r; p.src = `{SINK}?run={run}&ev=PageView&i=${{i}}&cd[text]=${{'x'.repeat(100)}}`; }});
        const sleep = ms => new Promise(r => setTimeout(r, ms));
        (async () => {{
            const fired = [], begun = performance.now();
            for (let i = 0; i < {n}; i++) {{ fired.push(fire(i)); const early = begun + (i + 1) * {pause} - performance.now(); if ({pause} && early > 0) await sleep(early); }}
            await Promise.all(fired);
            await fetch(`/pixels/done?run={run}&ms=${{Math.round(performance.now())}}`);
            document.documentElement.className = 'done';
        }})();
        </script>"
    ))
}

fn value(uri: &Uri, key: &str) -> Option<String> {
    form_urlencoded::parse(uri.query()?.as_bytes())
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.into_owned())
}
