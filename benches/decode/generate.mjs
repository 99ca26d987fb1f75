// A HAR of about 52 MB with 50,000 requests, of which 10,000 are events of the Meta Pixel: node generate.mjs FILE
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

const file = process.argv[2];
const REQUESTS = 50_000;
const out = createWriteStream(file);
// The same file each time.
let state = 42;
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state % below;
};
const hex = (length) => Array.from({ length }, () => random(16).toString(16)).join('');
const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

const pair = ([name, value]) => ({ name, value });
function entry(index) {
  const page = `https://www.police.example/advice/${index % 40}/`;
  const time = new Date(1_795_510_800_000 + index * 20).toISOString();
  const request = { method: 'GET', url: '', httpVersion: 'http/2.0', headers: [
    ['accept', 'image/avif,image/webp,*/*;q=0.8'], ['referer', page], ['user-agent', agent],
  ].map(pair), queryString: [], cookies: [], headersSize: -1, bodySize: 0 };
  if (index % 5 === 0) {
    const parameters = new URLSearchParams({
      id: '740215930186274', ev: index % 10 ? 'SubscribedButtonClick' : 'PageView', dl: page, rl: 'https://www.police.example/',
      if: 'false', ts: String(1_795_510_800_000 + index), sw: '1366', sh: '768', v: '2.9.324', r: 'stable', ec: String(index % 9),
      o: '4126', fbp: 'fb.1.1795510800000.1234567890', ler: 'empty', it: '1795510799000', coo: 'false', rqm: 'GET',
    });
    if (index % 10) {
      parameters.set('cd[buttonText]', 'Report a sexual offence');
      parameters.set('cd[buttonFeatures]', JSON.stringify({ classList: 'btn', id: '', tag: 'button', type: 'submit', name: '', value: '' }));
      parameters.set('udff[em]', hex(64));
      parameters.set('udff[ph]', hex(64));
      parameters.set('cud[em]', '****@*****.*******');
    }
    if (index % 25 === 0) {
      request.method = 'POST';
      request.url = 'https://www.facebook.com/tr/';
      request.postData = { mimeType: 'application/x-www-form-urlencoded', text: String(parameters) };
    } else {
      request.url = `https://www.facebook.com/tr/?${String(parameters).replaceAll('+', '%20')}`;
    }
    request.cookies = [['c_user', '100000000000001'], ['fr', hex(32)]].map(pair);
  } else {
    const hosts = ['static.police.example', 'fonts.gstatic.com', 'cdn.vendor.example', 'www.police.example'];
    request.url = `https://${hosts[index % 4]}/assets/${hex(24)}.js?v=${random(1000)}`;
  }
  return { startedDateTime: time, time: 12.5, pageref: 'page_1', request, response: {
    status: 200, statusText: '', httpVersion: 'http/2.0', cookies: [], redirectURL: '', headersSize: -1, bodySize: -1,
    headers: [['content-type', 'text/javascript']].map(pair),
    content: { size: 400, mimeType: 'text/javascript', text: index % 5 ? `/* ${hex(80)} */` : '' },
  }, cache: {}, timings: { send: 0.1, wait: 10.2, receive: 1.3 }, _resourceType: index % 5 ? 'script' : request.postData ? 'document' : 'image' };
}

out.write('{"log":{"version":"1.2","creator":{"name":"bench","version":"1"},"pages":[{"id":"page_1","title":"https://www.police.example/"}],"entries":[\n');
for (let index = 0; index < REQUESTS; index += 1) {
  const more = out.write(`${JSON.stringify(entry(index))}${index + 1 < REQUESTS ? ',' : ''}\n`);
  if (!more) await once(out, 'drain');
}
out.end(']}}\n');
await once(out, 'finish');
