//! Cuts a stream of bytes into requests: the entries of a HAR, or the lines of JSON Lines. Holds one piece of input at a
//! time, however long the stream is.

mod look;
mod walk;

use std::io::Read;

use memchr::memchr;

use self::look::look;
use self::walk::{ANSWER_STRING, Json, until_quote_or_backslash};
use super::IntakeError;

/// Bytes read at once; entries are handed on in batches of about that size.
const CHUNK: usize = 256 * 1024;
/// And a batch has no more than so many, however short they are: what they come to is not short.
const MOST_PIECES: usize = 256;
/// A single entry beyond this is not kept: its record says so.
const LONGEST: usize = 64 * 1024 * 1024;

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Har,
    JsonLines,
}

/// Consecutive requests of a file.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    end: usize,
    /// Counted from 1: of the entry in a HAR, of the line in JSON Lines.
    number: usize,
    too_long: bool,
}

impl Batch {
    /// Each request's text and number; no text where it was too long to keep.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&[u8]>, usize)> {
        let mut start = 0;
        self.pieces.iter().map(move |piece| {
            let text = &self.bytes[start..piece.end];
            start = piece.end;
            ((!piece.too_long).then_some(text), piece.number)
        })
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// Reads batches.
#[derive(Debug)]
pub struct Splitter<R> {
    input: R,
    chunk: Vec<u8>,
    at: usize,
    /// Bytes of the stream before the chunk.
    before: u64,
    format: Format,
    json: Json,
    batch: Batch,
    /// Pieces so far; in JSON Lines, lines so far.
    count: usize,
    too_long: bool,
    done: bool,
    /// Why reading on failed; said once what was read before is handed on.
    failed: Option<IntakeError>,
}

impl<R: Read> Splitter<R> {
    /// Looks at the beginning to see what it is.
    ///
    /// # Errors
    /// The stream cannot be read, is empty, or is neither HAR nor JSON Lines.
    pub fn new(mut input: R) -> Result<Splitter<R>, IntakeError> {
        let mut chunk = Vec::new();
        let format = loop {
            let from = chunk.len();
            // Ever more, so that looking again and again stays cheap.
            let most = from.max(CHUNK);
            fill(&mut input, &mut chunk, most)?;
            let ended = chunk.len() < from + most;
            if from == 0 && chunk.starts_with(b"\xef\xbb\xbf") {
                chunk.drain(..3);
            }
            match look(&chunk, ended)? {
                Some(format) => break format,
                None if chunk.len() > LONGEST => return Err(IntakeError::Neither),
                None => {}
            }
        };
        Ok(Splitter {
            input,
            chunk,
            at: 0,
            before: 0,
            format,
            json: Json::default(),
            batch: Batch::default(),
            count: 0,
            too_long: false,
            done: false,
            failed: None,
        })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Requests so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The next requests; nothing at the end. After an error there is no more, and what came before was whole.
    ///
    /// # Errors
    /// The stream cannot be read, or a HAR ends before its end.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, IntakeError> {
        loop {
            if self.at < self.chunk.len() {
                match self.format {
                    Format::Har => self.take_har(),
                    Format::JsonLines => self.take_lines(),
                }
                self.before += self.chunk.len() as u64;
                self.chunk.clear();
                self.at = 0;
            }
            let is_full = self.batch.bytes.len() >= CHUNK || self.batch.pieces.len() >= MOST_PIECES;
            if is_full && !self.batch.is_empty() {
                return Ok(Some(self.hand_on()));
            }
            if self.done && self.chunk.is_empty() {
                return self.end();
            }
            if let Err(error) = fill(&mut self.input, &mut self.chunk, CHUNK) {
                self.failed = Some(error);
            }
            self.done = self.failed.is_some() || self.chunk.is_empty();
        }
    }

    /// The whole requests read so far; what was begun stays.
    fn hand_on(&mut self) -> Batch {
        let count = self.batch.pieces.len().min(MOST_PIECES);
        let mut later = self.batch.pieces.split_off(count);
        let end = self.whole();
        for piece in &mut later {
            piece.end -= end;
        }
        let bytes = self.batch.bytes.split_off(end);
        std::mem::replace(
            &mut self.batch,
            Batch {
                bytes,
                pieces: later,
            },
        )
    }

