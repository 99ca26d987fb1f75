//! Encodings that can be undone: their names, the shell's filters for them, and what kinds of bytes they are made of.

use std::borrow::Cow;

use super::search::Range;
use super::step::{HEX, HEX_UPPER, Step, StepKind};

/// An encoding, as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    Percent,
    Plus,
    Entities,
    Escapes,
    Hex,
    HexUpper,
    Base32,
    Base32Lower,
    Base58,
    Base64,
    Base64Unpadded,
    Base64Url,
    Gzip,
    Zlib,
    Deflate,
    LzBase64,
    LzUri,
    LzUtf16,
    LzRaw,
    LzBytes,
    Rot13,
    Reversed,
    Utf16Le,
    Utf16Be,
    Latin1,
    Separators,
}

/// Name in the chain, filter that makes it (where it can be made in one way alone), filter that undoes it.
type Row = (
    Coding,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

const PADDED: &str = "{ cat; printf ===; } | base64 -d 2>/dev/null";
const INFLATE: &str =
    r"{ printf '\037\213\010\000\000\000\000\000\000\000'; cat; } | gzip -dcq 2>/dev/null";
const INFLATE_ZLIB: &str =
    r"{ printf '\037\213\010\000\000\000\000\000\000\000'; tail -c +3; } | gzip -dcq 2>/dev/null";

#[rustfmt::skip]
const TABLE: [Row; 26] = [
    (Coding::Percent, "percent-encoding", None,
        Some("perl -pe 's/%([0-9A-Fa-f]{2})/chr hex $1/ge'")),
    (Coding::Plus, "+ for space", None, Some("tr + ' '")),
    (Coding::Entities, "HTML entities", None,
        Some("perl -CS -pe 's/&#x([0-9a-f]+);/chr hex $1/gie; s/&#([0-9]+);/chr $1/ge; s/&lt;/</g; s/&gt;/>/g; s/&quot;/chr 34/ge; s/&apos;/chr 39/ge; s/&commat;/@/g; s/&period;/./g; s/&plus;/+/g; s/&amp;/&/g'")),
    (Coding::Escapes, "backslash escapes", None,
        Some(r"perl -CS -pe 's/\\u\{([0-9a-f]+)\}/chr hex $1/gie; s/\\u([0-9a-f]{4})/chr hex $1/gie; s/\\x([0-9a-f]{2})/chr hex $1/gie; s/\\([^nrt])/$1/g'")),
    (Coding::Hex, HEX, Some(r"od -An -v -tx1 | tr -d ' \n'"), Some("tr a-f A-F | basenc --base16 -d")),
    (Coding::HexUpper, HEX_UPPER, Some("basenc --base16 -w0"), Some("tr a-f A-F | basenc --base16 -d")),
    (Coding::Base32, "base32", None, Some("{ cat; printf ======; } | base32 -d 2>/dev/null")),
    (Coding::Base32Lower, "base32 (lower case)", None,
        Some("{ tr a-z A-Z; printf ======; } | base32 -d 2>/dev/null")),
    (Coding::Base58, "base58", None, None),
    (Coding::Base64, "base64", Some("base64 -w0"), Some("base64 -d")),
    (Coding::Base64Unpadded, "base64 (no padding)", Some("base64 -w0 | tr -d ="), Some(PADDED)),
    (Coding::Base64Url, "base64url", None,
        Some("{ tr _- /+; printf ===; } | base64 -d 2>/dev/null")),
    (Coding::Gzip, "gzip", None, Some("gzip -dc")),
    (Coding::Zlib, "zlib", None, Some(INFLATE_ZLIB)),
    (Coding::Deflate, "deflate", None, Some(INFLATE)),
    (Coding::LzBase64, "lz-string (Base64)", None, None),
    (Coding::LzUri, "lz-string (URI component)", None, None),
    (Coding::LzUtf16, "lz-string (UTF-16)", None, None),
    (Coding::LzRaw, "lz-string (raw)", None, None),
    (Coding::LzBytes, "lz-string (bytes)", None, None),
    (Coding::Rot13, "rot13", Some("tr A-Za-z N-ZA-Mn-za-m"), Some("tr A-Za-z N-ZA-Mn-za-m")),
    (Coding::Reversed, "reversed", Some("perl -CS -pe '$_ = reverse'"), Some("perl -CS -pe '$_ = reverse'")),
    (Coding::Utf16Le, "UTF-16", Some("iconv -f UTF-8 -t UTF-16LE"), Some("iconv -f UTF-16LE -t UTF-8")),
    (Coding::Utf16Be, "UTF-16BE", Some("iconv -f UTF-8 -t UTF-16BE"), Some("iconv -f UTF-16BE -t UTF-8")),
    (Coding::Latin1, "bytes as Latin-1 characters", Some("iconv -f LATIN1 -t UTF-8"),
        Some("iconv -f UTF-8 -t LATIN1")),
    (Coding::Separators, "separators between digits", None, Some("tr -d ' ().+-'")),
];

impl Coding {
    pub fn step(self) -> Step {
        let (_, name, make, undo) = TABLE[self as usize];
        Step {
            name: name.into(),
            make: make.map(Cow::Borrowed),
            undo: undo.map(Cow::Borrowed),
            kind: StepKind::Encoding,
        }
    }

    /// Of a part of a text: to undo it, it is cut out first.
    pub fn step_from(self, from: Option<Range>) -> Step {
        let step = self.step();
        let Some(Range { start, end }) = from else {
            return step;
        };
        let cut = format!("tail -c +{} | head -c {}", start + 1, end - start);
        Step {
            make: None,
            undo: step.undo.map(|undo| format!("{cut} | {undo}").into()),
            ..step
        }
    }

    /// All names, for what was searched.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(_, name, _, _)| *name)
    }
}

