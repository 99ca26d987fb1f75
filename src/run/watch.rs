//! What happens while the browser runs: it is watched, the journey is made, and both are ended in order.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::journey::{self, JourneyEnd};
use super::record::problem;
use super::{RunEvent, RunOptions};
use crate::browser::Launched;
use crate::bundle::RecordWriter;
use crate::capture::{
    Assembler, Capture, Containment, Deliver, Guard, Output, Quiet, Sharing, Told, Watch,
};
use crate::journey::{Planted, RECORD};
use crate::model::{JourneyState, RunRecord};
use crate::scenario::{Recording, Scenario};

/// Nothing new in this time: the journey's last requests are out.
const SETTLE_QUIET: Duration = Duration::from_secs(1);

/// How long a browser may take to exit whose window was closed.
const WINDOW_CLOSES_WITHIN: Duration = Duration::from_secs(3);

/// How often it is looked whether a person has closed the last tab.
const LOOK_FOR_TABS: Duration = Duration::from_millis(500);

/// How long the tabs' goodbye traffic may keep quiet before it counts as over: as `--settle` asks, within these.
const GOODBYE_QUIET: (Duration, Duration) = (Duration::from_millis(60), Duration::from_millis(250));

/// Everything that happens while the browser runs. Gives what the capture has seen, if there was a capture.
#[expect(
    clippy::too_many_arguments,
    reason = "each is one thing that the journey needs, and used once"
)]
pub(super) async fn watch_journey(
    scenario: &Scenario,
    options: &RunOptions,
    record: &mut RunRecord,
    record_writer: &RecordWriter,
    launched: &mut Launched,
    first_party: &str,
    cookies: &[Planted],
    journal: Box<dyn Write + Send>,
    outputs: mpsc::UnboundedSender<Output>,
    mut cancel: watch::Receiver<bool>,
    tell: &(dyn Fn(RunEvent) + Sync),
    recording: Option<&Mutex<Recording>>,
) -> Option<Assembler> {
    let (told, mut done) = mpsc::unbounded_channel();
    let watching = recording.map(|_| Watch {
        script: RECORD,
        told,
    });
    let started = Capture::start(
        &launched.web_socket,
        first_party,
        journal,
        outputs,
        watching,
        options.connect.as_ref().map(|_| Sharing {
            insecure: options.insecure,
            declare_automation: options.declare_automation,
        }),
    )
    .await;
    let capture = match started {
        Ok(capture) => capture,
        Err(error) => {
            record.journey.state = JourneyState::BrowserLost;
            problem(record, "capture", error.to_string(), None);
            launched.kill().await;
            return None;
        }
    };
    let began = Instant::now();
    let journey = async {
        let end = journey::replay(
            scenario,
            options,
            record,
            record_writer,
            launched,
            &capture,
            cookies,
            tell,
        )
        .await;
        match recording {
            Some(recording) if matches!(end, JourneyEnd::Completed) => {
                by_hand(&capture, recording, &mut done, tell).await;
                end
            }
            _ => end,
        }
    };
    let end = tokio::select! {
        end = journey => end,
        () = cancelled(&mut cancel) => JourneyEnd::Interrupted,
        () = capture.lost() => JourneyEnd::Lost,
        () = tokio::time::sleep_until((began + options.timeout).into()) => JourneyEnd::TimedOut,
    };
    capture.step(None);
    // A recording ends when the person has had enough; that they closed the window is how most do it.
    let end = match end {
        JourneyEnd::Interrupted if recording.is_some() => JourneyEnd::Completed,
        // A browser that is not on its way out must not go on with nobody to contain anything.
        JourneyEnd::Lost
            if recording.is_some() && launched.leaves_within(WINDOW_CLOSES_WITHIN).await =>
        {
            JourneyEnd::Completed
        }
        end => end,
    };
    // Pages may save on leaving what was written in them.
    let typed = |step: &crate::scenario::Step| step.kind.types();
    let typed = recording.is_some() || scenario.steps.iter().any(typed);
    if typed && options.deliver != Deliver::All {
        let containment = Containment {
            guard: Guard::Changes,
            ..Containment::new(first_party, options.deliver)
        };
        if capture.contain(containment.clone()).await.is_ok() {
            journey::guarded(record, &containment);
        }
    }
    match end {
        JourneyEnd::Completed => {
            record.journey.state = JourneyState::Completed;
            tell(RunEvent::Settling);
            let settle = Quiet {
                quiet: SETTLE_QUIET.min(options.settle),
                limit: options.settle,
                page: false,
            };
            tokio::select! {
                _ = capture.quiet(settle) => {}
                () = cancelled(&mut cancel) => {}
            }
        }
        JourneyEnd::Failed => record.journey.state = JourneyState::Failed,
        JourneyEnd::Lost => {
            // Whichever of the two ended: a browser that nobody watches must not go on.
            launched.kill().await;
            record.journey.state = JourneyState::BrowserLost;
            let message =
                "the browser, or the connection to it, ended before the journey did".to_owned();
            let help = "what it had told up to then is in the bundle; run it again".to_owned();
            problem(record, "journey", message, Some(help));
        }
        JourneyEnd::Interrupted => {
            record.journey.state = JourneyState::Interrupted;
            let message = "the run was stopped before the journey's end".to_owned();
            problem(
                record,
                "journey",
                message,
                Some("what is in the bundle is partial".into()),
            );
        }
        JourneyEnd::TimedOut => {
            record.journey.state = JourneyState::TimedOut;
            let message = format!(
                "the journey was not done within {} s",
                options.timeout.as_secs()
            );
            problem(record, "journey", message, Some("raise `--timeout`".into()));
        }
    }
    match capture
        .finish(options.settle.clamp(GOODBYE_QUIET.0, GOODBYE_QUIET.1))
        .await
    {
        Ok(assembler) => Some(assembler),
        Err(error) => {
            launched.kill().await;
            problem(record, "capture", error.to_string(), None);
            None
        }
    }
}

/// Takes in what the person does, until the last tab is closed.
async fn by_hand(
    capture: &Capture,
    recording: &Mutex<Recording>,
    done: &mut mpsc::UnboundedReceiver<Told>,
    tell: &(dyn Fn(RunEvent) + Sync),
) {
    loop {
        let told = tokio::time::timeout(LOOK_FOR_TABS, done.recv()).await;
        match told {
            Ok(Some(told)) => {
                let number = {
                    let mut recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
                    recording.take(&told.target, &told.payload);
                    recording.len()
                };
                tell(RunEvent::Recorded(number));
            }
            Ok(None) => return,
            Err(_) => match capture.tabs().await {
                Ok(tabs) if tabs.is_empty() => return,
                Err(_) => return,
                Ok(_) => {}
            },
        }
    }
}

/// Returns when the person has had enough; never, if nobody is left who could say so.
async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}
