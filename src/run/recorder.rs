//! Writes what the capture sees, the moment it is known, so that a run that is cut short has lost nothing of it.

use tokio::sync::mpsc;

use crate::bundle::{BundleError, BundleWriter};
use crate::capture::{CaptureEvent, Output};
use crate::decode::decode;

use super::RunEvent;

pub(super) struct Recorder {
    bundle: BundleWriter,
    events: mpsc::UnboundedReceiver<CaptureEvent>,
    decoded: usize,
}

impl Recorder {
    pub fn new(bundle: BundleWriter, events: mpsc::UnboundedReceiver<CaptureEvent>) -> Recorder {
        Recorder {
            bundle,
            events,
            decoded: 0,
        }
    }

    /// Runs until the capture ends, and gives the bundle back.
    pub async fn run(
        mut self,
        tell: &(dyn Fn(RunEvent) + Sync),
    ) -> Result<BundleWriter, BundleError> {
        while let Some(event) = self.events.recv().await {
            match event {
                CaptureEvent::Output(Output::Body(body)) => self.bundle.body(&body)?,
                CaptureEvent::Output(Output::Settled(exchange)) => {
                    self.bundle.exchange(&exchange)?;
                    let body = self.bundle.read_body(&exchange);
                    for mut event in decode(&exchange, body.as_deref()) {
                        self.decoded += 1;
                        event.id = format!("e{:04}", self.decoded);
                        self.bundle.event(&event)?;
                        tell(RunEvent::Told(&event));
                    }
                }
                CaptureEvent::Lost => {}
            }
        }
        Ok(self.bundle)
    }
}
