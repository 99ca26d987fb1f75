//! Values that say who the visitor is: hashed or plain, somebody's or nobody's. The same for every vendor.

use crate::model::{UserDatum, ValueForm};

/// Hash → what it is the hash of: nobody. Real traffic is full of them.
const PLACEHOLDERS: [(&str, &str); 6] = [
    (
        "eb045d78d273107348b0300c01d29b7552d622abbc6faf81b3ec55359aa9950c",
        "SHA-256 of `undefined`",
    ),
    (
        "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",
        "SHA-256 of `null`",
    ),
    (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "SHA-256 of nothing",
    ),
    ("5e543256c480ac577d30f76f9120eb74", "MD5 of `undefined`"),
    ("37a6259cc0c1dae299a7866489dff0bd", "MD5 of `null`"),
    ("d41d8cd98f00b204e9800998ecf8427e", "MD5 of nothing"),
];

/// How the constant begins that stands for every address of Apple's private relay.
const RELAY: &str = "b68919af";

/// What kind of value it is. A hash's kind goes by its length alone.
pub(super) fn form(key: &str, value: &str) -> ValueForm {
    let hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match value.len() {
        0 => ValueForm::Unknown,
        _ if matches!(value.trim(), "" | "undefined" | "null" | "NaN") => ValueForm::Placeholder,
        32 | 64 if hex && nobody(key, value).is_some() => ValueForm::Placeholder,
        64 if hex => ValueForm::Sha256,
        32 if hex => ValueForm::Md5,
        _ => ValueForm::Plain,
    }
}

/// What a hash stands for, if it is known to stand for nobody.
pub(super) fn nobody(key: &str, value: &str) -> Option<&'static str> {
    let value = value.to_ascii_lowercase();
    if key == "em" && value.len() == 64 && value.starts_with(RELAY) {
        return Some("the constant for all of Apple's private relay addresses");
    }
    PLACEHOLDERS
        .iter()
        .find(|(hash, _)| *hash == value)
        .map(|(_, of)| *of)
}

/// Whether a value may stand for a person.
pub(super) fn is_somebody(datum: &UserDatum) -> bool {
    datum.form != ValueForm::Placeholder
}
