//! What must not leave: decides, for a paused request, whether it is answered in place.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::model::{Exchange, Guarded, Moment, recipient, registrable_domain};

/// What may really leave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// All but reports: what a `submit` step would have filed.
    #[default]
    AllButReports,
    /// Everything: reports are filed.
    All,
    /// Reports stay, and so does everything that goes to third parties.
    FirstParty,
    /// The site's own pages and their parts may be fetched, and nothing else.
    None,
}

impl Deliver {
    pub fn as_str(self) -> &'static str {
        match self {
            Deliver::AllButReports => "all-but-reports",
            Deliver::All => "all",
            Deliver::FirstParty => "first-party",
            Deliver::None => "none",
        }
    }

    /// Whether third parties are to get nothing.
    pub fn keeps_third_parties_out(self) -> bool {
        matches!(self, Deliver::FirstParty | Deliver::None)
    }
}

/// How far a report is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Guard {
    /// Not yet: the visitor only reads and writes.
    #[default]
    Off,
    /// Requests that change something are kept: the report was written, and nobody said which click sends it; or it
    /// was sent, and a page may try again.
    Changes,
    /// A `submit` step runs: reads by script and navigations are kept too, since a form may be sent by GET.
    Submitting,
}

/// Keeps what must not leave from leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Containment {
    /// Registrable domain of the scenario's origin.
    pub first_party: String,
    pub deliver: Deliver,
    pub guard: Guard,
    /// Host that the form names as its action, which need not be the site's own.
    pub action_host: Option<String>,
}

/// How a contained request is answered, so that the page goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub why: String,
    /// It can be the report itself: not a mere ping or a read by script.
    pub report: bool,
    /// It may be part of a report, and is not contained for another reason.
    pub may_be_report: bool,
    status: u16,
    content_type: Option<&'static str>,
    body: &'static [u8],
    /// The requester's origin, if it needs leave to read the answer.
    allow_origin: Option<String>,
    allow_headers: Option<String>,
}

const PAGE: &[u8] = b"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Recorded, not delivered</title>\
<body><h1>Recorded, not delivered</h1><p>This request was recorded by pixelwitness and answered in place. \
It never left the browser.</p></body></html>";

/// A transparent GIF of one pixel.
const GIF: &[u8] = &[
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xff, 0xff, 0xff, 0x21, 0xf9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x01, 0x44, 0x00, 0x3b,
];

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
    /// The headers that a preflight asks leave for.
    pub asks_for: Option<&'a str>,
    /// The same place was kept from being read while a `submit` step ran.
    pub again: bool,
}

impl Containment {
    /// Of a run that begins: nothing was written yet.
    pub fn new(first_party: &str, deliver: Deliver) -> Containment {
        Containment {
            first_party: first_party.to_owned(),
            deliver,
            guard: Guard::Off,
            action_host: None,
        }
    }

    /// What it contains of reports, from a moment on.
    pub fn guarded_from(&self, from: Moment) -> Guarded {
        Guarded {
            from,
            what: match self.guard {
                Guard::Off => "nothing",
                Guard::Changes => "changes",
                Guard::Submitting => "submitting",
            }
            .to_owned(),
            action_host: self.action_host.clone(),
        }
    }

    /// Whether an exchange should have been contained, by what was in force when it was made.
    pub fn missed(&self, exchange: &Exchange) -> bool {
        // As CDP writes its types.
        let resource_type = match exchange.resource_type.as_str() {
            "document" => "Document",
            "xhr" => "XHR",
            "fetch" => "Fetch",
            "ping" => "Ping",
            "eventsource" => "EventSource",
            "other" => "Other",
            "image" => "Image",
            "script" => "Script",
            "stylesheet" => "Stylesheet",
            _ => "Font",
        };
        let main_frame = exchange.frame.is_some() && exchange.frame == exchange.target;
        self.decide(Paused {
            url: &exchange.url,
            method: &exchange.method,
            resource_type,
            main_frame,
            origin: None,
            accept: exchange.request_header("accept"),
            asks_for: None,
            again: false,
        })
        .is_some()
    }

