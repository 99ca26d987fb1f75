// A bare script doing the same as three-pages.yaml over Chromium's debugging pipe: it records nothing.
// Usage: node bare-cdp.mjs PORT   (the demo server's port on 127.0.0.1)
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const port = process.argv[2];
const profile = mkdtempSync(join(tmpdir(), "bare-cdp-"));
const browser = spawn(process.env.PIXELWITNESS_BROWSER ?? "chromium", [
  "--headless", "--no-sandbox", "--no-startup-window", "--remote-debugging-pipe", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors",
  `--host-resolver-rules=MAP * 127.0.0.1:${port}`, `--user-data-dir=${profile}`,
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const exited = new Promise((done) => browser.on("exit", done));
const guard = setTimeout(() => { browser.kill("SIGKILL"); process.exitCode = 1; }, 30000);

let next = 0, buffer = "";
const answers = new Map(), loads = [];
let loaded = 0;
browser.stdio[4].on("data", (chunk) => {
  buffer += chunk;
  for (let end; (end = buffer.indexOf("\0")) >= 0; buffer = buffer.slice(end + 1)) {
    const message = JSON.parse(buffer.slice(0, end));
    if (message.id) answers.get(message.id)(message);
    else if (message.method === "Page.loadEventFired") { loaded += 1; loads.splice(0).forEach((wake) => wake()); }
  }
});
const send = (method, params = {}, sessionId) => new Promise((done, fail) => {
  const id = ++next;
  answers.set(id, (message) => (message.error ? fail(new Error(`${method}: ${message.error.message}`)) : done(message.result)));
  browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
});
const until = async (count) => { while (loaded < count) await new Promise((wake) => loads.push(wake)); };

try {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  await send("Page.enable", {}, sessionId);
  const base = "https://www.northgate.police.example";
  await send("Page.navigate", { url: `${base}/` }, sessionId);
  await until(1);
  const expression = `(() => { const link = [...document.querySelectorAll("a")].find((a) => a.textContent.includes("Careers"));
    link.scrollIntoView({ block: "center" }); const box = link.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2]; })()`;
  const found = await send("Runtime.evaluate", { expression, returnByValue: true }, sessionId);
  const [x, y] = found.result.value;
  await send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y }, sessionId);
  for (const type of ["mousePressed", "mouseReleased"]) {
    await send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 }, sessionId);
  }
  await until(2);
  await send("Page.navigate", { url: `${base}/report/` }, sessionId);
  await until(3);
  await send("Target.closeTarget", { targetId });
  await send("Browser.close").catch(() => {});
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
  browser.kill("SIGKILL");
}
await exited;
clearTimeout(guard);
rmSync(profile, { recursive: true, force: true });
