// Batches, measured: how many journeys a minute are made at once, what each further one at once takes of our own memory,
// and whether a long batch grows. Everything is on loopback: the demo site, served by the same program.
//
//   node benches/batch/run.mjs [rounds] [journeys of the long batch]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rounds = Number(process.argv[2] ?? 3);
const long = Number(process.argv[3] ?? 200);
const program = process.env.PIXELWITNESS ?? 'target/release/pixelwitness';
const REPORT = 'scenarios/demo/report-sexual-offence.yaml';
const SHORT = 'benches/batch/short.yaml';
const folder = mkdtempSync(join(tmpdir(), 'pixelwitness-bench-'));

const site = spawn(program, ['demo', '--serve', '--build', 'leaky'], { stdio: ['ignore', 'pipe', 'ignore'] });
const address = await new Promise((done) => {
  site.stdout.on('data', (text) => {
    const found = /--connect-to (\S+)/.exec(text);
    if (found) done(found[1]);
  });
});

const status = (pid, key) => {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN) / 1024;
  } catch {
    return NaN;
  }
};

// Seconds, megabytes at the most, and what was there after each journey.
let number = 0;
async function batch(scenario, repeat, jobs) {
  const out = join(folder, `batch-${(number += 1)}`);
  const began = performance.now();
  const run = spawn(program, ['run', scenario, '--connect-to', address, '--insecure', '--repeat', repeat, '--jobs', jobs,
    '--out', out, '--quiet'], { stdio: 'ignore' });
  let most = 0;
  const curve = [];
  const look = setInterval(() => {
    const now = status(run.pid, 'VmHWM');
    if (now > most) most = now;
    try {
      const index = JSON.parse(readFileSync(join(out, 'index.json')));
      const done = index.journeys.filter((journey) => journey.state === 'completed').length;
      const resident = status(run.pid, 'VmRSS');
      if (resident > 0 && done > (curve.at(-1)?.done ?? -1)) curve.push({ done, resident });
    } catch {
      // Not written yet.
    }
  }, 250);
  const code = await new Promise((done) => run.on('exit', done));
  clearInterval(look);
  const seconds = (performance.now() - began) / 1000;
  const index = JSON.parse(readFileSync(join(out, 'index.json')));
  const completed = index.journeys.filter((journey) => journey.state === 'completed').length;
  if (code !== 1 || completed !== repeat) throw new Error(`exit ${code}, ${completed} of ${repeat} completed`);
  rmSync(out, { recursive: true });
  return { seconds, most, curve };
}

const median = (values) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)];

try {
  const at = { 1: [], 2: [], 4: [] };
  for (let round = 0; round < rounds; round += 1) {
    // One after the other in each round, so that a noisy moment meets all of them.
    for (const jobs of [1, 2, 4]) at[jobs].push(await batch(REPORT, 8, jobs));
  }
  if (rounds > 0) {
    const rate = (jobs) => median(at[jobs].map(({ seconds }) => (8 * 60) / seconds));
    const most = (jobs) => median(at[jobs].map((run) => run.most));
    for (const jobs of [1, 2, 4]) {
      console.log(`--jobs ${jobs}: ${rate(jobs).toFixed(1)} journeys a minute, our process at most ${most(jobs).toFixed(0)} MB`);
    }
    const ratios = at[1].map((one, round) => one.seconds / at[2][round].seconds);
    console.log(`--jobs 2 makes ${median(ratios).toFixed(2)} times the journeys of --jobs 1 (wanted: 1.6), ` +
      `--jobs 4 ${(rate(4) / rate(1)).toFixed(2)} times`);
    console.log(`each further journey at once takes ${((most(4) - most(1)) / 3).toFixed(1)} MB of our process (wanted: under 15)`);
  }
  if (long > 0) {
    const { seconds, most: peak, curve } = await batch(SHORT, long, 4);
    console.log(`${long} journeys in one batch, --jobs 4: ${((long * 60) / seconds).toFixed(0)} a minute, at most ${peak.toFixed(0)} MB`);
    const every = Math.max(1, Math.floor(long / 10));
    for (let done = every; done <= long; done += every) {
      const point = curve.findLast((point) => point.done <= done);
      if (point) console.log(`  after ${String(point.done).padStart(3)}: ${point.resident.toFixed(0)} MB  ${'#'.repeat(Math.round(point.resident / 2))}`);
    }
    // Of the journeys between, once everything is warm: the least square's slope.
    const warm = curve.filter((point) => point.done >= long / 4);
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [x, y] = [mean(warm.map((point) => point.done)), mean(warm.map((point) => point.resident))];
    const slope = warm.reduce((sum, point) => sum + (point.done - x) * (point.resident - y), 0) /
      warm.reduce((sum, point) => sum + (point.done - x) ** 2, 0);
    console.log(`from a quarter of them on it grows by ${(slope * 1000).toFixed(0)} kB a journey`);
  }
} finally {
  site.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
