//! Pages that no site should have, and some do: for tests of a replay's patience.

use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};

/// Name and HTML, under `/hostile/<name>`. `{T}` stands for the tracker's host.
const PAGES: [(&str, &str); 10] = [
    (
        "wander",
        "<script>new Image().src = '{T}/hostile/wander.gif?' + location.search.length; location.replace('/hostile/wander?' + 'x'.repeat(1 + location.search.length))</script>",
    ),
    (
        "popups",
        "<button id='go'>Go</button><script>go.onclick = () => { for (let i = 0; i < 200; i++) open('/hostile/popup?' + i); setTimeout(() => document.documentElement.className = 'done', 0) }</script>",
    ),
    ("popup", "<script>navigator.sendBeacon('{T}/hostile/popup' + location.search, 'popup')</script>"),
    (
        "dialogs",
        "<script>navigator.sendBeacon('{T}/hostile/before-dialogs'); setTimeout(() => { for (;;) { alert('again'); confirm('sure?'); prompt('name?') } }, 100); onbeforeunload = e => e.preventDefault()</script>",
    ),
    (
        "stay",
        "<button id='go'>Go</button><script>onbeforeunload = e => { e.preventDefault(); return 'stay' }; onpagehide = () => navigator.sendBeacon('{T}/hostile/gone')</script>",
    ),
    (
        "long",
        "<script>const over = () => document.documentElement.className = 'done'; const i = new Image(); i.onload = i.onerror = over; i.src = '{T}/hostile/long.gif?q=' + 'q'.repeat(200000)</script>",
    ),
    (
        "parameters",
        "<script>const body = new URLSearchParams({ id: '123456789012345', ev: 'PageView' }); for (let i = 0; i < 10000; i++) body.append('cd[p' + i + ']', 'v' + i);
        fetch('https://www.facebook.com/tr/', { method: 'POST', mode: 'no-cors', credentials: 'include', body }).finally(() => document.documentElement.className = 'done')</script>",
    ),
    (
        "own-host",
        "<script>const over = () => document.documentElement.className = 'done'; const i = new Image(); i.onload = i.onerror = over; i.src = 'https://accounts.google.com/pixel.gif'</script>",
    ),
    (
        "late-icon",
        "<button id='go'>Send</button><script>go.onclick = () => document.head.insertAdjacentHTML('beforeend', '<link rel=icon href=/hostile/icon.png>')</script>",
    ),
    ("spin", "<script>navigator.sendBeacon('{T}/hostile/before-spin'); setTimeout(() => { for (;;); }, 200)</script>"),
];

/// The answer to a path under `/hostile/`; nothing if it is none.
pub(in crate::demo) fn answer(uri: &Uri) -> Option<Response> {
    let name = uri.path().strip_prefix("/hostile/")?;
    if name == "loop" {
        // Another address each time: a browser ends a chain of twenty, whatever it leads to.
        let to = format!("/hostile/loop?{}", uri.query().map_or(0, str::len) + 1);
        return Some((axum::http::StatusCode::FOUND, [(header::LOCATION, to)]).into_response());
    }
    if name == "broken" {
        let body = b"<!doctype html><title>\xff\xfe\xc3(</title><script>new Image().src = 'https://collect.tracker.example/hostile/broken.gif?\xc3('</script>\x00<p>\xff".to_vec();
        return Some(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response());
    }
    let Some((_, page)) = PAGES.iter().find(|(known, _)| *known == name) else {
        return Some("ok\n".into_response());
    };
    let page = page.replace("{T}", "https://collect.tracker.example");
    let html =
        format!("<!doctype html><html lang='en'><meta charset='utf-8'><title>{name}</title>{page}");
    Some(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}
