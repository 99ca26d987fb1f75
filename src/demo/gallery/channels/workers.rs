//! Workers: dedicated, nested, shared, and service workers.

use super::{Channel, PLAIN};

pub(super) const CHANNELS: &[Channel] = &[
    Channel {
        name: "worker",
        about: "a worker: its script, what it imports, fetches and asks by XHR",
        script: "const w = new Worker(S + '/worker.js'); await event(w, 'message');",
        files: &[(
            "worker.js",
            "importScripts('{T}/imported.js');
            const x = new XMLHttpRequest(); x.open('GET', '{T}/xhr'); x.withCredentials = true; x.send();
            fetch('{T}/fetch', { method: 'POST', body: 'worker', credentials: 'include' }).then(() => postMessage('done'));",
        )],
        expects: &["GET S/worker.js", "GET T/imported.js", "GET T/xhr", "POST T/fetch"],
        ..PLAIN
    },
    Channel {
        name: "worker-first",
        about: "a worker that speaks before anything else",
        script: "for (let i = 0; i < 5; i++) { const w = new Worker(S + '/worker.js?' + i); await event(w, 'message'); w.terminate(); }",
        files: &[(
            "worker.js",
            "fetch('{T}/first' + location.search, { mode: 'no-cors', credentials: 'include' }).then(() => postMessage(1));",
        )],
        expects: &["GET T/first?0", "GET T/first?1", "GET T/first?2", "GET T/first?3", "GET T/first?4"],
        ..PLAIN
    },
    Channel {
        name: "worker-nested",
        about: "a worker within a worker",
        script: "const w = new Worker(S + '/outer.js'); await event(w, 'message');",
        files: &[
            ("outer.js", "const w = new Worker('{S}/inner.js'); w.onmessage = () => postMessage('done');"),
            ("inner.js", "fetch('{T}/inner', { credentials: 'include' }).then(() => postMessage('done'));"),
        ],
        expects: &["GET S/outer.js", "GET S/inner.js", "GET T/inner"],
        ..PLAIN
    },
    Channel {
        name: "worker-module",
        about: "a worker that is a module",
        script: "const w = new Worker(S + '/worker.js', { type: 'module' }); await event(w, 'message');",
        files: &[("worker.js", "import '{T}/imported.js'; await fetch('{T}/module', { credentials: 'include' }); postMessage('done');")],
        expects: &["GET S/worker.js", "GET T/imported.js", "GET T/module"],
        ..PLAIN
    },
    Channel {
        name: "worker-blob",
        about: "a worker from a Blob, which has no address",
        script: "
            const code = `fetch('${T}/blob', { method: 'POST', body: 'blob', credentials: 'include' }).then(() => postMessage(1))`;
            const w = new Worker(URL.createObjectURL(new Blob([code]))); await event(w, 'message');",
        expects: &["POST T/blob"],
        ..PLAIN
    },
    Channel {
        name: "worker-socket",
        about: "a WebSocket of a worker",
        script: "const w = new Worker(S + '/worker.js'); await event(w, 'message');",
        files: &[(
            "worker.js",
            "const s = new WebSocket('{T}/socket'.replace('https', 'wss')); s.onopen = () => s.send('from a worker'); s.onmessage = () => { s.close(); postMessage(1); };",
        )],
        expects: &["GET T/socket", "MESSAGE T/socket"],
        ..PLAIN
    },
    Channel {
        name: "shared-worker",
        about: "a shared worker",
        script: "const w = new SharedWorker(S + '/shared.js'); w.port.start(); await event(w.port, 'message');",
        files: &[(
            "shared.js",
            "onconnect = e => fetch('{T}/shared', { method: 'POST', body: 'shared', credentials: 'include' }).then(() => e.ports[0].postMessage(1));",
        )],
        expects: &["GET S/shared.js", "POST T/shared"],
        ..PLAIN
    },
    Channel {
        name: "service-worker",
        about: "a service worker: installing, activating, fetching for its page",
        script: "
            await navigator.serviceWorker.register(S + '/sw.js', { scope: S + '/' });
            await navigator.serviceWorker.ready; if (!navigator.serviceWorker.controller) await event(navigator.serviceWorker, 'controllerchange');
            await img(T + '/through.gif'); await post(T + '/through', 'through the worker'); await ask(T + '/own');",
        files: &[(
            "sw.js",
            "importScripts('{T}/imported.js');
            const tell = path => fetch('{T}/' + path, { mode: 'no-cors', credentials: 'include', method: 'POST', body: path });
            oninstall = e => { skipWaiting(); e.waitUntil(tell('install')); };
            onactivate = e => e.waitUntil(tell('activate').then(() => clients.claim()));
            onfetch = e => { if (e.request.url.includes('/own')) e.respondWith(new Response('own')); else e.respondWith(fetch(e.request)); };",
        )],
        expects: &[
            "GET S/sw.js", "GET T/imported.js", "POST T/install", "POST T/activate", "GET T/through.gif", "POST T/through", "UNSENT T/own",
        ],
        ..PLAIN
    },
    Channel {
        name: "service-worker-update",
        about: "a service worker's script, fetched again to see whether it changed",
        script: "
            const r = await navigator.serviceWorker.register(S + '/sw.js', { scope: S + '/' });
            await navigator.serviceWorker.ready; await r.update(); await arrived('GET S/sw.js', 2000, 2);",
        files: &[("sw.js", "onfetch = () => {};")],
        expects: &["GET S/sw.js", "GET S/sw.js"],
        ..PLAIN
    },
    Channel {
        name: "service-worker-goodbye",
        about: "a service worker that fetches for a page that is gone",
        script: "
            await navigator.serviceWorker.register(S + '/sw.js', { scope: S + '/' });
            await navigator.serviceWorker.ready; if (!navigator.serviceWorker.controller) await event(navigator.serviceWorker, 'controllerchange');
            addEventListener('pagehide', () => navigator.serviceWorker.controller.postMessage('bye'));",
        files: &[(
            "sw.js",
            "oninstall = () => skipWaiting(); onactivate = e => e.waitUntil(clients.claim());
            onmessage = e => e.waitUntil(fetch('{T}/goodbye', { mode: 'no-cors', credentials: 'include', method: 'POST', body: 'goodbye' }));",
        )],
        expects: &["GET S/sw.js", "POST T/goodbye"],
        ..PLAIN
    },
];
