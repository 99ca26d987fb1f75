//! What an exchange told whom: one file (or folder) a vendor, registered in [`DECODERS`]. Pure.

mod google_analytics;
mod json;
mod line;
pub mod meta_pixel;
mod multipart;
mod parameters;
mod record;
mod request;
mod sequence;
mod tiktok_pixel;
mod value_form;

use crate::model::{Exchange, TrackerEvent};

pub use line::Line;
pub use multipart::multipart_parts;
pub use record::unreadable;
pub use request::Request;
pub use sequence::Sequence;

/// A vendor's decoder.
pub trait Decoder: Sync {
    /// The name that records carry (`meta_pixel`).
    fn vendor(&self) -> &'static str;

    /// Texts of which one at least stands in the URL (whose host is in lower case, as browsers write it) or the body of
    /// every request that `concerns` lets through: a file is searched for them before it is parsed.
    fn markers(&self) -> &'static [&'static str];

    /// Whether a request may be this vendor's. Every request is asked, so this looks and makes nothing.
    fn concerns(&self, request: &Request<'_>) -> bool;

    /// Reads an exchange that may be this vendor's: a record for each event in it, none if it is not. The records' ids
    /// are left empty: they count across vendors.
    fn decode(&self, exchange: &Exchange, request: &Request<'_>) -> Vec<TrackerEvent>;

    /// What a parameter means, by its decoded key; nothing where it is not known.
    fn meaning(&self, key: &str) -> Option<&'static str>;

    /// What makes a record the same event as another, where the vendor delivers one more than once.
    fn delivery(&self, _event: &TrackerEvent) -> Option<Delivery> {
        None
    }
}

/// What two deliveries of one event have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whose event, and which.
    pub event: String,
    /// The id that the sender gave it.
    pub event_id: Option<String>,
    /// When and where it happened, exactly enough to tell two events apart.
    pub moment: Option<String>,
}

/// Every decoder: to add a vendor, write its file and name it here.
pub const DECODERS: &[&dyn Decoder] = &[
    &meta_pixel::MetaPixel,
    &google_analytics::GoogleAnalytics,
    &tiktok_pixel::TikTokPixel,
];

/// Decodes exchanges in order, numbers the records and marks repeated deliveries. `body` gives an exchange's body.
pub fn decode_all(
    exchanges: &[Exchange],
    body: impl Fn(&Exchange) -> Option<Vec<u8>>,
) -> Vec<TrackerEvent> {
    let mut sequence = Sequence::default();
    let mut events = Vec::new();
    for exchange in exchanges {
        let body = body(exchange);
        for mut event in decode(exchange, body.as_deref()) {
            sequence.place(&mut event);
            events.push(event);
        }
    }
    events
}

/// Decodes one exchange; the records have no id yet. `body` is null where there was none or it could not be had.
pub fn decode(exchange: &Exchange, body: Option<&[u8]>) -> Vec<TrackerEvent> {
    let Some(request) = Request::new(&exchange.url, &exchange.method, body) else {
        return Vec::new();
    };
    DECODERS
        .iter()
        .filter(|decoder| decoder.concerns(&request))
        .flat_map(|decoder| decoder.decode(exchange, &request))
        .collect()
}

fn decoder_of(event: &TrackerEvent) -> Option<&'static dyn Decoder> {
    DECODERS
        .iter()
        .find(|decoder| decoder.vendor() == event.vendor)
        .copied()
}

/// Whether any decoder may have something to say of a request.
pub fn concerns(request: &Request<'_>) -> bool {
    DECODERS.iter().any(|decoder| decoder.concerns(request))
}
