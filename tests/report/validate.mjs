// What validate.sh does once the demo's bundles and axe-core are there: renders reports, opens each in three ways, and says
// what does not hold.
//
// Usage: node validate.mjs PIXELWITNESS AXE WORK    (the tool; axe.min.js; a folder with demo/leaky and demo/fixed)
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { generate } from "../../benches/report/generate.mjs";
import { Browser } from "./cdp.mjs";
import { EVALUATED, OUTSIDE, hostile } from "./hostile.mjs";

const [tool, axeFile, work] = process.argv.slice(2);
if (!work) {
  console.error("usage: node validate.mjs PIXELWITNESS AXE WORK");
  process.exit(2);
}
const axe = readFileSync(axeFile, "utf8");
const [leaky, fixed, many, spoiled] = ["demo/leaky", "demo/fixed", "many", "hostile"].map((name) => join(work, name));
generate(leaky, many, 300);
hostile(leaky, spoiled);
const REPORTS = [
  { name: "leaky", bundles: [leaky] },
  { name: "fixed", bundles: [fixed] },
  { name: "comparison", bundles: [leaky, fixed] },
  { name: "300 events", bundles: [many] },
  { name: "hostile", bundles: [spoiled] },
  { name: "hostile compared", bundles: [spoiled, fixed] },
];
const VIEWS = [
  { name: "light", width: 1200, height: 1500 },
  { name: "dark", width: 1200, height: 1500, dark: true },
  { name: "390 px", width: 390, height: 1400, mobile: true },
];
const OPENED = 5;
const wrong = [];

// What runs in the page. None of it names anything of ours but what the report says that it has.
const frames = "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));";
/** Too wide for the window, and what is. A telephone's window grows with its page, so it is held against the screen. */
const overflow = (width) => `(() => {
  const wide = document.documentElement.scrollWidth;
  if (wide <= Math.min(innerWidth, ${width})) return null;
  const right = (one) => one.getBoundingClientRect().right;
  // What is cut off by what holds it makes nothing wide. The innermost of the others, the widest first.
  const cut = (one) => one !== document.body && (getComputedStyle(one).overflowX !== "visible" || cut(one.parentElement));
  const wider = (one) => right(one) > ${width} + 1;
  const over = [...document.body.querySelectorAll("*")].filter((one) => wider(one) && ![...one.children].some(wider) && !cut(one.parentElement));
  return wide + " px wide: " + over.sort((a, b) => right(b) - right(a)).slice(0, 3).map((one) => one.outerHTML.slice(0, 100)).join(", ");
})()`;
const axeRun = `axe.run(document, { resultTypes: ["violations"], preload: false }).then(({ violations }) => violations.map(
  ({ id, impact, help, nodes }) => ({ id, impact, help, count: nodes.length, nodes: nodes.slice(0, 3).map(
    ({ target, html, failureSummary }) => [target.join(" "), html.slice(0, 120), failureSummary.split("\\n").slice(1).join("; ").slice(0, 200)].join("  ")) })))`;
