//! Trials: small pages that make a journey hard, and report forms that are sent in each way that sites use. Served
//! under `/trials/<name>/` at every host, so that a frame can be a foreign one.
//!
//! What is sent to `/trials/<form>/submit` counts as a filed report, whoever sends it and however. Pages say what
//! happened to them at `/trials/told?<what>`, with `trusted` where the event was a person's.

mod banners;
mod forms;
mod obstacles;
mod traces;
mod watchers;

use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::reports::ReportBook;

/// Name, and HTML after the head that all share.
type Page = (&'static str, &'static str);

const PAGES: [&[Page]; 5] = [
    forms::PAGES,
    obstacles::PAGES,
    banners::PAGES,
    traces::PAGES,
    watchers::PAGES,
];

/// What every trial page can call.
const HELPERS: &str = "<script>
const told = (what, event) => fetch('/trials/told?' + what + (event ? event.isTrusted ? '&trusted' : '&untrusted' : ''), { keepalive: true });
const pixel = (name) => new Promise((done) => { const image = new Image(); image.onload = image.onerror = done;
  image.src = 'https://www.facebook.com/tr/?id=740215930186274&ev=' + name + '&dl=' + encodeURIComponent(location.href) + '&rl=&if=false&ts=' + Date.now(); });
const goodbye = (name) => navigator.sendBeacon('https://www.facebook.com/tr/', new URLSearchParams({ id: '740215930186274', ev: name, dl: location.href }));
const choice = () => (document.cookie.match(/trial_choice=(\\w+)/) || [])[1];
const choose = (answer) => { document.cookie = 'trial_choice=' + answer + '; path=/trials/; Secure; SameSite=Lax'; };
</script>";

/// The answer to a request under `/trials/`; nothing if it is none.
pub(super) fn answer(parts: &Parts, body: &[u8], reports: &ReportBook) -> Option<Response> {
    let path = parts.uri.path().strip_prefix("/trials/")?;
    if let Some(form) = path.strip_suffix("/submit") {
        return Some(file(form, parts, body, reports));
    }
    if path == "told" {
        return Some(StatusCode::NO_CONTENT.into_response());
    }
    let name = path.trim_end_matches('/');
    if name == "slow.gif" {
        return Some(([(header::CONTENT_TYPE, "image/gif")], super::meta::GIF).into_response());
    }
    if name == "traces.js" {
        return Some(([(header::CONTENT_TYPE, "text/javascript")], traces::WORKER).into_response());
    }
    if name == "traces.txt" {
        let kept = [(header::CACHE_CONTROL, "max-age=3600")];
        return Some((kept, traces::CACHED).into_response());
    }
    let page = PAGES
        .iter()
        .copied()
        .flatten()
        .find(|(known, _)| *known == name);
    Some(match page {
        Some((name, html)) => (
            [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            format!(
                "<!doctype html><html lang='en'><meta charset='utf-8'><title>{name}</title>\
                 <link rel='icon' href='data:,'>{HELPERS}{html}"
            ),
        )
            .into_response(),
        None => (StatusCode::NOT_FOUND, "no such trial\n").into_response(),
    })
}

fn file(form: &str, parts: &Parts, body: &[u8], reports: &ReportBook) -> Response {
    let origin = parts.headers.get(header::ORIGIN).cloned();
    let mut response = if parts.method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        reports.file(form, if body.is_empty() { query } else { body });
        let document = parts
            .headers
            .get("sec-fetch-dest")
            .is_some_and(|dest| matches!(dest.as_bytes(), b"document" | b"iframe"));
        if document {
            Redirect::to("/trials/thanks/").into_response()
        } else {
            "{\"filed\":true}".into_response()
        }
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, PUT"),
        ] {
            headers.insert(name, axum::http::HeaderValue::from_static(value));
        }
    }
    response
}
