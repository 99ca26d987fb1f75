//! Requests out of files that other tools made: HAR and JSON Lines, plain or gzipped, from a file or a pipe. Pure.
//!
//! One thread cuts the stream into requests, as many as there are processors read and decode them, and the caller gets
//! what they came to in the order of the file. Nothing waits for the end, so a stream of any length fits.

mod entry;
mod glance;
mod har;
mod lenient;
mod lines;
mod split;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvError, sync_channel};
use std::thread;

use flate2::bufread::MultiGzDecoder;

use crate::decode::Line;
use crate::leak::{Found, Others, Reader, Search};
use crate::model::{Exchange, TrackerEvent};

pub use entry::Recorded;
use entry::Want;
use split::{Batch, Format, Splitter};

/// Batches that are under way at once, for each thread that reads them: bounds the memory.
const UNDER_WAY: usize = 3;

/// Why a file cannot be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("failed to read the input: {0}")]
    Read(#[from] std::io::Error),
    #[error("the input is empty")]
    Empty,
    #[error("the input is neither a HAR nor JSON Lines")]
    Neither,
    #[error("the HAR has no list of entries (`log.entries`)")]
    NoEntries,
    #[error("the HAR is cut off or broken after entry {entries}, at byte {bytes}")]
    CutOff { entries: usize, bytes: u64 },
}

impl IntakeError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            IntakeError::Read(_) => "what could be read before that is decoded",
            IntakeError::Empty | IntakeError::Neither => {
                "a HAR is a JSON object with `log`; JSON Lines are objects with the keys url, method, content_type and body, one a line"
            }
            IntakeError::NoEntries => "save the HAR again, with its requests",
            IntakeError::CutOff { .. } => {
                "what stands before is decoded; save the HAR again to have the rest"
            }
        }
    }
}

/// What one request of a file came to.
#[derive(Debug)]
pub struct Decoded {
    /// Counted from 1: of the entry in a HAR, of the line in JSON Lines.
    pub number: usize,
    /// The records; they have no id yet.
    pub events: Vec<TrackerEvent>,
    /// Where it went; nothing where not even that can be read.
    pub seen: Option<Seen>,
    /// What the search found, where there was one and the request could be read.
    pub looked: Option<LookedThrough>,
}

/// A request that was searched.
#[derive(Debug)]
pub struct LookedThrough {
    /// Nothing where nothing was found.
    pub exchange: Option<Box<Exchange>>,
    pub found: Found,
    /// It went to the site itself, and to nobody whom a decoder knows.
    pub own: bool,
}

/// Where a request went, whether a decoder had something to say of it or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub host: String,
    /// The page that it belongs to, as the HAR names it.
    pub page: Option<String>,
}

/// Undoes gzip, where the stream has it.
///
/// # Errors
/// The stream cannot be read.
pub fn plain(input: impl Read + Send + 'static) -> Result<Box<dyn Read + Send>, IntakeError> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let gzipped = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if gzipped {
        Box::new(MultiGzDecoder::new(input))
    } else {
        Box::new(input)
    })
}

/// Reads a file to its end, and hands on what each request came to, in order. With `seen`, also of those that no decoder
/// has anything to say of. Gives the number of requests.
///
/// # Errors
/// The stream cannot be read, is neither HAR nor JSON Lines, or is cut off (everything before the cut was handed on); or
/// `each` fails.
pub fn decode(
    input: impl Read + Send,
    seen: bool,
    each: &mut dyn FnMut(Decoded) -> std::io::Result<()>,
) -> Result<usize, IntakeError> {
    let want = Want { seen, all: false };
    let read = |(): &mut (), batch: &Batch, format| {
        batch
            .iter()
            .map(|(text, number)| entry::decode(text, number, format, want, None))
            .filter(|decoded| seen || !decoded.events.is_empty())
            .collect::<Vec<_>>()
    };
    in_order(input, &|| (), &read, &mut |decoded| {
        decoded.into_iter().try_for_each(&mut *each)
    })
}

/// Consecutive requests that were searched.
#[derive(Debug, Default)]
pub struct Looked {
    /// Those in which something was found, or that could not be read; with `seen`, all.
    pub decoded: Vec<Decoded>,
    /// What the others come to.
    pub others: Others,
}

/// As [`decode`], and searches every request, whoever's it is. `site` is the registrable domain of the site that it was,
/// and may be empty.
///
/// # Errors
/// As [`decode`].
pub fn search(
    input: impl Read + Send,
    search: &Search,
    site: &str,
    seen: bool,
    each: &mut dyn FnMut(Looked) -> std::io::Result<()>,
) -> Result<usize, IntakeError> {
    let want = Want { seen, all: true };
    let read = |reader: &mut Reader<'_>, batch: &Batch, format| {
        let mut looked = Looked::default();
        for (text, number) in batch.iter() {
            let decoded = entry::decode(text, number, format, want, Some((&mut *reader, site)));
            match &decoded.looked {
                Some(nothing)
                    if !seen
                        && nothing.exchange.is_none()
                        && nothing.found.unsearched.is_empty() =>
                {
                    let own = u64::from(nothing.own);
                    looked.others.own += own;
                    looked.others.told += 1 - own;
                    looked.others.values += nothing.found.values as u64;
                }
                _ => looked.decoded.push(decoded),
            }
        }
        looked
    };
    in_order(input, &|| Reader::new(search), &read, &mut |looked| {
        each(looked)
    })
}

