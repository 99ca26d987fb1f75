// What a script does with a HAR, by JSON.parse and URLSearchParams: the same records, with the same fields, as far as the
// bench's file needs them. node decode.mjs FILE > records.jsonl
import { readFileSync, writeSync } from 'node:fs';

const COOKIES = new Map([['c_user', 'account'], ['xs', 'account'], ['fr', 'browser'], ['datr', 'browser'], ['sb', 'browser']]);
const MEANINGS = new Map(Object.entries({
  id: 'pixel id', ev: 'event name', dl: 'page address', rl: 'referrer', if: 'in an iframe', ts: 'event time, ms',
  sw: 'screen width', sh: 'screen height', v: 'library version', r: 'library release (stable, canary, c2)',
  ec: 'event counter, per pixel and page', o: 'option bits', fbp: 'browser id, from the cookie _fbp',
  ler: 'last external referrer, by kind (empty, fb, ig, other)', it: 'time the library started, ms', coo: 'codeless opt-out',
  rqm: 'request method, as the library labels it', 'udff[em]': 'e-mail, taken from typed form fields',
  'udff[ph]': 'phone, taken from typed form fields', 'cud[em]': 'e-mail, given by the site, as a mask',
}));
const BITS = ['autoOptOut', 'autoConfig', 'config', 'defineProp', 'beacon', 'invalidPII', 'proxy', 'headless', 'selenium',
  'detectFail', 'conflictPII', 'autoMatchedPII', 'firstPartyCookies', 'shadow', 'smartSetupOut'];
const STANDARD = new Set(['AddPaymentInfo', 'AddToCart', 'Lead', 'PageView', 'Purchase', 'Search', 'Subscribe', 'ViewContent']);
const AUTOMATIC = new Set(['SubscribedButtonClick', 'Microdata', 'InputData']);
const SIGNS = { '^': 'capital', '*': 'small letter', '#': 'digit', '~': 'letter beyond ASCII' };

const time = (ms) => new Date(Number(ms)).toISOString();
const mask = (text) => (text.match(/(.)\1*/gs) ?? []).map((run) => {
  const kind = SIGNS[run[0]];
  return kind ? `${run.length} ${kind}${run.length === 1 ? '' : 's'}` : `\`${run}\``;
}).join(', ');

function decoded(key, value) {
  switch (key) {
    case 'ts': case 'it': return time(value);
    case 'o': return BITS.filter((_, bit) => Number(value) >> bit & 1);
    case 'fbp': {
      const [, index, created, random] = value.split('.');
      return { subdomain_index: Number(index), created: time(created), random };
    }
    case 'ler': return value === 'empty' ? 'no other site led here' : null;
    case 'rqm': return value === 'GET' ? "an image's request" : null;
    default: return key.startsWith('cud[') ? mask(value) : null;
  }
}

const har = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const seen = new Map();
const lines = [];
har.log.entries.forEach((entry, index) => {
  const { request } = entry;
  const url = new URL(request.url);
  if (url.hostname !== 'www.facebook.com' || url.pathname !== '/tr/') return;
  const id = `e${String(lines.length + 1).padStart(4, '0')}`;
  const place = request.postData ? 'form' : 'query';
  const parameters = [], user_data = [], identity = [], custom_data = {}, first = new Map();
  for (const { name, value } of request.cookies) {
    const strength = COOKIES.get(name);
    if (strength) identity.push({ signal: `cookie:${name}`, value, strength });
  }
  for (const [key, value] of new URLSearchParams(request.postData ? request.postData.text : url.search)) {
    const meaning = MEANINGS.get(key) ?? (key.startsWith('cd[') ? 'custom data' : null);
    parameters.push({ key, value, in: place, meaning, decoded: decoded(key, value) });
    if (!first.has(key)) first.set(key, value);
    if (key.startsWith('cd[')) {
      let data = value;
      try { data = JSON.parse(value); } catch { /* text */ }
      custom_data[key.slice(3, -1)] = data;
    }
    const matching = /^(n?c?[a]?ud(?:ff)?)\[(.*)\]$/.exec(key);
    if (matching) {
      const masked = matching[1].startsWith('c');
      const form = masked ? 'mask' : /^[0-9a-f]{64}$/i.test(value) ? 'sha256' : 'plain';
      user_data.push({ key: matching[2], source: matching[1], value, form });
      const strength = !masked && (matching[2] === 'em' || matching[2] === 'ph') ? 'person' : 'weak';
      identity.push({ signal: key, value, strength });
    }
  }
  const get = (key) => first.get(key) || null;
  if (get('fbp')) identity.push({ signal: 'fbp', value: get('fbp'), strength: 'browser' });
  const name = get('ev');
  const moment = `${get('id')} ${name} ${get('ts')} ${get('ec')} ${get('dl')}`;
  const duplicate_of = seen.get(moment) ?? null;
  if (!duplicate_of) seen.set(moment, id);
  lines.push(JSON.stringify({
    id, vendor: 'meta_pixel', recipient: 'Meta', kind: 'event', confidence: 'certain', confidence_reason: "the host is Meta's",
    transport: request.postData ? 'form_post' : 'get', method: request.method, url: request.url, pixel_id: get('id'),
    event_name: name, event_class: STANDARD.has(name) ? 'standard' : AUTOMATIC.has(name) ? 'automatic' : 'custom',
    event_id: get('eid'), page_url: first.get('dl') ?? null, referrer: first.get('rl') ?? null, fbp: get('fbp'), fbc: get('fbc'),
    user_data, custom_data, identity, parameters, time: time(Date.parse(entry.startedDateTime)),
    outcome: entry.response.status ? 'completed' : 'failed', exchange: `x${String(index + 1).padStart(4, '0')}`, step: null,
    frame: null, initiator: null, duplicate_of, problems: [],
  }));
});
lines.push('');
// Whole, also into a pipe.
const text = Buffer.from(lines.join('\n'));
for (let at = 0; at < text.length; at += writeSync(1, text, at));
