//! What the parameters of an event mean. Where a meaning was not verified, it says so.

const MEANINGS: [(&str, &str); 46] = [
    ("id", "pixel id"),
    ("ev", "event name"),
    ("dl", "page address"),
    ("rl", "referrer"),
    ("dlc", "the page address given differs from the real one"),
    ("rlc", "the referrer given differs from the real one"),
    ("if", "in an iframe"),
    ("sw", "screen width"),
    ("sh", "screen height"),
    ("ts", "event time, ms"),
    ("it", "time the library started, ms"),
    ("ec", "event counter, per pixel and page"),
    ("v", "library version"),
    ("r", "library release"),
    ("a", "agent that set the pixel up"),
    ("eid", "event id, for deduplication"),
    ("eid[]", "event id, for deduplication"),
    ("es", "event source"),
    ("tm", "track method"),
    ("coo", "codeless opt-out"),
    ("o", "option bits"),
    ("fbp", "browser id, from the cookie _fbp"),
    ("fbc", "click id, from the cookie _fbc"),
    ("fbcs", "several click ids"),
    ("ped", "private relay e-mail address"),
    ("dpo", "data processing options (limited data use)"),
    ("dpoco", "data processing country"),
    ("dpost", "data processing state"),
    ("de", "disabled extensions"),
    ("pm", "protected mode: the address is cut to the origin"),
    ("hrl", "hash of an address (unverified)"),
    (
        "cs_cc",
        "custom conversions matched in the browser (unverified)",
    ),
    ("ccs", "audience rules matched in the browser (unverified)"),
    ("cas", "audience rules matched in the browser (unverified)"),
    ("cs_est", "a rule of the event setup tool ran"),
    ("est_source", "id of the event setup tool's rule"),
    ("ler", "last external referrer, by kind"),
    ("cdl", "Chrome's cookie deprecation label"),
    ("chmd", "device model"),
    ("chpv", "platform version"),
    ("chfv", "browser's full version"),
    ("plt", "ms until the document was ready"),
    ("exp", "experiments"),
    ("rqm", "request method, as the library labels it"),
    ("noscript", "sent without JavaScript"),
    ("domain", "host of the page"),
];

const PREFIXES: [(&str, &str); 14] = [
    ("cd[", "custom data"),
    ("ud[", "advanced matching, given by the site"),
    ("udff[", "advanced matching, taken from typed form fields"),
    (
        "aud[",
        "advanced matching, given by the site, other normalisation",
    ),
    (
        "audff[",
        "advanced matching, taken from typed form fields, other normalisation",
    ),
    ("cud[", "mask of a value given by the site"),
    ("cudff[", "mask of a value typed into a form"),
    ("ncud[", "mask of a normalised value given by the site"),
    ("ncudff[", "mask of a normalised value typed into a form"),
    ("par[", "extracted JSON-LD"),
    ("ap[", "automatic parameter"),
    ("pmd[", "page metadata"),
    ("expv2[", "experiments"),
    ("ie[", "internal marker"),
];

/// The meaning of a parameter; nothing where it is not known.
pub(super) fn meaning(key: &str) -> Option<&'static str> {
    MEANINGS
        .iter()
        .find(|(name, _)| *name == key)
        .or_else(|| PREFIXES.iter().find(|(prefix, _)| key.starts_with(prefix)))
        .map(|(_, meaning)| *meaning)
}
