//! What a person sees while a run goes on: a bar on a terminal, nothing elsewhere.

use std::cell::Cell;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::run::RunEvent;

/// A progress bar for one journey.
pub struct Progress {
    bar: ProgressBar,
    told: Mutex<Cell<usize>>,
}

impl Progress {
    /// `bars` holds the bars of journeys that are made at once.
    pub fn new(title: &str, bars: Option<&MultiProgress>) -> Progress {
        let bar = match bars {
            Some(bars) => bars.add(ProgressBar::new(1)),
            None => ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr()),
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {pos}/{len} {wide_msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress {
            bar,
            told: Mutex::new(Cell::new(0)),
        }
    }

    pub fn take(&self, event: RunEvent) {
        match event {
            RunEvent::Step {
                number,
                total,
                what,
            } => {
                self.bar.set_length(total as u64);
                self.bar.set_position(u64::from(number));
                self.bar
                    .set_message(format!("{what}{}", self.told_so_far()));
            }
            RunEvent::Told(event) if event.tells() => {
                if let Ok(told) = self.told.lock() {
                    told.set(told.get() + 1);
                }
            }
            RunEvent::Told(_) => {}
            RunEvent::Recorded(steps) => {
                self.bar.set_length(steps as u64);
                self.bar.set_position(steps as u64);
                self.bar.set_message(format!(
                    "steps recorded; close the window, or press Ctrl-C, when you are done{}",
                    self.told_so_far()
                ));
            }
            RunEvent::Settling => {
                self.bar.set_message(format!(
                    "waiting for the last requests{}",
                    self.told_so_far()
                ));
            }
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn told_so_far(&self) -> String {
        match self.told.lock().map(|told| told.get()) {
            Ok(told) if told > 0 => format!("  ({told} events told to Meta so far)"),
            _ => String::new(),
        }
    }
}