/// What kinds of bytes stand in a text.
pub mod class {
    pub const HEX: u16 = 1;
    pub const BASE64: u16 = 1 << 1;
    pub const BASE32: u16 = 1 << 2;
    pub const BASE32_LOWER: u16 = 1 << 3;
    pub const BASE58: u16 = 1 << 4;
    pub const PERCENT: u16 = 1 << 5;
    pub const PLUS: u16 = 1 << 6;
    pub const AMPERSAND: u16 = 1 << 7;
    pub const BACKSLASH: u16 = 1 << 8;
    pub const UPPER: u16 = 1 << 9;
    pub const LOWER: u16 = 1 << 10;
    pub const DIGIT: u16 = 1 << 11;
    /// No text holds it.
    pub const CONTROL: u16 = 1 << 12;
    pub const HIGH: u16 = 1 << 13;
    /// Stands in Base64, and also between words.
    pub const JOINT: u16 = 1 << 14;
    /// Stands between the digits of a phone number.
    pub const SEPARATOR: u16 = 1 << 15;

    pub static OF: [u16; 256] = table();

    const fn table() -> [u16; 256] {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let b = byte as u8;
            let mut class = 0;
            if b.is_ascii_hexdigit() {
                class |= HEX;
            }
            if b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=' | b'$') {
                class |= BASE64;
            }
            if matches!(b, b'A'..=b'Z' | b'2'..=b'7' | b'=') {
                class |= BASE32;
            }
            if matches!(b, b'a'..=b'z' | b'2'..=b'7' | b'=') {
                class |= BASE32_LOWER;
            }
            if b.is_ascii_alphanumeric() && !matches!(b, b'0' | b'O' | b'I' | b'l') {
                class |= BASE58;
            }
            if b.is_ascii_uppercase() {
                class |= UPPER;
            }
            if b.is_ascii_lowercase() {
                class |= LOWER;
            }
            if b.is_ascii_digit() {
                class |= DIGIT;
            }
            if matches!(b, b'+' | b'/' | b'-' | b'_' | b'=' | b'$') {
                class |= JOINT;
            }
            if matches!(b, b' ' | b'(' | b')' | b'.' | b'-' | b'+') {
                class |= SEPARATOR;
            }
            class |= match b {
                b'%' => PERCENT,
                b'+' => PLUS,
                b'&' => AMPERSAND,
                b'\\' => BACKSLASH,
                b'\t' | b'\n' | b'\r' => 0,
                0..=0x1f | 0x7f => CONTROL,
                0x80.. => HIGH,
                _ => 0,
            };
            table[byte] = class;
            byte += 1;
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_codings() {
        for (at, (coding, ..)) in TABLE.iter().enumerate() {
            assert_eq!(*coding as usize, at);
        }
    }
}
