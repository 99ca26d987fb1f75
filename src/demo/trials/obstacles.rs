//! What stands in a journey's way.

use super::Page;

pub(super) const PAGES: &[Page] = &[
    (
        "obstacles",
        "<h1>Obstacles</h1>
        <iframe id='foreign' src='https://embed.widgets.example/trials/inner/' width='400' height='120' style='margin: 30px; border: 7px solid; padding: 5px'></iframe>
        <trial-card></trial-card>
        <p><button id='help' type='button'>Open help</button> <button id='ask' type='button'>Ask me</button></p>
        <p><label>Evidence <input id='file' type='file' hidden></label> <span id='chosen'></span></p>
        <p><a href='/trials/thanks/'>Leave</a></p>
        <script>
        customElements.define('trial-card', class extends HTMLElement { constructor() { super();
          const root = this.attachShadow({ mode: 'open' });
          root.innerHTML = '<label>Nickname <input id=nick></label> <button id=save>Save card</button>';
          root.querySelector('#save').onclick = (event) => told('card=' + root.querySelector('#nick').value, event);
        } });
        help.onclick = (event) => { told('help', event); open('/trials/help/'); };
        ask.onclick = (event) => { alert('Are you sure?'); told('asked', event); };
        file.onchange = async (event) => { const name = file.files[0].name + ':' + (await file.files[0].text()).length; chosen.textContent = name; told('file=' + name, event); };
        onmessage = (event) => told('message=' + event.data);
        onbeforeunload = (event) => { event.preventDefault(); return 'stay'; };
        addEventListener('pagehide', () => told('left'));
        </script>",
    ),
    (
        "inner",
        "<label for='code'>Code</label> <input id='code'> <button id='sure' type='button'>Confirm code</button>
        <script>told('inner'); const keys = []; code.onkeydown = (event) => keys.push(event.isTrusted);
        sure.onclick = (event) => parent.postMessage('code ' + code.value + ' ' + (event.isTrusted && keys.length === code.value.length && keys.every(Boolean)), '*');</script>",
    ),
    (
        "help",
        "<script>addEventListener('pagehide', () => told('help-left'));</script>
        <h1>Help</h1><p>This is a tab of its own.</p><button id='understood' type='button'>Understood</button>
        <script>understood.onclick = (event) => { opener.postMessage('understood ' + event.isTrusted, '*'); close(); };</script>",
    ),
    (
        "inputs",
        "<style>#over { display: inline-block; padding: 4px } #menu { display: none; width: 60px; margin-top: -6px } #over:hover + #menu, #menu:hover { display: block }</style>
        <p><button id='twice' type='button'>Twice</button> <button id='held' type='button'>Held</button></p>
        <div><span id='over'>Menu</span><a id='menu' href='#chosen'>In the menu</a></div>
        <p><input id='keys' aria-label='Keys'></p>
        <div id='box' style='width: 200px; height: 100px; overflow: auto'><div style='height: 900px; width: 900px'>Long</div></div>
        <div style='height: 3000px'></div><p id='end'>The end</p>
        <script>
        twice.ondblclick = (event) => told('twice', event);
        held.oncontextmenu = (event) => { event.preventDefault(); told('right', event); };
        held.onauxclick = (event) => { if (event.button === 1) told('middle', event); };
        let down; held.onpointerdown = (event) => { down = event; }; held.onpointerup = (event) => told('held=' + (event.timeStamp - down.timeStamp >= 150) + '&at=' + Math.round(event.offsetX) + ',' + Math.round(event.offsetY) + '&type=' + event.pointerType, event);
        menu.onclick = (event) => told('menu', event);
        keys.onkeydown = (event) => told('key=' + event.key + '&shift=' + event.shiftKey + '&ctrl=' + event.ctrlKey, event);
        keys.onchange = (event) => told('value=' + keys.value, event);
        let wheels = 0; addEventListener('wheel', () => wheels++); box.addEventListener('wheel', () => wheels++);
        addEventListener('scrollend', (event) => told('scrolled=' + Math.round(scrollY) + '&wheel=' + (wheels > 0), event));
        box.addEventListener('scrollend', (event) => told('box=' + box.scrollLeft + ',' + box.scrollTop, event));
        addEventListener('resize', () => told('size=' + innerWidth + 'x' + innerHeight + '&touch=' + navigator.maxTouchPoints));
        setTimeout(() => { document.body.dataset.ready = 'yes'; window.answer = 42; }, 300);
        </script>",
    ),
    (
        "slow",
        "<p id='state'>Loading</p><script>
        setInterval(() => navigator.sendBeacon('/trials/told?tick'), 150);
        setTimeout(() => fetch('/trials/told?first').then(() => setTimeout(() => fetch('/trials/told?second').then(() => { state.textContent = 'Ready'; told('ready'); }), 300)), 200);
        </script>",
    ),
    (
        "late-row",
        "<ul></ul><script>setTimeout(() => document.querySelector('ul').innerHTML = '<li>Late</li>', 1500)</script>",
    ),
    (
        "rows",
        "<ul><li>One</li><li class='on'>Two</li><li hidden>Three</li></ul><script>setTimeout(() => document.querySelector('ul').insertAdjacentHTML('beforeend', \"<li class='on'>Four</li>\"), 200)</script>",
    ),
];
