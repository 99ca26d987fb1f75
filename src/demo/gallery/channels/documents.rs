//! Navigations, redirects, other tabs, and pages fetched ahead of time.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "redirect-chain",
        about: "three redirects across hosts, one exchange each",
        script: "await img(hop(302, T, hop(301, L, hop(307, F, T + '/end.gif'))));",
        expects: &[
            "GET T/redirect/302",
            "GET L/redirect/301",
            "GET F/redirect/307",
            "GET T/end.gif",
        ],
        ..PLAIN
    },
    Channel {
        name: "redirect-post",
        about: "a POST that is sent on with its body (307), and one that is not (303)",
        script: "await post(hop(307, T, L + '/kept'), 'kept body'); await post(hop(303, T, L + '/dropped'), 'dropped body');",
        expects: &[
            "POST T/redirect/307",
            "POST L/kept",
            "POST T/redirect/303",
            "GET L/dropped",
        ],
        ..PLAIN
    },
    Channel {
        name: "meta-refresh",
        about: "a page that leads on by itself",
        head: r#"<meta http-equiv="refresh" content="0;url={S}/next.html">"#,
        act: Some("wait"),
        expects: &["GET S/next.html"],
        ..PLAIN
    },
    Channel {
        name: "refresh-header",
        about: "a page whose answer leads on",
        headers: &[("refresh", "0;url={S}/next.html")],
        act: Some("wait"),
        expects: &["GET S/next.html"],
        ..PLAIN
    },
    Channel {
        name: "location",
        about: "a script that goes elsewhere, through a redirect",
        script: "onGo(() => { location.href = hop(302, T, F + '/next.html?from=' + encodeURIComponent(document.title)); });",
        act: Some("click"),
        expects: &["GET T/redirect/302", "GET F/next.html?from=location"],
        ..PLAIN
    },
    Channel {
        name: "link",
        about: "a link, with a pixel on the click",
        body: r#"<a id="go" href="{F}/next.html">Go</a>"#,
        script: "go.addEventListener('click', () => { new Image().src = T + '/clicked.gif'; navigator.sendBeacon(T + '/clicked'); });",
        act: Some("click"),
        expects: &["POST T/clicked", "GET F/next.html"],
        ..PLAIN
    },
    Channel {
        name: "link-ping",
        about: "a link's ping",
        body: r#"<a id="go" href="{F}/next.html" ping="{T}/ping {L}/ping">Go</a>"#,
        act: Some("click"),
        expects: &["POST T/ping", "POST L/ping", "GET F/next.html"],
        ..PLAIN
    },
    Channel {
        name: "download",
        about: "a link that downloads, and an answer that is a download",
        body: r#"<a id="go" href="{S}/file.bin" download="x.bin">Go</a>"#,
        script: "go.addEventListener('click', async () => { await arrived('GET S/file.bin'); gone(); });",
        act: Some("click"),
        expects: &["GET S/file.bin"],
        ..PLAIN
    },
    Channel {
        name: "popup-link",
        about: "a link into a new tab: its first request and its pixel",
        body: r#"<a id="go" target="_blank" href="{F}/popup.html">Go</a>"#,
        files: &[(
            "popup.html",
            r#"<img alt="" src="{T}/popup.gif"><script>navigator.sendBeacon('{T}/popup')</script>"#,
        )],
        script: "go.addEventListener('click', async () => { await arrived('GET T/popup.gif'); await arrived('POST T/popup'); gone(); });",
        act: Some("click"),
        expects: &["GET F/popup.html", "GET T/popup.gif", "POST T/popup"],
        ..PLAIN
    },
    Channel {
        name: "popup-script",
        about: "window.open, which the opener closes again: its goodbye too",
        files: &[(
            "popup.html",
            "<img alt='' src='{T}/popup.gif'><script>onpagehide = () => navigator.sendBeacon('{T}/closing', 'closing'); onload = () => opener.postMessage('loaded', '*')</script>",
        )],
        script: "onGo(async () => { const popup = open(S + '/popup.html'); await event(window, 'message'); popup.close(); await arrived('POST T/closing'); gone(); });",
        act: Some("click"),
        expects: &["GET S/popup.html", "GET T/popup.gif", "POST T/closing"],
        ..PLAIN
    },
    Channel {
        name: "speculative-prefetch",
        about: "speculation rules: a page fetched ahead of time",
        body: r#"<script type="speculationrules">{"prefetch":[{"urls":["{S}/ahead.html"],"eagerness":"immediate"}]}</script>"#,
        script: "await arrived('GET S/ahead.html');",
        expects: &["GET S/ahead.html"],
        ..PLAIN
    },
    Channel {
        name: "prerender",
        about: "speculation rules: a page that runs before it is visited, pixel and all",
        body: r#"<script type="speculationrules">{"prerender":[{"urls":["{S}/ahead.html"],"eagerness":"immediate"}]}</script>"#,
        files: &[(
            "ahead.html",
            "<img alt='' src='{T}/ahead.gif'><script>fetch('{T}/ahead', { credentials: 'include' })</script>",
        )],
        script: "await arrived('GET T/ahead.gif'); await arrived('GET T/ahead');",
        expects: &["GET S/ahead.html", "GET T/ahead.gif", "GET T/ahead"],
        ..PLAIN
    },
    Channel {
        name: "csp-report",
        about: "reports of a content security policy: enforced, and only reported",
        headers: &[
            (
                "content-security-policy",
                "img-src 'none'; report-uri {T}/enforced",
            ),
            (
                "content-security-policy-report-only",
                "media-src 'none'; report-uri {L}/report-only",
            ),
        ],
        body: r#"<img alt="" src="{T}/refused.gif"><video src="{T}/allowed.mp4"></video>"#,
        script: "await arrived('POST T/enforced'); await arrived('POST L/report-only');",
        expects: &[
            "POST T/enforced",
            "POST L/report-only",
            "UNSENT T/refused.gif",
        ],
        ..PLAIN
    },
    Channel {
        name: "reporting-api",
        about: "a policy's reports by the Reporting API, uploaded by the browser",
        headers: &[
            ("reporting-endpoints", r#"main="{T}/reports""#),
            ("content-security-policy", "img-src 'none'; report-to main"),
        ],
        body: r#"<img alt="" src="{T}/refused.gif">"#,
        script: "await arrived('POST T/reports', 5000);",
        expects: &["POST T/reports", "UNSENT T/refused.gif"],
        ..PLAIN
    },
    Channel {
        name: "network-error-logging",
        about: "Network Error Logging: the browser reports how a request went",
        script: "await img(N + '/measured.gif'); await arrived('POST L/nel', 5000);",
        files: &[("nel", "")],
        expects: &["GET N/measured.gif", "POST L/nel"],
        ..PLAIN
    },
];
