//! Values in a form that people can read.

use serde_json::{Value, json};

use super::table::{OPTION_BITS, SOURCES, TRACK_METHODS};
use crate::decode::value_form::nobody;
use crate::model::Moment;

/// What a value says, where it is not plain to see.
pub(super) fn readable(key: &str, value: &str) -> Option<Value> {
    if value.is_empty() {
        return (key == "dpo").then(|| "limited data use is off, explicitly".into());
    }
    if let Some((source, rest)) = key.split_once('[').filter(|_| key != "eid[]") {
        let (_, _, mask) = SOURCES.iter().find(|(name, ..)| *name == source)?;
        return if *mask {
            Some(shape(value).into())
        } else {
            nobody(rest.trim_end_matches(']'), value).map(Value::from)
        };
    }
    match key {
        "ts" | "it" => time(value),
        "o" => bits(value),
        "tm" => {
            let method: usize = value.parse().ok()?;
            TRACK_METHODS.get(method).map(|name| (*name).into())
        }
        "fbp" => cookie(value, "random"),
        "fbc" => cookie(value, "click_id"),
        "fbcs" => Some(
            value
                .split(',')
                .map(|one| cookie(one, "click_id"))
                .collect(),
        ),
        "eid" | "eid[]" => ["ob3_plugin-set", "sgwpixel_plugin-set"]
            .iter()
            .any(|gateway| value.starts_with(gateway))
            .then(|| "a Gateway passes the same event on from a server".into()),
        _ => word(key, value).map(Value::from),
    }
}

/// Values of which the library knows a few.
fn word(key: &str, value: &str) -> Option<&'static str> {
    Some(match (key, value) {
        ("ped", "1") => "an address of Apple's private relay: em is a constant, no person",
        ("ped", "2") => "an iCloud address",
        ("dpo", "LDU") => "limited data use; it does not stop matching",
        ("dpoco", "1") => "United States",
        ("dpost", "1000") => "California",
        ("dpoco" | "dpost", "0") => "Meta is to find out where the visitor is",
        ("rqm", "GET") => "an image's request",
        ("rqm", "formPOST") => "a form sent into a hidden frame",
        ("rqm", "SB") => "sendBeacon",
        ("rqm", "FGET") => "fetch, for Chrome's attribution reporting",
        ("ler", "empty") => "no other site led here",
        ("ler", "fb") => "came from Facebook",
        ("ler", "ig") => "came from Instagram",
        ("ler", "other") => "came from another site",
        ("es", "automatic") => "sent by the library by itself",
        _ => return None,
    })
}

fn time(value: &str) -> Option<Value> {
    let millis: i64 = value.parse().ok()?;
    // Until the year 9999: beyond, it is no time.
    (0..=253_402_207_200_000)
        .contains(&millis)
        .then(|| Moment::from_millis(millis).to_string().into())
}

fn bits(value: &str) -> Option<Value> {
    let bits: u64 = value.parse().ok()?;
    let names = (0..u64::BITS as usize)
        .filter(|bit| bits >> bit & 1 == 1)
        .map(|bit| match OPTION_BITS.get(bit) {
            Some(name) => Value::from(*name),
            None => format!("unknown bit {}", 1_u64 << bit).into(),
        });
    Some(names.collect())
}

/// `fb.<subdomain index>.<creation, ms>.<payload>[.<appendix>]`.
fn cookie(value: &str, payload: &str) -> Option<Value> {
    let mut parts: Vec<&str> = value.split('.').collect();
    if parts.len() < 4 || parts[0] != "fb" {
        return None;
    }
    let index: u32 = parts[1].parse().ok()?;
    let created = time(parts[2])?;
    let appendix = parts
        .pop_if(|last| parts_have_appendix(last))
        .filter(|_| parts.len() >= 4);
    let mut said = json!({ "subdomain_index": index, "created": created });
    let rest = match appendix {
        Some(_) => parts[3..].join("."),
        None => value.splitn(4, '.').nth(3).unwrap_or_default().to_owned(),
    };
    said[payload] = rest.into();
    if let Some(appendix) = appendix {
        said["appendix"] = appendix.into();
        if appendix == "AQYCAQMA" {
            said["set_by"] = "the library in this browser, newly made".into();
        }
    }
    Some(said)
}

