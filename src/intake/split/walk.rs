//! Walks over the bytes of a HAR and knows where its entries begin and end, without parsing them.

use memchr::memchr2;

/// A string of an answer longer than this is shortened on its way: what a site answered is not decoded.
pub(super) const ANSWER_STRING: usize = 4096;

/// Where in a JSON text the next byte stands.
#[derive(Debug, Default)]
pub(super) struct Json {
    pub depth: usize,
    pub in_string: bool,
    pub escaped: bool,
    /// The string is a key at a level that matters.
    pub at_key: bool,
    pub key: Vec<u8>,
    pub in_key: bool,
    /// The last key at levels 1, 2 and that of an entry's own keys.
    pub log: bool,
    pub entries_next: bool,
    pub response: bool,
    /// Depth of the array of entries, once in it.
    pub entries: Option<usize>,
    pub seen_entries: bool,
    pub in_entry: bool,
    /// The entry is no object: a word or a number, which no HAR should have there.
    pub scalar: bool,
    pub string_length: usize,
}

impl Json {
    /// Whether keys at this depth say where the entries are, or which part of an entry follows.
    pub fn keys_matter(&self) -> bool {
        match self.entries {
            Some(entries) => self.depth == entries + 1,
            None => self.depth <= 2,
        }
    }

    /// Passes over what is deep inside an entry, where no key matters: most of a HAR. Stops where the entry's own level
    /// comes back, and before a string that is long or does not end in this chunk.
    pub fn skim(&mut self, chunk: &[u8], from: usize) -> usize {
        let Some(own) = self.entries.map(|entries| entries + 1) else {
            return from;
        };
        let mut at = from;
        if !self.in_entry || self.depth <= own {
            return at;
        }
        while let Some(byte) = chunk.get(at) {
            match byte {
                b'"' => match short_string(&chunk[at + 1..]) {
                    Some(length) => at += length,
                    None => return at,
                },
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth == own + 1 => return at,
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
            at += 1;
        }
        at
    }

    pub fn string_begins(&mut self) {
        self.in_string = true;
        self.string_length = 0;
        self.in_key = self.at_key && self.keys_matter();
        self.key.clear();
    }

    pub fn string_ends(&mut self) {
        self.in_string = false;
    }

    pub fn colon(&mut self) {
        if !self.at_key || !self.keys_matter() {
            return;
        }
        self.at_key = false;
        match (self.entries, self.depth) {
            (Some(_), _) => self.response = self.key == b"response",
            (None, 1) => self.log = self.key == b"log",
            (None, 2) => self.entries_next = self.log && self.key == b"entries",
            _ => {}
        }
    }

    pub fn comma(&mut self) {
        if self.keys_matter() {
            self.at_key = true;
        }
    }

    /// Whether an entry that is no object begins here.
    pub fn scalar_begins(&mut self) -> bool {
        let begins = self.entries == Some(self.depth) && !self.in_entry;
        self.in_entry |= begins;
        self.scalar |= begins;
        begins
    }

    /// Whether an entry begins with it.
    pub fn opens(&mut self, byte: u8) -> bool {
        let entry = self.entries == Some(self.depth);
        if self.entries.is_none() && self.entries_next && self.depth == 2 && byte == b'[' {
            self.entries = Some(3);
            self.seen_entries = true;
        }
        self.depth += 1;
        self.at_key = byte == b'{';
        self.in_entry |= entry;
        if entry {
            self.response = false;
        }
        entry
    }

    /// Whether an entry ends with it.
    pub fn closes(&mut self) -> bool {
        self.depth -= 1;
        self.at_key = false;
        if let Some(entries) = self.entries {
            if self.depth == entries && self.in_entry {
                self.in_entry = false;
                self.response = false;
                return true;
            }
            if self.depth < entries {
                self.entries = None;
                self.entries_next = false;
            }
        }
        false
    }
}

/// Bytes before the first quote or backslash. Most strings are short, and over before a search has begun.
pub(super) fn until_quote_or_backslash(text: &[u8]) -> usize {
    let near = &text[..text.len().min(16)];
    near.iter()
        .position(|byte| matches!(byte, b'"' | b'\\'))
        .unwrap_or_else(|| {
            let far = &text[near.len()..];
            near.len() + memchr2(b'"', b'\\', far).unwrap_or(far.len())
        })
}

/// Bytes to the end of a string, with its closing quote; nothing if it is long, or does not end here.
fn short_string(text: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        length += until_quote_or_backslash(&text[length..]);
        if length > ANSWER_STRING {
            return None;
        }
        match text.get(length)? {
            b'"' => return Some(length + 1),
            _ => {
                length += 2;
                text.get(length - 1)?;
            }
        }
    }
}
