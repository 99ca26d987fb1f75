// Makes a hostile copy of a bundle: what pages, trackers and scenarios wrote is replaced or extended by what would run, break
// out, spoof or blow up, if a report took it for more than text. The records keep their types, numbers, times and the words
// of their enumerations, so that the program reads them. A copy is no sealed bag.
//
// What a page can choose is not all: whoever passes a bundle on can change anything in it. So ids, digests and the paths of
// pictures are hostile too, records lead nowhere or to themselves, and a picture is none.
//
// Usage: node hostile.mjs BUNDLE OUT    (OUT must not be there yet)
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a template that evaluates what it is given would make of SUM. */
export const SUM = "1337*1337", EVALUATED = String(1337 * 1337);
/** Stands in a file beside the bundle that a step names as its picture: no report may hold it. */
export const OUTSIDE = "this file is not in the bundle";

const MARKUP = [
  "</script><img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "\"><script>alert(1)</script>",
  "'><img src=x onerror='alert(1)' x='",
  "\" autofocus onfocus=alert(1) x=\"",
  "' onmouseover='alert(1)' x='",
  "` onpointerenter=`alert(1)`",
  "javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  `\${7*7} \${${SUM}}`,
  `{{7*7}} {{${SUM}}} {%${SUM}%} #{${SUM}} <%=${SUM}%>`,
  // A script's text that has both is not over at its own end.
  "<!--<script>",
  "-->]]></style></textarea></title></template></noscript></select></details></table>",
  "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
  "<base href='https://elsewhere.example/'>",
  "<meta http-equiv=refresh content='0;url=https://elsewhere.example/'>",
  "<link rel=stylesheet href=https://elsewhere.example/x.css>",
  "<style>*{display:none!important}</style>",
  "<form action=https://elsewhere.example/><input name=search id=search><input id=shown>",
  "<a href=javascript:alert(1) id=recipient>here</a>",
  "&lt;img src=x onerror=alert(1)&gt; &#60;img src=x onerror=alert(1)&#62; &quot; &amp;amp;",
  "\\u003cimg src=x onerror=alert(1)\\u003e \\x3cscript\\x3ealert(1)\\x3c/script\\x3e",
  "\\\"};alert(1);//",
  "\\';alert(1);//\n';alert(1)",
  "url(https://elsewhere.example/x.png)",
];
const TEXT = [
  // Right-to-left overrides and isolates that nothing ends.
  "\u202Egnp.tropeR\u202D \u2066\u2067\u2068 \u202B\u202A",
  "\u0000\u0001\b\u000B\f\u001B[31mred\u001B]0;title\u0007\u007F\u0085\u009B2J",
  "one\u2028two\u2029three\rfour\r\nfive\tsix",
  `Z${"\u0301\u0327\u0489".repeat(400)}`,
  "\u0301".repeat(500),
  "\uFEFF\uFFFE\uFFFF\u200B\u00AD\u{E0041}\u{10FFFF}",
  "a".repeat(2000),
  "💥".repeat(300),
  "مرحبا שלום 你好 ไทย हिन्दी",
  "%00%3Cscript%3E%E0%A4%A %zz",
  " ",
];
const PAYLOADS = [...MARKUP, ...TEXT];
const HUGE = 200_000, NAME = 5000;
const ADDRESSES = [
  "javascript:alert(1)//https://www.facebook.com/tr/?id=1",
  "data:text/html,<script>alert(1)</script>",
  " \tjava\nscript:alert(1)",
  "https://www.facebook.com/tr/?ev=<svg/onload=alert(1)>&x=\"><script>alert(1)</script>",
  "vbscript:alert(1)",
  "//elsewhere.example/<img src=x onerror=alert(1)>",
  "https://[::1",
  "file:///etc/passwd",
  "",
];

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
/** Strings that are of an enumeration, or lead to a file that is to be found. */
const FIXED = {
  exchange: ["party", "outcome", "body_state", "sources", "facts", "origin", "body_path", "path", "payload_base64"],
  event: ["kind", "confidence", "transport", "event_class", "outcome", "form", "strength", "in"],
  findings: ["outcome", "certainty", "extent", "party", "submission", "strength", "effect", "severity", "page_from", "verdict"],
  run: ["state", "outcome", "seen_by", "verdict", "screenshot"],
};
/** What is null where there was nothing to say, and takes a text. */
const SAYABLE = ["error", "withheld", "event_id", "fbp", "fbc", "referrer", "page_url", "initiator", "problem", "egress", "image",
  "help", "banner", "shell", "sandbox_reason", "pixel_id", "reason", "page"];
/** Objects whose keys the page chose, and in which no word is one of ours. */
const OPEN = ["custom_data", "decoded", "initiator", "options"];

