//! Holds a capture against what arrived: channel by channel.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::Channel;
use super::server::is_at;
use crate::demo::{LogEntry, SocketMessage};
use crate::model::{BodyState, Exchange, Source};

/// How one channel fared.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub channel: &'static str,
    pub about: &'static str,
    /// Why Chromium may not send it.
    pub optional: Option<&'static str>,
    /// What the server received, WebSocket messages included.
    pub sent: usize,
    /// Of these, what the capture has.
    pub recorded: usize,
    /// Of these, whose body is the same, byte for byte.
    pub body_exact: usize,
    /// Of these, whose cookies are the same.
    pub cookies_exact: usize,
    /// Who told of its requests.
    pub sources: BTreeSet<Source>,
    /// What the channel should have brought and did not: the page's failure or the browser's, not the capture's.
    pub not_sent: Vec<String>,
    /// What arrived and is not recorded, or not as it was; and what is recorded as sent and did not arrive.
    pub wrong: Vec<String>,
}

impl Row {
    /// Everything that should have been sent was, and everything that was is recorded as it was.
    pub fn is_good(&self) -> bool {
        self.wrong.is_empty() && (self.not_sent.is_empty() || self.optional.is_some())
    }
}

/// One row for each channel that was played, and one for everything else that arrived. `body` gives an exchange's
/// request body.
pub fn tally(
    played: &[&'static Channel],
    log: &[LogEntry],
    messages: &[SocketMessage],
    exchanges: &[Exchange],
    body: impl Fn(&Exchange) -> Option<Vec<u8>>,
) -> Vec<Row> {
    let mut taken = vec![false; exchanges.len()];
    let mut by_request: HashMap<(String, String), Vec<usize>> = HashMap::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        let url = exchange.url.replacen("wss://", "https://", 1);
        by_request
            .entry((exchange.method.clone(), url))
            .or_default()
            .push(index);
    }
    let mut rows: Vec<Row> = played.iter().map(|channel| Row::of(channel)).collect();
    rows.push(Row::named(
        "(other)",
        "everything else, such as what the pages wait with",
    ));
    let last = rows.len() - 1;
    let row_of = |url: &str| {
        channel_of(url)
            .and_then(|name| played.iter().position(|known| known.name == name))
            .unwrap_or(last)
    };

    for entry in log {
        let url = entry.url();
        let row = &mut rows[row_of(&url)];
        row.sent += 1;
        let what = format!("{} {}", entry.method, shortened(&url));
        // The best among those that are the same request by method and address.
        let best = by_request
            .get(&(entry.method.clone(), url.clone()))
            .into_iter()
            .flatten()
            .copied()
            .filter(|&index| !taken[index] && exchanges[index].sent == Some(true))
            .map(|index| {
                let exchange = &exchanges[index];
                let body_state = exchange.body_state;
                let same_body = body(exchange).unwrap_or_default() == entry.body
                    && matches!(body_state, BodyState::None | BodyState::Complete);
                (
                    same_body,
                    cookies_of(exchange) == sorted(&entry.cookie()),
                    index,
                )
            })
            .max_by_key(|(same_body, same_cookies, index)| {
                (*same_body, *same_cookies, std::cmp::Reverse(*index))
            });
        let Some((same_body, same_cookies, index)) = best else {
            row.wrong.push(format!("not recorded: {what}"));
            continue;
        };
        taken[index] = true;
        let exchange = &exchanges[index];
        row.recorded += 1;
        row.sources.extend(exchange.sources.iter().copied());
        row.body_exact += usize::from(same_body);
        row.cookies_exact += usize::from(same_cookies);
        if !same_body {
            row.wrong.push(format!(
                "another body: {what}: {} bytes came, recorded {:?} {:?}",
                entry.body.len(),
                exchange.body_state,
                exchange.body_size
            ));
        }
        // A request's page is in its own address; one that no source tells of is not known, and not wrong.
        let page = exchange.document_url.as_deref().and_then(channel_of);
        if page.is_some() && page != channel_of(&url) && channel_of(&url).is_some() {
            row.wrong
                .push(format!("said to be of the page {page:?}: {what}"));
        }
        if !same_cookies {
            row.wrong
                .push(format!("other cookies: {what}: {} came", entry.cookie()));
        }
    }
    for exchange in exchanges
        .iter()
        .zip(&taken)
        .filter(|(exchange, taken)| !**taken && exchange.sent == Some(true))
        .map(|(exchange, _)| exchange)
    {
        let row = &mut rows[row_of(&exchange.url)];
        row.wrong.push(format!(
            "recorded as sent, and did not arrive: {} {}",
            exchange.method,
            shortened(&exchange.url)
        ));
    }
    take_messages(&mut rows, &row_of, messages, exchanges);
    for (row, channel) in rows.iter_mut().zip(played) {
        row.check_expected(channel, log, messages, exchanges);
    }
    rows.retain(|row| row.channel != "(other)" || row.sent > 0 || !row.is_good());
    rows
}

