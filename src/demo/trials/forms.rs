//! Report forms, each sent in another way; a tracker is told of the click as well.

use super::Page;

pub(super) const PAGES: &[Page] = &[
    ("thanks", "<h1>Thank you</h1><p>We have received your report.</p>"),
    (
        "form",
        "<form method='post' action='/trials/form/submit' onsubmit=\"goodbye('Submit')\">
        <label for='what'>What happened</label><textarea id='what' name='what'></textarea>
        <button id='send'>Send report</button></form>",
    ),
    // Large enough to be hit with a hand.
    (
        "large",
        "<style>* { box-sizing: border-box; margin: 0 } textarea, button { display: block; width: 100%; height: 49vh }</style>
        <form method='post' action='/trials/large/submit' onsubmit=\"goodbye('Submit')\">
        <textarea id='what' name='what' aria-label='What happened'></textarea><button id='send'>Send report</button></form>",
    ),
    (
        "get",
        "<form method='get' action='/trials/get/submit' onsubmit=\"goodbye('Submit')\">
        <label for='what'>What happened</label><input id='what' name='what'>
        <button id='send'>Send report</button></form>",
    ),
    (
        "fetch",
        "<label for='what'>What happened</label><textarea id='what'></textarea><button id='send' type='button'>Send report</button>
        <script>send.onclick = async () => { pixel('Submit');
        const answer = await fetch('/trials/fetch/submit', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ what: what.value }) });
        await answer.json(); document.title = 'Sent'; }</script>",
    ),
    (
        "xhr",
        "<label for='what'>What happened</label><textarea id='what'></textarea><button id='send' type='button'>Send report</button>
        <script>send.onclick = () => { pixel('Submit'); const request = new XMLHttpRequest();
        request.open('PUT', '/trials/xhr/submit'); request.onload = () => document.title = 'Sent';
        request.send(new URLSearchParams({ what: what.value })); }</script>",
    ),
    (
        "beacon",
        "<label for='what'>What happened</label><textarea id='what'></textarea><button id='send' type='button'>Send report</button>
        <script>send.onclick = () => { pixel('Submit'); navigator.sendBeacon('/trials/beacon/submit', new URLSearchParams({ what: what.value })); location = '/trials/thanks/'; }</script>",
    ),
    ("frame", "<h1>Report</h1><iframe src='/trials/form/' width='500' height='200'></iframe>"),
    (
        "foreign-frame",
        "<h1>Report</h1><iframe src='https://embed.widgets.example/trials/form/' width='500' height='200'></iframe>",
    ),
    (
        "casework",
        "<label for='what'>What happened</label><textarea id='what'></textarea><button id='send' type='button'>Send report</button>
        <script>send.onclick = async () => { pixel('Submit');
        await fetch('https://api.casework.example/trials/casework/submit', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ what: what.value }) });
        document.title = 'Sent'; }</script>",
    ),
    (
        "socket",
        "<label for='what'>What happened</label><textarea id='what'></textarea><button id='send' type='button'>Send report</button>
        <script>const socket = new WebSocket('wss://www.channels.example/g/websocket/socket'); socket.onopen = () => document.documentElement.className = 'open';
        send.onclick = () => { pixel('Submit'); socket.send(what.value); fetch('/trials/socket/seen', { method: 'POST' }); }</script>",
    ),
    (
        "nothing",
        "<label for='what'>What happened</label><input id='what' required><button id='send' type='button' onclick=\"pixel('Click')\">Send report</button>",
    ),
];
