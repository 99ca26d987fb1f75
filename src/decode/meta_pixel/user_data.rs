//! Advanced matching: values that say who the visitor is.

use crate::model::{IdentitySignal, Parameter, Strength, UserDatum, ValueForm};

/// Prefix → whether its values are masks (letters and digits replaced by signs).
const SOURCES: [(&str, bool); 8] = [
    ("ud", false),
    ("udff", false),
    ("aud", false),
    ("audff", false),
    ("cud", true),
    ("cudff", true),
    ("ncud", true),
    ("ncudff", true),
];

/// Hashes of `undefined`, `null` and the empty string, by SHA-256 and MD5: real traffic is full of them.
const PLACEHOLDERS: [&str; 6] = [
    "eb045d78d273107348b0300c01d29b7552d622abbc6faf81b3ec55359aa9950c",
    "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "5e543256c480ac577d30f76f9120eb74",
    "37a6259cc0c1dae299a7866489dff0bd",
    "d41d8cd98f00b204e9800998ecf8427e",
];

/// `udff[em]` and the like; nothing for any other parameter.
pub(super) fn user_datum(parameter: &Parameter) -> Option<UserDatum> {
    let (source, rest) = parameter.key.split_once('[')?;
    let key = rest.strip_suffix(']')?;
    let (_, mask) = SOURCES.iter().find(|(name, _)| *name == source)?;
    Some(UserDatum {
        key: key.to_owned(),
        source: source.to_owned(),
        value: parameter.value.clone(),
        form: if *mask {
            ValueForm::Mask
        } else {
            form(&parameter.value)
        },
    })
}

fn form(value: &str) -> ValueForm {
    let hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match value.len() {
        0 => ValueForm::Unknown,
        _ if PLACEHOLDERS.contains(&value.to_ascii_lowercase().as_str()) => ValueForm::Placeholder,
        64 if hex => ValueForm::Sha256,
        32 if hex => ValueForm::Md5,
        _ => ValueForm::Plain,
    }
}

/// What a value of advanced matching says about who it is; nothing for placeholders and empty values.
pub(super) fn identity_of(datum: &UserDatum) -> Option<IdentitySignal> {
    if matches!(datum.form, ValueForm::Placeholder | ValueForm::Unknown) {
        return None;
    }
    let strength = match (datum.form, datum.key.as_str()) {
        (ValueForm::Mask, _) => Strength::Weak,
        (_, "em" | "ph") => Strength::Person,
        (_, "external_id" | "uid") => Strength::SitePerson,
        _ => Strength::Weak,
    };
    Some(IdentitySignal {
        signal: format!("{}[{}]", datum.source, datum.key),
        value: datum.value.clone(),
        strength,
    })
}