    fn end(&mut self) -> Result<Option<Batch>, IntakeError> {
        if self.format == Format::JsonLines && self.batch.bytes.len() > self.whole() {
            self.line_ends();
        }
        if !self.batch.is_empty() {
            return Ok(Some(self.hand_on()));
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.format == Format::Har && (self.json.depth > 0 || self.json.in_string) {
            return Err(IntakeError::CutOff {
                entries: self.count,
                bytes: self.before,
            });
        }
        if self.format == Format::Har && !self.json.seen_entries {
            return Err(IntakeError::NoEntries);
        }
        Ok(None)
    }

    fn whole(&self) -> usize {
        self.batch.pieces.last().map_or(0, |piece| piece.end)
    }

    fn take_lines(&mut self) {
        while self.at < self.chunk.len() {
            let rest = &self.chunk[self.at..];
            let (line, ended) = match memchr(b'\n', rest) {
                Some(end) => (&rest[..end], true),
                None => (rest, false),
            };
            if self.batch.bytes.len() + line.len() - self.whole() <= LONGEST {
                self.batch.bytes.extend_from_slice(line);
            } else {
                self.too_long = true;
            }
            self.at += line.len() + usize::from(ended);
            if ended {
                self.line_ends();
            }
        }
    }

    fn line_ends(&mut self) {
        self.count += 1;
        let whole = self.whole();
        if self.batch.bytes[whole..].trim_ascii().is_empty() && !self.too_long {
            self.batch.bytes.truncate(whole);
            return;
        }
        self.piece_ends();
    }

    fn piece_ends(&mut self) {
        if self.too_long {
            self.batch.bytes.truncate(self.whole());
        }
        self.batch.pieces.push(Piece {
            end: self.batch.bytes.len(),
            number: self.count,
            too_long: self.too_long,
        });
        self.too_long = false;
    }

    /// Walks over a chunk of a HAR and copies the entries in it.
    fn take_har(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        let mut at = self.at;
        // From where on bytes of an entry were not copied yet.
        let mut from = at;
        while at < chunk.len() {
            if self.json.in_string {
                if self.json.escaped {
                    self.json.escaped = false;
                    at += 1;
                    continue;
                }
                let rest = &chunk[at..];
                let run = until_quote_or_backslash(rest);
                if self.json.in_key && self.json.key.len() < 16 {
                    self.json.key.extend_from_slice(&rest[..run.min(16)]);
                }
                self.json.string_length += run + 1;
                if self.json.response && self.json.string_length > ANSWER_STRING && run > 8 {
                    // Up to eight, since four may belong to an escape.
                    self.copy(&chunk[from..at + 8]);
                    from = at + run;
                }
                at += run;
                match chunk.get(at) {
                    Some(b'"') => self.json.string_ends(),
                    Some(_) => self.json.escaped = true,
                    None => break,
                }
                at += 1;
                continue;
            }
            at = self.json.skim(&chunk, at);
            let Some(&byte) = chunk.get(at) else { break };
            match byte {
                b'"' => {
                    if self.json.scalar_begins() {
                        from = at;
                    }
                    self.json.string_begins();
                }
                b'{' | b'[' => from = if self.json.opens(byte) { at } else { from },
                b'}' | b']' => {
                    if self.json.depth == 0 {
                        self.done = true;
                        self.failed = Some(IntakeError::CutOff {
                            entries: self.count,
                            bytes: self.before + at as u64,
                        });
                        break;
                    }
                    if std::mem::take(&mut self.json.scalar) {
                        self.entry_ends(&chunk[from..at]);
                    }
                    if self.json.closes() {
                        self.entry_ends(&chunk[from..=at]);
                    }
                }
                b':' => self.json.colon(),
                b',' => {
                    if std::mem::take(&mut self.json.scalar) {
                        self.entry_ends(&chunk[from..at]);
                    }
                    self.json.comma();
                }
                byte if !byte.is_ascii_whitespace() => {
                    from = if self.json.scalar_begins() { at } else { from };
                }
                _ => {}
            }
            at += 1;
        }
        if self.json.in_entry && from < chunk.len() {
            self.copy(&chunk[from..]);
        }
        self.chunk = chunk;
    }

    fn entry_ends(&mut self, rest: &[u8]) {
        self.copy(rest);
        self.json.in_entry = false;
        self.count += 1;
        self.piece_ends();
    }

    fn copy(&mut self, bytes: &[u8]) {
        if self.batch.bytes.len() + bytes.len() - self.whole() <= LONGEST {
            self.batch.bytes.extend_from_slice(bytes);
        } else {
            self.too_long = true;
        }
    }
}

/// Reads until `most` bytes more are there, or the stream ends.
fn fill(input: &mut impl Read, chunk: &mut Vec<u8>, most: usize) -> Result<(), IntakeError> {
    let mut filled = chunk.len();
    chunk.resize(filled + most, 0);
    let result = loop {
        match input.read(&mut chunk[filled..]) {
            Ok(0) => break Ok(()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error.into()),
        }
        if filled == chunk.len() {
            break Ok(());
        }
    };
    chunk.truncate(filled);
    result
}

#[cfg(test)]
mod tests;
