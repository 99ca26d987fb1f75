//! The tabs of a journey: follows the visitor into one that a page opens, and back.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::capture::Capture;

use super::{StepError, Tab};

/// Between two looks for a tab that is to open.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// The tabs that the journey has been in. The last one is the newest.
#[derive(Debug)]
pub struct Tabs {
    open: Vec<Tab>,
    current: usize,
    /// Targets of all tabs that were there when we last looked.
    known: HashSet<String>,
    limit: Duration,
}

impl Tabs {
    /// Opens the first tab. `limit` bounds each command.
    ///
    /// # Errors
    /// If the browser is gone, or the tab is not ready in time.
    pub async fn open(capture: &Capture, limit: Duration) -> Result<Tabs, StepError> {
        let tab = Tab::open(capture, limit).await?;
        Ok(Tabs {
            known: HashSet::from([tab.target().to_owned()]),
            open: vec![tab],
            current: 0,
            limit,
        })
    }

    /// That tab is none of the journey's.
    pub fn leave_alone(&mut self, target: &str) {
        self.known.insert(target.to_owned());
    }

    /// The tab that the visitor looks at.
    pub fn current(&mut self) -> &mut Tab {
        &mut self.open[self.current]
    }

    /// Whether any of the journey's tabs is still there.
    pub fn any_left(&self) -> bool {
        self.open.iter().any(|tab| !tab.is_gone())
    }

    /// Whether the tab that the journey began in was closed.
    pub fn first_is_gone(&self) -> bool {
        self.open[0].is_gone()
    }

    /// Before a step: goes to the tab that it names, or to the one that the visitor looks at. Gives what is worth
    /// knowing.
    ///
    /// # Errors
    /// If there is no such tab when the time is up.
    pub async fn select(
        &mut self,
        capture: &Capture,
        wanted: Option<&str>,
        deadline: Instant,
    ) -> Result<Option<String>, StepError> {
        let Some(wanted) = wanted else {
            return self.follow(capture).await;
        };
        if wanted == "main" {
            self.follow(capture).await?;
            self.current = 0;
            return match self.open[0].is_gone() {
                true => Err(StepError::TabClosed),
                false => Ok(None),
            };
        }
        loop {
            self.take_in(capture, true).await?;
            // The newest first: a page may be open twice.
            let found = (0..self.open.len()).rev().find(|&index| {
                !self.open[index].is_gone() && is_at(&self.open[index].url(), wanted)
            });
            if let Some(index) = found {
                self.current = index;
                return Ok(None);
            }
            if Instant::now() + LOOK_AGAIN * 10 >= deadline {
                return Err(StepError::NoSuchTab {
                    wanted: wanted.to_owned(),
                    open: self
                        .open
                        .iter()
                        .filter(|tab| !tab.is_gone())
                        .map(Tab::url)
                        .collect::<Vec<_>>()
                        .join(", "),
                });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Goes where a visitor's eyes go: into a tab that has just been opened, and back when it is closed.
    async fn follow(&mut self, capture: &Capture) -> Result<Option<String>, StepError> {
        let opened = self.take_in(capture, false).await?;
        match opened {
            1 if !self.open[self.open.len() - 1].is_gone() => {
                self.current = self.open.len() - 1;
                return Ok(Some(
                    "the page opened a tab, and the journey went there".into(),
                ));
            }
            0 | 1 => {}
            _ => {
                return Ok(Some(format!(
                    "the page opened {opened} tabs at once; the journey stayed where it was (`target:` goes to one of them)"
                )));
            }
        }
        if self.current().is_gone() {
            let back = (0..self.open.len())
                .rev()
                .find(|&index| !self.open[index].is_gone());
            match back {
                Some(index) => {
                    self.current = index;
                    return Ok(Some("the tab was closed, and the journey went back".into()));
                }
                None => return Err(StepError::TabClosed),
            }
        }
        Ok(None)
    }

    /// Takes over a single tab that has been opened since we last looked, or all tabs that there are. Says how many
    /// have been opened since.
    async fn take_in(&mut self, capture: &Capture, all: bool) -> Result<usize, StepError> {
        let tabs = capture.tabs().await?;
        let new: Vec<String> = tabs
            .iter()
            .filter(|target| !self.known.contains(*target))
            .cloned()
            .collect();
        self.known.extend(new.iter().cloned());
        let wanted: Vec<String> = if all {
            let open: HashSet<&str> = self.open.iter().map(Tab::target).collect();
            let missing = tabs.iter().filter(|tab| !open.contains(tab.as_str()));
            missing.cloned().collect()
        } else if new.len() == 1 {
            new.clone()
        } else {
            Vec::new()
        };
        for target in &wanted {
            match Tab::attach(capture, target, self.limit).await {
                Ok(tab) => self.open.push(tab),
                // It was closed again meanwhile.
                Err(error) => tracing::debug!(%error, "a tab was not there for long"),
            }
        }
        Ok(new.len())
    }
}

/// Whether a tab's address is the one that a step names; what stands behind `#` does not count.
fn is_at(url: &str, wanted: &str) -> bool {
    let plain = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
    match wanted.strip_suffix('*') {
        Some(beginning) => url.starts_with(beginning),
        None => plain(url) == plain(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_is_known_by_its_address() {
        assert!(is_at("https://a.example/x#y", "https://a.example/x"));
        assert!(is_at("https://a.example/x?q", "https://a.example/*"));
        assert!(!is_at("https://a.example/x?q", "https://a.example/x"));
    }
}
