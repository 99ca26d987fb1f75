//! What must not leave: decides, for a paused request, whether it is answered in place.

use serde_json::{Value, json};
use url::Url;

use crate::model::registrable_domain;

/// Keeps a report from being filed, from the moment a `submit` step begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Containment {
    /// Registrable domain of the scenario's origin.
    pub first_party: String,
    /// Host that the form names as its action, which need not be the site's own.
    pub action_host: Option<String>,
    /// True while the `submit` step itself runs: then reads by script and navigations are contained too, since a
    /// form may be sent by GET. Afterwards only requests that change something are.
    pub submitting: bool,
}

/// How a contained request is answered, so that the page goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub why: String,
    /// It can be the report itself: not a mere ping or a read by script.
    pub report: bool,
    status: u16,
    content_type: Option<&'static str>,
    body: &'static str,
    /// The requester's origin, if it needs leave to read the answer.
    allow_origin: Option<String>,
}

const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Recorded, not delivered</title>\
<body><h1>Recorded, not delivered</h1><p>This request was recorded by pixelwitness and answered in place. \
It never left the browser.</p></body></html>";

/// What is known of a paused request.
#[derive(Debug, Clone, Copy)]
pub struct Paused<'a> {
    pub url: &'a str,
    pub method: &'a str,
    /// CDP's (`Document`, `XHR`, `Fetch`, `Ping`…).
    pub resource_type: &'a str,
    /// Whether a document is for the page itself.
    pub main_frame: bool,
    /// The Origin header.
    pub origin: Option<&'a str>,
    /// The Accept header.
    pub accept: Option<&'a str>,
}

impl Containment {
    /// Nothing: let it go.
    pub fn decide(&self, paused: Paused<'_>) -> Option<Answer> {
        let Paused {
            url,
            method,
            resource_type,
            main_frame,
            origin,
            accept,
        } = paused;
        let parsed = Url::parse(url).ok()?;
        let host = parsed.host_str()?;
        let own = registrable_domain(host) == self.first_party
            || self
                .action_host
                .as_deref()
                .is_some_and(|action| registrable_domain(action) == registrable_domain(host));
        let changes = !matches!(method, "GET" | "HEAD" | "OPTIONS");
        let document = resource_type == "Document";
        // The page's icon: the browser asks for it by itself and CDP calls it "Other" (seen in Chromium 156).
        let icon = resource_type == "Other" && accept.is_some_and(|a| a.starts_with("image/"));
        let read_by_script = matches!(
            resource_type,
            "XHR" | "Fetch" | "Ping" | "EventSource" | "Other"
        ) && !icon;
        let contained = if own {
            changes || (self.submitting && method != "OPTIONS" && (document || read_by_script))
        } else {
            // A form whose action lies elsewhere takes the page itself with it; a tracker's hidden frame does not.
            document && main_frame && (changes || self.submitting)
        };
        contained.then(|| {
            let (status, content_type, body) = match resource_type {
                "Document" => (200, Some("text/html; charset=utf-8"), PAGE),
                "Ping" => (204, None, ""),
                _ => (200, Some("application/json"), "{}"),
            };
            Answer {
                report: document || changes && resource_type != "Ping",
                why: format!("submit: a {method} to {host} would have filed the report"),
                status,
                content_type,
                body,
                allow_origin: origin.filter(|origin| *origin != "null").map(str::to_owned),
            }
        })
    }
}

impl Answer {
    /// Parameters of CDP's `Fetch.fulfillRequest`.
    pub fn fulfill(&self, fetch_id: &str) -> Value {
        let mut headers = vec![json!({"name": "cache-control", "value": "no-store"})];
        if let Some(content_type) = self.content_type {
            headers.push(json!({"name": "content-type", "value": content_type}));
        }
        if let Some(origin) = &self.allow_origin {
            headers.push(json!({"name": "access-control-allow-origin", "value": origin}));
            headers.push(json!({"name": "access-control-allow-credentials", "value": "true"}));
        }
        json!({
            "requestId": fetch_id,
            "responseCode": self.status,
            "responseHeaders": headers,
            "body": data_encoding::BASE64.encode(self.body.as_bytes()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contained(submitting: bool, url: &str, method: &str, kind: &str, main: bool) -> bool {
        let containment = Containment {
            first_party: "police.example".into(),
            action_host: Some("forms.vendor.example".into()),
            submitting,
        };
        let paused = Paused {
            url,
            method,
            resource_type: kind,
            main_frame: main,
            origin: None,
            accept: None,
        };
        containment.decide(paused).is_some()
    }

    #[test]
    fn a_report_is_contained_however_it_is_sent() {
        let own = "https://www.police.example/report";
        for kind in ["Document", "XHR", "Fetch", "Ping", "Other"] {
            for submitting in [true, false] {
                assert!(contained(submitting, own, "POST", kind, true), "{kind}");
                assert!(contained(submitting, own, "PUT", kind, true), "{kind}");
            }
            assert!(contained(true, own, "GET", kind, true), "{kind}");
            assert!(!contained(false, own, "GET", kind, true), "{kind}");
        }
        assert!(contained(
            true,
            "https://api.police.example/x",
            "POST",
            "Fetch",
            false
        ));
        assert!(contained(
            true,
            "https://api.vendor.example:8443/x",
            "POST",
            "Ping",
            false
        ));
        assert!(contained(
            true,
            "https://forms.vendor.example/x",
            "POST",
            "Fetch",
            false
        ));
        assert!(contained(
            true,
            "https://elsewhere.example/x",
            "POST",
            "Document",
            true
        ));
    }

    #[test]
    fn trackers_and_the_pages_own_parts_go_on() {
        let pixel = "https://www.facebook.com/tr/";
        assert!(!contained(true, pixel, "POST", "Document", false));
        assert!(!contained(true, pixel, "POST", "Ping", false));
        assert!(!contained(true, pixel, "GET", "Image", false));
        for kind in ["Image", "Script", "Stylesheet", "Font"] {
            assert!(!contained(
                true,
                "https://www.police.example/a",
                "GET",
                kind,
                false
            ));
        }
        assert!(!contained(
            true,
            "https://api.police.example/x",
            "OPTIONS",
            "Fetch",
            false
        ));
    }

    #[test]
    fn an_answer_can_be_read_by_the_script_that_asked() {
        let containment = Containment {
            first_party: "police.example".into(),
            action_host: None,
            submitting: true,
        };
        let answer = containment
            .decide(Paused {
                url: "https://api.police.example/x",
                method: "POST",
                resource_type: "Fetch",
                main_frame: false,
                origin: Some("https://www.police.example"),
                accept: None,
            })
            .unwrap();
        let text = answer.fulfill("interception-job-1.0").to_string();
        assert!(text.contains("access-control-allow-origin"), "{text}");
        assert!(text.contains("https://www.police.example"), "{text}");
    }
}
