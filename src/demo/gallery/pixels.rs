//! A page that fires pixels, as many and as fast as it is asked to, and says how long that took: for benches.

use std::time::Duration;

use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::form_urlencoded;

use super::super::access_log::AccessLog;
use super::super::meta::GIF;

/// Where the pixels go.
const SINK: &str = "https://collect.tracker.example/pixel";

/// What is asked for under `/pixels` and `/pixel`.
pub(in crate::demo) enum Asked {
    /// `/pixels?run=NAME&n=3000[&rate=20]`: the page. `rate` is in pixels a second; without it all are fired at once.
    Page(String),
    /// `/pixel?run=NAME&…`
    Pixel,
    /// `/pixels/done?run=NAME&ms=1234`
    Done,
    /// `/pixels/results`: what was reported so far, and how many pixels came.
    Results,
}

impl Asked {
    pub fn of(uri: &Uri) -> Option<Asked> {
        Some(match uri.path() {
            "/pixels" => Asked::Page(page(uri)?),
            "/pixel" => Asked::Pixel,
            "/pixels/done" => Asked::Done,
            "/pixels/results" => Asked::Results,
            _ => return None,
        })
    }

    pub fn answer(self, log: &AccessLog) -> Response {
        let mut response = match self {
            Asked::Page(page) => {
                ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
            }
            Asked::Pixel => ([(header::CONTENT_TYPE, "image/gif")], GIF).into_response(),
            Asked::Done => "ok\n".into_response(),
            Asked::Results => results(log).to_string().into_response(),
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
        .map_or(0, |rate| Duration::from_secs(1).as_millis() as u64 / rate);
    Some(format!(
        "<!doctype html><html lang='en'><title>Pixels</title><h1>{n} pixels</h1><script>
        const fire = i => new Promise(r => {{ const p = new Image(); p.onload = p.onerror = r; p.src = `{SINK}?run={run}&ev=PageView&i=${{i}}&cd[text]=${{'x'.repeat(100)}}`; }});
        const sleep = ms => new Promise(r => setTimeout(r, ms));
        (async () => {{
            const fired = [];
            for (let i = 0; i < {n}; i++) {{ fired.push(fire(i)); if ({pause}) await sleep({pause} - performance.now() % {pause}); }}
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

fn results(log: &AccessLog) -> serde_json::Value {
    let mut done = Vec::new();
    for entry in log.snapshot() {
        let Some(query) = entry.target.strip_prefix("/pixels/done?") else {
            continue;
        };
        let value = |key: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs
                .find(|(name, _)| name == key)
                .map(|(_, value)| value.into_owned())
        };
        let run = value("run").unwrap_or_default();
        let arrived = log.count(|entry| entry.target.starts_with(&format!("/pixel?run={run}&")));
        done.push(json!({ "run": run, "ms": value("ms").and_then(|ms| ms.parse::<u64>().ok()), "arrived": arrived }));
    }
    json!(done)
}
