//! Digests that are searched for, and encodings that are searched under them.

use blake2::{Blake2b512, Blake2bVar, Blake2s256};
use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use digest::{Digest, Update, VariableOutput};

use super::step::{HEX, HEX_UPPER, Step, StepKind};

/// A digest that is searched for.
#[derive(Debug)]
pub struct Algorithm {
    pub name: &'static str,
    /// Gives hex and perhaps more after a space.
    pub shell: Option<&'static str>,
    pub hash: fn(&[u8], &mut Vec<u8>),
    /// Sites use it: it is searched in chains of two, and over encodings.
    pub common: bool,
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
#[derive(Debug)]
pub struct Under {
    pub step: Step,
    pub make: fn(&[u8]) -> Vec<u8>,
}

const fn under(name: &'static str, shell: &'static str, make: fn(&[u8]) -> Vec<u8>) -> Under {
    Under {
        step: Step::normal(name, shell),
        make,
    }
}

pub const UNDER: [Under; 7] = [
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

type ShortHash = fn(&[u8]) -> u32;

/// Hashes of 32 bits, which collide: a number that is one is suspected, never found.
pub const SHORT: [(&str, ShortHash); 7] = [
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
