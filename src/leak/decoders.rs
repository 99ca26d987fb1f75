//! What undoes encodings, each gated by what it looks like.

use std::borrow::Cow;
use std::io::Read;
use std::sync::LazyLock;

use data_encoding::{Encoding, HEXLOWER_PERMISSIVE, Specification};
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::coding::{Coding, class};
use super::lz_string;

static ANY_BASE64: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    specification.translate.from.push_str("-_");
    specification.translate.to.push_str("+/");
    specification.check_trailing_bits = false;
    specification.encoding().ok()
});

static ANY_BASE32: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    specification
        .translate
        .from
        .push_str("abcdefghijklmnopqrstuvwxyz");
    specification
        .translate
        .to
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    specification.check_trailing_bits = false;
    specification.encoding().ok()
});

/// Base64 of either alphabet, padded or not, cut off where it has to be.
pub fn base64(text: &[u8]) -> Option<(Vec<u8>, Coding)> {
    let padded = text.ends_with(b"=");
    let mut symbols = text;
    while let [rest @ .., b'='] = symbols {
        symbols = rest;
    }
    // What no number of bytes encodes to is cut off.
    if symbols.len() % 4 == 1 {
        symbols = &symbols[..symbols.len() - 1];
    }
    let bytes = ANY_BASE64.as_ref()?.decode(symbols).ok()?;
    let coding = if memchr::memchr2(b'-', b'_', symbols).is_some() {
        Coding::Base64Url
    } else if padded || symbols.len().is_multiple_of(4) {
        Coding::Base64
    } else {
        Coding::Base64Unpadded
    };
    Some((bytes, coding))
}

pub fn base32(text: &[u8]) -> Option<(Vec<u8>, Coding)> {
    let mut symbols = text;
    while let [rest @ .., b'='] = symbols {
        symbols = rest;
    }
    // What no number of bytes encodes to is cut off.
    let over = usize::from(matches!(symbols.len() % 8, 1 | 3 | 6));
    let bytes = ANY_BASE32
        .as_ref()?
        .decode(&symbols[..symbols.len() - over])
        .ok()?;
    let lower = symbols.iter().any(u8::is_ascii_lowercase);
    let coding = if lower {
        Coding::Base32Lower
    } else {
        Coding::Base32
    };
    Some((bytes, coding))
}

/// Pairs of digits.
pub fn hex(text: &[u8]) -> Option<(Vec<u8>, Coding)> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let bytes = HEXLOWER_PERMISSIVE.decode(text).ok()?;
    let upper = text.iter().any(u8::is_ascii_uppercase);
    Some((bytes, if upper { Coding::HexUpper } else { Coding::Hex }))
}

/// Longest text that is taken for Base58: undoing it takes time with the square of its length.
pub const LONGEST_BASE58: usize = 400;

/// In Bitcoin's alphabet.
pub fn base58(text: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    // Least significant first.
    let mut number: Vec<u32> = Vec::with_capacity(text.len() / 5 + 1);
    for byte in text {
        let mut carry = ALPHABET.iter().position(|known| known == byte)? as u64;
        for word in &mut number {
            carry += u64::from(*word) * 58;
            *word = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            number.push(carry as u32);
        }
    }
    let zeros = text.iter().take_while(|byte| **byte == b'1').count();
    let mut bytes = vec![0; zeros];
    let significant = number.iter().rev().flat_map(|word| word.to_be_bytes());
    bytes.extend(significant.skip_while(|byte| *byte == 0));
    Some(bytes)
}

pub fn percent(text: &[u8]) -> Option<Vec<u8>> {
    match percent_encoding::percent_decode(text).into() {
        Cow::Owned(bytes) => Some(bytes),
        Cow::Borrowed(_) => None,
    }
}

/// `&#64;`, `&#x40;` and the names that such texts use.
pub fn entities(text: &[u8]) -> Option<Vec<u8>> {
    const NAMED: [(&[u8], &str); 14] = [
        (b"amp", "&"),
        (b"lt", "<"),
        (b"gt", ">"),
        (b"quot", "\""),
        (b"apos", "'"),
        (b"commat", "@"),
        (b"period", "."),
        (b"plus", "+"),
        (b"nbsp", " "),
        (b"comma", ","),
        (b"lowbar", "_"),
        (b"hyphen", "-"),
        (b"colon", ":"),
        (b"sol", "/"),
    ];
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut undone = false;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let end = rest.iter().take(12).position(|byte| *byte == b';');
        let character = end.and_then(|end| {
            let name = &rest[1..end];
            if let Some(number) = name.strip_prefix(b"#") {
                let number = std::str::from_utf8(number).ok()?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                return char::from_u32(code).map(|c| (c.to_string(), end));
            }
            let (_, text) = NAMED.iter().find(|(known, _)| *known == name)?;
            Some(((*text).to_owned(), end))
        });
        match character {
            Some((character, end)) => {
                out.extend_from_slice(character.as_bytes());
                rest = &rest[end + 1..];
                undone = true;
            }
            None => {
                out.push(b'&');
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest);
    undone.then_some(out)
}

/// `\u0040`, `\u{40}`, `\x40`, and the short ones of JSON and JavaScript.
pub fn escapes(text: &[u8]) -> Option<Vec<u8>> {
    let mut units: Vec<u16> = Vec::new();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut undone = false;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        if at > 0 {
            flush(&mut units, &mut out);
        }
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let Some(&kind) = rest.get(1) else {
            break;
        };
        undone = true;
        if let Some((unit, length)) = numbered(rest) {
            match u16::try_from(unit) {
                Ok(unit) => units.push(unit),
                Err(_) => {
                    flush(&mut units, &mut out);
                    out.extend_from_slice(
                        char::from_u32(unit)
                            .unwrap_or('\u{fffd}')
                            .to_string()
                            .as_bytes(),
                    );
                }
            }
            rest = &rest[length..];
            continue;
        }
        flush(&mut units, &mut out);
        out.push(match kind {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            other => other,
        });
        rest = &rest[2..];
    }
    flush(&mut units, &mut out);
    out.extend_from_slice(rest);
    undone.then_some(out)
}

