// `decode` of a HAR with and without a search, turn by turn: medians and their ratio.
//
// Usage: node har.mjs PIXELWITNESS HAR [RUNS]
import { spawnSync } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';

const [program, har, runs = '11'] = process.argv.slice(2);
const kinds = {
  email: 'Qzkvwxj.Mtrplhd+bqxzk@example.com', phone: '07700900417', name: 'Vexqjorth', date: '1985-03-07',
  text: 'Wqzjxkvp and Tzxvbnqw wrote this as a test', postcode: 'ZZ12 3AB', number: '123456789123',
};
const canaries = Object.entries(kinds).flatMap(([kind, value]) => ['--canary', `${kind}=${value}`]);
const ways = {
  'decode': [],
  'decode --canary': canaries,
  'decode --summary': ['--summary'],
  'decode --summary --canary': ['--summary', ...canaries],
};
const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
for (let round = 0; round < Number(runs); round += 1) {
  for (const [name, args] of Object.entries(ways)) {
    const out = openSync('/dev/null', 'w');
    const began = process.hrtime.bigint();
    const { status } = spawnSync(program, ['decode', har, ...args], { stdio: ['ignore', out, 'ignore'] });
    times[name].push(Number(process.hrtime.bigint() - began) / 1e6);
    closeSync(out);
    if (status !== 0) throw new Error(`${name} ended with ${status}`);
  }
}
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
for (const [name, list] of Object.entries(times)) {
  console.log(`${name.padEnd(26)} ${median(list).toFixed(0).padStart(5)} ms (${Math.min(...list).toFixed(0)} to ${Math.max(...list).toFixed(0)})`);
}
const added = (one, other) => (median(times[one]) / median(times[other]) - 1).toFixed(2);
console.log(`the search adds ${added('decode --canary', 'decode')} of the time that decoding takes (at most 1.0), ${added('decode --summary --canary', 'decode --summary')} with the table`);
