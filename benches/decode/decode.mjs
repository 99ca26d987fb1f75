// What a script does with a HAR: JSON.parse and URLSearchParams, and the same fields as evidence records have:
// node decode.mjs FILE > records.jsonl
import { readFileSync, writeSync } from 'node:fs';

const har = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const cookies = new Set(['c_user', 'xs', 'fr', 'datr', 'sb']);
const lines = [];
for (const entry of har.log.entries) {
  const { request } = entry;
  const url = new URL(request.url);
  if (url.hostname !== 'www.facebook.com' || url.pathname !== '/tr/') continue;
  const place = request.postData ? 'form' : 'query';
  const record = {
    id: `e${lines.length + 1}`, vendor: 'meta_pixel', recipient: 'Meta', kind: 'event', method: request.method, url: request.url,
    pixel_id: null, event_name: null, page_url: null, referrer: null, fbp: null, user_data: [], custom_data: {}, identity: [],
    parameters: [], time: entry.startedDateTime,
  };
  for (const [key, value] of new URLSearchParams(request.postData ? request.postData.text : url.search)) {
    record.parameters.push({ key, value, in: place });
    if (key === 'id') record.pixel_id = value;
    else if (key === 'ev') record.event_name = value;
    else if (key === 'dl') record.page_url = value;
    else if (key === 'rl') record.referrer = value;
    else if (key === 'fbp') record.fbp = value;
    else if (key.startsWith('cd[')) {
      let data = value;
      try { data = JSON.parse(value); } catch { /* text */ }
      record.custom_data[key.slice(3, -1)] = data;
    } else if (/^c?ud(ff)?\[/.test(key)) {
      record.user_data.push({ key, value, form: /^[0-9a-f]{64}$/.test(value) ? 'sha256' : 'plain' });
    }
  }
  for (const { name, value } of request.cookies) {
    if (cookies.has(name)) record.identity.push({ signal: `cookie:${name}`, value });
  }
  lines.push(JSON.stringify(record));
}
lines.push('');
// Whole, also into a pipe.
const text = Buffer.from(lines.join('\n'));
for (let at = 0; at < text.length; at += writeSync(1, text, at));
