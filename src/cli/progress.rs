//! What a person sees while a run goes on: a bar on a terminal, a line for each step in a log.

use std::io::IsTerminal;
use std::sync::Mutex;
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
    /// What is going on, without the counts.
    now: Mutex<String>,
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
            now: Mutex::default(),
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
                // Those that are done.
                self.bar.set_position(u64::from(number) - 1);
                self.say(&on_one_line(&what), &format!("step {number} of {total}: "));
            }
            RunEvent::Request => {
                self.requests.fetch_add(1, Relaxed);
                self.show();
            }
            RunEvent::Told(event) if event.tells() => {
                self.events.fetch_add(1, Relaxed);
                self.show();
            }
            RunEvent::Told(_) => {}
            RunEvent::Recorded(steps) => {
                self.bar.set_length(steps as u64);
                self.bar.set_position(steps as u64);
                self.now_is("steps recorded; close the window, or press Ctrl-C, when you are done");
            }
            RunEvent::Settling => {
                self.bar.set_position(self.bar.length().unwrap_or_default());
                self.say("waiting for the last requests", "");
            }
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, what: &str, before: &str) {
        self.now_is(what);
        if self.lines {
            talk::plain(&format!("{}: {before}{what}{}", self.title, self.so_far()));
        }
    }

    fn now_is(&self, what: &str) {
        if let Ok(mut now) = self.now.lock() {
            what.clone_into(&mut now);
        }
        self.show();
    }

    fn show(&self) {
        if let Ok(now) = self.now.lock() {
            self.bar.set_message(format!("{now}{}", self.so_far()));
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
