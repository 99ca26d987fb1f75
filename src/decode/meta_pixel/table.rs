//! The parameters that Meta's pixel is known to send, and what they mean.
//!
//! Read in the library (fbevents 2.9.324) and in real `signals/config` answers, seen in captured traffic, or from Meta's
//! documentation. Where a meaning was not verified, it says so.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Key → meaning, in the order of the reference.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("id", "pixel id"),
    ("ev", "event name"),
    ("dl", "page address"),
    ("rl", "referrer"),
    ("dlc", "1: the page address given differs from the real one"),
    ("rlc", "1: the referrer given differs from the real one"),
    ("if", "in an iframe"),
    ("ts", "event time, ms"),
    ("sw", "screen width"),
    ("sh", "screen height"),
    ("v", "library version"),
    ("r", "library release (stable, canary, c2)"),
    (
        "a",
        "agent that set the pixel up (a tag manager, a shop system)",
    ),
    ("ec", "event counter, per pixel and page"),
    ("o", "option bits"),
    ("it", "time the library started, ms"),
    ("coo", "codeless opt-out"),
    ("eid", "event id, for deduplication"),
    ("eid[]", "event id, for deduplication"),
    ("es", "event source (`automatic`)"),
    ("tm", "track method"),
    ("fbp", "browser id, from the cookie _fbp"),
    ("fbc", "click id, from the cookie _fbc"),
    ("fbcs", "several click ids"),
    ("ped", "kind of e-mail address (private relay, iCloud)"),
    ("dpo", "data processing options (limited data use)"),
    ("dpoco", "data processing country"),
    ("dpost", "data processing state"),
    ("de", "disabled extensions"),
    ("up", "blocked or sensitive keys that were stripped"),
    ("rp", "blocked or sensitive keys that were stripped"),
    (
        "up_url",
        "blocked or sensitive keys stripped from the address",
    ),
    (
        "rp_url",
        "blocked or sensitive keys stripped from the address",
    ),
    ("spb", "blocked or sensitive keys that were stripped"),
    ("rks", "blocked or sensitive keys that were stripped"),
    ("pm", "1: protected mode, the address is cut to the origin"),
    ("hrl", "hash of an address (unverified)"),
    (
        "cs_cc",
        "custom conversions matched in the browser (unverified)",
    ),
    ("ccs", "audience rules matched in the browser (unverified)"),
    ("cas", "audience rules matched in the browser (unverified)"),
    ("cs_est", "a rule of the event setup tool ran"),
    ("est_source", "id of the event setup tool's rule"),
    (
        "ler",
        "last external referrer, by kind (empty, fb, ig, other)",
    ),
    (
        "cdl",
        "Chrome's cookie deprecation label; says nothing of a Conversions API",
    ),
    ("chmd", "device model"),
    ("chpv", "platform version"),
    ("chfv", "browser's full version"),
    ("plt", "ms until the document was ready"),
    ("exp", "experiments"),
    ("oed", "internal marker"),
    ("qttag", "quality test: the same event is sent three times"),
    ("rqm", "request method, as the library labels it"),
    ("noscript", "1: sent without JavaScript"),
    ("domain", "host of the page"),
    ("href", "page address, told to a social plugin"),
    ("dt", "document title (unverified)"),
    ("tz", "time zone (unverified)"),
    ("aems", "aggregated event measurement (unverified)"),
    ("iw", "window width (unverified)"),
    ("hmd", "unknown marker (unverified)"),
    ("pl", "unknown marker (unverified)"),
    ("imft", "unknown marker (unverified)"),
    ("iss", "unknown marker (unverified)"),
    ("cf", "unknown marker (unverified)"),
    ("se", "unknown marker (unverified)"),
    ("ss", "unknown marker (unverified)"),
    (
        "referer",
        "page address or origin, told by the browser's own header",
    ),
];

/// `prefix[anything]` → meaning.
pub(super) const FAMILIES: &[(&str, &str)] = &[
    ("cd", "custom data"),
    ("par", "extracted JSON-LD"),
    ("ap", "automatic parameter"),
    ("pmd", "page metadata"),
    ("expv2", "experiments"),
    ("ie", "internal marker"),
];

