/*
 * An imitation of Meta's pixel library, for demonstration only.
 *
 * Written for this demo site from facts observed on the wire: it sends the same kinds of events, in the same
 * form, as the library of that name does. It holds no code of Meta's, and it is never served outside loopback.
 */
(() => {
  'use strict';

  const stub = window.fbq;
  if (!stub || stub.handle) return;

  const VERSION = '2.9.324';
  const RELEASE = 'stable';
  const CONFIG_URL = 'https://connect.facebook.net/signals/config/';
  const EVENT_URL = 'https://www.facebook.com/tr/';
  const GET_LIMIT = 2048; // characters of the whole URL; longer events are posted
  const NINETY_DAYS = 90 * 24 * 60 * 60;
  const MICRODATA_DELAY = 500; // ms after PageView
  const MOST_FORM_FIELDS = 15;
  const METHOD = { track: 0, trackSystem: 3, trackCustom: 4 }; // the parameter "tm"

  const startedAt = Date.now();
  let shownSince = startedAt;
  const pixels = new Map(); // id -> { id, config, waiting, sent }

  // ---- Calls from the page -----------------------------------------------------------------------------------

  const calls = {
    init: addPixel,
    track: (name, data) => track('track', name, data),
    trackCustom: (name, data) => track('trackCustom', name, data),
  };

  stub.handle = ([call, ...rest]) => {
    if (Object.hasOwn(calls, call)) calls[call](...rest);
  };

  /** Called by the script at signals/config/<id>. Nothing is sent before it has been. */
  stub.configure = (id, config) => {
    const pixel = pixels.get(id);
    if (!pixel || pixel.config) return;
    pixel.config = config;
    pixel.waiting.splice(0).forEach((event) => send(pixel, event));
  };

  function addPixel(id) {
    id = String(id);
    if (pixels.has(id)) return;
    pixels.set(id, { id, config: null, waiting: [], sent: 0 });
    const script = document.createElement('script');
    script.async = true;
    const query = encode([['v', VERSION], ['r', RELEASE], ['domain', location.hostname]]);
    script.src = `${CONFIG_URL}${id}?${query}`;
    document.head.append(script);
  }

  function track(method, name, data = {}) {
    const event = { method, name, data, time: Date.now(), page: location.href };
    pixels.forEach((pixel) => {
      if (pixel.config) send(pixel, event);
      else pixel.waiting.push(event);
    });
  }

  function send(pixel, event) {
    const pairs = parameters(pixel, event);
    const url = `${EVENT_URL}?${encode([...pairs, ['rqm', 'GET']])}`;
    if (url.length < GET_LIMIT) new Image().src = url;
    else postInHiddenFrame([...pairs, ['rqm', 'formPOST']]);
    if (event.name === 'PageView' && pixel.config.microdata) {
      setTimeout(() => track('trackSystem', 'Microdata', microdata()), MICRODATA_DELAY);
    }
  }

  // ---- What an event says ------------------------------------------------------------------------------------

  function parameters(pixel, event) {
    const cookies = pixel.config.firstPartyCookies ? browserCookies() : {};
    const people = pixel.config.automaticMatching ? matchTypedFields(pixel.config.automaticMatching) : {};
    const pairs = [
      ['id', pixel.id],
      ['ev', event.name],
      ['dl', event.page],
      ['rl', document.referrer],
      ['if', String(window.top !== window)],
      ['ts', event.time],
    ];
    for (const [key, value] of Object.entries(event.data)) {
      pairs.push([`cd[${key}]`, typeof value === 'object' ? JSON.stringify(value) : value]);
    }
    pairs.push(['sw', screen.width], ['sh', screen.height]);
    for (const [key, hash] of Object.entries(people)) pairs.push([`udff[${key}]`, hash]);
    pairs.push(['v', VERSION], ['r', RELEASE], ['ec', pixel.sent], ['o', optionBits(cookies, people)]);
    if (cookies.fbp) pairs.push(['fbp', cookies.fbp]);
    if (cookies.fbc) pairs.push(['fbc', cookies.fbc]);
    pairs.push(['it', startedAt], ['coo', 'false']);
    if (event.method === 'trackSystem') pairs.push(['es', 'automatic']);
    // Method 0 is not seen on the wire: only calls other than plain "track" name theirs.
    if (METHOD[event.method]) pairs.push(['tm', METHOD[event.method]]);
    pixel.sent += 1;
    return pairs;
  }

  function optionBits(cookies, people) {
    const headless = navigator.webdriver || navigator.userAgent.includes('HeadlessChrome');
    return (
      2 + 4 + 8 + // automatic configuration, configured, property defined
      16 * ('sendBeacon' in navigator) +
      128 * Boolean(headless) +
      2048 * (Object.keys(people).length > 0) +
      4096 * Boolean(cookies.fbp)
    );
  }

  function encode(pairs) {
    return pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  }

  // ---- Ways to send ------------------------------------------------------------------------------------------

  function postInHiddenFrame(pairs) {
    const box = document.createElement('div');
    box.hidden = true;
    const frame = document.createElement('iframe');
    frame.name = `fb${Math.random().toString(36).slice(2)}`;
    const form = document.createElement('form');
    form.method = 'post';
    form.action = EVENT_URL;
    form.target = frame.name;
    form.acceptCharset = 'utf-8';
    for (const [name, value] of pairs) {
      const input = document.createElement('input');
      Object.assign(input, { type: 'hidden', name, value });
      form.append(input);
    }
    box.append(frame, form);
    document.body.append(box);
    // Only now: a new frame's empty document has had its own load event while it was being added.
    frame.addEventListener('load', () => box.remove());
    form.submit();
  }

  function sendWhileLeaving(pixel, event) {
    const data = new FormData();
    for (const [name, value] of parameters(pixel, event)) data.append(name, value);
    data.append('rqm', 'SB');
    navigator.sendBeacon(EVENT_URL, data);
  }

  // ---- Browser and click ids ---------------------------------------------------------------------------------

  function browserCookies() {
    const random = Math.floor(1e8 + Math.random() * 9e17);
    const fbp = keepCookie('_fbp', readCookie('_fbp')?.split('.')[3] ?? String(random));
    const clickId = new URLSearchParams(location.search).get('fbclid') ?? readCookie('_fbc')?.split('.')[3];
    return { fbp, fbc: clickId ? keepCookie('_fbc', clickId) : null };
  }

  /** Gives the cookie that holds `payload` another ninety days, or makes it. Returns its value. */
  function keepCookie(name, payload) {
    const old = readCookie(name);
    const keep = old?.split('.')[3] === payload;
    const labels = location.hostname.split('.');
    // From the shortest domain up, since the browser refuses public suffixes; an old cookie names its own domain.
    for (let index = keep ? Number(old.split('.')[1]) : 0; index < labels.length; index += 1) {
      const domain = labels.slice(-1 - index).join('.');
      const value = keep ? old : `fb.${index}.${Date.now()}.${payload}`;
      document.cookie = `${name}=${value}; domain=.${domain}; path=/; max-age=${NINETY_DAYS}; SameSite=Lax; Secure`;
      if (readCookie(name) === value) return value;
    }
    return null;
  }

  function readCookie(name) {
    const pairs = document.cookie.split('; ').map((pair) => pair.split(/=(.*)/s));
    return pairs.find(([key]) => key === name)?.[1];
  }

  // ---- Automatic events --------------------------------------------------------------------------------------

  const anyPixelHas = (feature) => [...pixels.values()].some((pixel) => pixel.config?.[feature]);

  // In the capture phase: before the page's own handlers, which may stop the event or change the page.
  document.addEventListener('click', (click) => {
    const button = click.target.closest?.(
      'button, a[href], input[type=submit], input[type=button], input[type=image], [role=button]',
    );
    if (button && anyPixelHas('inferredEvents')) track('trackSystem', 'SubscribedButtonClick', describeClick(button));
  }, true);

  window.addEventListener('pageshow', (event) => {
    if (event.persisted) shownSince = Date.now();
  });

  // Fires when the page is left for another one and when its tab is closed.
  window.addEventListener('pagehide', () => {
    const data = { seconds: Math.round((Date.now() - shownSince) / 1000) };
    const event = { method: 'trackCustom', name: 'TimeOnPage', data, time: Date.now(), page: location.href };
    pixels.forEach((pixel) => {
      if (pixel.config?.timeOnPage) sendWhileLeaving(pixel, event);
    });
  });

  function describeClick(button) {
    const text = (button.innerText || button.value || button.getAttribute('aria-label') || '').trim();
    const form = button.form ?? button.closest('form');
    return {
      buttonFeatures: {
        classList: button.className,
        destination: button.href ?? '',
        id: button.id,
        imageUrl: button.querySelector('img')?.src ?? '',
        innerText: text,
        numChildButtons: button.querySelectorAll('button, a[href], [role=button]').length,
        tag: button.localName,
        type: button.type || null,
        name: button.name ?? '',
        value: button.value ?? '',
      },
      buttonText: text.replace(/[0-9]/g, '0').slice(0, 120),
      formFeatures: form ? formFields(form).slice(0, MOST_FORM_FIELDS).map(describeField) : [],
      pageFeatures: { title: document.title },
      parameters: [],
    };
  }

  function formFields(form) {
    return [...form.elements].filter((element) => element.matches('input, select, textarea'));
  }

  function describeField(field) {
    const features = { id: field.id, name: field.name, tag: field.localName };
    if (field.placeholder) features.placeholder = field.placeholder;
    if (field.localName === 'input') features.inputType = field.type;
    const key = meaning(field);
    if (key) features.valueMeaning = KINDS[key].word;
    return features;
  }

  function microdata() {
    const meta = { title: document.title };
    const openGraph = {};
    document.querySelectorAll('meta[content]').forEach((element) => {
      const property = element.getAttribute('property');
      if (property?.startsWith('og:')) openGraph[property] = element.content;
      else if (['description', 'keywords'].includes(element.name)) meta[`meta:${element.name}`] = element.content;
    });
    const jsonLd = [...document.querySelectorAll('script[type="application/ld+json"]')].flatMap((script) => {
      try {
        return [JSON.parse(script.textContent)];
      } catch {
        return [];
      }
    });
    return { DataLayer: [], Meta: meta, OpenGraph: openGraph, 'Schema.org': [], 'JSON-LD': jsonLd };
  }

  // ---- Automatic advanced matching: typed form fields, hashed ------------------------------------------------

  const KINDS = {
    em: {
      word: 'email', type: 'email', pattern: /e-?mail/,
      normalise: (text) => (text.includes('@') ? text.trim().toLowerCase() : ''),
    },
    ph: { word: 'phone', type: 'tel', pattern: /phone|mobile|\btel\b/, normalise: normalisePhone },
    fn: { word: 'first_name', pattern: /first.?name|given.?name|forename/, normalise: normaliseName },
    ln: { word: 'last_name', pattern: /last.?name|surname|family.?name/, normalise: normaliseName },
    db: { word: 'birthday', pattern: /birth|\bdob\b/, normalise: normaliseDate },
    zp: { word: 'zip_code', pattern: /post.?code|\bzip/, normalise: (text) => text.split('-')[0].trim().toLowerCase() },
    ct: { word: 'city', pattern: /\bcity\b|\btown\b/, normalise: normaliseName },
    ge: { word: 'gender', pattern: /\bgender\b/, normalise: (text) => text.trim().toLowerCase().match(/^[mf]/)?.[0] ?? '' },
  };
  const remembered = {}; // hashes of what was typed, kept while the page lives, even if the field is emptied

  function matchTypedFields(keys) {
    for (const form of document.forms) {
      for (const field of formFields(form)) {
        const key = meaning(field);
        if (!key || !keys.includes(key)) continue;
        const normal = KINDS[key].normalise(field.value);
        if (normal) remembered[key] = sha256(normal);
      }
    }
    return { ...remembered };
  }

  /** Which matching key a field is for, by its type, else by its name, id and label; null if none. */
  function meaning(field) {
    const typed = field.localName === 'select' || ['text', 'email', 'tel', 'date', 'number'].includes(field.type);
    if (!typed) return null;
    const label = field.labels?.[0]?.textContent ?? '';
    const words = [field.name, field.id, label].join(' ').toLowerCase().replaceAll('_', ' ');
    const kinds = Object.entries(KINDS);
    const found =
      kinds.find(([, kind]) => kind.type === field.type) ??
      kinds.find(([, kind]) => kind.pattern.test(words));
    return found ? found[0] : null;
  }

  function normalisePhone(text) {
    const digits = text.replace(/[^0-9]/g, '');
    if (digits.length < 7) return '';
    // The demo site is British: one leading zero is a national number; two are the international prefix.
    if (/^0[1-9]/.test(digits)) return `44${digits.slice(1)}`;
    return digits.replace(/^0+/, '');
  }

  function normaliseName(text) {
    return text.trim().toLowerCase().replace(/[\p{P}\p{S}]/gu, '');
  }

  function normaliseDate(text) {
    const [, year, month, day] = text.match(/^(\d{4})-(\d{2})-(\d{2})$/) ?? [];
    return year ? year + month + day : '';
  }

  /** SHA-256 of the UTF-8 of `text` in lower-case hex. At once, where the browser's own would answer too late. */
  function sha256(text) {
    const bytes = new TextEncoder().encode(text);
    const length = (((bytes.length + 8) >> 6) + 1) << 6; // a 1 bit and 64 bits of length, in blocks of 64 bytes
    const padded = new Uint8Array(length);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(length - 8, Math.floor(bytes.length / 0x20000000));
    view.setUint32(length - 4, bytes.length << 3);

    const { roundConstants, initialState } = sha256Constants();
    const state = initialState.slice();
    const turn = (word, by) => (word >>> by) | (word << (32 - by));
    const w = new Int32Array(64);
    for (let offset = 0; offset < length; offset += 64) {
      for (let i = 0; i < 64; i += 1) {
        if (i < 16) {
          w[i] = view.getInt32(offset + 4 * i);
          continue;
        }
        const s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
        const s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i += 1) {
        const mixE = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
        const t1 = (h + mixE + ((e & f) ^ (~e & g)) + roundConstants[i] + w[i]) | 0;
        const mixA = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
        const t2 = (mixA + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
      }
      [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] += word; });
    }
    return [...state].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** FIPS 180-4: the fractions of the square and cube roots of the first primes. */
  function sha256Constants() {
    const primes = [];
    for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
    const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
    return {
      roundConstants: Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
      initialState: Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
    };
  }

  // ---- What the page called before this script was here ------------------------------------------------------

  stub.waiting.splice(0).forEach(stub.handle);
})();
