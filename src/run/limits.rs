//! What the container, or whatever control group we run in, allows; and whether that was reached. A browser that dies of it
//! says nothing: its processes are killed, or cannot be started.

use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are mounted.
const MOUNTED: &str = "/sys/fs/cgroup";

/// Limits, and how often they were reached up to now. Nothing where there is no limit, or it cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes.
    memory: Option<u64>,
    /// Processes that the kernel ended, since there was no memory left.
    killed: u64,
    processes: Option<u64>,
    /// Processes and threads that were not started.
    refused: u64,
}

impl Limits {
    /// As they are now.
    pub(super) fn now() -> Limits {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Limits::of(Path::new(MOUNTED), &own)
    }

    /// What was reached since then: what to say, and what can be done.
    pub(super) fn reached_since(self, before: Limits) -> Vec<(String, String)> {
        let mut reached = Vec::new();
        let killed = self.killed.saturating_sub(before.killed);
        if killed > 0 {
            let limit = self.memory.map_or_else(String::new, |bytes| {
                format!(" of {:.1} GB", bytes as f64 / f64::from(1 << 30))
            });
            let processes = match killed {
                1 => "a process".to_owned(),
                killed => format!("{killed} processes"),
            };
            reached.push((
                format!("the container's memory limit{limit} was reached, and the kernel ended {processes}"),
                "give it more memory, or make fewer journeys at once (`--jobs`); in the batch's folder `--resume` makes what was lost again".to_owned(),
            ));
        }
        if self.refused > before.refused {
            let limit = self
                .processes
                .map_or_else(String::new, |limit| format!(" of {limit} processes"));
            reached.push((
                format!("the container's limit{limit} was reached, and some could not be started"),
                "raise it (`--pids-limit`), or make fewer journeys at once (`--jobs`); a journey needs about 150".to_owned(),
            ));
        }
        reached
    }

    /// `own`: as in cgroups(7), `/proc/[pid]/cgroup`.
    fn of(mounted: &Path, own: &str) -> Limits {
        let unified = mounted.join("cgroup.controllers").exists();
        let (memory, pids) = match unified {
            true => {
                let own = group(mounted, own, "");
                (own.clone(), own)
            }
            false => (
                group(&mounted.join("memory"), own, "memory"),
                group(&mounted.join("pids"), own, "pids"),
            ),
        };
        let [limit, events] = match unified {
            true => ["memory.max", "memory.events"],
            false => ["memory.limit_in_bytes", "memory.oom_control"],
        };
        Limits {
            memory: smallest(&memory, mounted, limit),
            killed: counted(&memory.join(events), "oom_kill"),
            processes: smallest(&pids, mounted, "pids.max"),
            refused: counted(&pids.join("pids.events"), "max"),
        }
    }
}

/// Whether a problem is one of those.
pub fn is_of_limits(message: &str) -> bool {
    message.starts_with("the container's ")
}

/// The folder of our own group: below where its hierarchy is mounted; in a container that itself is our own.
fn group(mounted: &Path, own: &str, controller: &str) -> PathBuf {
    let path = own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        let path = parts.next()?;
        let is_its = controllers.split(',').any(|name| name == controller);
        is_its.then(|| mounted.join(path.trim_start_matches('/')))
    });
    path.filter(|path| path.is_dir())
        .unwrap_or_else(|| mounted.to_owned())
}

/// The smallest limit from a group up to where groups are mounted: each holds for those below.
fn smallest(group: &Path, mounted: &Path, name: &str) -> Option<u64> {
    let groups = group
        .ancestors()
        .take_while(|path| path.starts_with(mounted));
    let limits = groups.filter_map(|group| {
        let text = fs::read_to_string(group.join(name)).ok()?;
        // `max` is no number; without a limit version 1 says the greatest number of pages.
        text.trim().parse().ok().filter(|limit| *limit < 1 << 60)
    });
    limits.min()
}

/// `oom_kill 3` in a file of such lines.
fn counted(path: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let found = lines.find(|(key, _)| *key == name);
    found.map_or(0, |(_, value)| value.trim().parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn both_versions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let v2 = folder.path().join("v2");
        write(&v2, "cgroup.controllers", "memory pids\n");
        write(&v2, "pod/memory.max", "1073741824\n");
        write(&v2, "pod/own/memory.max", "max\n");
        write(&v2, "pod/own/memory.events", "low 0\noom 2\noom_kill 3\n");
        write(&v2, "pod/own/pids.max", "64\n");
        write(&v2, "pod/own/pids.events", "max 5\n");
        let limits = Limits::of(&v2, "0::/pod/own\n");
        let expected = Limits {
            memory: Some(1 << 30),
            killed: 3,
            processes: Some(64),
            refused: 5,
        };
        assert_eq!(limits, expected);
        let v1 = folder.path().join("v1");
        write(&v1, "memory/memory.limit_in_bytes", "1073741824\n");
        write(
            &v1,
            "memory/memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        );
        write(&v1, "pids/pids.max", "64\n");
        write(&v1, "pids/pids.events", "max 5\n");
        // In a container its own group is what is mounted, whatever it is called outside.
        let own = "8:pids:/docker/f00\n4:memory:/docker/f00\n0::/\n";
        assert_eq!(Limits::of(&v1, own), expected);
        write(&v1, "memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(Limits::of(&v1, own).memory, None);
        assert_eq!(
            Limits::of(&folder.path().join("none"), ""),
            Limits::default()
        );
    }

    #[test]
    fn what_was_reached_is_said_and_what_was_not_is_not() {
        let before = Limits {
            memory: Some(1 << 30),
            killed: 1,
            processes: Some(64),
            refused: 0,
        };
        assert_eq!(before.reached_since(before), []);
        let killed = Limits {
            killed: 2,
            ..before
        };
        let reached = killed.reached_since(before);
        assert!(is_of_limits(&reached[0].0));
        assert_eq!(
            reached[0].0,
            "the container's memory limit of 1.0 GB was reached, and the kernel ended a process"
        );
        let refused = Limits {
            refused: 7,
            ..before
        };
        let reached = refused.reached_since(before);
        assert_eq!(
            reached[0].0,
            "the container's limit of 64 processes was reached, and some could not be started"
        );
    }
}
