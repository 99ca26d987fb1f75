//! Which document made a request that only the Fetch domain told of: it names the frame, and not what stood in it.

use std::collections::HashMap;

use url::Url;

use super::Assembler;
use crate::model::{Exchange, Moment, Source, without_fragment};

/// A page that goes away speaks at about the time when the next one is committed (measured: up to 15 ms before and
/// 30 ms after); on a slow machine later.
const GOODBYE_MS: u64 = 500;

/// The documents of each frame.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// Frame id → when each was committed, and its address.
    by_frame: HashMap<String, Vec<(Moment, String)>>,
}

impl Documents {
    pub fn committed(&mut self, at: Moment, frame: String, url: String) {
        self.by_frame.entry(frame).or_default().push((at, url));
    }

    /// A new tab's first document is committed before its session is told of that.
    pub fn answered(&mut self, at: Moment, frame: String, url: String) {
        self.by_frame
            .entry(frame)
            .or_insert_with(|| vec![(at, url)]);
    }

    /// Of a page that it watches, the Network domain does not tell the goodbye alone: the page that spoke is the one
    /// before the commit that is nearest in time. Unless it is of another origin than the request.
    fn speaker(&self, exchange: &Exchange) -> Option<&str> {
        let documents = self.by_frame.get(exchange.frame.as_ref()?)?;
        let time = exchange.time?;
        let origin = exchange
            .request_header("origin")
            .or_else(|| exchange.request_header("referer"))
            .and_then(|url| Url::parse(url).ok())?
            .origin();
        let fits = |document: &&(Moment, String)| {
            Url::parse(&document.1).is_ok_and(|url| url.origin() == origin)
        };
        let from = |document: &(Moment, String)| time.millis().abs_diff(document.0.millis());
        let leaving = (1..documents.len())
            .min_by_key(|&next| from(&documents[next]))
            .filter(|&next| from(&documents[next]) < GOODBYE_MS)
            .map(|next| &documents[next - 1])
            .filter(fits);
        let present = documents.iter().rfind(|(committed, _)| *committed <= time);
        leaving
            .or(present.filter(fits))
            .map(|(_, url)| url.as_str())
    }
}

impl Assembler {
    /// Fills in the documents that no event named.
    pub(super) fn find_documents(&mut self) {
        for index in 0..self.drafts.len() {
            let draft = &self.drafts[index];
            if draft.exchange.document_url.is_some() || draft.seen_by(Source::Network) {
                continue;
            }
            // The browser tried again under the same id.
            let hops = draft.network_id.as_ref().and_then(|id| self.hops.get(id));
            let told = hops
                .into_iter()
                .flatten()
                .find_map(|&hop| self.drafts[hop].exchange.document_url.clone());
            let found = told.or_else(|| {
                self.documents
                    .speaker(&draft.exchange)
                    .map(|url| without_fragment(url).to_owned())
            });
            self.drafts[index].exchange.document_url = found;
        }
    }
}
