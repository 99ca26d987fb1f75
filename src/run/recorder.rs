//! Writes what the capture sees, the moment it is known, so that a run that is cut short has lost nothing of it.

use tokio::sync::mpsc;

use crate::bundle::{BundleError, BundleWriter, read_body};
use crate::capture::{Output, mask_exchange};
use crate::decode::{Sequence, decode};

use super::RunEvent;

pub(super) struct Recorder {
    bundle: BundleWriter,
    outputs: mpsc::UnboundedReceiver<Output>,
    sequence: Sequence,
}

impl Recorder {
    pub fn new(bundle: BundleWriter, outputs: mpsc::UnboundedReceiver<Output>) -> Recorder {
        Recorder {
            bundle,
            outputs,
            sequence: Sequence::default(),
        }
    }

    /// Runs until the capture ends, and gives the bundle back.
    pub async fn run(
        mut self,
        tell: &(dyn Fn(RunEvent) + Sync),
    ) -> Result<BundleWriter, BundleError> {
        while let Some(output) = self.outputs.recv().await {
            match output {
                Output::Body(body) => self.bundle.body(&body)?,
                Output::Settled(mut exchange) => {
                    mask_exchange(&mut exchange);
                    self.bundle.exchange(&exchange)?;
                    tell(RunEvent::Request);
                    let body = read_body(self.bundle.root(), &exchange);
                    for mut event in decode(&exchange, body.as_deref()) {
                        self.sequence.place(&mut event);
                        self.bundle.event(&event)?;
                        tell(RunEvent::Told(&event));
                    }
                }
            }
        }
        Ok(self.bundle)
    }
}