    /// Nothing: let it go.
    pub fn decide(&self, paused: Paused<'_>) -> Option<Answer> {
        if self.deliver == Deliver::All {
            return None;
        }
        let parsed = Url::parse(paused.url).ok()?;
        let host = parsed.host_str()?;
        let own = registrable_domain(host) == self.first_party;
        let (why, may_be_report, report) = if !own && self.deliver.keeps_third_parties_out() {
            let why = format!(
                "--deliver {}: {host} is a third party",
                self.deliver.as_str()
            );
            (why, false, false)
        } else if let Some(report) = self.report(host, own, paused) {
            let why = format!(
                "submit: a {} to {host} would have filed the report",
                paused.method
            );
            (why, true, report)
        } else if self.deliver == Deliver::None && !is_part_of_a_page(paused) {
            let why = format!("--deliver none: a {} that loads no page", paused.method);
            (why, false, false)
        } else {
            return None;
        };
        let (status, content_type, body): (u16, Option<&'static str>, &'static [u8]) =
            match paused.resource_type {
                "Document" => (200, Some("text/html; charset=utf-8"), PAGE),
                "Image" => (200, Some("image/gif"), GIF),
                "Script" => (200, Some("text/javascript"), b""),
                "Stylesheet" => (200, Some("text/css"), b""),
                "XHR" | "Fetch" => (200, Some("application/json"), b"{}"),
                "Other" if may_be_report => (200, Some("application/json"), b"{}"),
                "Ping" | "Preflight" | "CSPViolationReport" | "EventSource" => (204, None, b""),
                _ => (200, Some("text/plain"), b""),
            };
        let origin = paused.origin.filter(|origin| *origin != "null");
        Some(Answer {
            why,
            report,
            may_be_report,
            status,
            content_type,
            body,
            allow_origin: origin.map(str::to_owned),
            allow_headers: paused.asks_for.map(str::to_owned),
        })
    }

    /// Whether it may be part of a report, and then whether it can be the report itself.
    fn report(&self, host: &str, own: bool, paused: Paused<'_>) -> Option<bool> {
        let Paused {
            method,
            resource_type,
            main_frame,
            ..
        } = paused;
        let submitting = match self.guard {
            Guard::Off => return None,
            Guard::Changes => false,
            Guard::Submitting => true,
        };
        let named = self
            .action_host
            .as_deref()
            .is_some_and(|action| registrable_domain(action) == registrable_domain(host));
        let changes = !matches!(method, "GET" | "HEAD" | "OPTIONS");
        let document = resource_type == "Document";
        // The page's icon: the browser asks for it by itself and CDP calls it "Other" (seen in Chromium 156).
        let icon =
            resource_type == "Other" && paused.accept.is_some_and(|a| a.starts_with("image/"));
        let read_by_script = matches!(
            resource_type,
            "XHR" | "Fetch" | "Ping" | "EventSource" | "Other"
        ) && !icon;
        let contained = if own || named {
            let again = paused.again && read_by_script;
            changes || again || (submitting && method != "OPTIONS" && (document || read_by_script))
        } else if document && main_frame {
            // A form whose action lies elsewhere takes the page itself with it; a tracker's hidden frame does not.
            changes || submitting
        } else {
            // A script, or a form in a frame, may file the report with a host that nobody named: whoever is no known
            // recipient of tracking may be the one that takes it.
            changes && (read_by_script || document) && recipient(host).is_none()
        };
        contained.then_some(document || changes && resource_type != "Ping")
    }
}

