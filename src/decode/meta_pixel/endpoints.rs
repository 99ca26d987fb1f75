//! Which requests are Meta's: by host, or on anybody's host by the shape of what was sent.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::decode::parameters::Parameters;
use crate::decode::request::Request;
use crate::model::{Confidence, EventKind};

/// Registrable domains whose `/tr` is Meta's.
const HOSTS: [&str; 2] = ["facebook.com", "instagram.com"];
const SCRIPTS: &str = "facebook.net";

const TWIN: &str = "/privacy_sandbox/pixel/register/trigger";

/// Path (without a closing slash) of Meta's hosts → kind, and what it is, for the reference.
pub(super) const PATHS: [(&str, EventKind, &str); 9] = [
    ("/tr", EventKind::Event, "an event"),
    (
        TWIN,
        EventKind::Event,
        "the same event once more, for Chrome's attribution reporting",
    ),
    (
        "/privacy_sandbox/topics/registration",
        EventKind::Topics,
        "asks Chrome for the visitor's topics, at most once a day",
    ),
    (
        "/connect/ping",
        EventKind::IdentitySync,
        "asks whether the visitor is logged in to Facebook",
    ),
    (
        "/x/oauth/status",
        EventKind::IdentitySync,
        "asks whether the visitor is logged in to Facebook, in newer SDKs (unverified)",
    ),
    (
        "/fr/u.php",
        EventKind::IdentitySync,
        "ties the browser to an account",
    ),
    (
        "/plugins/*",
        EventKind::IdentitySync,
        "a social plugin (Like button and others): a frame of Meta's, with its cookies, told the page's address",
    ),
    (
        "/impression.php*",
        EventKind::Telemetry,
        "the JavaScript SDK says that it was loaded",
    ),
    (
        "/log/*",
        EventKind::Telemetry,
        "the library reports errors and figures",
    ),
];

/// What a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub kind: EventKind,
    pub twin: bool,
    /// The pixel id, where it stands in the path.
    pub id_in_path: Option<String>,
    pub confidence: Confidence,
    pub reason: &'static str,
}

impl Endpoint {
    fn certain(kind: EventKind) -> Endpoint {
        Endpoint {
            kind,
            twin: false,
            id_in_path: None,
            confidence: Confidence::Certain,
            reason: "the host is Meta's",
        }
    }
}

/// Looks at a request without taking it apart. `Some(None)`: by its shape it may be one, its parameters decide.
pub(super) fn recognise(request: &Request<'_>) -> Option<Option<Endpoint>> {
    if request.method == "OPTIONS" {
        return None;
    }
    let path = request.path.trim_end_matches('/');
    if HOSTS.iter().any(|host| request.is_under(host)) {
        let path = without_version(path);
        if let Some((known, kind, _)) = PATHS.iter().find(|(known, ..)| fits(known, path)) {
            return Some(Some(Endpoint {
                twin: *known == TWIN,
                ..Endpoint::certain(*kind)
            }));
        }
        return may_be_event(request, path).then_some(None);
    }
    if request.is_under(SCRIPTS) {
        if path.starts_with("/log/") {
            return Some(Some(Endpoint::certain(EventKind::Telemetry)));
        }
        return script(path).map(Some);
    }
    if let Some(script) = script(path).filter(|script| {
        script.kind == EventKind::Config
            && request.query.is_some_and(|query| query.contains("domain="))
            || path.ends_with("/fbevents.js")
    }) {
        return Some(Some(Endpoint {
            confidence: Confidence::High,
            reason: "the path is that of Meta's own script; the host is not Meta's",
            ..script
        }));
    }
    may_be_event(request, path).then_some(None)
}

/// The SDK's paths may begin with the version of Meta's API (`/v19.0/plugins/like.php`).
fn without_version(path: &str) -> &str {
    let Some((version, _)) = path
        .strip_prefix("/v")
        .and_then(|rest| rest.split_once('/'))
    else {
        return path;
    };
    let is_version = version.contains('.')
        && version
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_version {
        &path["/v".len() + version.len()..]
    } else {
        path
    }
}

/// `known` may end in an asterisk.
fn fits(known: &str, path: &str) -> bool {
    match known.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == known,
    }
}

fn script(path: &str) -> Option<Endpoint> {
    if let Some((_, id)) = path.split_once("/signals/config/") {
        return Some(Endpoint {
            id_in_path: Some(id.to_owned()),
            ..Endpoint::certain(EventKind::Config)
        });
    }
    path.ends_with(".js")
        .then(|| Endpoint::certain(EventKind::Library))
}

fn may_be_event(request: &Request<'_>, path: &str) -> bool {
    static EVENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("ev="));
    static PART: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("name=\"ev\""));
    path.ends_with("/tr")
        || request
            .query
            .is_some_and(|query| EVENT.find(query.as_bytes()).is_some())
        || request
            .body
            .is_some_and(|body| EVENT.find(body).is_some() || PART.find(body).is_some())
}

/// An event on a host that is not Meta's, by its parameters: a proxy of the site's own, or where
/// `fbq('set', 'endpoint')` points.
pub(super) fn by_shape(request: &Request<'_>, parameters: &Parameters) -> Option<Endpoint> {
    let id = parameters.first("id")?;
    let is_id = (10..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    let has = |keys: &[&str]| keys.iter().all(|key| parameters.first(key).is_some());
    let at_tr = request.path.trim_end_matches('/').ends_with("/tr");
    if !is_id
        || parameters
            .first("ev")
            .is_none_or(|ev| ev.is_empty() && !at_tr)
    {
        return None;
    }
    if HOSTS.iter().any(|host| request.is_under(host)) {
        return Some(Endpoint::certain(EventKind::Event));
    }
    let cookie = parameters
        .first("fbp")
        .is_some_and(|fbp| fbp.starts_with("fb."));
    let library = has(&["v", "ts", "it"]);
    let (confidence, reason) = match (at_tr, library, cookie) {
        (true, true, _) => (
            Confidence::High,
            "not Meta's host: the path ends in /tr, with a pixel id, an event, and the library's v, ts and it",
        ),
        (true, _, true) => (
            Confidence::High,
            "not Meta's host: the path ends in /tr, with a pixel id, an event, and the cookie _fbp",
        ),
        (true, false, false) => (
            Confidence::Low,
            "not Meta's host: the path ends in /tr, with a number as id and an ev, and nothing else tells",
        ),
        (false, true, _) if has(&["dl", "rl", "if"]) => (
            Confidence::High,
            "not Meta's host, nor its path: every parameter that the library begins with (id, ev, dl, rl, if, ts, v, it)",
        ),
        _ => return None,
    };
    Some(Endpoint {
        confidence,
        reason,
        ..Endpoint::certain(EventKind::Event)
    })
}
