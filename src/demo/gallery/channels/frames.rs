//! Frames: of the same site and of others, nested, sandboxed, without an address.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "frame-own",
        about: "a frame of the same site",
        body: r#"<iframe src="{S}/frame.html"></iframe>"#,
        files: &[("frame.html", "<img alt='' src='{T}/own.gif'>")],
        expects: &["GET S/frame.html", "GET T/own.gif"],
        ..PLAIN
    },
    Channel {
        name: "frame-foreign",
        about: "a frame of another site, in a process of its own",
        body: r#"<iframe src="{F}/frame.html"></iframe>"#,
        files: &[(
            "frame.html",
            "<img alt='' src='{T}/foreign.gif'><script>fetch('{T}/foreign', { method: 'POST', body: 'from a frame', credentials: 'include' })</script>",
        )],
        script: "await arrived('POST T/foreign');",
        expects: &["GET F/frame.html", "GET T/foreign.gif", "POST T/foreign"],
        ..PLAIN
    },
    Channel {
        name: "frame-nested",
        about: "a frame of a third site within a frame of a second",
        body: r#"<iframe src="{F}/outer.html"></iframe>"#,
        files: &[
            ("outer.html", "<iframe src='{L}/middle.html'></iframe>"),
            ("middle.html", "<iframe src='{S}/inner.html'></iframe>"),
            ("inner.html", "<img alt='' src='{T}/inner.gif'>"),
        ],
        expects: &["GET F/outer.html", "GET L/middle.html", "GET S/inner.html", "GET T/inner.gif"],
        ..PLAIN
    },
    Channel {
        name: "frame-sandbox",
        about: "a sandboxed frame, with an origin of its own",
        body: r#"<iframe sandbox="allow-scripts" src="{F}/frame.html"></iframe>"#,
        files: &[(
            "frame.html",
            "<script>navigator.sendBeacon('{T}/sandbox', 'sandbox')</script><img alt='' src='{T}/sandbox.gif'>",
        )],
        script: "await arrived('POST T/sandbox');",
        expects: &["GET F/frame.html", "POST T/sandbox", "GET T/sandbox.gif"],
        ..PLAIN
    },
    Channel {
        name: "frame-srcdoc",
        about: "a frame whose document stands in the markup",
        body: r#"<iframe srcdoc="<img alt='' src='{T}/srcdoc.gif'>"></iframe><iframe sandbox="allow-scripts" srcdoc="<script>fetch('{T}/sandboxed', { mode: 'no-cors' })</script>"></iframe>"#,
        script: "await arrived('GET T/sandboxed');",
        expects: &["GET T/srcdoc.gif", "GET T/sandboxed"],
        ..PLAIN
    },
    Channel {
        name: "frame-blank",
        about: "an empty frame that a script writes into",
        script: "
            const frame = document.createElement('iframe'); document.body.append(frame);
            frame.contentDocument.write(`<img alt='' src='${T}/written.gif'>`); frame.contentDocument.close();
            await arrived('GET T/written.gif');",
        expects: &["GET T/written.gif"],
        ..PLAIN
    },
    Channel {
        name: "frame-removed",
        about: "a frame that says goodbye when it is taken away",
        body: r#"<iframe id="own" src="{S}/frame.html"></iframe><iframe id="foreign" src="{F}/foreign.html"></iframe>"#,
        files: &[
            ("frame.html", "<script>onpagehide = () => navigator.sendBeacon('{T}/own', 'removed')</script>"),
            ("foreign.html", "<script>onpagehide = () => navigator.sendBeacon('{T}/foreign', 'removed')</script>"),
        ],
        script: "await loaded; own.remove(); foreign.remove(); await arrived('POST T/own'); await arrived('POST T/foreign');",
        expects: &["POST T/own", "POST T/foreign"],
        ..PLAIN
    },
    Channel {
        name: "frame-form",
        about: "a hidden form posted into a hidden frame, as the pixel does with long events",
        script: "
            const frame = document.createElement('iframe'); frame.name = 'into'; document.body.append(frame);
            const form = document.createElement('form'); form.method = 'post'; form.action = T + '/event'; form.target = 'into'; form.acceptCharset = 'utf-8';
            for (const [name, value] of [['id', '1'], ['cd[text]', '\u{e4} & =']]) { const i = document.createElement('input'); i.name = name; i.value = value; form.append(i); }
            document.body.append(form); form.submit(); await event(frame, 'load');",
        expects: &["POST T/event"],
        ..PLAIN
    },
    Channel {
        name: "frame-late",
        about: "a frame of another site whose first request is a goodbye",
        body: r#"<iframe src="{F}/frame.html"></iframe>"#,
        files: &[(
            "frame.html",
            "<script>addEventListener('pagehide', () => { navigator.sendBeacon('{T}/late', 'late'); fetch('{L}/late', { method: 'POST', body: 'late', keepalive: true, mode: 'no-cors', credentials: 'include' }) })</script>",
        )],
        expects: &["GET F/frame.html", "POST T/late", "POST L/late"],
        ..PLAIN
    },
];