const openSome = (n) => `(async () => {
  const entries = [...document.querySelectorAll("details.entry")];
  const all = (entries.length ? entries : [...document.querySelectorAll("details")]).filter((one) => !one.open);
  for (const one of all.slice(0, ${n})) one.open = true;
  ${frames}
  return all.length;
})()`;
/** What markup in captured text would have become, had it been taken for markup; and templates that were evaluated. */
const strangers = `(() => {
  const found = [], say = (what, one) => found.push(what + ": " + one.outerHTML.slice(0, 160));
  for (const one of document.querySelectorAll("iframe, frame, object, embed, base, link[href]:not([href^='data:']), meta[http-equiv=refresh i], form[action], svg[onload], portal")) say("stranger", one);
  for (const one of document.querySelectorAll("*")) {
    for (const { name, value } of one.attributes) {
      if (/^on/i.test(name)) say("handler", one);
      if (/^(href|src|action|formaction|data|xlink:href|srcdoc|poster|background)$/i.test(name)) {
        // As a browser reads an address: without spaces at its ends, tabs and line ends.
        const address = value.replace(/^[\\x00-\\x20]+|[\\t\\n\\r]/g, "");
        if (/^(javascript|vbscript):/i.test(address) || /^data:(?!image\\/(png|jpeg|webp|svg\\+xml|gif|x-icon)|font\\/)/i.test(address)) say("address", one);
        if (/^(img|source|script|video|audio)$/i.test(one.localName) && !/^(data|blob):/i.test(address)) say("source", one);
      }
    }
  }
  for (const id of ["search", "recipient", "shown"]) {
    if (document.querySelectorAll("#" + id).length > 1) found.push("more than one #" + id);
  }
  if (document.documentElement.textContent.includes(${JSON.stringify(EVALUATED)})) found.push("a template was evaluated");
  if (document.body.querySelectorAll("style").length && getComputedStyle(document.body).display === "none") found.push("a style was taken over");
  return found.slice(0, 8);
})()`;
/** Marks of direction that turn round what stands beside them: text with one is to be isolated, or alone in its block. */
const turned = `(() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const parent = node.parentElement;
    if (!/[\\u202A-\\u202E\\u2066-\\u2069]/.test(node.data) || ["SCRIPT", "STYLE", "TEMPLATE"].includes(parent.tagName) || !parent.getClientRects().length) continue;
    let one = parent, held = false;
    for (; one && !held; one = one.parentElement) {
      const { unicodeBidi, display } = getComputedStyle(one);
      // A block is isolated from others, but what is in it is not from what else is.
      if (!/^(inline|contents)$/.test(display)) {
        held = one.textContent.trim() === node.data.trim();
        break;
      }
      held = /isolate|plaintext/.test(unicodeBidi);
    }
    if (!held) found.push("not isolated: " + parent.outerHTML.slice(0, 120).replace(/[\\u202A-\\u202E\\u2066-\\u2069]/g, "▯"));
  }
  return found.slice(0, 5);
})()`;
/** Types into the search, and says how many entries are not hidden once what is shown has been said. */
const search = (text) => `(async () => {
  const field = document.querySelector("input#search"), shown = document.querySelector("output#shown");
  if (!field || !shown) return null;
  field.value = ${JSON.stringify(text)};
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => setTimeout(done, 300));
  ${frames}
  return { visible: document.querySelectorAll("details.entry:not([hidden])").length, all: document.querySelectorAll("details.entry").length, shown: shown.textContent };
})()`;

