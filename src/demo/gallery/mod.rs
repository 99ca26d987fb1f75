//! The channel gallery: one small page for each way in which data leaves a page, so that a capture can be held
//! against what really arrived.
//!
//! Every request of a channel has an address under `/g/<channel>/`, on one of these hosts:
//!
//! | key | host | plays |
//! |---|---|---|
//! | `S` | [`GALLERY_HOST`] | the site itself |
//! | `T` | `collect.tracker.example` | a third party, over HTTP/2 |
//! | `L` | `legacy.stats.example` | another, over HTTP/1.1 |
//! | `F` | `embed.widgets.example` | the site of foreign frames |
//! | `N` | `measured.network.example` | asks for Network Error Logging |
//! | `R` | `refused.nowhere.example` | takes no connection ([`connect_to`]) |

mod channels;
mod hostile;
mod pixels;
mod server;
mod tally;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use crate::browser::ConnectTo;

pub(super) use server::{Answer, Gallery, speak, speaks_http1_only};
pub use tally::{Row, tally};

/// The host of the gallery's own pages.
pub const GALLERY_HOST: &str = "www.channels.example";

/// Key, and what stands before a channel's paths.
const BASES: [(&str, &str); 7] = [
    ("S", "https://www.channels.example"),
    ("T", "https://collect.tracker.example"),
    ("L", "https://legacy.stats.example"),
    ("F", "https://embed.widgets.example"),
    ("N", "https://measured.network.example"),
    ("R", "https://refused.nowhere.example"),
    ("P", "http://collect.tracker.example"),
];

/// One way in which data leaves a page.
///
/// In `headers`, `head`, `body` and `files`, `{T}` stands for the channel's address at the host with that key.
#[derive(Debug)]
pub struct Channel {
    pub name: &'static str,
    pub about: &'static str,
    /// Of the page's answer.
    headers: &'static [(&'static str, &'static str)],
    head: &'static str,
    body: &'static str,
    /// The body of an async function: the channel is done when it is.
    script: &'static str,
    /// What is served under the channel's address, whatever the host.
    files: &'static [(&'static str, &'static str)],
    /// What the visitor does: `click` on `#go`, choose a `file` in `#file` and click, or `wait` to be led on.
    act: Option<&'static str>,
    /// At the least: `METHOD K/path`; `MESSAGE` for a WebSocket's; `UNSENT` for an attempt that must not arrive.
    expects: &'static [&'static str],
    /// Why Chromium may not send it at all.
    pub optional: Option<&'static str>,
}

/// All channels, in the order in which they are played.
pub fn channels() -> impl Iterator<Item = &'static Channel> {
    channels::all()
}

/// A scenario that visits the channels. `file` is on disk, and is uploaded by two of them.
pub fn scenario<'a>(channels: impl IntoIterator<Item = &'a Channel>, file: &Path) -> String {
    let mut text = format!("title: Channel gallery\norigin: https://{GALLERY_HOST}\nsteps:\n");
    for channel in channels {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  - navigate: /g/{}/", channel.name);
        let wait = |class| {
            format!(
                "  - waitForElement: {{ selector: html.{class}, visible: null, timeout: 20000 }}\n"
            )
        };
        match channel.act {
            None => text += &wait("done"),
            Some("wait") => text += &wait("gone"),
            Some(act) => {
                text += &wait("done");
                if act == "file" {
                    let _ = writeln!(
                        text,
                        "  - change: {{ selector: \"#file\", value: {:?} }}",
                        file.display().to_string()
                    );
                }
                text += "  - click: \"#go\"\n";
                text += &wait("gone");
            }
        }
    }
    text
}

/// How the gallery's hosts are reached: one takes no connection, all others are the demo server.
pub fn connect_to(server: SocketAddr) -> Vec<ConnectTo> {
    let refused = "refused.nowhere.example::127.0.0.1:1".parse();
    refused
        .into_iter()
        .chain([ConnectTo::all_to(server)])
        .collect()
}

/// What is in the file on disk: bytes that no text has.
pub fn upload() -> Vec<u8> {
    (0..=255u8)
        .cycle()
        .take(3000)
        .chain(*b"\r\n--end")
        .collect()
}

/// The browser uploads reports within a second, where it would wait for a minute.
pub const BROWSER_ARG: &str = "--short-reporting-delay";

impl Channel {
    fn base(&self, key: &str) -> Option<String> {
        let (_, base) = BASES.iter().find(|(known, _)| *known == key)?;
        Some(format!("{base}/g/{}", self.name))
    }

    fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (key, _) in BASES {
            if let Some(base) = self.base(key) {
                text = text.replace(&format!("{{{key}}}"), &base);
            }
        }
        text
    }

    fn page(&self) -> String {
        let bases: String = BASES
            .iter()
            .filter_map(|(key, _)| Some(format!("{key} = '{}', ", self.base(key)?)))
            .collect();
        let button = if self.body.contains("id=\"go\"") {
            ""
        } else {
            "<p><button id=\"go\" type=\"button\">Go</button></p>"
        };
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title>\
             <script>const {bases}C = '{name}';\n{helpers}</script>{head}</head>\
             <body><h1>{name}</h1><p>{about}</p>{body}{button}<script>run(async () => {{{script}}});</script></body></html>",
            name = self.name,
            helpers = include_str!("page.js"),
            head = self.fill(self.head),
            about = self.about,
            body = self.fill(self.body),
            script = self.script,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_channel_has_a_name_of_its_own_and_expects_something() {
        let mut names = HashSet::new();
        for channel in channels() {
            assert!(names.insert(channel.name), "{}", channel.name);
            assert!(!channel.expects.is_empty(), "{}", channel.name);
            // `${T}` is JavaScript's.
            let page = channel.page().replace("${T}", "");
            assert!(!page.contains("{T}"), "{}", channel.name);
        }
        assert!(names.len() >= 60, "{}", names.len());
    }
}