/// Prefix of advanced matching → where its values come from, and whether they are masks (letters and digits replaced
/// by signs).
pub(super) const SOURCES: &[(&str, &str, bool)] = &[
    ("ud", "given by the site", false),
    ("udff", "taken from typed form fields", false),
    ("aud", "given by the site, other normalisation", false),
    (
        "audff",
        "taken from typed form fields, other normalisation",
        false,
    ),
    ("cud", "given by the site, as a mask", true),
    ("cudff", "taken from typed form fields, as a mask", true),
    ("ncud", "given by the site, normalised, as a mask", true),
    (
        "ncudff",
        "taken from typed form fields, normalised, as a mask",
        true,
    ),
];

/// Key of advanced matching → what it is.
pub(super) const USER_DATA: &[(&str, &str)] = &[
    ("em", "e-mail"),
    ("ph", "phone"),
    ("fn", "first name"),
    ("ln", "last name"),
    ("ct", "city"),
    ("st", "state"),
    ("zp", "postcode"),
    ("db", "date of birth"),
    ("ge", "gender"),
    ("country", "country"),
    ("external_id", "the site's own id of the person"),
    ("uid", "the site's own id of the person, unhashed"),
];

/// Bits of `o`, from the lowest.
pub(super) const OPTION_BITS: &[&str] = &[
    "autoOptOut",
    "autoConfig",
    "config",
    "defineProp",
    "beacon",
    "invalidPII",
    "proxy",
    "headless",
    "selenium",
    "detectFail",
    "conflictPII",
    "autoMatchedPII",
    "firstPartyCookies",
    "shadow",
    "smartSetupOut",
];

/// Values of `tm`.
pub(super) const TRACK_METHODS: &[&str] = &[
    "track",
    "trackSingle",
    "trackSingleCustom",
    "trackSingleSystem",
    "trackCustom",
    "trackSystem",
];

/// Meta's list of standard events.
pub(super) const STANDARD: [&str; 18] = [
    "AddPaymentInfo",
    "AddToCart",
    "AddToWishlist",
    "CompleteRegistration",
    "Contact",
    "CustomizeProduct",
    "Donate",
    "FindLocation",
    "InitiateCheckout",
    "Lead",
    "PageView",
    "Purchase",
    "Schedule",
    "Search",
    "StartTrial",
    "SubmitApplication",
    "Subscribe",
    "ViewContent",
];

/// Events that the library sends without being told to.
pub(super) const AUTOMATIC: [&str; 3] = ["SubscribedButtonClick", "Microdata", "InputData"];

/// Of a Gateway's JSON, path → meaning.
pub(super) const GATEWAY: &[(&str, &str)] = &[
    ("event_name", "event name"),
    ("event_id", "event id, for deduplication"),
    ("fb.pixel_id", "pixel id"),
    ("fb.fbp", "browser id, from the cookie _fbp"),
    ("fb.clickID", "click id, from the cookie _fbc"),
    ("fb_login_id", "the Facebook account's id, unhashed"),
    ("website_context.location", "page address"),
    ("website_context.referrer", "referrer"),
    ("website_context.isInIFrame", "in an iframe"),
];

/// The meaning of a parameter; nothing where it is not known.
pub(super) fn meaning(key: &str) -> Option<&'static str> {
    // Made once: what lives in a static lives as long as the program.
    static EXACT: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
        let plain = PARAMETERS
            .iter()
            .chain(GATEWAY)
            .map(|(key, meaning)| ((*key).to_owned(), (*meaning).to_owned()));
        let people = SOURCES.iter().flat_map(|(source, whence, _)| {
            USER_DATA
                .iter()
                .map(move |(key, what)| (format!("{source}[{key}]"), format!("{what}, {whence}")))
        });
        plain.chain(people).collect()
    });
    static PREFIX: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
        let families = FAMILIES
            .iter()
            .map(|(prefix, meaning)| (*prefix, (*meaning).to_owned()));
        let sources = SOURCES
            .iter()
            .map(|(source, whence, _)| (*source, format!("advanced matching, {whence}")));
        families.chain(sources).collect()
    });
    if let Some(meaning) = EXACT.get(key) {
        return Some(meaning);
    }
    if let Some((prefix, _)) = key.split_once('[') {
        return PREFIX.get(prefix).map(String::as_str);
    }
    if key.starts_with("fb.advanced_matching.") {
        return Some("advanced matching, passed on by a Gateway");
    }
    key.starts_with("custom_data.").then_some("custom data")
}
