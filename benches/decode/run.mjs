// `pixelwitness decode` beside a script that does the same with JSON.parse and URLSearchParams, and beside merely parsing
// the HAR: 52 MB, 50,000 requests, 10,000 of them events. The script's records must be the same, byte for byte. All alternate, so that a noisy machine is noisy for all; the
// figures are ratios of medians within this run. Peak memory is the kernel's own figure (GNU time).
//
// Usage: node benches/decode/run.mjs [RUNS]      (default 9)
//   needs: cargo build --release && cargo build --release --example parse_har; and /usr/bin/time
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, '../../target/release');
const runs = Number(process.argv[2] ?? 9);
const work = mkdtempSync(join(tmpdir(), 'decode-bench-'));
try {
  const har = join(work, 'bench.har');
  run(process.execPath, [join(here, 'generate.mjs'), har]);
  const size = statSync(har).size;
  const records = join(work, 'records.jsonl');
  const ways = {
    parse: { command: [join(target, 'examples/parse_har'), har] },
    decode: { command: [join(target, 'pixelwitness'), 'decode', har], records: 10_000 },
    pipe: { command: [join(target, 'pixelwitness'), 'decode', '-'], piped: true, records: 10_000 },
    node: { command: [process.execPath, join(here, 'decode.mjs'), har], records: 10_000 },
  };
  for (const way of Object.values(ways)) Object.assign(way, { ms: [], peak: 0 });
  let expected;
  for (let round = 0; round < runs; round += 1) {
    for (const [name, way] of Object.entries(ways)) {
      const { ms, peak } = measure(way, har, records);
      if (way.records) {
        const text = readFileSync(records);
        expected ??= text;
        const lines = text.toString().trimEnd().split('\n').length;
        if (lines !== way.records || !expected.equals(text)) throw new Error(`${name} gave ${lines} records, or not the same`);
      }
      way.ms.push(ms);
      way.peak = Math.max(way.peak, peak);
    }
  }
  const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
  console.log(`${(size / 1e6).toFixed(1)} MB, ${runs} runs each`);
  for (const [name, { ms, peak }] of Object.entries(ways)) {
    console.log(`${name.padEnd(7)} median ${median(ms).toFixed(0).padStart(5)} ms  (${Math.min(...ms).toFixed(0)} to ${Math.max(...ms).toFixed(0)})  peak ${(peak / 1024).toFixed(1)} MiB`);
  }
  // Ten megabytes that no page would send: each must be over within a second.
  const hostile = {
    'a query of many parameters': { url: `https://www.facebook.com/tr/?id=1&ev=A&${'a=1&'.repeat(2.5e6)}` },
    'a query of many keys': { url: `https://www.facebook.com/tr/?id=1&ev=A&${Array.from({ length: 1.2e6 }, (_, n) => `cd[${n % 40_000}]=`).join('&')}` },
    'a query of one value': { url: `https://www.facebook.com/tr/?id=1&ev=A&cd[a]=${'%41'.repeat(3.3e6)}` },
    'a query of broken escapes': { url: `https://www.facebook.com/tr/?id=1&ev=A&${'%z&'.repeat(3.3e6)}` },
    'a multipart of many parts': { url: 'https://www.facebook.com/tr/', method: 'POST', content_type: 'multipart/form-data; boundary=b', body: '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'.repeat(190_000) },
    'a multipart of false boundaries': { url: 'https://www.facebook.com/tr/', method: 'POST', content_type: 'multipart/form-data; boundary=b', body: `--b\r\n\r\n${'--b'.repeat(3.3e6)}` },
    'deep JSON to a Gateway': { url: 'https://a.example/', method: 'POST', content_type: 'text/plain', body: `{"fb.pixel_id":${'['.repeat(5e6)}${']'.repeat(5e6)}}` },
    'wide JSON to a Gateway': { url: 'https://a.example/', method: 'POST', content_type: 'text/plain', body: `{"fb.pixel_id":"1","${'k'.repeat(900)}":[${'{"a":1},'.repeat(1.2e6)}0]}` },
  };
  for (const [name, request] of Object.entries(hostile)) {
    const file = join(work, 'hostile.jsonl');
    writeFileSync(file, `${JSON.stringify(request)}\n`);
    const { ms, peak } = measure({ command: [join(target, 'pixelwitness'), 'decode', file] }, har, records);
    console.log(`${ms.toFixed(0).padStart(5)} ms  peak ${(peak / 1024).toFixed(0).padStart(4)} MiB  ${name} (${(statSync(file).size / 1e6).toFixed(1)} MB)`);
  }
  const ratio = (a, b) => (median(ways[a].ms) / median(ways[b].ms)).toFixed(2);
  console.log(`decode is ${ratio('node', 'decode')} times as fast as the script (at least 5)`);
  console.log(`decode has ${ratio('parse', 'decode')} of the speed of merely parsing (at least 0.6)`);
  console.log(`peak memory is ${((ways.decode.peak * 1024) / size).toFixed(2)} of the file (at most 1.5), ${(ways.pipe.peak / 1024).toFixed(1)} MiB from a pipe (at most 64)`);
} finally {
  rmSync(work, { recursive: true });
}

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
}

// The pipe is a real one: `cat` fills it.
function measure({ command, piped }, har, records) {
  const figure = join(work, 'peak');
  const out = openSync(records, 'w');
  writeFileSync(figure, '');
  const timed = ['/usr/bin/time', '-f', '%M', '-o', figure, ...command];
  const began = process.hrtime.bigint();
  const { status, error } = piped
    ? spawnSync('sh', ['-c', 'file=$1; shift; cat "$file" | "$@"', 'sh', har, ...timed], { stdio: ['ignore', out, 'inherit'] })
    : spawnSync(timed[0], timed.slice(1), { stdio: ['ignore', out, 'inherit'] });
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  closeSync(out);
  if (error) throw error;
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}`);
  return { ms, peak: Number(readFileSync(figure, 'utf8').trim().split('\n').at(-1)) };
}