/// Escapes that stand one after the other may be halves of one character.
fn flush(units: &mut Vec<u16>, out: &mut Vec<u8>) {
    if !units.is_empty() {
        out.extend_from_slice(String::from_utf16_lossy(units).as_bytes());
        units.clear();
    }
}

/// The code of an escape with a number, and how long it is.
fn numbered(text: &[u8]) -> Option<(u32, usize)> {
    let digits = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    match text.get(1)? {
        b'u' if text.get(2) == Some(&b'{') => {
            let end = text.iter().take(10).position(|byte| *byte == b'}')?;
            Some((digits(text.get(3..end)?)?, end + 1))
        }
        b'u' | b'U' => Some((digits(text.get(2..6)?)?, 6)),
        b'x' => Some((digits(text.get(2..4)?)?, 4)),
        _ => None,
    }
}

/// As much as comes out, if anything does: what is cut off is read as far as it goes.
fn inflate(reader: impl Read, most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let _ = reader.take(most as u64).read_to_end(&mut out);
    (!out.is_empty()).then_some(out)
}

pub fn gzip(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    bytes
        .starts_with(&[0x1f, 0x8b])
        .then(|| inflate(GzDecoder::new(bytes), most))?
}

pub fn zlib(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let [first, second, ..] = bytes else {
        return None;
    };
    let is_one = first & 0x0f == 8
        && first >> 4 <= 7
        && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0;
    is_one.then(|| inflate(ZlibDecoder::new(bytes), most))?
}

/// Bytes after which a text that may be compressed is looked at.
const A_LOOK: usize = 65_536;

/// Without a head that would tell: it counts if it is undone to its end, or to a good deal of text.
pub fn deflate(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    // Whether the first block is the last, and its kind: stored (which says its length twice), fixed or dynamic. What is
    // short is one block.
    match bytes.first()? & 7 {
        0b011 | 0b101 => {}
        0b100 if bytes.len() > 1024 => {}
        0b001 if bytes.len() > 5 && bytes[1] == !bytes[3] && bytes[2] == !bytes[4] => {}
        _ => return None,
    }
    // Most of what looks like it is none, and must not cost more than a look.
    let mut out = Vec::new();
    let mut decoder = DeflateDecoder::new(bytes).take(most.min(A_LOOK) as u64);
    let whole = decoder.read_to_end(&mut out).is_ok();
    let text = out
        .iter()
        .filter(|byte| class::OF[usize::from(**byte)] & (class::CONTROL | class::HIGH) == 0)
        .count();
    let is_text = text * 4 >= out.len() * 3 || std::str::from_utf8(&out).is_ok();
    if out.len() < 4 || !(whole || out.len() >= 16) || !is_text {
        return None;
    }
    if out.len() == A_LOOK {
        decoder.set_limit(most.saturating_sub(A_LOOK) as u64);
        let _ = decoder.read_to_end(&mut out);
    }
    Some(out)
}

/// What `compressToBase64`, `compressToEncodedURIComponent` and `compressToUint8Array` (in Base64) made.
pub fn lz_symbols(text: &[u8], most: usize) -> Option<(Vec<u8>, Coding)> {
    let uri = text.iter().any(|byte| matches!(byte, b'-' | b'$'));
    let (alphabet, coding) = if uri {
        (lz_string::URI, Coding::LzUri)
    } else {
        (lz_string::BASE64, Coding::LzBase64)
    };
    let mut values = [u16::MAX; 256];
    for (value, byte) in (0u16..).zip(alphabet) {
        values[usize::from(*byte)] = value;
    }
    // `=` as padding is nothing; as the 65th symbol it holds nothing either.
    let units = text
        .iter()
        .map(|byte| values[usize::from(*byte)])
        .map_while(|value| (value != u16::MAX).then_some(value & 63));
    let text = lz_string::decompress(units, 6, most)?;
    Some((text, coding))
}

