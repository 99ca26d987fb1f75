//! The police force's website: its routes, and the page behind "Quickly exit this site".

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::Build;
use super::meta::PIXEL_ID;
use super::pages::{Frame, NOT_FOUND, PAGES, Page};
use super::reports::ReportBook;

/// The report forms there are: `/report/<form>/` shows one, `/report/<form>/submit` files it.
const FORMS: &[&str] = &["sexual-offence", "domestic-abuse"];

#[derive(Clone)]
struct Site {
    build: Build,
    reports: Arc<ReportBook>,
}

pub(super) fn router(build: Build, reports: Arc<ReportBook>) -> Router {
    let mut router = Router::new()
        .route("/report/{form}/submit", post(file_report))
        .route(
            "/favicon.ico",
            get(async || asset("image/svg+xml", include_str!("assets/favicon.svg"))),
        )
        .route(
            "/assets/site.css",
            get(async || asset("text/css; charset=utf-8", include_str!("assets/site.css"))),
        )
        .route(
            "/assets/site.js",
            get(async || javascript(include_str!("assets/site.js"))),
        )
        .route(
            "/assets/report-form.js",
            get(async || javascript(include_str!("assets/report-form.js"))),
        )
        .fallback(not_found);
    for page in PAGES {
        let show = async move |State(site): State<Site>, headers: HeaderMap| {
            site.show(page, StatusCode::OK, &headers)
        };
        router = router.route(page.path, get(show));
        let without_slash = page.path.trim_end_matches('/');
        if !without_slash.is_empty() {
            router = router.route(without_slash, get(async |uri: Uri| add_slash(&uri)));
        }
    }
    router.with_state(Site { build, reports })
}

/// `www.weather.example`: where someone who must leave at once is taken.
pub(super) fn safe_router() -> Router {
    #[derive(Template)]
    #[template(path = "weather.html")]
    struct Weather;
    Router::new().route("/", get(async || html(StatusCode::OK, Weather.render())))
}

impl Site {
    fn show(&self, page: &'static Page, status: StatusCode, headers: &HeaderMap) -> Response {
        let pixel_id = self.build.has_pixel_on(page.path).then_some(PIXEL_ID);
        html(
            status,
            page.render(&Frame {
                page,
                pixel_id,
                ask_about_cookies: !has_chosen_cookies(headers),
            }),
        )
    }
}

async fn not_found(State(site): State<Site>, headers: HeaderMap) -> Response {
    site.show(&NOT_FOUND, StatusCode::NOT_FOUND, &headers)
}

async fn file_report(
    State(site): State<Site>,
    Path(form): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !FORMS.contains(&form.as_str()) {
        return site.show(&NOT_FOUND, StatusCode::NOT_FOUND, &headers);
    }
    if !is_urlencoded(&headers) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    site.reports.file(&form, &body);
    // 303: the browser fetches the next page with GET, so that reloading it files nothing twice.
    Redirect::to("/report/thank-you/").into_response()
}

/// Whether a body is what a form sends by itself.
pub(super) fn is_urlencoded(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    content_type
        .to_ascii_lowercase()
        .starts_with(b"application/x-www-form-urlencoded")
}

fn add_slash(uri: &Uri) -> Response {
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let location = format!("{}/{query}", uri.path());
    (
        StatusCode::MOVED_PERMANENTLY,
        [(header::LOCATION, location)],
    )
        .into_response()
}

pub(super) fn has_chosen_cookies(headers: &HeaderMap) -> bool {
    let mut lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines.any(|line| {
        line.split(';')
            .any(|cookie| cookie.trim_start().starts_with("cookie_choice="))
    })
}

pub(super) fn html(status: StatusCode, rendered: askama::Result<String>) -> Response {
    match rendered {
        // no-cache (not no-store): asked for anew on each visit, yet the browser's "back" may restore it.
        Ok(text) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CACHE_CONTROL, "private, no-cache"),
            ];
            (status, headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "could not render a page of the demo site");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(super) fn javascript(text: &'static str) -> Response {
    asset("text/javascript; charset=utf-8", text)
}

