//! What an exchange told whom: one file (or folder) a vendor, registered in [`DECODERS`]. Pure.

mod meta_pixel;
mod parameters;

use crate::model::{Exchange, TrackerEvent};

/// A vendor's decoder.
pub trait Decoder: Sync {
    /// The name that records carry (`meta_pixel`).
    fn vendor(&self) -> &'static str;

    /// Reads an exchange; nothing if it is not this vendor's. `body` is null where there was none or it could not be
    /// had. The record's `id` is left empty: ids count across vendors.
    fn decode(&self, exchange: &Exchange, body: Option<&[u8]>) -> Option<TrackerEvent>;
}

/// Every decoder: to add a vendor, write its file and name it here.
pub const DECODERS: &[&dyn Decoder] = &[&meta_pixel::MetaPixel];

/// Decodes exchanges in order, and numbers the records. `body` gives an exchange's body.
pub fn decode_all(
    exchanges: &[Exchange],
    body: impl Fn(&Exchange) -> Option<Vec<u8>>,
) -> Vec<TrackerEvent> {
    let mut events = Vec::new();
    for exchange in exchanges {
        let body = body(exchange);
        for mut event in decode(exchange, body.as_deref()) {
            event.id = format!("e{:04}", events.len() + 1);
            events.push(event);
        }
    }
    events
}

/// Decodes one exchange; the records have no id yet.
pub fn decode(exchange: &Exchange, body: Option<&[u8]>) -> Vec<TrackerEvent> {
    DECODERS
        .iter()
        .filter_map(|decoder| decoder.decode(exchange, body))
        .collect()
}
