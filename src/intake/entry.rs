//! One request of a file, whatever its format: read, then decoded.

use crate::decode::{self, Request};
use crate::model::{BodyState, Cookie, Exchange, Headers, Moment, Outcome, registrable_domain};

use super::glance::is_nobodys;
use super::split::Format;
use super::{Decoded, LookedThrough, Seen, har, lines};
use crate::leak::{Reader, Sent};

/// A request, as far as it could be read.
#[derive(Debug)]
pub enum Entry {
    Recorded(Box<Recorded>),
    /// Nobody's that a decoder knows.
    Passed(Option<Seen>),
    Unreadable(String),
}

/// A request with its body.
#[derive(Debug)]
pub struct Recorded {
    pub exchange: Exchange,
    pub body: Option<Vec<u8>>,
    pub page: Option<String>,
    /// What was wrong with how it was recorded.
    pub problems: Vec<String>,
}

/// What is to be known of requests that no decoder has anything to say of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Want {
    /// Where they went.
    pub seen: bool,
    /// Everything.
    pub all: bool,
}

/// Reads and decodes one, and searches it where there is a reader.
pub(super) fn decode(
    text: Option<&[u8]>,
    number: usize,
    format: Format,
    want: Want,
    reader: Option<(&mut Reader<'_>, &str)>,
) -> Decoded {
    let entry = match (text, format) {
        (Some(text), Format::Har) if !want.seen && !want.all && is_nobodys(text) => {
            Entry::Passed(None)
        }
        _ => read(text, number, format, want),
    };
    match entry {
        Entry::Passed(seen) => Decoded {
            number,
            events: Vec::new(),
            seen,
            looked: None,
        },
        Entry::Recorded(recorded) => {
            let Recorded {
                exchange,
                body,
                page,
                problems,
            } = *recorded;
            let host = Request::new(&exchange.url, &exchange.method, None)
                .map(|request| request.host.to_owned());
            let on_site = |site: &str| {
                let host = host.as_deref();
                !site.is_empty() && host.is_some_and(|host| registrable_domain(host) == site)
            };
            let on_site = reader.as_ref().is_some_and(|(_, site)| on_site(site));
            // Where it is searched alone, who a decoder knows matters for the site's own hosts.
            let mut events = if want.seen || !want.all || on_site {
                decode::decode(&exchange, body.as_deref())
            } else {
                Vec::new()
            };
            for event in &mut events {
                event.problems.splice(0..0, problems.iter().cloned());
            }
            let looked = reader.map(|(reader, _)| {
                let own = on_site && events.is_empty();
                let mut found = reader.read(Sent {
                    exchange: &exchange,
                    body: body.as_deref(),
                });
                found.unsearched.extend(unread(&exchange, &problems));
                if !found.unsearched.is_empty() {
                    found.exchange.clone_from(&exchange.id);
                }
                let nothing = found.hits.is_empty() && found.keys.is_empty();
                LookedThrough {
                    own,
                    exchange: (!nothing).then(|| Box::new(exchange)),
                    found,
                }
            });
            Decoded {
                number,
                events,
                seen: host.filter(|_| want.seen).map(|host| Seen { host, page }),
                looked,
            }
        }
        Entry::Unreadable(problem) => {
            let problem = unreadable(format, number, &problem);
            Decoded {
                number,
                events: vec![decode::unreadable(id(number), problem)],
                seen: None,
                looked: None,
            }
        }
    }
}

/// Reads one, as far as it is wanted.
fn read(text: Option<&[u8]>, number: usize, format: Format, want: Want) -> Entry {
    match (text, format) {
        (None, _) => Entry::Unreadable("it is longer than 64 MiB, and was not read".to_owned()),
        (Some(text), Format::Har) => har::read(text, number, want),
        (Some(text), Format::JsonLines) => lines::read(text, number, want),
    }
}

/// Reads one whole, whoever's it is; nothing if it goes nowhere.
pub(super) fn recorded(
    text: Option<&[u8]>,
    number: usize,
    format: Format,
) -> Option<Result<Recorded, String>> {
    let want = Want {
        seen: false,
        all: true,
    };
    match read(text, number, format, want) {
        Entry::Recorded(recorded) => Some(Ok(*recorded)),
        Entry::Passed(_) => None,
        Entry::Unreadable(problem) => Some(Err(unreadable(format, number, &problem))),
    }
}

fn unreadable(format: Format, number: usize, problem: &str) -> String {
    let what = match format {
        Format::Har => "entry",
        Format::JsonLines => "line",
    };
    format!("{what} {number}: {problem}")
}

/// What of a request could not be read, and so not be searched.
fn unread(exchange: &Exchange, problems: &[String]) -> Vec<String> {
    let is_loss = |problem: &&String| {
        problem.contains("cannot be read") || problem.contains("is not the base64")
    };
    let mut unread: Vec<String> = problems.iter().filter(is_loss).cloned().collect();
    if exchange.body_state == BodyState::Unavailable {
        unread.push("the file does not have its body".to_owned());
    }
    unread
}

/// What is known of a request before it is an exchange: borrowed, so that most can be passed by.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    pub url: &'a str,
    pub method: &'a str,
    pub body: Option<&'a [u8]>,
    pub page: Option<&'a str>,
}

/// Whether it can be passed by, and what is then left of it.
pub(super) fn pass(facts: &Facts<'_>, want: Want) -> Option<Entry> {
    let request = Request::new(facts.url, facts.method, facts.body);
    if request.is_none() && !has_scheme(facts.url) {
        let shown: String = facts.url.chars().take(100).collect();
        return Some(Entry::Unreadable(format!("`{shown}` is no URL")));
    }
    if request
        .as_ref()
        .is_some_and(|request| want.all || decode::concerns(request))
    {
        return None;
    }
    Some(Entry::Passed(request.filter(|_| want.seen).map(
        |request| Seen {
            host: request.host.to_owned(),
            page: facts.page.map(str::to_owned),
        },
    )))
}

/// Schemes of what goes nowhere, and is no mistake.
fn has_scheme(url: &str) -> bool {
    const NOWHERE: [&str; 8] = [
        "data",
        "blob",
        "about",
        "file",
        "javascript",
        "chrome",
        "devtools",
        "view-source",
    ];
    url.split_once(':')
        .is_some_and(|(scheme, _)| NOWHERE.contains(&scheme) || scheme.ends_with("-extension"))
}

/// An exchange with what every format has. `status` is null where it is not known, and 0 where there was no answer.
pub(super) fn exchange(
    facts: &Facts<'_>,
    number: usize,
    headers: Vec<(String, String)>,
    status: Option<u16>,
    time: Option<Moment>,
) -> Exchange {
    // Whose site it was is not known: parties are for those who do.
    let mut exchange = Exchange::begun(id(number), facts.url, facts.method, "");
    exchange.outcome = match status {
        None => Outcome::Pending,
        Some(0) => Outcome::Failed,
        Some(_) => Outcome::Completed,
    };
    exchange.status = status.filter(|status| *status > 0);
    exchange.time = time;
    exchange.request_headers = Headers::from(headers);
    if let Some(body) = facts.body {
        exchange.body_state = BodyState::Complete;
        exchange.body_size = Some(body.len() as u64);
    }
    exchange
}

fn id(number: usize) -> String {
    format!("x{number:04}")
}

/// The cookies of a `Cookie` header, all of which were sent.
pub(super) fn cookies_in(header: &str) -> Vec<Cookie> {
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| cookie(name, value))
        .collect()
}

pub(super) fn cookie(name: &str, value: &str) -> Cookie {
    Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        sent: true,
        withheld: None,
    }
}
