//! The `lz-string` library's format, undone. It packs codes of growing width, least significant bit first, into units of
//! as many bits as its output has: 6 for Base64, 15 for UTF-16 that can be stored, 16 for raw UTF-16, 8 for bytes.

/// Alphabet of `compressToBase64`.
pub const BASE64: &[u8; 65] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
/// Alphabet of `compressToEncodedURIComponent`.
pub const URI: &[u8; 65] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-$";

/// Undoes it, as long as what comes out is text that a person may have typed or a page may have made: anything else is
/// something that merely looks like it.
///
/// `units` are the values of the compressed characters, each of `bits` bits. No more than `most` characters come out.
pub fn decompress(units: impl Iterator<Item = u16>, bits: u32, most: usize) -> Option<Vec<u8>> {
    let mut reader = Bits {
        units,
        bits,
        value: 0,
        left: 0,
    };
    let first = match reader.take(2)? {
        0 => reader.take(8)?,
        1 => reader.take(16)?,
        _ => return None,
    };
    plausible(first)?;
    let mut out: Vec<u16> = Vec::new();
    // Entries are ranges of what came out before, so that none is copied; single characters are entries of their own.
    let mut entries: Vec<(usize, usize)> = vec![(0, 0); 3];
    let mut characters: Vec<u16> = Vec::new();
    const CHARACTER: usize = usize::MAX;
    characters.push(first);
    entries.push((0, CHARACTER));
    out.push(first);
    let mut previous = (0, 1);
    loop {
        if out.len() >= most {
            out.truncate(most);
            break;
        }
        // As wide as the next entry's number is.
        let width = entries.len().ilog2() + 1;
        if width > 16 {
            return None;
        }
        let mut code = reader.take(width)? as usize;
        if code == 2 {
            break;
        }
        if code < 2 {
            let character = reader.take(if code == 0 { 8 } else { 16 })?;
            plausible(character)?;
            entries.push((characters.len(), CHARACTER));
            characters.push(character);
            code = entries.len() - 1;
        }
        let start = out.len();
        if let Some(&(at, length)) = entries.get(code) {
            if length == CHARACTER {
                out.push(characters[at]);
            } else {
                for index in at..at + length {
                    out.push(out[index]);
                }
            }
        } else if code == entries.len() {
            for index in previous.0..previous.0 + previous.1 {
                out.push(out[index]);
            }
            out.push(out[start]);
        } else {
            return None;
        }
        // What came before and the first character of this one stand one after the other in what came out.
        entries.push((previous.0, previous.1 + 1));
        previous = (start, out.len() - start);
    }
    Some(String::from_utf16_lossy(&out).into_bytes())
}

fn plausible(character: u16) -> Option<()> {
    let character = char::from_u32(u32::from(character))?;
    (!character.is_control() || character.is_ascii_whitespace()).then_some(())
}

struct Bits<I> {
    units: I,
    bits: u32,
    value: u16,
    left: u32,
}

impl<I: Iterator<Item = u16>> Bits<I> {
    fn take(&mut self, count: u32) -> Option<u16> {
        let mut code = 0;
        for at in 0..count {
            if self.left == 0 {
                self.value = self.units.next()?;
                self.left = self.bits;
            }
            self.left -= 1;
            code |= (self.value >> self.left & 1) << at;
        }
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units<'a>(text: &'a str, alphabet: &'a [u8]) -> impl Iterator<Item = u16> + 'a {
        text.bytes().map(|byte| {
            let at = alphabet.iter().position(|known| *known == byte);
            at.unwrap() as u16
        })
    }

    /// Made with lz-string 1.5.0.
    #[test]
    fn what_the_library_makes_is_undone() {
        let base64 = "BYUwNmD2A0AEoUkA";
        let text = decompress(units(base64, BASE64), 6, 1000);
        assert_eq!(
            text.map(|text| String::from_utf8(text).unwrap()).as_deref(),
            Some("hello, hello")
        );
        assert_eq!(decompress(units("AAAA", BASE64), 6, 1000), None);
    }
}