const browser = await Browser.start();
const rows = [];
try {
  for (const [turn, { name, bundles }] of REPORTS.entries()) {
    const file = join(work, `report-${turn}.html`);
    try {
      // Records that lead to themselves could keep it for ever.
      execFileSync(tool, ["report", ...bundles, "--format", "html", "-o", file], { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
    } catch (error) {
      wrong.push(`${name}: it was not rendered: ${`${error.message} ${error.stderr ?? ""}`.trim().slice(0, 600)}`);
      continue;
    }
    const single = bundles.length === 1, ill = name.startsWith("hostile");
    for (const view of VIEWS) {
      const fail = (what) => wrong.push(`${name}, ${view.name}: ${what}`);
      const row = { name, view: view.name, entries: 0, serious: 0, lesser: 0, problems: 0, overflow: "no" };
      rows.push(row);
      try {
        await browser.open(pathToFileURL(file).href, view);
        await browser.ready();
        row.entries = await browser.evaluate("document.querySelectorAll('details.entry').length");
        await browser.evaluate(`${axe}\n;undefined`);
        const violations = new Map();
        for (const opened of [0, OPENED]) {
          if (opened && !(await browser.evaluate(openSome(opened)))) fail("there is nothing to open");
          const wide = await browser.evaluate(overflow(view.width));
          if (wide) {
            row.overflow = "yes";
            fail(`${opened ? "with entries open" : "all closed"}, ${wide}`);
          }
          for (const one of await browser.evaluate(axeRun)) violations.set(one.id, one);
        }
        for (const { id, impact, help, count, nodes } of violations.values()) {
          const grave = impact === "serious" || impact === "critical";
          row[grave ? "serious" : "lesser"] += count;
          if (grave) fail(`axe, ${impact}: ${id} (${help}), ${count} times\n      ${nodes.join("\n      ")}`);
        }

        if (single) {
          const lacking = await browser.evaluate(`(() => {
            const lacking = ["input#search[type=search]", "select#recipient", "output#shown", "section.step"].filter((one) => !document.querySelector(one));
            const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
            if (new Set(ids).size < ids.length) lacking.push("ids that stand once");
            if (performance.getEntriesByName("ready").length !== 1) lacking.push("the mark ready");
            return lacking;
          })()`);
          const { steps } = JSON.parse(readFileSync(join(bundles[0], "data/run.json"), "utf8")).journey;
          const without = await browser.evaluate(`${JSON.stringify(steps.map((step) => step.number))}.filter((n) => !document.querySelector("section.step#step-" + n))`);
          if (without.length) lacking.push(`steps ${without.join(", ")}`);
          if (!row.entries) lacking.push("entries");
          if (lacking.length) fail(`the report does not have ${lacking.join(", ")}`);
          const before = await browser.evaluate(search("")), none = await browser.evaluate(search("zqx no such thing zqx"));
          if (before && (before.visible !== before.all || none.visible !== 0 || none.shown === before.shown)) {
            fail(`the search does not filter: ${before.visible} of ${before.all}, then ${none.visible} (${none.shown})`);
          }
          const after = await browser.evaluate(search(""));
          if (after && after.visible !== after.all) fail("the search does not come back to all");
        }
        if (ill) {
          if (single) for (const text of [".*[(\\", "</script><svg/onload=alert(1)>", "\u202E", "${7*7}"]) await browser.evaluate(search(text));
          if (single) await browser.evaluate(search(""));
          await browser.evaluate(openSome(1e6));
          const wide = await browser.evaluate(overflow(view.width));
          if (wide) {
            row.overflow = "yes";
            fail(`with all open, ${wide}`);
          }
          for (const what of [...await browser.evaluate(strangers), ...await browser.evaluate(turned)]) fail(what);
          if ((await browser.evaluate("document.documentElement.outerHTML")).includes(Buffer.from(OUTSIDE).toString("base64").slice(0, -4))) {
            fail("it holds a file that is not in the bundle");
          }
          // Handlers that wait for the pointer or the keyboard.
          await browser.evaluate(`for (const one of document.querySelectorAll("details.entry *")) {
            for (const type of ["mouseover", "pointerenter", "focus"]) one.dispatchEvent(new Event(type));
          }`);
        }
      } catch (error) {
        fail(error.message);
      }
      row.problems = browser.problems.length;
      for (const problem of new Set(browser.problems)) fail(problem);
    }
  }
} finally {
  await browser.close();
}

const columns = [["report", "name", 18], ["view", "view", 8], ["entries", "entries", 9], ["serious", "serious", 9], ["lesser", "lesser", 8], ["problems", "problems", 10], ["too wide", "overflow", 10]];
const line = (cells) => cells.map((cell, index) => (index < 2 ? String(cell).padEnd(columns[index][2]) : String(cell).padStart(columns[index][2]))).join("");
console.log(line(columns.map(([title]) => title)));
for (const row of rows) console.log(line(columns.map(([, key]) => row[key])));
// Whatever hostile text is in a message is not for the terminal.
const plain = (text) => text.replace(/\p{M}{4,}/gu, "…").replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (one) => (one === "\n" ? one : `\\u{${one.codePointAt(0).toString(16)}}`));
for (const one of wrong) console.log(`\nMISSED  ${plain(one)}`);
if (wrong.length) {
  console.log(`\n${wrong.length} did not hold`);
  process.exitCode = 1;
} else {
  console.log(`\nheld: ${REPORTS.length} reports in ${VIEWS.length} views, closed and opened: no serious violation, no error, no dialog, no request, nothing too wide, and nothing in them that captured text made`);
}
