//! What `docs/leaks.md` claims: any canary, through any chain of the transforms that it lists, in any place, is found.
//! The transforms are made here, with other code than undoes them.

use std::io::Write as _;

use data_encoding::{BASE32, BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use pixelwitness::leak::{Extent, Reader, Search, Sent, Sought};
use pixelwitness::model::{Cookie, Exchange, Headers, WebSocketFrame};
use pixelwitness::scenario::{CanaryKind, Seed};
use proptest::prelude::*;
use sha2::Digest as _;

/// A step that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Base64,
    Base64Unpadded,
    Base64Url,
    Hex,
    HexUpper,
    Base32,
    Base32Lower,
    Base58,
    Percent,
    PercentAll,
    Entities,
    Escapes,
    Gzip,
    Zlib,
    Deflate,
    Reversed,
    Rot13,
    Utf16,
    Json,
    Form,
}

const ENCODINGS: [Encoding; 20] = [
    Encoding::Base64,
    Encoding::Base64Unpadded,
    Encoding::Base64Url,
    Encoding::Hex,
    Encoding::HexUpper,
    Encoding::Base32,
    Encoding::Base32Lower,
    Encoding::Base58,
    Encoding::Percent,
    Encoding::PercentAll,
    Encoding::Entities,
    Encoding::Escapes,
    Encoding::Gzip,
    Encoding::Zlib,
    Encoding::Deflate,
    Encoding::Reversed,
    Encoding::Rot13,
    Encoding::Utf16,
    Encoding::Json,
    Encoding::Form,
];

