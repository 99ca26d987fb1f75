//! Forms, by every encoding and into every place.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "form-get",
        about: "a form sent by GET: its fields stand in the address",
        body: r#"<form action="{F}/next.html"><input name="q" value="a b &amp; c"><button id="go">Go</button></form>"#,
        act: Some("click"),
        expects: &["GET F/next.html?q=a+b+%26+c"],
        ..PLAIN
    },
    Channel {
        name: "form-post",
        about: "a form sent by POST",
        body: r#"<form method="post" action="{F}/next.html"><input name="em" value="a@b.example"><textarea name="t">two
lines</textarea><button id="go" name="b" value="1">Go</button></form>"#,
        act: Some("click"),
        expects: &["POST F/next.html"],
        ..PLAIN
    },
    Channel {
        name: "form-plain",
        about: "a form sent as plain text, over HTTP/1.1",
        body: r#"<form method="post" enctype="text/plain" action="{L}/next.html"><input name="em" value="a@b.example"><button id="go">Go</button></form>"#,
        act: Some("click"),
        expects: &["POST L/next.html"],
        ..PLAIN
    },
    Channel {
        name: "form-multipart",
        about: "a form with a file that a script put there",
        body: r#"<form method="post" enctype="multipart/form-data" action="{F}/next.html"><input name="em" value="a@b.example"><input id="f" type="file" name="f"><button id="go">Go</button></form>"#,
        script: "const files = new DataTransfer(); files.items.add(new File([every(256)], 'made.bin')); f.files = files.files;",
        act: Some("click"),
        expects: &["POST F/next.html"],
        ..PLAIN
    },
    Channel {
        name: "form-file",
        about: "a form with a file from disk",
        body: r#"<form method="post" enctype="multipart/form-data" action="{L}/next.html"><input id="file" type="file" name="f"><button id="go">Go</button></form>"#,
        act: Some("file"),
        expects: &["POST L/next.html"],
        ..PLAIN
    },
    Channel {
        name: "fetch-file",
        about: "a file from disk, sent by a script",
        body: r#"<input id="file" type="file">"#,
        script: "onGo(async () => { await post(T + '/upload', file.files[0]); gone(); });",
        act: Some("file"),
        expects: &["POST T/upload"],
        ..PLAIN
    },
    Channel {
        name: "form-redirect",
        about: "a form whose answer sends its fields on (307)",
        body: r#"<form id="form" method="post"><input name="em" value="a@b.example"><button id="go">Go</button></form>"#,
        script: "form.action = hop(307, T, F + '/next.html');",
        act: Some("click"),
        expects: &["POST T/redirect/307", "POST F/next.html"],
        ..PLAIN
    },
    Channel {
        name: "form-popup",
        about: "a form posted into a new tab",
        body: r#"<form method="post" target="_blank" action="{F}/next.html"><input name="em" value="a@b.example"><button id="go">Go</button></form>"#,
        script: "go.addEventListener('click', async () => { await arrived('POST F/next.html'); gone(); });",
        act: Some("click"),
        expects: &["POST F/next.html"],
        ..PLAIN
    },
];
