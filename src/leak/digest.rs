//! What cannot be undone is made beforehand: the digests of every form of every canary, in one table.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use blake2::{Blake2b512, Blake2bVar, Blake2s256};
use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use digest::{Digest, Update, VariableOutput};

use super::normal::Form;
use super::step::{HEX, HEX_UPPER, Step, StepKind};

/// A digest that is searched for.
#[derive(Debug)]
pub struct Algorithm {
    pub name: &'static str,
    /// Gives hex and perhaps more after a space.
    pub shell: Option<&'static str>,
    hash: fn(&[u8], &mut Vec<u8>),
    /// Sites use it: it is searched in chains of two, and over encodings.
    common: bool,
}

fn with<D: Digest>(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&D::digest(data));
}

const fn rare(
    name: &'static str,
    shell: Option<&'static str>,
    hash: fn(&[u8], &mut Vec<u8>),
) -> Algorithm {
    Algorithm {
        name,
        shell,
        hash,
        common: false,
    }
}

const fn common(
    name: &'static str,
    shell: &'static str,
    hash: fn(&[u8], &mut Vec<u8>),
) -> Algorithm {
    Algorithm {
        name,
        shell: Some(shell),
        hash,
        common: true,
    }
}

/// All of them. The shell's filters are coreutils' and openssl's.
pub const ALGORITHMS: &[Algorithm] = &[
    common("sha256", "sha256sum", with::<sha2::Sha256>),
    common("md5", "md5sum", with::<md5::Md5>),
    common("sha1", "sha1sum", with::<sha1::Sha1>),
    common("sha512", "sha512sum", with::<sha2::Sha512>),
    rare("sha224", Some("sha224sum"), with::<sha2::Sha224>),
    rare("sha384", Some("sha384sum"), with::<sha2::Sha384>),
    rare(
        "sha512/224",
        Some("openssl dgst -r -sha512-224"),
        with::<sha2::Sha512_224>,
    ),
    rare(
        "sha512/256",
        Some("openssl dgst -r -sha512-256"),
        with::<sha2::Sha512_256>,
    ),
    rare(
        "sha3-224",
        Some("openssl dgst -r -sha3-224"),
        with::<sha3::Sha3_224>,
    ),
    rare(
        "sha3-256",
        Some("openssl dgst -r -sha3-256"),
        with::<sha3::Sha3_256>,
    ),
    rare(
        "sha3-384",
        Some("openssl dgst -r -sha3-384"),
        with::<sha3::Sha3_384>,
    ),
    rare(
        "sha3-512",
        Some("openssl dgst -r -sha3-512"),
        with::<sha3::Sha3_512>,
    ),
    rare("keccak-256", None, with::<sha3::Keccak256>),
    rare("blake2b-512", Some("b2sum"), with::<Blake2b512>),
    rare("blake2b-256", Some("b2sum -l 256"), blake2b_256),
    rare(
        "blake2s-256",
        Some("openssl dgst -r -blake2s256"),
        with::<Blake2s256>,
    ),
    rare(
        "ripemd160",
        Some("openssl dgst -r -rmd160"),
        with::<ripemd::Ripemd160>,
    ),
    rare(
        "whirlpool",
        Some("openssl dgst -provider legacy -provider default -r -whirlpool"),
        with::<whirlpool::Whirlpool>,
    ),
    rare(
        "md4",
        Some("openssl dgst -provider legacy -provider default -r -md4"),
        with::<md4::Md4>,
    ),
    rare("md2", None, with::<md2::Md2>),
    rare("murmur3-128 (x64)", None, murmur_x64),
    rare("murmur3-128 (x86)", None, murmur_x86),
];

fn blake2b_256(data: &[u8], out: &mut Vec<u8>) {
    let mut bytes = [0; 32];
    if let Ok(mut hasher) = Blake2bVar::new(bytes.len()) {
        hasher.update(data);
        if hasher.finalize_variable(&mut bytes).is_ok() {
            out.extend_from_slice(&bytes);
        }
    }
}