fn percent(data: &[u8], keep: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut text = String::new();
    for byte in data {
        if keep(*byte) {
            text.push(char::from(*byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text.into_bytes()
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn base58(data: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u8> = vec![0];
    for byte in data {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| ALPHABET[usize::from(*digit)])
        .collect()
}

/// Applies it; nothing where the docs do not claim that such a thing is undone.
fn encode(encoding: Encoding, data: &[u8], before: &[Encoding]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(data);
    let turned = before
        .iter()
        .any(|one| matches!(one, Encoding::Reversed | Encoding::Rot13));
    let token = data
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte));
    Some(match encoding {
        Encoding::Base64 => BASE64.encode(data).into_bytes(),
        Encoding::Base64Unpadded => BASE64_NOPAD.encode(data).into_bytes(),
        Encoding::Base64Url => BASE64URL_NOPAD.encode(data).into_bytes(),
        Encoding::Hex => HEXLOWER.encode(data).into_bytes(),
        Encoding::HexUpper => HEXUPPER.encode(data).into_bytes(),
        Encoding::Base32 => BASE32.encode(data).into_bytes(),
        Encoding::Base32Lower => BASE32
            .encode(data)
            .to_lowercase()
            .trim_end_matches('=')
            .into(),
        // Leading zeros have a digit of their own, which nothing here begins with.
        Encoding::Base58 if data.len() <= 200 && data.first() != Some(&0) => base58(data),
        Encoding::Base58 => return None,
        Encoding::Percent => percent(data, unreserved),
        Encoding::PercentAll => percent(data, |_| false),
        Encoding::Entities => text
            .ok()?
            .chars()
            .map(|c| format!("&#{};", u32::from(c)))
            .collect::<String>()
            .into_bytes(),
        Encoding::Escapes => text
            .ok()?
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect::<String>()
            .into_bytes(),
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zlib => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Deflate => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text.ok()?.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        // Once in a chain, and of the value or of something in letters and digits.
        Encoding::Reversed if !turned && (before.is_empty() || token) => {
            text.ok()?.chars().rev().collect::<String>().into_bytes()
        }
        Encoding::Rot13 if !turned && (before.is_empty() || token) => {
            let turn = |byte: &u8| match byte {
                b'a'..=b'm' | b'A'..=b'M' => byte + 13,
                b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
                other => *other,
            };
            data.iter().map(turn).collect()
        }
        Encoding::Reversed | Encoding::Rot13 => return None,
        Encoding::Utf16 => {
            let text = text.ok().filter(|text| text.is_ascii())?;
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        }
        Encoding::Json => serde_json::json!({ "a": 1, "email": text.ok()? })
            .to_string()
            .into_bytes(),
        Encoding::Form => {
            let mut form = b"a=1&email=".to_vec();
            form.extend(percent(data, unreserved));
            form
        }
    })
}

fn is_binary(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::Gzip | Encoding::Zlib | Encoding::Deflate | Encoding::Utf16
    )
}

type Digest = fn(&[u8]) -> Vec<u8>;

const DIGESTS: [Digest; 8] = [
    |data| sha2::Sha256::digest(data).to_vec(),
    |data| md5::Md5::digest(data).to_vec(),
    |data| sha1::Sha1::digest(data).to_vec(),
    |data| sha2::Sha512::digest(data).to_vec(),
    |data| sha2::Sha384::digest(data).to_vec(),
    |data| sha3::Sha3_256::digest(data).to_vec(),
    |data| ripemd::Ripemd160::digest(data).to_vec(),
    |data| blake2::Blake2b512::digest(data).to_vec(),
];

/// What cannot be undone.
#[derive(Debug, Clone, Copy)]
enum Hashed {
    Not,
    Once(usize),
    /// Of the hex of another; one of the two is one of the first four.
    Twice(usize, usize),
    /// One of the first four, of the value in an encoding.
    Over(Encoding, usize),
}

fn hashed() -> impl Strategy<Value = Hashed> {
    prop_oneof![
        4 => Just(Hashed::Not),
        2 => (0..8usize).prop_map(Hashed::Once),
        1 => (0..8usize, 0..4usize).prop_map(|(inner, outer)| Hashed::Twice(inner, outer)),
        1 => (0..4usize, 0..8usize).prop_map(|(inner, outer)| Hashed::Twice(inner, outer)),
        1 => (prop::sample::select(vec![Encoding::Base64, Encoding::Hex, Encoding::Base32]), 0..4usize)
            .prop_map(|(encoding, digest)| Hashed::Over(encoding, digest)),
    ]
}

/// Kind and value: as a run makes them, and as people have them.
fn canary() -> impl Strategy<Value = (String, String, bool)> {
    let made = (any::<[u8; 32]>(), 0..7usize).prop_map(|(seed, kind)| {
        let kind = CanaryKind::ALL[kind];
        let value = Seed::from_bytes(seed).canary("c", kind).value;
        (kind.as_str().to_owned(), value, true)
    });
    let own = prop_oneof![
        ("[A-Za-z]{4,9}[.][a-z]{4,9}([+][a-z0-9]{2,6})?@[a-z]{4,10}[.]example")
            .prop_map(|value| ("email", value)),
        ("[+]447[0-9]{9}").prop_map(|value| ("phone", value)),
        ("[A-Z][a-zéüñßø]{7,12}").prop_map(|value| ("name", value)),
        ("[A-Z][a-z]{8,10} [a-z]{8,10} [a-zé]{9,12}").prop_map(|value| ("text", value)),
    ];
    let own = own.prop_map(|(kind, value)| (kind.to_owned(), value, false));
    prop_oneof![2 => made, 1 => own]
}

const PLACES: [&str; 11] = [
    "query",
    "path",
    "referer",
    "cookie",
    "header",
    "form",
    "multipart",
    "json",
    "text",
    "binary",
    "websocket",
];

/// A request that has the value there, under a name that says what it is.
fn request(place: &str, kind: &str, value: &[u8]) -> (Exchange, Option<Vec<u8>>) {
    let escaped = String::from_utf8(percent(value, unreserved)).unwrap();
    let token = String::from_utf8(percent(value, |byte| {
        byte.is_ascii_graphic() && !b";,\"\\%".contains(&byte)
    }))
    .unwrap();
    let text = String::from_utf8_lossy(value).into_owned();
    let key = if kind == "date" { "dob" } else { kind };
    let mut url = "https://t.example/a/b?x=1".to_owned();
    match place {
        "query" => url = format!("https://t.example/a?x=1&{key}={escaped}&y=2"),
        "path" => url = format!("https://t.example/a/{escaped}/b"),
        _ => {}
    }
    let mut exchange = Exchange::begun("x0001".into(), &url, "POST", "site.example");
    let mut headers = vec![("accept".to_owned(), "*/*".to_owned())];
    let mut body = None;
    match place {
        "referer" => headers.push((
            "referer".into(),
            format!("https://www.site.example/p?q=1&{key}={escaped}"),
        )),
        "cookie" => exchange.cookies.push(Cookie {
            name: key.into(),
            value: token,
            sent: true,
            withheld: None,
        }),
        "header" => headers.push((format!("x-{key}"), token)),
        "form" => {
            headers.push((
                "content-type".into(),
                "application/x-www-form-urlencoded".into(),
            ));
            body = Some(format!("x=1&{key}={escaped}&y=2").into_bytes());
        }
        "multipart" => {
            headers.push((
                "content-type".into(),
                "multipart/form-data; boundary=XX".into(),
            ));
            let head = format!("--XX\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n");
            body = Some([head.as_bytes(), value, b"\r\n--XX--\r\n"].concat());
        }
        "json" => {
            headers.push(("content-type".into(), "application/json".into()));
            let inner = serde_json::json!({ "user": { key: text } }).to_string();
            body = Some(
                serde_json::json!({ "data": inner })
                    .to_string()
                    .into_bytes(),
            );
        }
        "text" => {
            headers.push(("content-type".into(), "text/plain".into()));
            body = Some(value.to_vec());
        }
        "binary" => {
            headers.push(("content-type".into(), "application/octet-stream".into()));
            body = Some([&[1, 2, 0, 255, 7], value, &[0, 3, 254, 9]].concat());
        }
        "websocket" => exchange.frames.push(WebSocketFrame {
            direction: "sent".into(),
            opcode: 1,
            payload_base64: BASE64.encode(
                serde_json::json!({ "t": 1, key: text })
                    .to_string()
                    .as_bytes(),
            ),
            time: None,
        }),
        _ => {}
    }
    exchange.request_headers = Headers::from(headers);
    (exchange, body)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_canary_through_any_chain_in_any_place_is_found(
        (kind, value, rare) in canary(),
        lower in any::<bool>(),
        hashed in hashed(),
        wanted in prop::collection::vec(prop::sample::select(ENCODINGS.to_vec()), 0..4),
        place in prop::sample::select(PLACES.to_vec()),
    ) {
        let form = if lower { value.to_lowercase() } else { value.clone() };
        let mut chain: Vec<Encoding> = Vec::new();
        let hex = |data: Vec<u8>| HEXLOWER.encode(&data).into_bytes();
        let mut data = match hashed {
            Hashed::Not => form.clone().into_bytes(),
            Hashed::Once(digest) => hex(DIGESTS[digest](form.as_bytes())),
            Hashed::Twice(inner, outer) => hex(DIGESTS[outer](&hex(DIGESTS[inner](form.as_bytes())))),
            Hashed::Over(encoding, digest) => hex(DIGESTS[digest](&encode(encoding, form.as_bytes(), &[]).unwrap())),
        };
        if !matches!(hashed, Hashed::Not) {
            chain.push(Encoding::Hex);
        }
        let mut last_binary = false;
        for encoding in wanted {
            // Text is what text encodings take.
            let takes_text = !matches!(encoding, Encoding::Base64 | Encoding::Base64Unpadded | Encoding::Base64Url | Encoding::Hex | Encoding::HexUpper | Encoding::Base32 | Encoding::Base32Lower | Encoding::Base58 | Encoding::Gzip | Encoding::Zlib);
            if (last_binary && takes_text) || data.len() > 4000 {
                continue;
            }
            let Some(encoded) = encode(encoding, &data, &chain) else { continue };
            data = encoded;
            chain.push(encoding);
            last_binary = is_binary(encoding);
        }
        if last_binary {
            data = BASE64.encode(&data).into_bytes();
            chain.push(Encoding::Base64);
        }
        // What is too common by itself counts in a field that is named for it: where there is no name, or the value is
        // inside something else, it does not.
        let weak = matches!(kind.as_str(), "date" | "postcode");
        if weak && matches!(hashed, Hashed::Not) {
            let unnamed = matches!(place, "path" | "text" | "binary");
            prop_assume!(!unnamed && !chain.iter().any(|one| matches!(one, Encoding::Json | Encoding::Form | Encoding::Reversed | Encoding::Rot13)));
        }
        let search = Search::new(vec![Sought { name: "c".into(), kind: kind.clone(), value: value.clone(), rare }]);
        let (exchange, body) = request(place, &kind, &data);
        let found = Reader::new(&search).read(Sent { exchange: &exchange, body: body.as_deref() });
        prop_assert!(
            found.hits.iter().any(|hit| !hit.suspected && hit.extent == Extent::Whole),
            "{kind} {value} through {hashed:?} {chain:?} in {place}: {}\n{:#?}",
            String::from_utf8_lossy(&data), found
        );
    }
}
