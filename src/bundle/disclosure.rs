//! Values that were taken out of a bundle, each replaced by a salted digest, so that it can be disclosed later and checked:
//! the disclosures of SD-JWT (RFC 9901, 4.2).

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Bytes of a salt: 128 bits, as RFC 9901 (9.3) recommends.
const SALT: usize = 16;

/// A value, its name, and the salt without which its digest says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    pub name: String,
    pub value: String,
    /// Base64url of the JSON array `[salt, name, value]`: what is given to somebody who is to know the value.
    pub encoded: String,
}

impl Disclosure {
    /// With a fresh salt.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub fn fresh(name: &str, value: &str) -> Result<Disclosure, getrandom::Error> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt)?;
        let array = json!([BASE64URL_NOPAD.encode(&salt), name, value]);
        Ok(Disclosure {
            name: name.to_owned(),
            value: value.to_owned(),
            encoded: BASE64URL_NOPAD.encode(array.to_string().as_bytes()),
        })
    }

    /// Takes one apart. None: it is none.
    pub fn parse(encoded: &str) -> Option<Disclosure> {
        let array = BASE64URL_NOPAD.decode(encoded.as_bytes()).ok()?;
        let array: Value = serde_json::from_slice(&array).ok()?;
        let parts = array.as_array().filter(|parts| parts.len() == 3)?;
        let text = |at: usize| parts[at].as_str().map(str::to_owned);
        text(0)?;
        Some(Disclosure {
            name: text(1)?,
            value: text(2)?,
            encoded: encoded.to_owned(),
        })
    }

    /// `base64url(sha256(encoded))`: what stands in the bundle.
    pub fn digest(&self) -> String {
        BASE64URL_NOPAD.encode(&Sha256::digest(self.encoded.as_bytes()))
    }

    /// What takes the value's place, wherever it stood.
    pub fn mark(&self) -> String {
        mark(&self.name, &self.digest())
    }
}

/// A name as it may stand in a mark.
pub fn mark_name(name: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
        _ => '_',
    };
    name.chars().map(plain).collect()
}

/// `[redacted:NAME:DIGEST]`
pub fn mark(name: &str, digest: &str) -> String {
    format!("[redacted:{name}:{digest}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_one_of_the_standard() {
        // RFC 9901, 4.2.3.
        let encoded = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
        let disclosure = Disclosure::parse(encoded).unwrap();
        assert_eq!(
            (disclosure.name.as_str(), disclosure.value.as_str()),
            ("family_name", "Möbius")
        );
        assert_eq!(
            disclosure.digest(),
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
        );
    }

    #[test]
    fn a_disclosure_comes_back_and_another_salt_gives_another_digest() {
        let one = Disclosure::fresh("email", "ada@example.org").unwrap();
        let two = Disclosure::fresh("email", "ada@example.org").unwrap();
        assert_ne!(one.digest(), two.digest());
        assert_eq!(Disclosure::parse(&one.encoded), Some(one));
        assert_eq!(Disclosure::parse("WyJhIl0"), None);
    }
}