pub(super) fn asset(content_type: &'static str, text: &'static str) -> Response {
    (
        [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "public, max-age=600"),
        ],
        text,
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use hyper::Request;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    async fn ask(
        build: Build,
        reports: &Arc<ReportBook>,
        request: Request<Body>,
    ) -> Result<Response, axum::Error> {
        let site = TowerToHyperService::new(router(build, Arc::clone(reports)));
        site.call(request).await.map_err(axum::Error::new)
    }

    async fn get(
        build: Build,
        target: &str,
    ) -> Result<(StatusCode, String), Box<dyn std::error::Error>> {
        let request = Request::get(target).body(Body::empty())?;
        let response = ask(build, &Arc::default(), request).await?;
        let status = response.status();
        Ok((
            status,
            String::from_utf8(to_bytes(response.into_body(), usize::MAX).await?.to_vec())?,
        ))
    }

    #[tokio::test]
    async fn every_page_renders_with_its_title_and_the_pixel_where_the_build_has_it() -> TestResult
    {
        for build in [Build::Leaky, Build::Fixed] {
            for page in PAGES {
                let (status, text) = get(build, page.path).await?;
                assert_eq!(status, 200, "{}", page.path);
                assert!(
                    text.contains(&format!("<title>{} | Northgate Police</title>", page.title)),
                    "{}",
                    page.path
                );
                assert_eq!(
                    text.contains("fbevents.js"),
                    build.has_pixel_on(page.path),
                    "{build:?} {}",
                    page.path
                );
                assert_eq!(
                    text.contains("Quickly exit this site"),
                    page.sensitive,
                    "{}",
                    page.path
                );
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn unknown_pages_are_not_found() -> TestResult {
        for target in ["/nothing/", "/report/theft/", "/assets/other.css"] {
            assert_eq!(get(Build::Leaky, target).await?.0, 404, "{target}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn addresses_without_the_slash_are_redirected_with_their_query() -> TestResult {
        let request = Request::get("/report?fbclid=abc").body(Body::empty())?;
        let response = ask(Build::Leaky, &Arc::default(), request).await?;
        assert_eq!(response.status(), 301);
        assert_eq!(response.headers()[header::LOCATION], "/report/?fbclid=abc");
        Ok(())
    }

    #[tokio::test]
    async fn a_report_is_filed_only_by_its_form() -> TestResult {
        let reports = Arc::default();
        let urlencoded = "application/x-www-form-urlencoded";
        for (target, content_type, expected) in [
            ("/report/sexual-offence/submit", urlencoded, 303),
            ("/report/sexual-offence/submit", "text/plain", 415),
            ("/report/theft/submit", urlencoded, 404),
            ("/report/sexual-offence/", urlencoded, 405),
        ] {
            let request = Request::post(target).header(header::CONTENT_TYPE, content_type);
            let response = ask(
                Build::Fixed,
                &reports,
                request.body(Body::from("email=a%40b.example"))?,
            )
            .await?;
            assert_eq!(response.status(), expected, "{target} {content_type}");
        }
        let filed = reports.snapshot();
        assert_eq!(filed.len(), 1);
        assert_eq!(
            filed[0].fields,
            [("email".to_owned(), "a@b.example".to_owned())]
        );
        Ok(())
    }

    #[tokio::test]
    async fn the_cookie_banner_is_shown_until_a_choice_is_made() -> TestResult {
        assert!(
            get(Build::Leaky, "/")
                .await?
                .1
                .contains("Reject additional cookies")
        );
        let request = Request::get("/")
            .header(header::COOKIE, "_fbp=x; cookie_choice=rejected")
            .body(Body::empty())?;
        let response = ask(Build::Leaky, &Arc::default(), request).await?;
        let text = String::from_utf8(to_bytes(response.into_body(), usize::MAX).await?.to_vec())?;
        assert!(!text.contains("Reject additional cookies"));
        Ok(())
    }
}