/// As the usual JavaScript library prints it: two numbers of 64 bits, the most significant byte first.
fn murmur_x64(mut data: &[u8], out: &mut Vec<u8>) {
    if let Ok(hash) = murmur3::murmur3_x64_128(&mut data, 0) {
        out.extend_from_slice(&(hash as u64).to_be_bytes());
        out.extend_from_slice(&((hash >> 64) as u64).to_be_bytes());
    }
}

/// Four numbers of 32 bits, the most significant byte first.
fn murmur_x86(mut data: &[u8], out: &mut Vec<u8>) {
    if let Ok(hash) = murmur3::murmur3_x86_128(&mut data, 0) {
        for at in 0..4 {
            out.extend_from_slice(&((hash >> (32 * at)) as u32).to_be_bytes());
        }
    }
}

impl Algorithm {
    pub fn step(&self) -> Step {
        Step {
            name: self.name.into(),
            make: self.shell.map(Into::into),
            undo: None,
            kind: StepKind::Digest,
        }
    }
}

/// An encoding that is undone where it stands in a request, and made here, under a digest.
struct Under {
    step: Step,
    make: fn(&[u8]) -> Vec<u8>,
}

const fn under(name: &'static str, shell: &'static str, make: fn(&[u8]) -> Vec<u8>) -> Under {
    Under {
        step: Step::normal(name, shell),
        make,
    }
}

const UNDER: [Under; 7] = [
    under("base64", "base64 -w0", |data| {
        BASE64.encode(data).into_bytes()
    }),
    under("base64url", "basenc --base64url -w0 | tr -d =", |data| {
        BASE64URL_NOPAD.encode(data).into_bytes()
    }),
    under(HEX, r"od -An -v -tx1 | tr -d ' \n'", |data| {
        HEXLOWER.encode(data).into_bytes()
    }),
    under(HEX_UPPER, "basenc --base16 -w0", |data| {
        HEXUPPER.encode(data).into_bytes()
    }),
    under("base32", "base32 -w0", |data| {
        BASE32.encode(data).into_bytes()
    }),
    under(
        "percent-encoding",
        r"perl -pe 's/([^A-Za-z0-9_.!~*()\x27-])/sprintf q(%%%02X), ord $1/ge'",
        percent,
    ),
    under("reversed", "perl -CS -pe '$_ = reverse'", |data| {
        String::from_utf8_lossy(data)
            .chars()
            .rev()
            .collect::<String>()
            .into_bytes()
    }),
];

