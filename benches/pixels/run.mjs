// A page that fires 3,000 pixels at once, in a Chromium that nobody watches and in one that pixelwitness watches. The
// page itself says how long it took, from the start of the navigation to the last pixel's answer. Both alternate, so
// that a noisy machine is noisy for both. Every pixel must have arrived, and be in the bundle.
//
// Usage: node benches/pixels/run.mjs [RUNS] [PIXELS] [RATE]    (default 7, 3000, and 0: all at once, which no site does;
//   else so many a second)
//   PIXELWITNESS=path/to/binary              (default target/release/pixelwitness; builds nothing)
//   PIXELWITNESS_BROWSER=path/to/chromium    (default chromium, from the PATH), the same for both
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const tool = resolve(process.env.PIXELWITNESS ?? join(here, "../../target/release/pixelwitness"));
const chromium = process.env.PIXELWITNESS_BROWSER ?? "chromium";
const runs = Number(process.argv[2] ?? 7), pixels = Number(process.argv[3] ?? 3000), rate = Number(process.argv[4] ?? 0);
if (!(runs >= 1 && pixels >= 1 && rate >= 0)) {
  console.error("usage: node run.mjs [RUNS] [PIXELS] [RATE]");
  process.exit(2);
}
const SITE = "https://www.channels.example", LIMIT = 120_000 + (rate > 0 ? (pixels / rate) * 1000 : 0);
const work = mkdtempSync(join(tmpdir(), "pixels-bench-"));
const started = new Set();
const start = (command, args, options) => {
  // TMPDIR: a browser that is killed leaves its folders there.
  const child = spawn(command, args, { env: { ...process.env, TMPDIR: work }, ...options });
  started.add(child);
  child.over = new Promise((done) => { child.on("exit", (code) => { started.delete(child); done(code); }); child.on("error", (error) => done(error.message)); });
  return child;
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

let port;
const results = () => new Promise((done, fail) => {
  https.get({ host: "127.0.0.1", port, path: "/pixels/results", servername: "www.channels.example", headers: { host: "www.channels.example" }, rejectUnauthorized: false }, (answer) => {
    let text = "";
    answer.on("data", (chunk) => { text += chunk; }).on("end", () => done(JSON.parse(text)));
  }).on("error", fail);
});
const result = async (run) => (await results()).find((one) => one.run === run);

const bare = async (run, n = pixels, flags = []) => {
  const profile = mkdtempSync(join(work, "profile-"));
  const browser = start(chromium, [
    "--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--ignore-certificate-errors", `--host-resolver-rules=MAP * 127.0.0.1:${port}`, `--user-data-dir=${profile}`, "--window-size=1280,720",
    "--remote-debugging-pipe", ...flags, `${SITE}/pixels?run=${run}&n=${n}&rate=${rate}`,
  ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true });
  const until = Date.now() + LIMIT;
  let found;
  while (!(found = await result(run)) && Date.now() < until) await sleep(50);
  try { process.kill(-browser.pid, "SIGKILL"); } catch { /* gone already */ }
  await browser.over;
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  if (!found) throw new Error("the bare page did not come to its end");
  return found;
};

const watched = async (run, n = pixels) => {
  const scenario = join(work, `${run}.yaml`), bundle = join(work, run);
  writeFileSync(scenario, `title: Pixels\norigin: ${SITE}\nsteps:\n  - navigate: /pixels?run=${run}&n=${n}&rate=${rate}\n  - waitForElement: { selector: html.done, visible: false, timeout: ${LIMIT} }\n`);
  const child = start(tool, ["run", scenario, "--timeout", String(LIMIT / 1000), "--step-timeout", String(LIMIT / 1000), "--connect-to", `::127.0.0.1:${port}`, "--insecure", "--settle", "0", "--json", "--out", bundle], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "", err = "";
  child.stdout.on("data", (chunk) => { out += chunk; });
  child.stderr.on("data", (chunk) => { err += chunk; });
  let peak = 0;
  const memory = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch { /* not on this system, or over */ }
  }, 20);
  const code = await child.over;
  clearInterval(memory);
  if (code !== 0) throw new Error(`pixelwitness ended with ${code}: ${err}`);
  const { audit } = JSON.parse(out).runs[0].run;
  const lines = readFileSync(join(bundle, "data/exchanges.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const recorded = lines.filter((one) => one.sent === true && one.url.includes(`/pixel?run=${run}&`)).length;
  rmSync(bundle, { recursive: true });
  return { ...(await result(run)), recorded, verdict: audit.verdict, peak };
};

const median = (values) => { const v = [...values].sort((a, b) => a - b); return (v[Math.floor((v.length - 1) / 2)] + v[Math.ceil((v.length - 1) / 2)]) / 2; };
try {
  const server = start(tool, ["demo", "--serve", "--build", "leaky"], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  server.stdout.on("data", (chunk) => { said += chunk; });
  while (!(port = /127\.0\.0\.1:(\d+)/.exec(said)?.[1])) await sleep(20);
  await bare("warm1", Math.min(pixels, 200));
  await watched("warm2", Math.min(pixels, 200));
  // How much of it is the network log's share, which Chromium writes whoever reads it.
  const log = [`--log-net-log=${join(work, "netlog.json")}`, "--net-log-capture-mode=Everything"];
  const without = [], logged = [], with_ = [];
  for (let i = 0; i < runs; i++) {
    without.push(await bare(`bare${i}x`));
    if (!rate) logged.push(await bare(`logged${i}x`, pixels, log));
    with_.push(await watched(`seen${i}x`));
  }
  const times = (all) => all.map((one) => one.ms);
  const row = (name, all) => console.log(name.padEnd(14), ...[Math.min(...times(all)), median(times(all)), Math.max(...times(all))].map((ms) => ms.toFixed(0).padStart(8)));
  console.log(`${"".padEnd(14)}      min   median      max   ms for ${pixels} pixels${rate ? `, ${rate} a second` : " at once"}, ${runs} runs each`);
  const ratio = (all) => `ratio ${(Math.min(...times(all)) / Math.min(...times(without))).toFixed(2)} of minima, ${(median(times(all)) / median(times(without))).toFixed(2)} of medians`;
  row("not watched", without);
  if (!rate) row("network log", logged);
  row("pixelwitness", with_);
  if (!rate) console.log(`network log alone: ${ratio(logged)}`);
  console.log(`pixelwitness: ${ratio(with_)}`);
  const lost = with_.reduce((sum, one) => sum + one.arrived - one.recorded, 0);
  console.log(`arrived ${with_.reduce((sum, one) => sum + one.arrived, 0)}, recorded ${with_.reduce((sum, one) => sum + one.recorded, 0)}, lost ${lost}; audits: ${[...new Set(with_.map((one) => one.verdict))].join(", ")}`);
  const peak = Math.max(...with_.map((one) => one.peak));
  if (peak > 0) console.log(`peak memory ${(peak * 1024 / 1e6).toFixed(1)} MB, Chromium apart`);
  if (lost !== 0) process.exitCode = 1;
} catch (error) {
  console.error(`pixels: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const child of started) child.kill("SIGINT");
  await Promise.all([...started].map((child) => child.over));
  rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
