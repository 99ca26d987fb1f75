//! The embedded demo website: a fictional police force with, and without, Meta's pixel on its victims' pages.
//!
//! One HTTPS server on loopback plays every host that a journey meets. The browser is told to reach all hosts
//! there (`--host-resolver-rules="MAP * 127.0.0.1:<port>"`), and the server answers by the host it was asked for:
//!
//! | host | plays |
//! |---|---|
//! | [`SITE_HOST`] | the police force's website |
//! | [`PIXEL_LIBRARY_HOST`] | the pixel's library and its per-pixel configuration |
//! | [`PIXEL_EVENT_HOST`] | the endpoint that pixel events go to |
//! | `www.met.police.uk`, `www.norfolk.police.uk`, `www.suffolk.police.uk`, `www.marshgate.nhs.example` | replicas with the paths and form steps that the shipped scenarios take |
//! | [`SAFE_HOST`] | the harmless page behind "Quickly exit this site" |
//!
//! Everything that arrives, at any host, is kept in [`DemoServer::access_log`]: it is the receiving end's own
//! account of what a browser sent, to hold against what a capture says. Nothing here contacts another machine.

mod access_log;
pub mod gallery;
mod meta;
mod pages;
mod replica;
mod reports;
mod server;
mod site;
mod trials;

pub use access_log::{LogEntry, SocketMessage};
pub use meta::PIXEL_ID;
pub use reports::FiledReport;
pub use server::DemoServer;

/// The host of the demo police force's website.
pub const SITE_HOST: &str = "www.northgate.police.example";
/// The host that serves the pixel's library, `/en_US/fbevents.js`, and `/signals/config/<pixel id>`.
pub const PIXEL_LIBRARY_HOST: &str = "connect.facebook.net";
/// The host that pixel events are sent to, at `/tr/`.
pub const PIXEL_EVENT_HOST: &str = "www.facebook.com";
/// The host that "Quickly exit this site" leads to: a page about the weather.
pub const SAFE_HOST: &str = "www.weather.example";

/// Which edition of the site is served. The pages are the same; the pixel's place differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The pixel stands on every page, report forms and advice for victims included.
    Leaky,
    /// The pixel stands on the home page `/` and on `/careers/` only.
    Fixed,
}

impl Build {
    /// Whether this edition puts the pixel on the page at `path` (as in `/report/`).
    fn has_pixel_on(self, path: &str) -> bool {
        match self {
            Build::Leaky => true,
            Build::Fixed => path == "/" || path == "/careers/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Build;

    #[test]
    fn the_fixed_build_keeps_the_pixel_on_home_and_careers_only() {
        assert!(Build::Fixed.has_pixel_on("/"));
        assert!(Build::Fixed.has_pixel_on("/careers/"));
        assert!(!Build::Fixed.has_pixel_on("/report/sexual-offence/"));
        assert!(!Build::Fixed.has_pixel_on("/report/thank-you/"));
        assert!(Build::Leaky.has_pixel_on("/report/sexual-offence/"));
    }
}
