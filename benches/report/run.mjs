// What a large report costs, in one run: how long `report --format html` takes for a bundle of 5,000 events, beside
// `--format csv`, which reads the same and renders little; how large the file is; how long a browser takes from opening it
// to the page's being of use; and how long a filter takes. Each has a limit, and a median above it fails.
//
// Usage: node benches/report/run.mjs [RUNS] [EVENTS]    (default 7 and 5000)
//   PIXELWITNESS=path/to/binary              (default target/release/pixelwitness; builds nothing)
//   PIXELWITNESS_BROWSER=path/to/chromium    (default chromium, from the PATH), for the demo's journey and for the report
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Browser } from "../../tests/report/cdp.mjs";
import { generate } from "./generate.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const tool = resolve(process.env.PIXELWITNESS ?? join(here, "../../target/release/pixelwitness"));
const runs = Number(process.argv[2] ?? 7), wanted = Number(process.argv[3] ?? 5000);
if (!(runs >= 1 && wanted >= 1)) {
  console.error("usage: node run.mjs [RUNS] [EVENTS]");
  process.exit(2);
}
const SECONDS = 1, MEGABYTES = 10, READY = 1500, FILTER = 100;
const work = mkdtempSync(join(tmpdir(), "report-bench-"));
const run = (args, codes = [0]) => {
  const began = process.hrtime.bigint();
  const { status, signal, error, stderr } = spawnSync(tool, args, {
    // A browser that is killed leaves its folders there.
    env: { ...process.env, TMPDIR: work }, stdio: ["ignore", "ignore", "pipe"],
  });
  const took = Number(process.hrtime.bigint() - began) / 1e6;
  if (error || !codes.includes(status)) throw new Error(`pixelwitness ${args[0]} ended with ${error?.message ?? status ?? signal}: ${stderr}`);
  return took;
};

// From setting the field to the second frame after, and further until what is shown has been said.
const filter = (selector, type, value) => `(async () => {
  const field = document.querySelector(${JSON.stringify(selector)}), shown = document.querySelector("#shown");
  const before = shown.textContent, frame = () => new Promise(requestAnimationFrame);
  await frame();
  const began = performance.now();
  field.value = ${JSON.stringify(value)};
  field.dispatchEvent(new Event(${JSON.stringify(type)}, { bubbles: true }));
  await frame();
  await frame();
  while (shown.textContent === before) {
    if (performance.now() - began > 5000) throw new Error(${JSON.stringify(`${selector}: nothing changed with “${value}”`)} + " (" + before + ")");
    await frame();
  }
  return performance.now() - began;
})()`;
const median = (values) => { const v = [...values].sort((a, b) => a - b); return (v[Math.floor((v.length - 1) / 2)] + v[Math.ceil((v.length - 1) / 2)]) / 2; };

let browser;
try {
  const bundle = join(work, "leaky"), large = join(work, "large");
  run(["demo", "--build", "leaky", "-o", bundle], [0, 1]);
  const counts = generate(bundle, large, wanted);

  // In turns, so that both meet the same machine; what is read is in memory for both after the first.
  const html = [], csv = [];
  let file;
  for (let turn = 0; turn <= runs; turn++) {
    file = join(work, `report-${turn}.html`);
    const table = join(work, `report-${turn}.csv`);
    const took = [run(["report", large, "--format", "html", "-o", file]), run(["report", large, "--format", "csv", "-o", table])];
    if (turn > 0) [html, csv].forEach((all, which) => all.push(took[which]));
    rmSync(table);
    if (turn < runs) rmSync(file);
  }
  const megabytes = statSync(file).size / 1e6;

  const ready = [], searched = [], chosen = [];
  browser = await Browser.start();
  for (let turn = 0; turn < runs; turn++) {
    await browser.open(pathToFileURL(file).href, { width: 1280, height: 720 });
    const at = await browser.ready();
    if (at === null) throw new Error("the report did not say when it was ready");
    ready.push(at);
    for (const text of ["PageView", "zqx no such thing zqx", "", "SubscribedButtonClick", ""]) {
      searched.push(await browser.evaluate(filter("#search", "input", text)));
    }
    const [all, ...recipients] = await browser.evaluate("[...document.querySelectorAll('#recipient option')].map((one) => one.value)");
    for (const one of recipients.slice(0, 3)) {
      chosen.push(await browser.evaluate(filter("#recipient", "change", one)));
      chosen.push(await browser.evaluate(filter("#recipient", "change", all)));
    }
    if (browser.problems.length) throw new Error(`the report did what it must not: ${browser.problems.join("; ")}`);
  }
  if (!chosen.length) throw new Error("there are no recipients to choose from");

  console.log(`${counts.events} events in ${counts.exchanges} exchanges, ${runs} runs`);
  console.log(`${"".padEnd(26)}    median     worst     limit`);
  let over = false;
  const row = (name, values, unit, digits, limit) => {
    const above = limit !== null && median(values) > limit;
    over ||= above;
    const cells = [median(values), Math.max(...values)].map((value) => value.toFixed(digits).padStart(10));
    console.log(name.padEnd(26) + cells.join("") + (limit === null ? "-" : String(limit)).padStart(10) + ` ${unit}${above ? "   above its limit" : ""}`);
  };
  row("report --format html", html.map((ms) => ms / 1000), "s", 2, SECONDS);
  row("report --format csv", csv.map((ms) => ms / 1000), "s", 2, null);
  row("size", [megabytes], "MB", 2, MEGABYTES);
  row("from opening to ready", ready, "ms", 0, READY);
  row("search", searched, "ms", 0, FILTER);
  row("recipient", chosen, "ms", 0, FILTER);
  console.log(`html takes ${(median(html) / median(csv)).toFixed(2)} times as long as csv (medians)`);
  if (over) process.exitCode = 1;
} catch (error) {
  console.error(`report: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
