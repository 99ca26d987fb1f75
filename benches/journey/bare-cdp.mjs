// A bare script doing the same as three-pages.yaml over Chromium's debugging pipe: it records nothing.
// Usage: node bare-cdp.mjs PORT   (the demo server's port on 127.0.0.1)
//   PIXELWITNESS_BROWSER=path/to/chromium (default chromium, from the PATH)
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LIMIT = 30000;
const BASE = "https://www.northgate.police.example";
const port = process.argv[2];
if (!/^\d+$/.test(port ?? "")) {
  console.error("usage: node bare-cdp.mjs PORT");
  process.exit(2);
}
const profile = mkdtempSync(join(tmpdir(), "bare-cdp-"));
const browser = spawn(process.env.PIXELWITNESS_BROWSER ?? "chromium", [
  "--headless", "--no-sandbox", "--no-startup-window", "--remote-debugging-pipe", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors",
  `--host-resolver-rules=MAP * 127.0.0.1:${port}`, `--user-data-dir=${profile}`,
], {
  stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  detached: true,
  // Killed, it would leave a folder there.
  env: { ...process.env, TMPDIR: profile },
});
const [, , , input, output] = browser.stdio;

const exited = new Promise((done) => {
  browser.on("exit", (code, signal) => done(code ?? signal));
  browser.on("error", (error) => done(error.message));
});
// Rejects when it is all over: nothing below waits for ever.
let closing = false;
const failed = new Promise((_, fail) => {
  setTimeout(() => fail(new Error(`not done within ${LIMIT / 1000} s`)), LIMIT).unref();
  exited.then((how) => closing || fail(new Error(`the browser ended: ${how}`)));
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => fail(new Error(`stopped by ${signal}`)));
});
failed.catch(() => {});
// Closed pipes are the exit's to tell of.
for (const pipe of [input, output]) pipe.on("error", () => {});

let next = 0, buffer = "", at = "", loaded = "", wake = () => {};
const answers = new Map();
output.setEncoding("utf8").on("data", (chunk) => {
  buffer += chunk;
  for (let end; (end = buffer.indexOf("\0")) >= 0; buffer = buffer.slice(end + 1)) {
    const { id, method, params, result, error } = JSON.parse(buffer.slice(0, end));
    if (id) {
      answers.get(id)?.(error, result);
      answers.delete(id);
    } else if (method === "Page.frameNavigated" && !params.frame.parentId) {
      at = params.frame.url;
    } else if (method === "Page.loadEventFired") {
      loaded = at;
      wake();
    }
  }
});
const send = (method, params = {}, sessionId) => Promise.race([failed, new Promise((done, fail) => {
  const id = ++next;
  answers.set(id, (error, result) => (error ? fail(new Error(`${method}: ${error.message}`)) : done(result)));
  input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
})]);
const go = async (path, sessionId) => {
  const { errorText } = await send("Page.navigate", { url: BASE + path }, sessionId);
  if (errorText) throw new Error(`${path}: ${errorText}`);
  await loading(path);
};
// The load event of that very page: an empty tab has one too.
const loading = async (path) => {
  while (loaded !== BASE + path) await Promise.race([failed, new Promise((done) => { wake = done; })]);
};

try {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  await send("Page.enable", {}, sessionId);

  await go("/", sessionId);

  const expression = `(() => {
    const link = [...document.querySelectorAll("a")].find((a) => a.textContent.includes("Careers"));
    link.scrollIntoView({ block: "center" });
    const box = link.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  })()`;
  const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, returnByValue: true }, sessionId);
  if (exceptionDetails) throw new Error("there is no link to click");
  const [x, y] = result.value;
  await send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y }, sessionId);
  for (const type of ["mousePressed", "mouseReleased"]) {
    await send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 }, sessionId);
  }
  await loading("/careers/");

  await go("/report/", sessionId);

  closing = true;
  await send("Target.closeTarget", { targetId });
  // With its last tab it may be gone before it answers.
  send("Browser.close").catch(() => {});
  const how = await Promise.race([exited, failed]);
  if (how !== 0) throw new Error(`the browser ended: ${how}`);
} catch (error) {
  console.error(`bare-cdp: ${error.message}`);
  process.exitCode = 1;
} finally {
  closing = true;
  if (process.exitCode && browser.pid) {
    // It and what it started.
    try { process.kill(-browser.pid, "SIGKILL"); } catch { /* gone already */ }
  }
  await exited;
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