/// What `compress` made, stored in bytes of either order.
pub fn lz_bytes(bytes: &[u8], most: usize) -> Vec<(Vec<u8>, Coding)> {
    let pairs = |order: fn([u8; 2]) -> u16| {
        bytes
            .chunks_exact(2)
            .map(move |pair| order([pair[0], pair[1]]))
    };
    let either = [
        (
            lz_string::decompress(pairs(u16::from_be_bytes), 16, most),
            Coding::LzBytes,
        ),
        (
            lz_string::decompress(pairs(u16::from_le_bytes), 16, most),
            Coding::LzRaw,
        ),
    ];
    either
        .into_iter()
        .filter_map(|(text, coding)| Some((text?, coding)))
        .collect()
}

/// What `compressToUTF16` or `compress` made, as UTF-8.
pub fn lz_characters(text: &str, most: usize) -> Vec<(Vec<u8>, Coding)> {
    let stored = text.encode_utf16().map_while(|unit| unit.checked_sub(32));
    let either = [
        (lz_string::decompress(stored, 15, most), Coding::LzUtf16),
        (
            lz_string::decompress(text.encode_utf16(), 16, most),
            Coding::LzRaw,
        ),
    ];
    either
        .into_iter()
        .filter_map(|(text, coding)| Some((text?, coding)))
        .collect()
}

pub fn rot13(text: &[u8]) -> Vec<u8> {
    let turned = |byte: u8, first: u8| (byte - first + 13) % 26 + first;
    text.iter()
        .map(|byte| match byte {
            b'a'..=b'z' => turned(*byte, b'a'),
            b'A'..=b'Z' => turned(*byte, b'A'),
            other => *other,
        })
        .collect()
}

/// Characters, where they are some, else bytes.
pub fn reversed(text: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_ascii() => text.chars().rev().collect::<String>().into_bytes(),
        _ => text.iter().rev().copied().collect(),
    }
}

/// Every second byte of the first ones is zero.
pub fn utf16(bytes: &[u8]) -> Option<(Vec<u8>, Coding)> {
    let head = bytes.get(..bytes.len().min(64))?;
    let zeros = |odd: usize| {
        head.iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let half = head.len() / 2;
    let (order, coding): (fn([u8; 2]) -> u16, Coding) = if half > 0 && zeros(1) * 4 >= half * 3 {
        (u16::from_le_bytes, Coding::Utf16Le)
    } else if half > 0 && zeros(0) * 4 >= half * 3 {
        (u16::from_be_bytes, Coding::Utf16Be)
    } else {
        return None;
    };
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| order([pair[0], pair[1]]))
        .collect();
    Some((String::from_utf16_lossy(&units).into_bytes(), coding))
}

/// A text all of whose characters are bytes, some of them none of ASCII.
pub fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect()
}

/// The digits of a number that is written in groups.
pub fn separators(text: &[u8]) -> Vec<u8> {
    text.iter()
        .copied()
        .filter(|byte| class::OF[usize::from(*byte)] & class::SEPARATOR == 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_every_alphabet_are_undone() {
        let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
        assert_eq!(
            base64(b"aGVsbG8_").unwrap(),
            (b"hello?".to_vec(), Coding::Base64Url)
        );
        assert_eq!(
            base64(b"aGVsbG8").unwrap(),
            (b"hello".to_vec(), Coding::Base64Unpadded)
        );
        assert_eq!(
            base64(b"aGVsbG8=").unwrap(),
            (b"hello".to_vec(), Coding::Base64)
        );
        assert_eq!(
            base32(b"NBSWY3DP").unwrap(),
            (b"hello".to_vec(), Coding::Base32)
        );
        assert_eq!(base32(b"nbswy3dp").unwrap().1, Coding::Base32Lower);
        assert_eq!(
            hex(b"68656C6C6F").unwrap(),
            (b"hello".to_vec(), Coding::HexUpper)
        );
        assert_eq!(text(base58(b"StV1DL6CwTryKyV")), "hello world");
        assert_eq!(base58(b"1112").unwrap(), [0, 0, 0, 1]);
        assert_eq!(base58(b"0OIl"), None);
        assert_eq!(
            text(entities(b"a&#64;b&#x2e;c&amp;d&what;")),
            "a@b.c&d&what;"
        );
        assert_eq!(
            text(escapes(br"\u0061\x40\u{62}\/\ud83d\ude00\n")),
            "a@b/😀\n"
        );
        assert_eq!(escapes(b"none"), None);
        assert_eq!(rot13(b"Uryyb, jbeyq"), b"Hello, world");
        assert_eq!(latin1("h\u{e9}").unwrap(), [b'h', 0xe9]);
        assert_eq!(utf16(b"h\0i\0").unwrap().0, b"hi");
    }

    #[test]
    fn what_is_compressed_is_undone_no_further_than_allowed() {
        use std::io::Write;
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&[b'a'; 100_000]).unwrap();
        let bytes = encoder.finish().unwrap();
        assert_eq!(deflate(&bytes, 1000).unwrap().len(), 1000);
        assert_eq!(deflate(b"just a text, no block of it", 1000), None);
    }
}