/// Names the library that set the cookie: 2 or 8 characters.
fn parts_have_appendix(last: &str) -> bool {
    matches!(last.len(), 2 | 8)
}

/// A mask in words: which kinds of characters, how many, in order.
fn shape(mask: &str) -> String {
    let mut said: Vec<String> = Vec::new();
    let characters: Vec<char> = mask.chars().take(256).collect();
    for run in characters.chunk_by(|a, b| a == b) {
        let kind = match run[0] {
            '^' => "capital",
            '*' => "small letter",
            '#' => "digit",
            '~' => "letter beyond ASCII",
            _ => {
                said.push(format!("`{}`", run.iter().collect::<String>()));
                continue;
            }
        };
        let plural = if run.len() == 1 { "" } else { "s" };
        said.push(format!("{} {kind}{plural}", run.len()));
    }
    said.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_taken_apart() {
        let value = readable("fbp", "fb.1.1690000000000.1234567890.AQYCAQMA").unwrap();
        assert_eq!(
            value,
            json!({"subdomain_index": 1, "created": "2023-07-22T04:26:40.000Z", "random": "1234567890",
                   "appendix": "AQYCAQMA", "set_by": "the library in this browser, newly made"})
        );
        // A payload of eight digits is no appendix.
        let value = readable("fbp", "fb.0.1690000000000.12345678").unwrap();
        assert_eq!(value["random"], "12345678");
        assert_eq!(value.get("appendix"), None);
        let value = readable("fbcs", "fb.1.1690000000000.IwAR0_a,nonsense").unwrap();
        assert_eq!(value[0]["click_id"], "IwAR0_a");
        assert_eq!(value[1], Value::Null);
        for broken in ["fb.1.x.1", "fb.1", "", "gb.1.1690000000000.1"] {
            assert_eq!(readable("fbp", broken), None, "{broken}");
        }
    }

    #[test]
    fn times_bits_and_methods_have_names() {
        assert_eq!(
            readable("ts", "1690000000000").unwrap(),
            "2023-07-22T04:26:40.000Z"
        );
        assert_eq!(readable("ts", "1e99"), None);
        assert_eq!(readable("ts", "99999999999999999"), None);
        assert_eq!(
            readable("o", "4126").unwrap(),
            json!([
                "autoConfig",
                "config",
                "defineProp",
                "beacon",
                "firstPartyCookies"
            ])
        );
        assert_eq!(
            readable("o", "32769").unwrap(),
            json!(["autoOptOut", "unknown bit 32768"])
        );
        for (value, name) in TRACK_METHODS.iter().enumerate() {
            assert_eq!(readable("tm", &value.to_string()).unwrap(), *name);
        }
        assert_eq!(readable("tm", "6"), None);
    }

    #[test]
    fn words_for_what_the_library_writes_as_signs() {
        for (key, value, word) in [
            ("dpo", "LDU", "limited data use; it does not stop matching"),
            ("dpo", "", "limited data use is off, explicitly"),
            ("dpoco", "1", "United States"),
            ("dpost", "1000", "California"),
            ("ped", "2", "an iCloud address"),
            ("rqm", "formPOST", "a form sent into a hidden frame"),
            ("ler", "fb", "came from Facebook"),
            (
                "eid",
                "ob3_plugin-set_00ff",
                "a Gateway passes the same event on from a server",
            ),
            (
                "eid",
                "sgwpixel_plugin-set_1",
                "a Gateway passes the same event on from a server",
            ),
        ] {
            assert_eq!(readable(key, value).unwrap(), word, "{key}={value}");
        }
        assert_eq!(readable("eid", "order-17"), None);
        assert_eq!(readable("dl", "https://www.police.example/"), None);
    }

    #[test]
    fn masks_and_hashes_of_nobody_are_explained() {
        assert_eq!(
            readable("cud[em]", "^**~##@*").unwrap(),
            "1 capital, 2 small letters, 1 letter beyond ASCII, 2 digits, `@`, 1 small letter"
        );
        let undefined = "EB045D78D273107348B0300C01D29B7552D622ABBC6FAF81B3EC55359AA9950C";
        assert_eq!(
            readable("ud[em]", undefined).unwrap(),
            "SHA-256 of `undefined`"
        );
        assert_eq!(readable("ud[em]", &"a".repeat(64)), None);
    }
}