export const hostile = (bundle, out) => {
  if (existsSync(out)) throw new Error(`${out} is there already`);
  cpSync(bundle, out, { recursive: true });
  const path = (name) => join(out, "data", name);
  const json = (name) => JSON.parse(readFileSync(path(name), "utf8"));
  const lines = (name) => readFileSync(path(name), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const run = json("run.json"), findings = json("findings.json"), exchanges = lines("exchanges.jsonl"), events = lines("evidence.jsonl");

  const ids = new Map();
  const rename = (id) => id && ids.set(id, `${id}"><img src=x onerror=alert(1)> '\u202E`);
  rename(events[1]?.id);
  rename(events[1]?.exchange);
  rename(findings.leaks[1]?.id);
  rename(findings.contexts[1]?.id);

  // The first value of each kind has every piece of markup; from then on each has another payload, and every sixth stays.
  const seen = new Map();
  const spoiled = (text, key) => {
    if (MOMENT.test(text)) return text;
    if (ids.has(text)) return ids.get(text);
    if (/^[xelpi]\d{4,}$/.test(text)) return text;
    const count = seen.get(key) ?? 0;
    seen.set(key, count + 1);
    if (count === 0) return `${text} ${MARKUP.join(" ")}`;
    if (count % 6 === 5) return text;
    // Each kind begins with another, so that those that are few have different ones.
    const turn = count + [...seen.keys()].indexOf(key) * 7;
    const payload = PAYLOADS[turn % PAYLOADS.length];
    if (/url|address|page$|origin|referrer|initiator_chain/.test(key)) {
      if (count % 3 === 0) return ADDRESSES[turn % ADDRESSES.length];
      return `${text}${text.includes("?") ? "&" : "?"}x=${payload}`;
    }
    return [`${text}${payload}`, `${payload}${text}`, payload][count % 3];
  };
  const walk = (value, kind, key, open = false) => {
    if (typeof value === "string") return spoiled(value, `${kind} ${key}`);
    if (value === null && SAYABLE.includes(key) && !open) return spoiled("", `${kind} ${key}`);
    if (Array.isArray(value)) return value.map((one) => walk(one, kind, key, open));
    if (!value || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => {
      // Only there is it a word of ours: elsewhere a scenario has an origin too.
      const fixed = FIXED[kind].includes(name) || (kind === "run" && name === "origin" && "seen_by" in value);
      if (!open && fixed) return [name, one];
      const within = open || (OPEN.includes(name) && one !== null && typeof one === "object");
      return [open ? spoiled(name, `${kind} ${key} key`) : name, walk(one, kind, name, within)];
    }));
  };

  const deep = Array.from({ length: 60 }).reduce((inner) => ({ deeper: [inner] }), "<svg/onload=alert(1)>");
  const markup = MARKUP.join(" ");

  const changedEvents = events.map((event, index) => {
    const changed = { ...walk(event, "event", ""), id: ids.get(event.id) ?? event.id };
    if (index % 5 === 0) {
      // A key that is none in a careless object.
      Object.defineProperty(changed.custom_data, "__proto__", { value: { hidden: true, toString: markup }, enumerable: true });
      Object.assign(changed.custom_data, { constructor: markup, toString: markup, "": "", deep, large: 1e308, list: Array(300).fill(PAYLOADS[index % PAYLOADS.length]) });
    }
    return changed;
  });
  const named = changedEvents.filter((event) => event.kind === "event");
  // Of both kinds in turn: there are more of them than events.
  const names = [markup, "E".repeat(NAME), "<b>".repeat(Math.ceil(NAME / 3)), "__proto__", "constructor", "",
    ...MARKUP.flatMap((one, index) => (index < TEXT.length ? [one, TEXT[index]] : [one]))];
  named.forEach((event, index) => { event.event_name = names[index % names.length]; });
  const huge = (character) => character.repeat(Math.ceil(HUGE / character.length));
  if (named[0]?.parameters[0]) Object.assign(named[0].parameters[0], { key: "k".repeat(NAME), value: huge("v") });
  if (named[0]) named[0].custom_data.huge = huge("<i>");
  if (named[1]) named[1].page_url = `https://www.facebook.com/${huge("p")}`;
  if (named[2]) Object.assign(named[2], { recipient: huge("Recipient").slice(0, NAME), problems: [huge("q"), markup] });
  if (named[3]) named[3].url = `https://www.facebook.com/tr/?${huge("%41")}`;
  if (named[4]) named[4].identity.push({ signal: `cookie:${markup}`, value: huge("i"), strength: "account" });
  if (named[5]) named[5].user_data.push({ key: markup, source: markup, value: huge("u"), form: "plain" });
  if (named[7]) named[7].duplicate_of = named[6].id;
  if (named[8]) named[8].duplicate_of = named[8].id;
  if (named[9]) named[9].duplicate_of = "e9999";
  if (named[10]) named[10].step = 4_000_000_000;

  const changedExchanges = exchanges.map((exchange) => ({ ...walk(exchange, "exchange", ""), id: ids.get(exchange.id) ?? exchange.id }));
  const carries = new Set(named.map((event) => event.exchange));
  const carrying = changedExchanges.filter((exchange) => carries.has(exchange.id));
  const base64 = (text) => Buffer.from(text).toString("base64");
  carrying.forEach((exchange, index) => {
    exchange.request_headers.push([`x-${PAYLOADS[index % PAYLOADS.length]}`, markup]);
    exchange.response_headers.push(["set-cookie", `${markup}=${PAYLOADS[(index + 3) % PAYLOADS.length]}`]);
  });
  if (carrying[0]) carrying[0].request_headers.push(["x-huge", huge("h")]);
  if (carrying[1]) carrying[1].redirected_from = carrying[1].id;
  if (carrying[3]) [carrying[2].redirected_from, carrying[3].redirected_from] = [carrying[3].id, carrying[2].id];
  if (carrying[4]) {
    carrying[4].frames = [
      { direction: "sent", opcode: 1, payload_base64: base64(markup), time: carrying[4].time },
      { direction: "received", opcode: 2, payload_base64: base64("\u0000\u00FF\u202E"), time: null },
      { direction: markup, opcode: 255, payload_base64: "not base64 <svg/onload=alert(1)>", time: null },
    ];
  }

  const texts = (n) => Array.from({ length: n }, (_, index) => PAYLOADS[(index * 5) % PAYLOADS.length]);
  const changedFindings = walk(findings, "findings", "");
  if (changedFindings.leaks[0]) changedFindings.leaks[0].value = huge("l");
  if (changedFindings.leaks[2]) changedFindings.leaks[2].chain = Array(500).fill("<b>base64</b>").join(" ← ");
  if (changedFindings.leaks[3]) changedFindings.leaks[3].exchange = "x9999";
  if (changedFindings.contexts[0]) changedFindings.contexts[0].observation.text = huge("c");
  changedFindings.searched.limits.push(...texts(6), markup);
  changedFindings.controls ??= {
    runs: [{ typing: markup, bundle: markup, completed: true }, { typing: "nothing", bundle: "../nothing", completed: false }],
    leaks: findings.leaks[0] ? { [findings.leaks[0].id]: "suspected" } : {},
    fields: [{
      recipient: markup, host: markup, path: markup, place: markup, exchange: "x0001", url: "javascript:alert(1)",
      value: markup, with_other_canaries: texts(3), with_nothing_typed: texts(2),
    }],
  };

  const changedRun = walk(run, "run", "");
  const steps = changedRun.journey.steps;
  changedRun.scenario.title += ` ${"T".repeat(NAME)}`;
  changedRun.problems.push(...texts(8).map((message) => ({ area: "capture", message, help: markup })), { area: markup, message: markup, help: null });
  changedRun.audit.reasons.push(markup, ...texts(4));
  changedRun.audit.in_one_source.push({ exchange: "x0001", method: markup, url: ADDRESSES[0], seen_by: "cdp", origin: "browser", note: markup });
  changedRun.secrets.push("NAME<svg/onload=alert(1)>");
  changedRun.containment.slipped.push(markup, ADDRESSES[1]);
  changedRun.consent.push({
    step: 1, answer: markup, page: ADDRESSES[0], outcome: "failed", banner: markup, clicks: texts(5), answered: run.started, why: markup,
  });
  if (changedRun.canaries[0]) changedRun.canaries[0].value = huge("k");
  steps.forEach((step, index) => {
    step.notes.push(PAYLOADS[index % PAYLOADS.length], PAYLOADS[(index + 11) % PAYLOADS.length]);
    if (index % 4 !== 0) step.problem = null;
  });
  if (steps[1]) steps[1].notes.push(huge("n"));
  // Pictures that are none, are not there, or lie outside.
  if (steps[2]) {
    writeFileSync(join(dirname(out), "outside.png"), OUTSIDE);
    steps[2].screenshot = "data/screenshots/../../../outside.png";
  }
  if (steps[3]) steps[3].screenshot = "data/screenshots/\"><img src=x onerror=alert(1)>.png";
  if (steps[4]?.screenshot) writeFileSync(join(out, steps[4].screenshot), "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
  if (steps[5]) steps[5].screenshot = "/etc/hostname";
  if (steps[6]) steps[6].screenshot = "https://elsewhere.example/x.png";
  if (steps[7]?.screenshot) writeFileSync(join(out, steps[7].screenshot), "");

  const write = (name, value) => writeFileSync(path(name), `${JSON.stringify(value, null, 2)}\n`);
  write("run.json", changedRun);
  write("findings.json", changedFindings);
  writeFileSync(path("exchanges.jsonl"), changedExchanges.map((one) => `${JSON.stringify(one)}\n`).join(""));
  writeFileSync(path("evidence.jsonl"), changedEvents.map((one) => `${JSON.stringify(one)}\n`).join(""));
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [bundle, out] = process.argv.slice(2);
  if (!bundle || !out) {
    console.error("usage: node hostile.mjs BUNDLE OUT");
    process.exit(2);
  }
  hostile(bundle, out);
}