/// As JavaScript's `encodeURIComponent`.
fn percent(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in data {
        if byte.is_ascii_alphanumeric() || b"_.!~*()'-".contains(byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// How a digest came about: what the digest is taken of, from the form to the last algorithm.
#[derive(Debug, Clone, Copy)]
enum Recipe {
    Of(u8),
    /// Of an encoding of the form.
    OfEncoding(u8, u8),
    /// Of the hex, in lower case, of another.
    OfDigest(u8, u8),
    /// Of the hex in upper case, the Base64 or the bytes of another.
    OfDigestUpper(u8, u8),
    OfDigestBase64(u8, u8),
    OfDigestBytes(u8, u8),
    /// Of so many characters from the beginning.
    OfPart(u8, u16),
}

#[derive(Debug)]
struct Entry {
    form: u32,
    recipe: Recipe,
    at: u32,
    length: u8,
}

/// The digests of all forms, by their first eight bytes.
#[derive(Debug, Default)]
pub struct Digests {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    index: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
}

/// What a digest was found to be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestMatch {
    pub form: usize,
    /// From the form to the digest.
    pub steps: Vec<Step>,
    /// So many characters of the form alone were hashed.
    pub part: Option<usize>,
}

impl Digests {
    pub fn of(forms: &[Form]) -> Digests {
        let mut digests = Digests::default();
        digests.entries.reserve(forms.len() * 150);
        digests.bytes.reserve(forms.len() * 150 * 32);
        let mut first = Vec::new();
        for (number, form) in (0u32..).zip(forms) {
            for (at, _) in (0u8..).zip(ALGORITHMS) {
                digests.add(number, Recipe::Of(at), form.text.as_bytes());
            }
            if form.main {
                digests.add_chains(number, form, &mut first);
            }
        }
        digests
    }

    fn add_chains(&mut self, number: u32, form: &Form, first: &mut Vec<u8>) {
        let text = form.text.as_bytes();
        let all = || (0u8..).zip(ALGORITHMS);
        let commons = || all().filter(|(_, algorithm)| algorithm.common);
        for (encoding, under) in (0u8..).zip(&UNDER) {
            let encoded = (under.make)(text);
            for (at, _) in commons() {
                self.add(number, Recipe::OfEncoding(encoding, at), &encoded);
            }
        }
        for (inner, algorithm) in all() {
            first.clear();
            (algorithm.hash)(text, first);
            let hex = HEXLOWER.encode(first);
            for (outer, other) in all() {
                // Nobody has taken two of this one for decades, and it takes longer than all others.
                let old = [algorithm, other]
                    .iter()
                    .any(|algorithm| algorithm.name == "md2");
                if (other.common || algorithm.common) && !old {
                    self.add(number, Recipe::OfDigest(inner, outer), hex.as_bytes());
                }
            }
            if algorithm.common {
                let upper = HEXUPPER.encode(first);
                let base64 = BASE64.encode(first);
                for (outer, _) in commons() {
                    self.add(
                        number,
                        Recipe::OfDigestUpper(inner, outer),
                        upper.as_bytes(),
                    );
                    self.add(
                        number,
                        Recipe::OfDigestBase64(inner, outer),
                        base64.as_bytes(),
                    );
                    self.add(number, Recipe::OfDigestBytes(inner, outer), first);
                }
            }
        }
        // What was typed up to then, key by key.
        let Some(least) = form.least else {
            return;
        };
        for (count, (end, _)) in form.text.char_indices().enumerate().skip(least) {
            let Ok(count) = u16::try_from(count) else {
                break;
            };
            // Of a long text so many beginnings that it does not matter.
            if count > 64 {
                break;
            }
            for (at, _) in commons() {
                self.add(number, Recipe::OfPart(at, count), &text[..end]);
            }
        }
        let length = form.text.chars().count();
        for (count, (end, _)) in form
            .text
            .char_indices()
            .enumerate()
            .skip(length.saturating_sub(2).max(65))
        {
            if let Ok(count) = u16::try_from(count) {
                for (at, _) in commons() {
                    self.add(number, Recipe::OfPart(at, count), &text[..end]);
                }
            }
        }
    }

    fn add(&mut self, form: u32, recipe: Recipe, data: &[u8]) {
        let outer = match recipe {
            Recipe::Of(at)
            | Recipe::OfPart(at, _)
            | Recipe::OfEncoding(_, at)
            | Recipe::OfDigest(_, at)
            | Recipe::OfDigestUpper(_, at)
            | Recipe::OfDigestBase64(_, at)
            | Recipe::OfDigestBytes(_, at) => at,
        };
        let at = self.bytes.len();
        (ALGORITHMS[usize::from(outer)].hash)(data, &mut self.bytes);
        let length = self.bytes.len() - at;
        let Some(key) = key(&self.bytes[at..]) else {
            return;
        };
        let number = self.entries.len() as u32;
        // The plainest way to a digest came first.
        self.index.entry(key).or_insert(number);
        self.entries.push(Entry {
            form,
            recipe,
            at: at as u32,
            length: length as u8,
        });
    }

    /// Whether these bytes are a digest, or the beginning of one, of at least eight bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<DigestMatch> {
        let (entry, digest) = self.entry(bytes)?;
        digest
            .starts_with(bytes)
            .then(|| of(entry, digest, bytes.len()))
    }

    /// The digest that these bytes begin with, and its length.
    pub fn find_at(&self, bytes: &[u8]) -> Option<(DigestMatch, usize)> {
        let (entry, digest) = self.entry(bytes)?;
        bytes
            .starts_with(digest)
            .then(|| (of(entry, digest, digest.len()), digest.len()))
    }

    fn entry(&self, bytes: &[u8]) -> Option<(&Entry, &[u8])> {
        let entry = &self.entries[*self.index.get(&key(bytes)?)? as usize];
        let at = entry.at as usize;
        Some((entry, &self.bytes[at..at + usize::from(entry.length)]))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// How a digest came about, of which the first bytes are there.
fn of(entry: &Entry, digest: &[u8], there: usize) -> DigestMatch {
    let step = |at: u8| ALGORITHMS[usize::from(at)].step();
    let mut part = None;
    let mut steps = match entry.recipe {
        Recipe::Of(at) => vec![step(at)],
        Recipe::OfPart(at, count) => {
            part = Some(usize::from(count));
            vec![first_characters(count), step(at)]
        }
        Recipe::OfEncoding(encoding, at) => {
            vec![UNDER[usize::from(encoding)].step.clone(), step(at)]
        }
        Recipe::OfDigest(inner, outer) => vec![step(inner), step(outer)],
        Recipe::OfDigestUpper(inner, outer) => {
            let upper = Step::normal(HEX_UPPER, "tr a-f A-F");
            vec![step(inner), upper, step(outer)]
        }
        Recipe::OfDigestBase64(inner, outer) => {
            let base64 = Step::normal("base64", "tr a-f A-F | basenc --base16 -d | base64 -w0");
            vec![step(inner), base64, step(outer)]
        }
        Recipe::OfDigestBytes(inner, outer) => {
            let bytes = Step::normal("bytes", "tr a-f A-F | basenc --base16 -d");
            vec![step(inner), bytes, step(outer)]
        }
    };
    if there < digest.len() {
        let digits = there * 2;
        let cut = format!("head -c {digits}");
        steps.push(Step {
            kind: StepKind::Digest,
            ..Step::named(format!("first {there} bytes"), cut)
        });
    }
    DigestMatch {
        form: entry.form as usize,
        steps,
        part,
    }
}

/// So many characters from the beginning.
pub fn first_characters(count: u16) -> Step {
    Step::named(
        format!("first {count} characters"),
        format!("perl -CS -pe '$_ = substr $_, 0, {count}'"),
    )
}

fn key(bytes: &[u8]) -> Option<u64> {
    let first = bytes.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*first))
}

/// Digests are as good as their own hashes.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        // Tables take the upper and the lower bits.
        self.0 = key ^ key.rotate_left(32);
    }
}

