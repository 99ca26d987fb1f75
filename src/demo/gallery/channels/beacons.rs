//! What pages send on their way out, and when their tab closes.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "beacon",
        about: "sendBeacon with every kind of body",
        script: "
            navigator.sendBeacon(T + '/nothing'); navigator.sendBeacon(T + '/text', 'text \u{e4}');
            navigator.sendBeacon(T + '/fields', new URLSearchParams({ a: '1' })); navigator.sendBeacon(L + '/blob', new Blob([every(256)]));
            const form = new FormData(); form.append('a', 'b'); navigator.sendBeacon(T + '/form', form); navigator.sendBeacon(L + '/bytes', every(300));
            navigator.sendBeacon(T + '/json', new Blob(['{}'], { type: 'application/json' }));
            await arrived('POST T/json'); await arrived('POST L/bytes');",
        expects: &[
            "POST T/nothing", "POST T/text", "POST T/fields", "POST L/blob", "POST T/form", "POST L/bytes", "OPTIONS T/json", "POST T/json",
        ],
        ..PLAIN
    },
    Channel {
        name: "beacon-pagehide",
        about: "sendBeacon in pagehide, visibilitychange and unload",
        headers: &[("permissions-policy", "unload=(self)")],
        script: "
            addEventListener('pagehide', () => navigator.sendBeacon(T + '/pagehide', 'pagehide'));
            document.addEventListener('visibilitychange', () => navigator.sendBeacon(L + '/hidden', 'hidden'));
            addEventListener('unload', () => navigator.sendBeacon(T + '/unload', 'unload'));
            addEventListener('beforeunload', () => navigator.sendBeacon(T + '/beforeunload', 'beforeunload'));
            onGo(() => { location.href = S + '/next.html'; });",
        act: Some("click"),
        expects: &["POST T/pagehide", "POST L/hidden", "POST T/unload", "POST T/beforeunload"],
        ..PLAIN
    },
    Channel {
        name: "keepalive-pagehide",
        about: "fetch with keepalive in pagehide",
        script: "addEventListener('pagehide', () => { post(T + '/a', every(300), { keepalive: true }); ask(L + '/b', { keepalive: true }); });",
        expects: &["POST T/a", "GET L/b"],
        ..PLAIN
    },
    Channel {
        name: "same-goodbye",
        about: "the same beacon from two pages, one after the other",
        script: "addEventListener('pagehide', () => navigator.sendBeacon(T + '/same', 'same')); onGo(() => { location.href = S + '/second.html'; });",
        files: &[("second.html", "<script>addEventListener('pagehide', () => navigator.sendBeacon('{T}/same', 'same'))</script>")],
        act: Some("click"),
        expects: &["POST T/same", "POST T/same"],
        ..PLAIN
    },
    Channel {
        name: "image-pagehide",
        about: "an image asked for in pagehide",
        script: "addEventListener('pagehide', () => { new Image().src = T + '/leaving.gif'; });",
        expects: &["GET T/leaving.gif"],
        optional: Some("Chromium keeps images of a page that goes alive only while it has time"),
        ..PLAIN
    },
    Channel {
        name: "click-then-leave",
        about: "an event fired on the click that leaves the page",
        body: r#"<a id="go" href="{S}/next.html">Go</a>"#,
        script: "go.addEventListener('click', () => { ask(T + '/clicked', { keepalive: true }); navigator.sendBeacon(T + '/clicked', 'SubscribedButtonClick'); });",
        act: Some("click"),
        expects: &["GET T/clicked", "POST T/clicked"],
        ..PLAIN
    },
    Channel {
        name: "tab-close",
        about: "a tab that is open when the journey ends: all that it says when it closes",
        files: &[(
            "open.html",
            "<script>
            addEventListener('pagehide', () => {
                navigator.sendBeacon('{T}/beacon', 'closing');
                fetch('{L}/keepalive', { method: 'POST', body: 'closing', keepalive: true, mode: 'no-cors', credentials: 'include' });
            });
            document.addEventListener('visibilitychange', () => { if (document.hidden) navigator.sendBeacon('{T}/hidden', 'hidden'); });
            fetchLater('{T}/later', { method: 'POST', body: 'later', credentials: 'include' });
            onload = () => opener.postMessage('loaded', '*');
            </script><iframe src='{F}/frame.html'></iframe>",
        ), (
            "frame.html",
            "<script>addEventListener('pagehide', () => navigator.sendBeacon('{T}/frame', 'frame closing'))</script>",
        )],
        script: "onGo(async () => { open(S + '/open.html'); await event(window, 'message'); gone(); });",
        act: Some("click"),
        expects: &["POST T/beacon", "POST L/keepalive", "POST T/later", "POST T/frame"],
        ..PLAIN
    },
    Channel {
        name: "last-page",
        about: "the journey's last page: what it says when its tab closes",
        script: "addEventListener('pagehide', () => { navigator.sendBeacon(T + '/beacon', 'last'); post(L + '/keepalive', 'last', { keepalive: true }); }); fetchLater(T + '/later', { method: 'POST', body: 'last', credentials: 'include' });",
        expects: &["POST T/beacon", "POST L/keepalive", "POST T/later"],
        ..PLAIN
    },
];
