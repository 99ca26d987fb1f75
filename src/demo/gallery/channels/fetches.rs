//! What scripts ask for: fetch, XHR, sockets, and every kind of body.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "xhr",
        about: "XMLHttpRequest: GET, POST, and a synchronous one",
        script: "
            await xhr('GET', T + '/a');
            await xhr('POST', T + '/b', 'name=value&text=\u{e4}\u{20ac}');
            const sync = new XMLHttpRequest(); sync.open('POST', L + '/sync', false); sync.withCredentials = true; sync.send('sync');",
        expects: &["GET T/a", "POST T/b", "POST L/sync"],
        ..PLAIN
    },
    Channel {
        name: "fetch",
        about: "fetch with GET and HEAD",
        script: "await ask(T + '/a'); await ask(T + '/b', { method: 'HEAD' }); await ask(L + '/c');",
        expects: &["GET T/a", "HEAD T/b", "GET L/c"],
        ..PLAIN
    },
    Channel {
        name: "fetch-urlencoded",
        about: "a form's fields, as URLSearchParams",
        script: "const body = new URLSearchParams({ em: 'a@b.example', t: 'x y&z' }); await post(T + '/a', body); await post(L + '/b', body);",
        expects: &["POST T/a", "POST L/b"],
        ..PLAIN
    },
    Channel {
        name: "fetch-json",
        about: "JSON, which CORS asks leave for",
        script: "await post(T + '/a', JSON.stringify({ email: 'a@b.example' }), { headers: { 'content-type': 'application/json' } });",
        expects: &["OPTIONS T/a", "POST T/a"],
        ..PLAIN
    },
    Channel {
        name: "fetch-put",
        about: "a method that CORS asks leave for, with a header of its own",
        script: "for (const method of ['PUT', 'PATCH', 'DELETE']) await ask(L + '/a', { method, body: method, headers: { 'x-own': '1' } });",
        expects: &["OPTIONS L/a", "PUT L/a", "PATCH L/a", "DELETE L/a"],
        ..PLAIN
    },
    Channel {
        name: "fetch-multipart",
        about: "FormData with a file made by script",
        script: "
            const form = new FormData(); form.append('em', 'a@b.example');
            form.append('file', new File([every(256), 'text\\r\\n'], 'bytes.bin', { type: 'application/octet-stream' }));
            await post(T + '/a', form); await post(L + '/b', form);",
        expects: &["POST T/a", "POST L/b"],
        ..PLAIN
    },
    Channel {
        name: "fetch-blob",
        about: "a Blob, and a Blob of Blobs",
        script: "const blob = new Blob([every(256), 'x']); await post(T + '/a', blob); await post(L + '/b', new Blob([blob, blob, '.']));",
        expects: &["POST T/a", "POST L/b"],
        ..PLAIN
    },
    Channel {
        name: "fetch-binary",
        about: "every byte value, as an ArrayBuffer",
        script: "await post(T + '/a', every(256).buffer); await post(L + '/b', every(256));",
        expects: &["POST T/a", "POST L/b"],
        ..PLAIN
    },
    Channel {
        name: "fetch-gzip",
        about: "a compressed body",
        script: "
            const stream = new Blob(['x'.repeat(5000)]).stream().pipeThrough(new CompressionStream('gzip'));
            const body = await new Response(stream).arrayBuffer();
            await post(T + '/a', body); await post(L + '/b', body);",
        expects: &["POST T/a", "POST L/b"],
        ..PLAIN
    },
    Channel {
        name: "fetch-5mb",
        about: "a body of 5 MB, over HTTP/2 and HTTP/1.1",
        script: "const body = every(5 * 1024 * 1024); await post(T + '/a', body); await post(L + '/b', body);",
        expects: &["POST T/a", "POST L/b"],
        ..PLAIN
    },
    Channel {
        name: "fetch-empty",
        about: "a POST with nothing in it",
        script: "await post(T + '/a', ''); await ask(L + '/b', { method: 'POST' });",
        expects: &["POST T/a", "POST L/b"],
        ..PLAIN
    },
    Channel {
        name: "fetch-stream",
        about: "a body that is written as it is sent",
        script: "
            const parts = ['one ', 'two ', 'three']; const bytes = new TextEncoder();
            const body = new ReadableStream({ async pull(c) { const part = parts.shift(); part ? c.enqueue(bytes.encode(part)) : c.close(); } });
            await ask(T + '/a', { method: 'POST', body, duplex: 'half' });",
        expects: &["OPTIONS T/a", "POST T/a"],
        ..PLAIN
    },
    Channel {
        name: "fetch-no-cors",
        about: "a request whose answer cannot be read",
        script: "await fetch(T + '/a', { mode: 'no-cors', credentials: 'include' }); await fetch(T + '/b', { mode: 'no-cors', credentials: 'include', method: 'POST', body: 'b' });",
        expects: &["GET T/a", "POST T/b"],
        ..PLAIN
    },
    Channel {
        name: "fetch-omit",
        about: "a request without cookies, and one refused by CORS after it was sent",
        script: "await fetch(T + '/a', { credentials: 'omit' }); await fetch(T + '/refuse', { credentials: 'include' }).catch(() => 0);",
        expects: &["GET T/a", "GET T/refuse"],
        ..PLAIN
    },
    Channel {
        name: "fetch-keepalive",
        about: "a fetch that may outlive its page",
        script: "await ask(T + '/a', { keepalive: true }); await post(L + '/b', 'x', { keepalive: true });",
        expects: &["GET T/a", "POST L/b"],
        ..PLAIN
    },
    Channel {
        name: "cookie-bytes",
        about: "cookies with bytes that are no ASCII, over HTTP/2 and HTTP/1.1",
        body: r#"<iframe src="{L}/frame.html"></iframe>"#,
        files: &[(
            "frame.html",
            "<script>document.cookie = 'umlaut=\u{e4}\u{20ac}%25; path=/g/cookie-bytes; secure; samesite=none'; fetch('{L}/a', { credentials: 'include', method: 'POST', body: 'legacy' })</script>",
        )],
        script: "
            document.cookie = 'umlaut=\u{e4}\u{20ac}%25; path=/g/cookie-bytes'; await Promise.all([1, 2, 3].map(i => post(S + '/a', 'body ' + i)));
            await arrived('POST L/a');",
        expects: &["POST S/a", "POST S/a", "POST S/a", "POST L/a"],
        ..PLAIN
    },
    Channel {
        name: "fetch-repeat",
        about: "the same request again, with another body and other cookies",
        script: "for (let i = 0; i < 5; i++) await post(T + '/a', 'body ' + i); await Promise.all([5, 6, 7, 8, 9].map(i => post(T + '/a', 'body ' + i)));",
        expects: &[
            "POST T/a", "POST T/a", "POST T/a", "POST T/a", "POST T/a", "POST T/a", "POST T/a",
            "POST T/a", "POST T/a", "POST T/a",
        ],
        ..PLAIN
    },
    Channel {
        name: "fetch-later",
        about: "fetchLater, due at once and when the page goes",
        script: "
            fetchLater(T + '/soon', { method: 'POST', body: 'soon', activateAfter: 0, credentials: 'include' });
            await arrived('POST T/soon');
            fetchLater(T + '/leaving', { method: 'POST', body: 'leaving', credentials: 'include' });",
        expects: &["POST T/soon", "POST T/leaving"],
        ..PLAIN
    },
    Channel {
        name: "event-source",
        about: "server-sent events",
        script: "const source = new EventSource(T + '/events', { withCredentials: true }); await event(source, 'message', 'error'); source.close();",
        expects: &["GET T/events"],
        ..PLAIN
    },
    Channel {
        name: "websocket",
        about: "a WebSocket: text, bytes, a Blob, a long message",
        script: "
            const socket = new WebSocket(T.replace('https', 'wss') + '/socket'); await event(socket, 'open');
            socket.send('text \u{e4}'); socket.send(every(256)); socket.send(new Blob(['in a Blob'])); socket.send('long '.repeat(20000));
            for (let got = 0; got < 4; got++) await event(socket, 'message');
            socket.close(1000, 'done'); await event(socket, 'close');",
        expects: &[
            "GET T/socket", "MESSAGE T/socket", "MESSAGE T/socket", "MESSAGE T/socket", "MESSAGE T/socket",
        ],
        ..PLAIN
    },
    Channel {
        name: "long-query",
        about: "60 kB of query, and bytes that are no UTF-8",
        script: "const long = '?q=' + 'q'.repeat(60000); await img(T + '/a.gif' + long); await img(L + '/a.gif' + long); await img(L + '/b.gif?%ff%fe=%00&x=%c3%28&=&&');",
        expects: &["GET T/a.gif", "GET L/a.gif", "GET L/b.gif?%ff%fe=%00&x=%c3%28&=&&"],
        ..PLAIN
    },
];
