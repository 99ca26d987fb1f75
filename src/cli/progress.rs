//! What a person sees while a run goes on: a bar on a terminal, a line for each step in a log.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::talk;
use crate::report::{count, on_one_line};
use crate::run::RunEvent;

/// The progress of one journey.
pub struct Progress {
    bar: ProgressBar,
    title: String,
    /// Lines, since nobody sees a bar.
    lines: bool,
    requests: AtomicUsize,
    events: AtomicUsize,
}

impl Progress {
    /// `bars` holds the bars of journeys that are made at once.
    pub fn new(title: &str, bars: Option<&MultiProgress>) -> Progress {
        let terminal = std::io::stderr().is_terminal();
        let bar = match bars {
            _ if talk::is_quiet() => ProgressBar::hidden(),
            Some(bars) => bars.add(ProgressBar::new(1)),
            None => ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr()),
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {pos}/{len} {wide_msg}")
        {
            bar.set_style(style);
        }
        let title = on_one_line(title);
        bar.set_prefix(title.clone());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress {
            bar,
            title,
            lines: !terminal && !talk::is_quiet(),
            requests: AtomicUsize::new(0),
            events: AtomicUsize::new(0),
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
                self.say(
                    &format!("{}{}", on_one_line(&what), self.so_far()),
                    &format!("step {number} of {total}: "),
                );
            }
            RunEvent::Request => {
                self.requests.fetch_add(1, Relaxed);
            }
            RunEvent::Told(event) if event.tells() => {
                self.events.fetch_add(1, Relaxed);
            }
            RunEvent::Told(_) => {}
            RunEvent::Recorded(steps) => {
                self.bar.set_length(steps as u64);
                self.bar.set_position(steps as u64);
                self.bar.set_message(format!(
                    "steps recorded; close the window, or press Ctrl-C, when you are done{}",
                    self.so_far()
                ));
            }
            RunEvent::Settling => {
                self.say(
                    &format!("waiting for the last requests{}", self.so_far()),
                    "",
                );
            }
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, message: &str, before: &str) {
        self.bar.set_message(message.to_owned());
        if self.lines {
            talk::plain(&format!("{}: {before}{message}", self.title));
        }
    }

    fn so_far(&self) -> String {
        let (requests, events) = (self.requests.load(Relaxed), self.events.load(Relaxed));
        match (requests, events) {
            (0, _) => String::new(),
            (requests, events) => format!(
                "  ({}, {} so far)",
                count(requests, "request"),
                count(events, "event")
            ),
        }
    }
}
