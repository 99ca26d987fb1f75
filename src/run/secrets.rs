//! Secrets that were sent in a form that replacing them does not reach: encoded, hashed, in pieces. The leak search finds
//! them, and what holds one is emptied before it is written.

use std::fs;

use crate::bundle::{BundleWriter, read_body};
use crate::leak::{Reader, Search, Sent, Sought};
use crate::model::{BodyState, Exchange, Headers};

/// What takes the place of what cannot be kept.
const GONE: &str = "[secret]";

/// Empties the exchanges in which a secret is still found, and gives how many those are.
pub(super) fn empty(bundle: &BundleWriter, exchanges: &mut [Exchange]) -> usize {
    let Some(scrub) = bundle.scrub() else {
        return 0;
    };
    let sought = scrub.secrets();
    let search = Search::new(
        sought
            .map(|(name, value)| Sought::text(name, value))
            .collect(),
    );
    let mut reader = Reader::new(&search);
    let mut emptied = 0;
    for exchange in exchanges {
        let body = read_body(bundle.root(), exchange);
        let sent = Sent {
            exchange,
            body: body.as_deref(),
        };
        if reader.read(sent).hits.is_empty() {
            continue;
        }
        emptied += 1;
        if let Some(path) = exchange.body_path.take() {
            let _ = fs::remove_file(bundle.root().join(path));
            exchange.body_state = BodyState::Unavailable;
            exchange.body_sha256 = None;
        }
        empty_exchange(exchange, GONE);
    }
    emptied
}

/// Takes everything out of an exchange that says more than that it was made, to whom and when.
pub(super) fn empty_exchange(exchange: &mut Exchange, mark: &str) {
    exchange.url = without_query(&exchange.url, mark);
    for headers in [
        &mut exchange.request_headers,
        &mut exchange.response_headers,
    ] {
        let emptied = headers
            .iter()
            .map(|(name, _)| (name.clone(), mark.to_owned()));
        *headers = Headers::from(emptied.collect::<Vec<_>>());
    }
    for cookie in &mut exchange.cookies {
        cookie.value = mark.to_owned();
    }
    exchange.frames.clear();
    let document = exchange.document_url.as_deref();
    exchange.document_url = document.map(|url| without_query(url, mark));
    exchange.response_body = None;
}

pub(super) fn without_query(url: &str, mark: &str) -> String {
    match url.split_once('?') {
        Some((address, _)) => format!("{address}?{mark}"),
        None => url.to_owned(),
    }
}
