//! What a visit leaves behind in a browser, and what a page finds of it: a cookie, a stored value, a cached file, a service
//! worker. Whoever comes with nothing tells so.

use super::Page;

pub(super) const PAGES: &[Page] = &[(
    "traces",
    "<form method='post' action='/trials/traces/submit'>
    <label for='email'>E-mail</label><input id='email' name='email'></form><p id='found'></p>
    <script>
    const visit = Math.random().toString(36).slice(2);
    const look = async () => {
      const found = [
        (document.cookie.match(/trial_visit=(\\w+)/) || [])[1] && 'cookie',
        localStorage.getItem('trial_visit') && 'storage',
        (await caches.keys()).length > 0 && 'cache',
        (await navigator.serviceWorker.getRegistrations()).length > 0 && 'worker',
      ].filter(Boolean);
      await told('found=' + (found.join('+') || 'nothing') + '&visit=' + visit);
      document.cookie = 'trial_visit=' + visit + '; path=/trials/; Secure; SameSite=Lax';
      localStorage.setItem('trial_visit', visit);
      await caches.open(visit);
      await fetch('/trials/traces.txt');
      await navigator.serviceWorker.register('/trials/traces.js', { scope: '/trials/traces/' });
      await navigator.serviceWorker.ready;
      await fetch('/trials/told?by-worker&visit=' + visit);
      await pixel('Traces');
      document.getElementById('found').textContent = 'left';
    };
    look();
    document.getElementById('email').onchange = (event) => told('typed=' + encodeURIComponent(event.target.value));
    </script>",
)];

/// The service worker: sends on what goes through it, and more of its own.
pub(super) const WORKER: &str = "
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim().then(() => fetch('/trials/told?from-worker'))));
self.addEventListener('fetch', (event) => event.respondWith(fetch(event.request)));
";

/// Kept by every cache for an hour.
pub(super) const CACHED: &str = "kept\n";
