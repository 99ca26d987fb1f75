// What the gallery's pages share. C, S, T, L, F, N and R are set before it.
const every = n => Uint8Array.from({ length: n }, (_, i) => (i ^ (i >> 8)) & 255);
const event = (target, ...names) =>
  new Promise(resolve => names.forEach(name => target.addEventListener(name, resolve, { once: true })));
const img = url => { const i = new Image(); const over = event(i, 'load', 'error'); i.src = url; return over; };
const load = (tag, attributes) => {
  const element = document.createElement(tag);
  const over = event(element, 'load', 'error');
  document.head.append(Object.assign(element, attributes));
  return over;
};
const ask = (url, options) => fetch(url, { credentials: 'include', ...options }).then(answer => answer.arrayBuffer());
const post = (url, body, options) => ask(url, { method: 'POST', body, ...options });
const xhr = (method, url, body) => {
  const request = new XMLHttpRequest();
  request.open(method, url);
  request.withCredentials = true;
  const over = event(request, 'loadend');
  request.send(body);
  return over;
};
const hop = (status, base, to) => `${base}/redirect/${status}?to=${encodeURIComponent(to)}`;
// Asks the server to answer when that request has come, so that no page guesses how long something takes.
const arrived = (what, limit = 3000, count = 1) =>
  fetch('/arrived?' + new URLSearchParams({ channel: C, what, limit, count })).then(answer => answer.text());
const loaded = event(window, 'load');
const gone = () => document.documentElement.classList.add('gone');
const onGo = act => document.getElementById('go').addEventListener('click', act);
const run = channel => Promise.all([loaded, channel()]).then(
  () => document.documentElement.classList.add('done'),
  error => { document.documentElement.classList.add('done', 'failed'); document.title = String(error); });