/// A page, or what is fetched to show it.
fn is_part_of_a_page(paused: Paused<'_>) -> bool {
    matches!(paused.method, "GET" | "HEAD")
        && !matches!(
            paused.resource_type,
            "XHR" | "Fetch" | "Ping" | "EventSource" | "WebSocket" | "CSPViolationReport"
        )
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
            headers.push(json!({"name": "access-control-allow-methods",
                "value": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}));
        }
        if let Some(asked) = &self.allow_headers {
            headers.push(json!({"name": "access-control-allow-headers", "value": asked}));
        }
        // Pages that embed only what agrees to it go on, too.
        headers.push(json!({"name": "cross-origin-resource-policy", "value": "cross-origin"}));
        json!({
            "requestId": fetch_id,
            "responseCode": self.status,
            "responseHeaders": headers,
            "body": data_encoding::BASE64.encode(self.body),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused<'a>(url: &'a str, method: &'a str, kind: &'a str, main: bool) -> Paused<'a> {
        Paused {
            url,
            method,
            resource_type: kind,
            main_frame: main,
            origin: None,
            accept: None,
            asks_for: None,
            again: false,
        }
    }

    fn containment(deliver: Deliver, guard: Guard) -> Containment {
        Containment {
            guard,
            action_host: Some("forms.vendor.example".into()),
            ..Containment::new("police.example", deliver)
        }
    }

    fn contained(submitting: bool, url: &str, method: &str, kind: &str, main: bool) -> bool {
        let guard = if submitting {
            Guard::Submitting
        } else {
            Guard::Changes
        };
        containment(Deliver::AllButReports, guard)
            .decide(paused(url, method, kind, main))
            .is_some()
    }

    #[test]
    fn what_may_leave_is_what_was_said() {
        let own = "https://www.police.example/a";
        let pixel = "https://www.facebook.com/tr/";
        let third_parties = [
            (pixel, "GET", "Image"),
            (pixel, "POST", "Document"),
            (pixel, "POST", "Ping"),
            ("https://connect.facebook.net/x.js", "GET", "Script"),
        ];
        for (url, method, kind) in third_parties {
            let request = paused(url, method, kind, false);
            for (deliver, kept) in [
                (Deliver::All, false),
                (Deliver::AllButReports, false),
                (Deliver::FirstParty, true),
                (Deliver::None, true),
            ] {
                let answer = containment(deliver, Guard::Off).decide(request);
                assert_eq!(answer.is_some(), kept, "{deliver:?} {method} {kind}");
                assert!(!answer.is_some_and(|answer| answer.report));
            }
        }
        let none = containment(Deliver::None, Guard::Off);
        for kind in ["Document", "Script", "Image", "Stylesheet", "Font"] {
            assert_eq!(none.decide(paused(own, "GET", kind, true)), None, "{kind}");
        }
        for (method, kind) in [("POST", "Document"), ("GET", "Fetch"), ("POST", "Ping")] {
            assert!(
                none.decide(paused(own, method, kind, true)).is_some(),
                "{method} {kind}"
            );
        }
        // Reports are kept whatever third parties get; only `all` lets them through.
        for (deliver, kept) in [(Deliver::FirstParty, true), (Deliver::All, false)] {
            let answer = containment(deliver, Guard::Submitting)
                .decide(paused(own, "POST", "Document", true));
            assert_eq!(answer.is_some(), kept, "{deliver:?}");
        }
    }

    #[test]
    fn a_report_to_a_host_that_nobody_named_is_kept_and_a_tracker_is_not() {
        assert!(contained(
            true,
            "https://api.casework.example/x",
            "POST",
            "Fetch",
            true
        ));
        assert!(contained(
            false,
            "https://api.casework.example/x",
            "PUT",
            "XHR",
            true
        ));
        assert!(!contained(
            true,
            "https://api.casework.example/x",
            "GET",
            "Fetch",
            true
        ));
        assert!(!contained(
            true,
            "https://www.facebook.com/tr/",
            "POST",
            "Fetch",
            true
        ));
        assert!(!contained(
            true,
            "https://www.google-analytics.com/g/collect",
            "POST",
            "Ping",
            true
        ));
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
        let containment = containment(Deliver::AllButReports, Guard::Submitting);
        let answer = containment
            .decide(Paused {
                url: "https://api.police.example/x",
                method: "POST",
                resource_type: "Fetch",
                main_frame: false,
                origin: Some("https://www.police.example"),
                accept: None,
                asks_for: None,
                again: false,
            })
            .unwrap();
        let text = answer.fulfill("interception-job-1.0").to_string();
        assert!(text.contains("access-control-allow-origin"), "{text}");
        assert!(text.contains("https://www.police.example"), "{text}");
    }
}
