//! Scripts and what they load.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "script",
        about: "scripts in the markup: plain, async, deferred",
        head: r#"<script src="{T}/a.js"></script><script async src="{T}/b.js"></script><script defer src="{L}/c.js"></script>"#,
        expects: &["GET T/a.js", "GET T/b.js", "GET L/c.js"],
        ..PLAIN
    },
    Channel {
        name: "tag-manager",
        about: "a script that loads a script that fires a pixel",
        script: "await load('script', { src: T + '/container.js' }); await arrived('GET L/fired.gif');",
        files: &[
            (
                "container.js",
                "const s = document.createElement('script'); s.src = '{T}/tag.js'; document.head.append(s);",
            ),
            ("tag.js", "new Image().src = '{L}/fired.gif';"),
        ],
        expects: &["GET T/container.js", "GET T/tag.js", "GET L/fired.gif"],
        ..PLAIN
    },
    Channel {
        name: "module",
        about: "a module, its import, and a preloaded one",
        head: r#"<link rel="modulepreload" href="{S}/c.js"><script type="module" src="{S}/a.js"></script>"#,
        files: &[("a.js", "import '{T}/b.js';")],
        script: "await arrived('GET T/b.js'); await arrived('GET S/c.js');",
        expects: &["GET S/a.js", "GET T/b.js", "GET S/c.js"],
        ..PLAIN
    },
    Channel {
        name: "dynamic-import",
        about: "import() of a module and of JSON",
        script: "await import(T + '/a.js'); await import(T + '/b.json', { with: { type: 'json' } });",
        expects: &["GET T/a.js", "GET T/b.json"],
        ..PLAIN
    },
    Channel {
        name: "worklet",
        about: "a paint worklet's module",
        script: "await CSS.paintWorklet.addModule(T + '/paint.js');",
        expects: &["GET T/paint.js"],
        ..PLAIN
    },
];
