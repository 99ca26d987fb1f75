use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use hyper::Request;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::page::{Link, Part};
use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const URLENCODED: &str = "application/x-www-form-urlencoded";

async fn ask(
    site: &'static Site,
    build: Build,
    reports: &Arc<ReportBook>,
    request: Request<Body>,
) -> Result<Response, axum::Error> {
    let served = TowerToHyperService::new(router(site, build, reports));
    served.call(request).await.map_err(axum::Error::new)
}

async fn text_of(response: Response) -> Result<String, Box<dyn std::error::Error>> {
    let bytes = to_bytes(response.into_body(), usize::MAX).await?;
    Ok(String::from_utf8(bytes.to_vec())?)
}

async fn open(
    site: &'static Site,
    build: Build,
    target: &str,
) -> Result<(StatusCode, String), Box<dyn std::error::Error>> {
    let request = Request::get(target).body(Body::empty())?;
    let response = ask(site, build, &Arc::default(), request).await?;
    Ok((response.status(), text_of(response).await?))
}

#[test]
fn four_hosts_are_played() {
    let reports = Arc::default();
    let hosts: Vec<_> = routers(Build::Leaky, &reports)
        .into_iter()
        .map(|(host, _)| host)
        .collect();
    assert_eq!(
        hosts,
        [
            "www.met.police.uk",
            "www.norfolk.police.uk",
            "www.suffolk.police.uk",
            "www.marshgate.nhs.example"
        ]
    );
    assert!(!hosts.contains(&"met.police.uk"));
}

