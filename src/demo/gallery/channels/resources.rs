//! What a page is made of: pictures, styles, fonts, media, and hints at them.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "img",
        about: "an image in the markup, found by the preload scanner",
        body: r#"<img alt="" src="{T}/a.gif"><img alt="" src="{L}/b.gif">"#,
        expects: &["GET T/a.gif", "GET L/b.gif"],
        ..PLAIN
    },
    Channel {
        name: "img-script",
        about: "new Image(), as most pixels do",
        script: "await img(T + '/a.gif?id=1&ev=PageView'); await img(L + '/b.gif');",
        expects: &["GET T/a.gif?id=1&ev=PageView", "GET L/b.gif"],
        ..PLAIN
    },
    Channel {
        name: "img-srcset",
        about: "a picture's source",
        body: r#"<picture><source srcset="{T}/b.gif 1x"><img alt="" src="{T}/not.gif"></picture>"#,
        expects: &["GET T/b.gif"],
        ..PLAIN
    },
    Channel {
        name: "img-lazy",
        about: "an image that loads when it is scrolled to",
        body: r#"<div style="height:9000px"></div><img id="far" alt="" width="9" height="9" loading="lazy" src="{T}/far.gif">"#,
        script: "far.scrollIntoView(); await event(far, 'load', 'error');",
        expects: &["GET T/far.gif"],
        ..PLAIN
    },
    Channel {
        name: "input-image",
        about: "an image button",
        body: r#"<input type="image" alt="x" src="{T}/a.gif">"#,
        expects: &["GET T/a.gif"],
        ..PLAIN
    },
    Channel {
        name: "svg-image",
        about: "an image within inline SVG",
        body: r#"<svg width="9" height="9"><image href="{T}/a.gif" width="9" height="9"/></svg>"#,
        expects: &["GET T/a.gif"],
        ..PLAIN
    },
    Channel {
        name: "svg-use",
        about: "a symbol of another file",
        body: r##"<svg width="9" height="9"><use href="{S}/a.svg#x"/></svg>"##,
        expects: &["GET S/a.svg"],
        ..PLAIN
    },
    Channel {
        name: "video",
        about: "a video and its poster",
        body: r#"<video id="v" preload="auto" muted poster="{T}/poster.gif" src="{T}/a.mp4"></video>"#,
        script: "await event(v, 'error', 'loadedmetadata'); await arrived('GET T/poster.gif');",
        expects: &["GET T/poster.gif", "GET T/a.mp4"],
        ..PLAIN
    },
    Channel {
        name: "audio",
        about: "a sound",
        script: "const a = new Audio(); a.preload = 'auto'; const e = event(a, 'error', 'loadedmetadata'); a.src = T + '/a.mp3'; await e;",
        expects: &["GET T/a.mp3"],
        ..PLAIN
    },
    Channel {
        name: "track",
        about: "a video's subtitles",
        body: r#"<video crossorigin="use-credentials"><track id="t" default kind="captions" src="{T}/a.vtt"></video>"#,
        script: "t.track.mode = 'showing'; await event(t, 'load', 'error');",
        expects: &["GET T/a.vtt"],
        ..PLAIN
    },
    Channel {
        name: "object",
        about: "an embedded document",
        body: r#"<object data="{F}/a.svg" type="image/svg+xml"></object><embed src="{F}/b.svg" type="image/svg+xml">"#,
        expects: &["GET F/a.svg", "GET F/b.svg"],
        ..PLAIN
    },
    Channel {
        name: "stylesheet",
        about: "a style sheet, what it imports and draws",
        head: r#"<link rel="stylesheet" href="{T}/a.css">"#,
        files: &[
            (
                "a.css",
                "@import url('{T}/b.css'); body { background: url('{T}/bg.gif') } h1 { cursor: url('{T}/cursor.gif'), auto }",
            ),
            (
                "b.css",
                "p { border-image: url('{L}/border.gif') 1; border-style: solid }",
            ),
        ],
        script: "await arrived('GET L/border.gif');",
        expects: &[
            "GET T/a.css",
            "GET T/b.css",
            "GET T/bg.gif",
            "GET L/border.gif",
        ],
        ..PLAIN
    },
    Channel {
        name: "css-mask",
        about: "a mask, which is fetched with CORS",
        head: "<style>h1 { mask-image: url('{T}/mask.svg') }</style>",
        expects: &["GET T/mask.svg"],
        ..PLAIN
    },
    Channel {
        name: "font",
        about: "a font",
        head: "<style>@font-face { font-family: f; src: url('{T}/f.woff2') } h1 { font-family: f }</style>",
        script: "await document.fonts.load('16px f').catch(() => 0);",
        expects: &["GET T/f.woff2"],
        ..PLAIN
    },
    Channel {
        name: "preload",
        about: "a preload in the markup, and one in the Link header",
        headers: &[("link", "<{T}/header.gif>; rel=preload; as=image")],
        head: r#"<link rel="preload" as="image" href="{T}/markup.gif"><link rel="preload" as="fetch" crossorigin href="{T}/data.json">"#,
        script: "await arrived('GET T/data.json');",
        expects: &["GET T/header.gif", "GET T/markup.gif", "GET T/data.json"],
        ..PLAIN
    },
    Channel {
        name: "prefetch",
        about: "a prefetch hint",
        head: r#"<link rel="prefetch" href="{T}/next.js">"#,
        script: "await arrived('GET T/next.js');",
        expects: &["GET T/next.js"],
        ..PLAIN
    },
    Channel {
        name: "favicon",
        about: "the page's icon, asked for by the browser",
        head: r#"<link rel="icon" href="{T}/icon.png">"#,
        script: "await arrived('GET T/icon.png', 1000);",
        expects: &["GET T/icon.png"],
        optional: Some("Chromium asks for icons only where it has a tab strip to show them in"),
        ..PLAIN
    },
    Channel {
        name: "manifest",
        about: "the web app's manifest, asked for by the browser",
        head: r#"<link rel="manifest" href="{S}/app.webmanifest">"#,
        script: "await arrived('GET S/app.webmanifest', 700);",
        expects: &["GET S/app.webmanifest"],
        optional: Some("Chromium asks for it only when it considers offering installation"),
        ..PLAIN
    },
];
