//! Plays the two hosts of Meta's pixel: the one that serves its library, and the one that receives its events.
//!
//! The library is an imitation written for this demo; see the note at its top.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// The pixel id that the demo site uses.
pub const PIXEL_ID: &str = "740215930186274";

const LIBRARY: &str = include_str!("assets/fbevents.js");
const JAVASCRIPT: &str = "application/x-javascript; charset=utf-8";
/// How long the real hosts let a browser keep the library and the configuration.
const KEEP: &str = "public, max-age=1200";

/// A transparent GIF of one pixel (GIF89a).
pub(super) const GIF: &[u8] = &[
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xff, 0xff, 0xff, 0x21, 0xf9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x01, 0x44, 0x00, 0x3b,
];

/// `connect.facebook.net`: `/en_US/fbevents.js` and `/signals/config/<pixel id>`.
pub(super) fn library_router() -> Router {
    Router::new()
        .route("/en_US/fbevents.js", get(async || script(LIBRARY)))
        .route("/signals/config/{id}", get(config))
}

/// `www.facebook.com`: `/tr/`, and `/tr` as hand-written noscript images have it.
pub(super) fn event_router() -> Router {
    Router::new()
        .route("/tr/", get(pixel_image).post(event_received))
        .route("/tr", get(pixel_image).post(event_received))
}

async fn config(Path(id): Path<String>) -> Response {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let config = serde_json::json!({
        "firstPartyCookies": true,
        "automaticMatching": ["em", "ph", "fn", "ln", "db", "zp", "ct", "ge"],
        "inferredEvents": true,
        "microdata": true,
        "timeOnPage": true,
    });
    script(format!("window.fbq.configure(\"{id}\", {config});\n"))
}

fn script(text: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, JAVASCRIPT),
        (header::CACHE_CONTROL, KEEP),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (headers, text.into()).into_response()
}

async fn pixel_image() -> Response {
    received("image/gif", GIF)
}

async fn event_received() -> Response {
    received("text/plain", b"")
}

fn received(content_type: &'static str, body: &'static [u8]) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (
            header::CACHE_CONTROL,
            "no-cache, no-store, must-revalidate, private",
        ),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixel_id_has_the_form_of_a_real_one() {
        assert!(
            (15..=16).contains(&PIXEL_ID.len())
                && PIXEL_ID.bytes().all(|byte| byte.is_ascii_digit())
        );
    }

    #[tokio::test]
    async fn a_pixel_id_is_digits_only() {
        assert_eq!(
            config(Path("12x\"".to_owned())).await.status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            config(Path(PIXEL_ID.to_owned())).await.status(),
            StatusCode::OK
        );
    }
}