fn take_messages(
    rows: &mut [Row],
    row_of: &impl Fn(&str) -> usize,
    messages: &[SocketMessage],
    exchanges: &[Exchange],
) {
    let mut recorded: Vec<(String, u8, String)> = exchanges
        .iter()
        .flat_map(|exchange| {
            let url = exchange.url.replacen("wss://", "https://", 1);
            let sent = exchange
                .frames
                .iter()
                .filter(|frame| frame.direction == "sent");
            sent.map(move |frame| (url.clone(), frame.opcode, frame.payload_base64.clone()))
        })
        .filter(|(_, opcode, _)| matches!(opcode, 1 | 2))
        .collect();
    for message in messages {
        let row = &mut rows[row_of(&message.url)];
        row.sent += 1;
        let payload = data_encoding::BASE64.encode(&message.payload);
        let of_socket = |url: &str, opcode: u8| url == message.url && opcode == message.opcode;
        if let Some(index) = recorded
            .iter()
            .position(|(url, opcode, known)| of_socket(url, *opcode) && *known == payload)
        {
            recorded.swap_remove(index);
            row.recorded += 1;
            row.body_exact += 1;
            row.cookies_exact += 1;
        } else {
            row.wrong.push(format!(
                "a message of {} bytes is not recorded as it was",
                message.payload.len()
            ));
        }
    }
    for (url, _, payload) in recorded {
        rows[row_of(&url)].wrong.push(format!(
            "a message is recorded that did not arrive: {payload}"
        ));
    }
}

impl Row {
    fn of(channel: &'static Channel) -> Row {
        Row {
            optional: channel.optional,
            ..Row::named(channel.name, channel.about)
        }
    }

    fn named(channel: &'static str, about: &'static str) -> Row {
        Row {
            channel,
            about,
            optional: None,
            sent: 0,
            recorded: 0,
            body_exact: 0,
            cookies_exact: 0,
            sources: BTreeSet::new(),
            not_sent: Vec::new(),
            wrong: Vec::new(),
        }
    }

    fn check_expected(
        &mut self,
        channel: &Channel,
        log: &[LogEntry],
        messages: &[SocketMessage],
        exchanges: &[Exchange],
    ) {
        let mut needed: HashMap<&str, usize> = HashMap::from([("GET S/", 1)]);
        for expected in channel.expects {
            *needed.entry(expected).or_default() += 1;
        }
        for (expected, count) in needed {
            let Some((method, place)) = expected.split_once(' ') else {
                continue;
            };
            let address = channel.address(place).unwrap_or_default();
            let came = match method {
                "MESSAGE" => messages
                    .iter()
                    .filter(|message| message.url == address)
                    .count(),
                "UNSENT" => {
                    let attempt = exchanges.iter().any(|exchange| {
                        is_at(&exchange.url, &address) && exchange.sent == Some(false)
                    });
                    if !attempt {
                        self.wrong
                            .push(format!("the attempt is not recorded: {place}"));
                    }
                    count
                }
                _ => log
                    .iter()
                    .filter(|entry| entry.method == method && is_at(&entry.url(), &address))
                    .count(),
            };
            if came < count {
                self.not_sent
                    .push(format!("{expected} ({came} of {count})"));
            }
        }
        self.not_sent.sort();
    }
}

/// `https://collect.tracker.example/g/<channel>/…`
fn channel_of(url: &str) -> Option<&str> {
    url.split_once("/g/")?.1.split('/').next()
}

fn cookies_of(exchange: &Exchange) -> Vec<String> {
    let mut cookies: Vec<String> = exchange
        .cookies
        .iter()
        .filter(|cookie| cookie.sent)
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    cookies.sort();
    cookies
}

fn sorted(header: &str) -> Vec<String> {
    let mut cookies: Vec<String> = header
        .split("; ")
        .filter(|pair| !pair.is_empty())
        .map(str::to_owned)
        .collect();
    cookies.sort();
    cookies
}

fn shortened(url: &str) -> String {
    url.chars().take(120).collect()
}
