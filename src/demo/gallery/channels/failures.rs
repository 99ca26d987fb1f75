//! Requests that come to nothing, or only after another try.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "reset",
        about: "a connection that is closed instead of an answer",
        script: "await post(T + '/reset', 'to be reset').catch(() => 0); await post(L + '/reset', 'to be reset').catch(() => 0);",
        expects: &["POST T/reset", "POST L/reset"],
        ..PLAIN
    },
    Channel {
        name: "hang",
        about: "a request that is never answered, until the page goes",
        script: "post(T + '/hang', 'held'); ask(L + '/hang'); await arrived('POST T/hang'); await arrived('GET L/hang');",
        expects: &["POST T/hang", "GET L/hang"],
        ..PLAIN
    },
    Channel {
        name: "abort",
        about: "a request that its script gives up",
        script: "
            const stop = new AbortController(); const asked = ask(T + '/hang', { signal: stop.signal }).catch(() => 0);
            await arrived('GET T/hang'); stop.abort(); await asked;",
        expects: &["GET T/hang"],
        ..PLAIN
    },
    Channel {
        name: "refused",
        about: "a host that takes no connection",
        script: "await img(R + '/a.gif'); await post(R + '/b', 'nobody there').catch(() => 0);",
        expects: &["UNSENT R/a.gif", "UNSENT R/b"],
        ..PLAIN
    },
    Channel {
        name: "mixed-content",
        about: "a script over plain HTTP, which the browser refuses to load",
        script: "await load('script', { src: T.replace('https', 'http') + '/mixed.js' });",
        expects: &["UNSENT P/mixed.js"],
        ..PLAIN
    },
    Channel {
        name: "not-found",
        about: "answers of 404, 500 and 204",
        script: "for (const status of [404, 500, 204]) await ask(T + '/status/' + status);",
        expects: &["GET T/status/404", "GET T/status/500", "GET T/status/204"],
        ..PLAIN
    },
    Channel {
        name: "authenticate",
        about: "an answer that asks for a password",
        script: "await ask(T + '/status/401'); await img(L + '/status/401');",
        expects: &["GET T/status/401", "GET L/status/401"],
        ..PLAIN
    },
    Channel {
        name: "revalidate",
        about: "a cached answer that is asked about again (304)",
        script: "await ask(T + '/etag.js'); await ask(T + '/etag.js', { cache: 'no-cache' });",
        expects: &["GET T/etag.js", "GET T/etag.js"],
        ..PLAIN
    },
    Channel {
        name: "cached-redirect",
        about: "a redirect that the browser remembers: the second time only its target is asked",
        script: "for (let i = 0; i < 2; i++) await ask(hop(308, T, T + '/end.json'));",
        expects: &["GET T/redirect/308", "GET T/end.json", "GET T/end.json"],
        ..PLAIN
    },
    Channel {
        name: "cached",
        about: "a cached answer that is not asked for again",
        script: "await ask(T + '/kept.js'); await ask(T + '/kept.js', { cache: 'force-cache' }); await load('script', { src: T + '/kept.js' });",
        expects: &["GET T/kept.js"],
        ..PLAIN
    },
];
