//! Advanced matching: values that say who the visitor is.

use super::table::SOURCES;
use crate::decode::value_form::form;
use crate::model::{IdentitySignal, Parameter, Strength, UserDatum, ValueForm};

/// `udff[em]` and the like; nothing for any other parameter.
pub(super) fn user_datum(parameter: &Parameter) -> Option<UserDatum> {
    let (source, rest) = parameter.key.split_once('[')?;
    let key = rest.strip_suffix(']')?;
    let (_, _, mask) = SOURCES.iter().find(|(name, ..)| *name == source)?;
    Some(UserDatum {
        key: key.to_owned(),
        source: source.to_owned(),
        value: parameter.value.clone(),
        form: match parameter.value.as_str() {
            "" => ValueForm::Unknown,
            _ if *mask => ValueForm::Mask,
            value => form(key, value),
        },
    })
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