#[test]
fn every_site_has_a_pixel_of_its_own_and_it_has_the_form_of_a_real_one() {
    let ids: BTreeSet<_> = SITES.iter().map(|site| site.pixel_id).collect();
    assert_eq!(ids.len(), SITES.len());
    assert!(ids.iter().all(|id| (15..=16).contains(&id.len())));
    assert!(
        ids.iter()
            .all(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
    );
}

#[tokio::test]
async fn every_page_renders_with_its_title_and_the_pixel_where_the_build_has_it() -> TestResult {
    for &site in SITES {
        for build in [Build::Leaky, Build::Fixed] {
            for page in site.pages {
                let at = format!("{build:?} {}{}", site.host, page.path);
                let (status, text) = open(site, build, page.path).await?;
                assert_eq!(status, 200, "{at}");
                let title = format!("<title>{} | {}</title>", page.title, site.name);
                assert!(text.contains(&title), "{at}");
                assert_eq!(
                    text.contains("fbevents.js"),
                    build == Build::Leaky || page.recruits,
                    "{at}"
                );
                assert_eq!(
                    text.contains("Quickly exit this site"),
                    page.sensitive,
                    "{at}"
                );
                assert!(text.contains("This is a replica made for tests."), "{at}");
                assert!(text.contains("999") && text.contains("101"), "{at}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_fixed_build_keeps_the_pixel_on_home_and_careers_only() {
    for site in SITES {
        for page in site.pages {
            let expected = page.path == "/"
                || page.path.contains("/careers")
                || (!site.is_police() && page.path == "/jobs/");
            assert_eq!(page.recruits, expected, "{}{}", site.host, page.path);
            assert!(!(page.recruits && page.sensitive), "{}", page.path);
        }
    }
}

#[tokio::test]
async fn the_other_way_to_write_an_address_leads_to_the_page_with_its_query() -> TestResult {
    for (site, target, expected) in [
        (
            &met::SITE,
            "/ro/report?fbclid=abc",
            "/ro/report/?fbclid=abc",
        ),
        (&norfolk::SITE, "/report/?fbclid=abc", "/report?fbclid=abc"),
        (&nhs::SITE, "/conditions/hiv", "/conditions/hiv/"),
    ] {
        let request = Request::get(target).body(Body::empty())?;
        let response = ask(site, Build::Leaky, &Arc::default(), request).await?;
        assert_eq!(response.status(), 301, "{target}");
        assert_eq!(response.headers()[header::LOCATION], expected);
    }
    assert_eq!(
        open(&met::SITE, Build::Leaky, "/nothing/").await?.0,
        StatusCode::NOT_FOUND
    );
    Ok(())
}

#[test]
fn every_link_leads_to_a_page_of_the_site() {
    fn links(part: &Part) -> &'static [Link] {
        match part {
            Part::Cards(links) | Part::Buttons(links) => links,
            _ => &[],
        }
    }
    for site in SITES {
        let known = |path: &str| site.pages.iter().any(|page| page.path == path);
        assert!(known(site.cookies), "{}", site.host);
        let on_pages = site
            .pages
            .iter()
            .flat_map(|page| page.parts().iter().flat_map(links));
        for link in site.navigation.iter().chain(on_pages) {
            let elsewhere = link.to.starts_with("tel:");
            assert!(elsewhere || known(link.to), "{} {}", site.host, link.to);
        }
        for form in site.pages.iter().filter_map(Page::form) {
            assert!(known(form.thank_you), "{}", form.name);
        }
    }
}

#[test]
fn the_ids_in_a_form_are_its_own() {
    for form in SITES
        .iter()
        .flat_map(|site| site.pages)
        .filter_map(Page::form)
    {
        let ids: Vec<_> = form
            .steps
            .iter()
            .flat_map(|step| step.fields)
            .map(|field| field.id)
            .collect();
        let different: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), different.len(), "{}", form.name);
    }
}

#[tokio::test]
async fn a_report_is_filed_only_by_its_form() -> TestResult {
    for &site in SITES {
        for page in site.pages {
            let reports = Arc::default();
            let form = page.form();
            for (target, content_type, expected) in [
                (
                    page.submit_path(),
                    URLENCODED,
                    if form.is_some() { 303 } else { 404 },
                ),
                (
                    page.submit_path(),
                    "text/plain",
                    if form.is_some() { 415 } else { 404 },
                ),
                (page.path.to_owned(), URLENCODED, 405),
            ] {
                let request = Request::post(&target).header(header::CONTENT_TYPE, content_type);
                let request = request.body(Body::from("email=a%40b.example"))?;
                let response = ask(site, Build::Fixed, &reports, request).await?;
                let at = format!("{}{target} {content_type}", site.host);
                assert_eq!(response.status(), expected, "{at}");
                if let (303, Some(form)) = (expected, form) {
                    assert_eq!(response.headers()[header::LOCATION], form.thank_you, "{at}");
                }
            }
            let filed: Vec<_> = reports
                .snapshot()
                .into_iter()
                .map(|report| report.form)
                .collect();
            let expected: Vec<_> = form.iter().map(|form| form.name).collect();
            assert_eq!(filed, expected, "{}{}", site.host, page.path);
        }
    }
    Ok(())
}

#[tokio::test]
async fn forms_have_the_fields_that_they_name() -> TestResult {
    let path = "/ro/report/rsa/alpha-v1/v1/report/";
    let (_, text) = open(&met::SITE, Build::Leaky, path).await?;
    for part in [
        "action=\"/ro/report/rsa/alpha-v1/v1/report/submit\"",
        "<input type=\"radio\" id=\"reporting-for-myself\" name=\"reporting_for\" value=\"myself\">",
        "<select id=\"offence-type\" name=\"offence_type\">",
        "<textarea id=\"what-happened\" name=\"what_happened\"",
        "<input type=\"email\" id=\"email\" name=\"email\" autocomplete=\"email\">",
        "data-question=\"First name\"",
        "src=\"/assets/report-form.js\"",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let (_, text) = open(&met::SITE, Build::Leaky, "/contact/").await?;
    assert!(!text.contains("report-form.js"));
    Ok(())
}

#[tokio::test]
async fn the_cookie_banner_is_shown_until_a_choice_is_made() -> TestResult {
    for &site in SITES {
        let asked = open(site, Build::Leaky, "/").await?.1;
        assert!(asked.contains("id=\"cookie-banner\""), "{}", site.host);
        assert_eq!(
            asked.contains("Customise Cookies"),
            site.is_police(),
            "{}",
            site.host
        );
        let request = Request::get("/")
            .header(header::COOKIE, "_fbp=x; cookie_choice=rejected")
            .body(Body::empty())?;
        let response = ask(site, Build::Leaky, &Arc::default(), request).await?;
        let text = text_of(response).await?;
        assert!(!text.contains("id=\"cookie-banner\""), "{}", site.host);
    }
    Ok(())
}

#[tokio::test]
async fn what_a_page_loads_from_its_own_host_is_there() -> TestResult {
    for target in [
        "/assets/site.css",
        "/assets/replica.css",
        "/assets/site.js",
        "/assets/replica.js",
        "/assets/report-form.js",
        "/favicon.ico",
    ] {
        assert_eq!(
            open(&norfolk::SITE, Build::Fixed, target).await?.0,
            StatusCode::OK,
            "{target}"
        );
    }
    Ok(())
}
