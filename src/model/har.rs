//! What a HAR has no place for.

use serde::{Deserialize, Serialize};

use super::{BodyState, Exchange, Moment, Outcome};

/// The key `_pixelwitness` of an entry in the HARs that this program writes: with it, decoding the HAR gives the same
/// records as the run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HarExtension {
    pub exchange: String,
    pub outcome: Outcome,
    pub error: Option<String>,
    /// Null where it is not known; the entry then has the time of the one before.
    pub time: Option<Moment>,
    pub step: Option<u32>,
    pub target: Option<String>,
    pub frame: Option<String>,
    pub sent: Option<bool>,
    pub body_state: BodyState,
}

impl HarExtension {
    pub fn of(exchange: &Exchange) -> HarExtension {
        HarExtension {
            exchange: exchange.id.clone(),
            outcome: exchange.outcome,
            error: exchange.error.clone(),
            time: exchange.time,
            step: exchange.step,
            target: exchange.target.clone(),
            frame: exchange.frame.clone(),
            sent: exchange.sent,
            body_state: exchange.body_state,
        }
    }

    /// Puts it back.
    pub fn restore(self, exchange: &mut Exchange) {
        exchange.id = self.exchange;
        exchange.outcome = self.outcome;
        exchange.error = self.error;
        exchange.time = self.time;
        exchange.step = self.step;
        exchange.target = self.target;
        exchange.frame = self.frame;
        exchange.sent = self.sent;
        exchange.body_state = self.body_state;
    }
}