/// Hands on every request of a file, with its body, whoever's it is; or why one cannot be read.
///
/// # Errors
/// As [`decode`].
pub fn exchanges(
    input: impl Read + Send,
    each: &mut dyn FnMut(Result<Recorded, String>),
) -> Result<usize, IntakeError> {
    let read = |(): &mut (), batch: &Batch, format| {
        let requests = batch.iter();
        requests
            .filter_map(|(text, number)| entry::recorded(text, number, format))
            .collect::<Vec<_>>()
    };
    in_order(input, &|| (), &read, &mut |requests| {
        requests.into_iter().for_each(&mut *each);
        Ok(())
    })
}

/// As [`decode`], and hands on the records as lines that lack their number.
///
/// # Errors
/// As [`decode`].
pub fn lines(
    input: impl Read + Send,
    each: &mut dyn FnMut(Vec<Line>) -> std::io::Result<()>,
) -> Result<usize, IntakeError> {
    let want = Want::default();
    let read = |(): &mut (), batch: &Batch, format| {
        batch
            .iter()
            .flat_map(|(text, number)| entry::decode(text, number, format, want, None).events)
            .map(|event| Line::of(&event))
            .collect::<serde_json::Result<Vec<_>>>()
    };
    in_order(input, &|| (), &read, &mut |lines| each(lines?))
}

/// Several threads read batches, each with what `begin` gives it; `each` gets what they came to in the order of the file.
fn in_order<S, T: Send>(
    input: impl Read + Send,
    begin: &(dyn Fn() -> S + Sync),
    read: &(dyn Fn(&mut S, &Batch, Format) -> T + Sync),
    each: &mut dyn FnMut(T) -> std::io::Result<()>,
) -> Result<usize, IntakeError> {
    let mut splitter = Splitter::new(input)?;
    let format = splitter.format();
    let readers = thread::available_parallelism().map_or(2, usize::from);
    let under_way = readers * UNDER_WAY;
    let (batches, queue) = sync_channel::<(usize, Batch)>(under_way);
    let queue = Mutex::new(queue);
    let (results, done) = sync_channel(under_way);
    // A ticket for each batch between the splitter and the caller.
    let (tickets, returned) = sync_channel::<()>(under_way);
    thread::scope(|scope| {
        let split = scope.spawn(move || {
            let mut number = 0;
            while let Some(batch) = splitter.next_batch()? {
                if tickets.send(()).is_err() || batches.send((number, batch)).is_err() {
                    // The caller has had enough.
                    break;
                }
                number += 1;
            }
            Ok(splitter.count())
        });
        for _ in 0..readers {
            let (queue, results) = (&queue, results.clone());
            scope.spawn(move || {
                let mut state = begin();
                while let Ok((number, batch)) = next(queue) {
                    // Said to the caller, who would else wait for this batch for ever.
                    let came_to =
                        catch_unwind(AssertUnwindSafe(|| read(&mut state, &batch, format)));
                    if results.send((number, came_to)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        let handed_on = hand_on(done, returned, each);
        let counted = match split.join() {
            Ok(counted) => counted,
            Err(panic) => resume_unwind(panic),
        };
        handed_on?;
        counted
    })
}

fn next(queue: &Mutex<Receiver<(usize, Batch)>>) -> Result<(usize, Batch), RecvError> {
    match queue.lock() {
        Ok(queue) => queue.recv(),
        Err(_) => Err(RecvError),
    }
}

/// In the order of the file, whoever was done first.
fn hand_on<T>(
    done: Receiver<(usize, thread::Result<T>)>,
    returned: Receiver<()>,
    each: &mut dyn FnMut(T) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (number, batch) in done {
        waiting.insert(number, batch);
        while let Some(batch) = waiting.remove(&next) {
            next += 1;
            match batch {
                Ok(batch) => each(batch)?,
                Err(panic) => resume_unwind(panic),
            }
            let _ = returned.recv();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAR: &[u8] = br#"{"log":{"entries":[{"request":{"url":"https://x.example/"}}]}}"#;

    /// More batches than are under way at once.
    fn long() -> Vec<u8> {
        let entry = format!(
            r#"{{"request":{{"url":"https://x.example/{}"}}}},"#,
            "x".repeat(9000)
        );
        let entries = entry.repeat(2000);
        [b"{\"log\":{\"entries\":[", entries.as_bytes(), b"1]}}"].concat()
    }

    #[test]
    fn a_reader_that_panics_keeps_nobody_waiting() {
        let panicked = catch_unwind(|| {
            in_order(
                &long()[..],
                &|| (),
                &|(), _, _| panic!("a fault"),
                &mut |()| Ok(()),
            )
        });
        assert!(panicked.is_err());
    }

    #[test]
    fn a_caller_that_has_enough_ends_it() {
        let mut times = 0;
        let result = in_order(
            &long()[..],
            &|| (),
            &|(), batch, _| batch.iter().count(),
            &mut |_| {
                times += 1;
                Err(std::io::ErrorKind::BrokenPipe.into())
            },
        );
        assert!(matches!(result, Err(IntakeError::Read(_))));
        assert_eq!(times, 1);
    }

    #[test]
    fn what_was_read_comes_in_the_order_of_the_file() {
        let mut numbers = Vec::new();
        let counted = decode(&long()[..], true, &mut |decoded| {
            numbers.push(decoded.number);
            Ok(())
        });
        assert_eq!(counted.ok(), Some(2001));
        assert!(numbers.iter().copied().eq(1..=2001));
        let seen = decode(HAR, true, &mut |decoded| {
            assert_eq!(
                decoded.seen.map(|seen| seen.host).as_deref(),
                Some("x.example")
            );
            Ok(())
        });
        assert_eq!(seen.ok(), Some(1));
    }
}
