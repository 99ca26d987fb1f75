//! The reference of parameters, out of the same tables that the decoder uses.

use std::fmt::Write;

use super::endpoints::PATHS;
use super::table::{
    AUTOMATIC, FAMILIES, GATEWAY, OPTION_BITS, PARAMETERS, SOURCES, STANDARD, TRACK_METHODS,
    USER_DATA,
};
use super::{COOKIES, SECRETS};
use crate::model::Strength;

/// As Markdown: what stands in `docs/meta-pixel.md` below its introduction.
pub fn reference() -> String {
    let mut text = String::new();
    section(
        &mut text,
        "Parameters",
        "key",
        "meaning",
        PARAMETERS.iter().map(|(k, m)| (code(k), (*m).to_owned())),
    );
    section(
        &mut text,
        "Families of parameters",
        "key",
        "meaning",
        FAMILIES
            .iter()
            .map(|(k, m)| (code(&format!("{k}[…]")), (*m).to_owned()))
            .chain(
                SOURCES
                    .iter()
                    .map(|(k, m, _)| (code(&format!("{k}[…]")), format!("advanced matching, {m}"))),
            ),
    );
    section(
        &mut text,
        "Keys of advanced matching",
        "key",
        "meaning",
        USER_DATA.iter().map(|(k, m)| (code(k), (*m).to_owned())),
    );
    section(
        &mut text,
        "Bits of `o`",
        "bit",
        "name",
        OPTION_BITS
            .iter()
            .enumerate()
            .map(|(bit, name)| ((1_u64 << bit).to_string(), code(name))),
    );
    section(
        &mut text,
        "Values of `tm`",
        "value",
        "called with",
        TRACK_METHODS
            .iter()
            .enumerate()
            .map(|(value, name)| (value.to_string(), code(name))),
    );
    section(
        &mut text,
        "Cookies of facebook.com",
        "cookie",
        "what it names",
        COOKIES.iter().map(|(name, strength)| {
            let secret = if SECRETS.contains(name) {
                "; a session's secret, never shown"
            } else {
                ""
            };
            let names = match strength {
                Strength::Account => "the Facebook account",
                _ => "one browser, across sites",
            };
            (code(name), format!("{names}{secret}"))
        }),
    );
    section(
        &mut text,
        "Paths of Meta's hosts",
        "path",
        "kind: what it is",
        PATHS
            .iter()
            .map(|(path, kind, what)| (code(path), format!("{}: {what}", kind.as_str()))),
    );
    section(
        &mut text,
        "What a Gateway is sent",
        "path in the JSON",
        "meaning",
        GATEWAY.iter().map(|(k, m)| (code(k), (*m).to_owned())),
    );
    let _ = write!(
        text,
        "## Events\n\nStandard: {}.\n\nAutomatic: {}.\n\nAnything else is a custom event.\n",
        STANDARD.join(", "),
        AUTOMATIC.join(", ")
    );
    text
}

fn section(
    text: &mut String,
    title: &str,
    left: &str,
    right: &str,
    rows: impl Iterator<Item = (String, String)>,
) {
    let _ = write!(text, "## {title}\n\n| {left} | {right} |\n|---|---|\n");
    for (left, right) in rows {
        let _ = writeln!(text, "| {left} | {right} |");
    }
    text.push('\n');
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
