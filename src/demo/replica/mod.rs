//! Replicas of the sites of July 2023, so that the shipped scenarios can be tried without a request to any of them.
//!
//! Each plays one host, on loopback only. Nothing is copied: layout, words and most addresses are the replica's own,
//! and every page says what it is. Comments in a site's file name the address patterns that are known.

mod counties;
mod met;
mod met_forms;
mod nhs;
mod norfolk;
mod page;
mod suffolk;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use self::page::{Form, Frame, NOT_FOUND, Page, Site};
use super::Build;
use super::reports::ReportBook;
use super::site::{asset, has_chosen_cookies, html, is_urlencoded, javascript};

static SITES: &[&Site] = &[&met::SITE, &norfolk::SITE, &suffolk::SITE, &nhs::SITE];

/// Every replica's host and routes.
pub(super) fn routers(build: Build, reports: &Arc<ReportBook>) -> Vec<(&'static str, Router)> {
    SITES
        .iter()
        .map(|site| (site.host, router(site, build, reports)))
        .collect()
}

#[derive(Clone)]
struct Served {
    site: &'static Site,
    build: Build,
    reports: Arc<ReportBook>,
}

fn router(site: &'static Site, build: Build, reports: &Arc<ReportBook>) -> Router {
    let mut router = assets().fallback(not_found);
    for page in site.pages {
        let show = move |State(served): State<Served>, headers: HeaderMap| async move {
            served.show(page, StatusCode::OK, &headers)
        };
        router = router.route(page.path, get(show));
        if let Some(alias) = page.alias() {
            let lead = move |uri: Uri| async move { lead_to(page, &uri) };
            router = router.route(&alias, get(lead));
        }
        if let Some(form) = page.form() {
            let file = move |State(served): State<Served>, headers: HeaderMap, body: Bytes| async move {
                served.file(form, &headers, &body)
            };
            router = router.route(&page.submit_path(), post(file));
        }
    }
    router.with_state(Served {
        site,
        build,
        reports: Arc::clone(reports),
    })
}

fn assets() -> Router<Served> {
    const CSS: &str = "text/css; charset=utf-8";
    Router::new()
        .route(
            "/favicon.ico",
            get(async || asset("image/svg+xml", include_str!("../assets/favicon.svg"))),
        )
        .route(
            "/assets/site.css",
            get(async || asset(CSS, include_str!("../assets/site.css"))),
        )
        .route(
            "/assets/replica.css",
            get(async || asset(CSS, include_str!("../assets/replica.css"))),
        )
        .route(
            "/assets/site.js",
            get(async || javascript(include_str!("../assets/site.js"))),
        )
        .route(
            "/assets/replica.js",
            get(async || javascript(include_str!("../assets/replica.js"))),
        )
        .route(
            "/assets/report-form.js",
            get(async || javascript(include_str!("../assets/report-form.js"))),
        )
}

impl Served {
    fn show(&self, page: &'static Page, status: StatusCode, headers: &HeaderMap) -> Response {
        let frame = Frame {
            site: self.site,
            page,
            pixel_id: page.has_pixel(self.build).then_some(self.site.pixel_id),
            ask_about_cookies: !has_chosen_cookies(headers),
        };
        html(status, frame.render())
    }

    fn file(&self, form: &Form, headers: &HeaderMap, body: &[u8]) -> Response {
        if !is_urlencoded(headers) {
            return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
        }
        self.reports.file(form.name, body);
        // 303: the browser fetches the next page with GET, so that reloading it files nothing twice.
        Redirect::to(form.thank_you).into_response()
    }
}

async fn not_found(State(served): State<Served>, headers: HeaderMap) -> Response {
    served.show(&NOT_FOUND, StatusCode::NOT_FOUND, &headers)
}

/// From the other way to write a page's address, with the query.
fn lead_to(page: &Page, uri: &Uri) -> Response {
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let location = format!("{}{query}", page.path);
    (
        StatusCode::MOVED_PERMANENTLY,
        [(header::LOCATION, location)],
    )
        .into_response()
}

#[cfg(test)]
mod tests;
