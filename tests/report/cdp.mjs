// A Chromium over the debugging pipe, for scripts that look at reports: no package is needed, and no host is reachable.
//
//   const browser = await Browser.start();
//   await browser.open("file:///…/report.html", { width: 390, height: 1400, dark: true, mobile: true });
//   await browser.ready();
//   await browser.evaluate("document.title");
//   browser.problems;     // what a report must not do, in words: empty is good
//   await browser.close();
//
//   PIXELWITNESS_BROWSER=path/to/chromium (default chromium, from the PATH)
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How long one answer of the browser may take, in ms. */
const LIMIT = 120_000;

const short = (text) => (text.length > 300 ? `${text.slice(0, 300)}…` : text);

export class Browser {
  /** Since the last `open`: console errors, exceptions, dialogs, requests, frames, windows, and ways out of the page. */
  problems = [];
  #next = 0;
  #answers = new Map();
  #closing = false;

  static async start() {
    const browser = new Browser();
    await browser.#send("Target.setDiscoverTargets", { discover: true });
    return browser;
  }

  constructor() {
    const profile = mkdtempSync(join(tmpdir(), "report-"));
    this.#process = spawn(process.env.PIXELWITNESS_BROWSER ?? "chromium", [
      "--headless", "--no-sandbox", "--no-startup-window", "--remote-debugging-pipe", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
      "--host-resolver-rules=MAP * ~NOTFOUND", `--user-data-dir=${profile}`,
    ], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      detached: true,
      // Killed, it would leave a folder there.
      env: { ...process.env, TMPDIR: profile },
    });
    const [, , , input, output] = this.#process.stdio;
    this.#input = input;
    // Closed pipes are the exit's to tell of.
    for (const pipe of [input, output]) pipe.on("error", () => {});
    // What comes in pieces is put together once it is whole: a picture has many.
    let pieces = [];
    output.setEncoding("utf8").on("data", (chunk) => {
      const messages = chunk.split("\0");
      pieces.push(messages.shift());
      for (const rest of messages) {
        this.#heard(JSON.parse(pieces.join("")));
        pieces = [rest];
      }
    });
    this.#gone = new Promise((done) => {
      this.#process.on("exit", (code, signal) => done(code ?? signal));
      this.#process.on("error", (error) => done(error.message));
    }).then((how) => {
      for (const { fail } of this.#answers.values()) fail(new Error(`the browser ended: ${how}`));
      this.#answers.clear();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    });
    // A script that is stopped, or throws where nobody waits, leaves no browser.
    process.on("exit", this.#kill);
  }

  #process;
  #input;
  #gone;
  #session;
  #target;
  #context;
  #url;
  #loaded;
  // By its id alone, and only while it is there: the id may be another's later.
  #kill = () => {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    try { process.kill(-this.#process.pid, "SIGKILL"); } catch { /* gone already */ }
  };

  #send(method, params = {}, sessionId = undefined) {
    return new Promise((done, fail) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        fail(new Error(`${method}: the browser is gone`));
        return;
      }
      const id = ++this.#next;
      const clock = setTimeout(() => {
        this.#answers.delete(id);
        fail(new Error(`${method}: no answer within ${LIMIT / 1000} s`));
      }, LIMIT);
      const over = (how) => (value) => { clearTimeout(clock); how(value); };
      this.#answers.set(id, { done: over(done), fail: over(fail), method });
      this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  #heard({ id, method, params, result, error, sessionId }) {
    if (id) {
      const answer = this.#answers.get(id);
      this.#answers.delete(id);
      if (error) answer?.fail(new Error(`${answer.method}: ${error.message}`));
      else answer?.done(result);
      return;
    }
    if (method === "Target.targetCreated") {
      const { type, targetId, openerId, url } = params.targetInfo;
      if (openerId) this.#problem(`a ${type} was opened: ${url}`);
      // Whatever it is, it is looked at by nobody.
      if (openerId && type === "page") this.#send("Target.closeTarget", { targetId }).catch(() => {});
      return;
    }
    if (!sessionId || sessionId !== this.#session) return;
    if (method === "Page.loadEventFired") {
      this.#loaded?.();
    } else if (method === "Runtime.consoleAPICalled" && (params.type === "error" || params.type === "assert")) {
      this.#problem(`console: ${params.args.map((one) => one.value ?? one.description ?? one.type).join(" ")}`);
    } else if (method === "Log.entryAdded" && params.entry.level === "error") {
      this.#problem(`console (${params.entry.source}): ${params.entry.text} ${params.entry.url ?? ""}`);
    } else if (method === "Runtime.exceptionThrown") {
      const { text, exception } = params.exceptionDetails;
      this.#problem(`exception: ${exception?.description ?? exception?.value ?? text}`);
    } else if (method === "Page.javascriptDialogOpening") {
      this.#problem(`dialog (${params.type}): ${params.message}`);
      this.#send("Page.handleJavaScriptDialog", { accept: false }, sessionId).catch(() => {});
    } else if (method === "Network.requestWillBeSent") {
      const { url } = params.request;
      // The report is one file: another file would be missing where it is passed on.
      if (url.split("#")[0] !== this.#url && !/^(data|blob):/.test(url)) this.#problem(`request: ${url}`);
    } else if (method === "Network.webSocketCreated") {
      this.#problem(`request: ${params.url}`);
    } else if (method === "Page.frameAttached") {
      this.#problem("a frame was attached");
    } else if (method === "Page.frameNavigated" && !params.frame.parentId && params.frame.url !== this.#url && params.frame.url !== "about:blank") {
      this.#problem(`the page went to ${params.frame.url}`);
    } else if (method === "Page.downloadWillBegin") {
      this.#problem(`download: ${params.url}`);
    } else if (method === "Inspector.targetCrashed") {
      this.#problem("the page crashed");
      for (const { fail } of this.#answers.values()) fail(new Error("the page crashed"));
      this.#answers.clear();
    }
  }

  #problem(text) {
    if (!this.#closing) this.problems.push(short(text.trim()));
  }

  /** Opens an address in a window of its own, with nothing kept from the last, and waits for its load event. */
  async open(url, { width = 1200, height = 1500, dark = false, mobile = false } = {}) {
    await this.#leave();
    this.problems = [];
    this.#url = new URL(url).href.split("#")[0];
    ({ browserContextId: this.#context } = await this.#send("Target.createBrowserContext"));
    ({ targetId: this.#target } = await this.#send("Target.createTarget", { url: "about:blank", browserContextId: this.#context }));
    const { sessionId } = await this.#send("Target.attachToTarget", { targetId: this.#target, flatten: true });
    this.#session = sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network", "Inspector"]) await this.#send(`${domain}.enable`, {}, sessionId);
    await this.#send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile }, sessionId);
    await this.#send("Emulation.setTouchEmulationEnabled", { enabled: mobile }, sessionId);
    await this.#send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
    }, sessionId);
    await this.#send("Page.bringToFront", {}, sessionId);
    const loaded = new Promise((done, fail) => {
      const clock = setTimeout(() => fail(new Error(`${url}: not loaded within ${LIMIT / 1000} s`)), LIMIT);
      this.#loaded = () => { clearTimeout(clock); done(); };
    });
    const { errorText } = await this.#send("Page.navigate", { url }, sessionId);
    if (errorText) this.#loaded();
    await loaded;
    if (errorText) throw new Error(`${url}: ${errorText}`);
  }

  /** What an expression comes to, by value; a promise is awaited. A content security policy does not bind it. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
      expression, awaitPromise: true, returnByValue: true,
    }, this.#session);
    if (exceptionDetails) {
      throw new Error(short(exceptionDetails.exception?.description ?? exceptionDetails.text));
    }
    return result.value;
  }

  /** Waits until the report's script has run; when that was, in ms since the start of the navigation. */
  async ready() {
    return this.evaluate(`new Promise((done, fail) => {
      const until = performance.now() + 60000;
      const look = () => {
        if (document.documentElement.dataset.ready === "true") done(performance.getEntriesByName("ready")[0]?.startTime ?? null);
        else if (performance.now() > until) fail(new Error("the report did not become ready"));
        else setTimeout(look, 5);
      };
      look();
    })`);
  }

  /** What is seen of the page, as a PNG. */
  async screenshot() {
    const { data } = await this.#send("Page.captureScreenshot", { format: "png" }, this.#session);
    return Buffer.from(data, "base64");
  }

  async #leave() {
    if (!this.#context) return;
    const context = this.#context;
    this.#session = this.#target = this.#context = undefined;
    await this.#send("Target.disposeBrowserContext", { browserContextId: context });
  }

  async close() {
    this.#closing = true;
    const clock = setTimeout(this.#kill, 10_000);
    await this.#leave().catch(() => {});
    // It may be gone before it answers.
    this.#send("Browser.close").catch(() => {});
    await this.#gone;
    clearTimeout(clock);
    process.removeListener("exit", this.#kill);
  }
}