/// Hashes of 32 bits, which collide: a number that is one is suspected, never found.
pub const SHORT: [(&str, fn(&[u8]) -> u32); 7] = [
    ("crc32", |data| {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        crc.sum()
    }),
    ("adler32", |data| {
        let (mut a, mut b) = (1u32, 0u32);
        for byte in data {
            a = (a + u32::from(*byte)) % 65_521;
            b = (b + a) % 65_521;
        }
        b << 16 | a
    }),
    ("fnv1a-32", |data| {
        data.iter().fold(0x811c_9dc5, |hash: u32, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        })
    }),
    ("murmur3-32", |mut data| {
        murmur3::murmur3_32(&mut data, 0).unwrap_or_default()
    }),
    ("djb2", |data| {
        data.iter().fold(5381, |hash: u32, byte| {
            hash.wrapping_mul(33).wrapping_add(u32::from(*byte))
        })
    }),
    ("djb2 (xor)", |data| {
        data.iter().fold(5381, |hash: u32, byte| {
            hash.wrapping_mul(33) ^ u32::from(*byte)
        })
    }),
    ("java hashCode", |data| {
        data.iter().fold(0, |hash: u32, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(*byte))
        })
    }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leak::Sought;
    use crate::leak::normal::forms;

    fn digests() -> (Vec<Form>, Digests) {
        let sought = Sought {
            name: "email".into(),
            kind: "email".into(),
            value: "Abc.Defghi@Example.com".into(),
            rare: true,
        };
        let forms = forms(0, &sought);
        let digests = Digests::of(&forms);
        (forms, digests)
    }

    fn names(hex: &str) -> Option<Vec<String>> {
        let (forms, digests) = digests();
        let found = digests.find(&HEXLOWER.decode(hex.as_bytes()).unwrap())?;
        let steps = forms[found.form].steps.iter().chain(&found.steps);
        Some(steps.map(|step| step.name.to_string()).collect())
    }

    /// `printf %s abc.defghi@example.com | sha256sum`, and so on.
    #[test]
    fn digests_of_the_normalised_value_are_known() {
        let sha256 = HEXLOWER.encode(&sha2::Sha256::digest("abc.defghi@example.com"));
        assert_eq!(names(&sha256).unwrap(), ["lower", "sha256"]);
        assert_eq!(
            names(&sha256[..32]).unwrap(),
            ["lower", "sha256", "first 16 bytes"]
        );
        assert_eq!(
            names(&sha256[..14]),
            None,
            "less than eight bytes may be anything"
        );
        let twice = HEXLOWER.encode(&md5::Md5::digest(&sha256));
        assert_eq!(names(&twice).unwrap(), ["lower", "sha256", "md5"]);
        let other = HEXLOWER.encode(&sha2::Sha256::digest("abc.defghj@example.com"));
        assert_eq!(names(&other), None);
    }

    /// Published vectors of the empty text or of `abc`: each algorithm is the one that its name says.
    #[test]
    fn each_algorithm_is_what_its_name_says() {
        let expected = [
            ("sha256", "ba7816bf"),
            ("md5", "90015098"),
            ("sha1", "a9993e36"),
            ("sha512", "ddaf35a1"),
            ("sha224", "23097d22"),
            ("sha384", "cb00753f"),
            ("sha512/224", "4634270f"),
            ("sha512/256", "53048e26"),
            ("sha3-224", "e642824c"),
            ("sha3-256", "3a985da7"),
            ("sha3-384", "ec01498288516fc926459f58"),
            ("sha3-512", "b751850b"),
            ("keccak-256", "4e03657a"),
            ("blake2b-512", "ba80a53f"),
            ("blake2b-256", "bddd813c"),
            ("blake2s-256", "508c5e8c"),
            ("ripemd160", "8eb208f7"),
            ("whirlpool", "4e2448a4"),
            ("md4", "a448017a"),
            ("md2", "da853b0d"),
            ("murmur3-128 (x64)", "b4963f3f"),
            ("murmur3-128 (x86)", "75cdc6d1"),
        ];
        assert_eq!(expected.len(), ALGORITHMS.len());
        for (algorithm, (name, hex)) in ALGORITHMS.iter().zip(expected) {
            let mut out = Vec::new();
            (algorithm.hash)(b"abc", &mut out);
            assert_eq!(algorithm.name, name);
            assert!(
                HEXLOWER.encode(&out).starts_with(hex),
                "{name}: {}",
                HEXLOWER.encode(&out)
            );
        }
    }

    #[test]
    fn short_hashes_are_what_their_names_say() {
        let of = |name: &str| {
            let (_, hash) = SHORT.iter().find(|(known, _)| *known == name).unwrap();
            hash(b"abc")
        };
        assert_eq!(of("crc32"), 0x3524_41c2);
        assert_eq!(of("adler32"), 0x024d_0127);
        assert_eq!(of("fnv1a-32"), 0x1a47_e90b);
        assert_eq!(of("murmur3-32"), 0xb3dd_93fa);
        assert_eq!(of("java hashCode"), 96_354);
    }
}
