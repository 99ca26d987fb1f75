// Makes a large bundle of a small one: the exchanges and evidence records of a real run, again and again, until so many
// events were told. Ids, times, page addresses, frames, button texts, titles, field names and event ids are other ones in
// each copy, in the address or body as in the parameters and the custom data, so that no record is like another and nothing
// packs better than it would. Every third copy tells another company, so that there is something to filter by.
//
// Leaks and contexts are those of the run itself. There are no pictures. It is no sealed bag: `report` reads it, `verify`
// does not.
//
// Usage: node generate.mjs BUNDLE OUT [EVENTS]    (default 5000; OUT must not be there yet)
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMPANIES = [
  ["Google", "www.google-analytics.com"], ["TikTok", "analytics.tiktok.com"], ["Microsoft", "bat.bing.com"],
  ["Adobe", "dpm.demdex.net"], ["Pinterest", "ct.pinterest.com"],
];
const WORDS = ("report offence incident witness victim advice support careers contact details address location vehicle "
  + "theft burglary missing person statement appeal station officer evening morning street village harbour market bridge "
  + "school hospital letter phone number message question answer continue review send save check change remove add").split(" ");

// Mulberry32: the same bundle whenever it is made of the same one.
const randomness = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const lines = (path) => readFileSync(path, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const number = (prefix, n) => prefix + String(n).padStart(4, "0");
const tells = (event) => (event.kind === "event" || event.kind === "gateway") && event.duplicate_of === null;

/** Every string in it, given to `change`; keys stay. */
const strings = (value, change) => {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((one) => strings(one, change));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, strings(one, change)]));
  return value;
};

/** Where a record names others by their ids, other ids. */
const renamed = (value, names) => {
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => {
    if (["exchange", "redirected_from", "duplicate_of"].includes(key) && typeof one === "string") return [key, names.get(one) ?? one];
    if (["exchanges", "events", "emptied"].includes(key) && Array.isArray(one)) return [key, one.map((id) => names.get(id) ?? id)];
    return [key, renamed(one, names)];
  }));
};

/** As it stands in its place: queries and forms are percent-encoded, parts of a multipart body are not. */
const written = (value, place) => (place === "multipart" ? value : encodeURIComponent(value));

/** Puts the parameters' values into the bytes that they were read from, and says anew where each stands. */
const spliced = (bytes, parameters, isHere) => {
  const here = parameters.filter((one) => one.at && isHere(one)).sort((a, b) => a.at.start - b.at.start);
  const pieces = [];
  let from = 0, length = 0;
  for (const one of here) {
    const before = bytes.subarray(from, one.at.start);
    const value = one.changed ? Buffer.from(written(one.value, one.in)) : bytes.subarray(one.at.start, one.at.end);
    from = one.at.end;
    one.at = { start: length + before.length, end: length + before.length + value.length };
    length = one.at.end;
    pieces.push(before, value);
  }
  pieces.push(bytes.subarray(from));
  return Buffer.concat(pieces);
};

export const generate = (bundle, out, wanted = 5000) => {
  const from = (name) => join(bundle, "data", name), to = (name) => join(out, "data", name);
  const run = JSON.parse(readFileSync(from("run.json"), "utf8"));
  const findings = JSON.parse(readFileSync(from("findings.json"), "utf8"));
  const exchanges = lines(from("exchanges.jsonl")), events = lines(from("evidence.jsonl"));
  const told = events.filter(tells).length;
  if (!told) throw new Error(`${bundle}: nothing was told in it`);
  if (existsSync(out)) throw new Error(`${out} is there already`);
  const bodies = new Map(exchanges.filter((one) => one.body_path).map((one) => [one.id, readFileSync(join(bundle, one.body_path))]));
  mkdirSync(to("bodies"), { recursive: true });
  for (const name of ["scenario.yaml", "policy.yaml", "bodies", "certificates"]) {
    if (existsSync(from(name))) cpSync(from(name), to(name), { recursive: true });
  }

  const copies = Math.ceil(wanted / told), steps = run.journey.steps;
  // The journey takes as many times as long as there are copies, each step in proportion.
  const began = Date.parse(run.started);
  const stretched = (time) => (time === null ? null : new Date(began + (Date.parse(time) - began) * copies).toISOString());
  const random = randomness(5);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const words = (n) => Array.from({ length: n }, () => pick(WORDS)).join(" ");
  const hex = (n) => Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join("");
  const ofExchange = new Map();
  for (const event of events) ofExchange.set(event.exchange, [...(ofExchange.get(event.exchange) ?? []), event]);

  const all = [];
  let left = wanted;
  for (let copy = 0; copy < copies; copy++) {
    const pages = new Map(), frames = new Map(), site = run.scenario.origin;
    // Every page of this copy has an address of its own, and is called by it wherever it is named.
    const page = (text) => {
      if (copy === 0 || !text.startsWith(`${site}/`)) return text;
      if (!pages.has(text)) pages.set(text, `${text}${text.includes("?") ? "&" : "?"}visit=${hex(12)}&from=${pick(WORDS)}-${pick(WORDS)}`);
      return pages.get(text);
    };
    const frame = (id) => {
      if (copy === 0 || id === null) return id;
      if (!frames.has(id)) frames.set(id, hex(32).toUpperCase());
      return frames.get(id);
    };
    const company = copy % 3 === 2 ? COMPANIES[((copy - 2) / 3) % COMPANIES.length] : null;
    for (const [index, original] of exchanges.entries()) {
      if (left <= 0 && copy > 0) break;
      const exchange = structuredClone(original);
      const records = structuredClone(ofExchange.get(original.id) ?? []).filter((event) => !tells(event) || copy === 0 || left-- > 0);
      if (copy === 0) left -= records.filter(tells).length;
      // Spread: each copy begins some steps further on.
      if (original.step !== null && steps.length > 0) exchange.step = ((original.step - 1 + copy) % steps.length) + 1;
      const step = steps[exchange.step - 1];
      const start = Date.parse(step?.started ?? steps.at(-1)?.ended ?? run.started);
      const end = Date.parse(step?.ended ?? run.finished ?? run.started);
      const place = (copy + (index + random()) / exchanges.length) / copies;
      const time = Math.round(began + (start + place * Math.max(end - start, 1) - began) * copies);
      const later = new Date(time).toISOString();
      if (original.answered) exchange.answered = new Date(time + Date.parse(original.answered) - Date.parse(original.time)).toISOString();
      if (original.time) exchange.time = later;
      if (copy > 0) {
        Object.assign(exchange, {
          url: page(exchange.url),
          frame: frame(exchange.frame),
          target: frame(exchange.target),
          document_url: exchange.document_url && page(exchange.document_url),
          initiator: strings(exchange.initiator, page),
          initiator_chain: strings(exchange.initiator_chain, page),
        });
        for (const header of exchange.response_headers) if (header[0] === "date") header[1] = new Date(time).toUTCString();
        for (const event of records) vary(event, time);
        if (company && exchange.recipient) {
          const host = new URL(exchange.url).host, moved = (url) => url.replace(host, company[1]);
          exchange.recipient = company[0];
          exchange.url = moved(exchange.url);
          for (const event of records) Object.assign(event, { recipient: company[0], url: moved(event.url), confidence_reason: `the host is ${company[0]}'s` });
        }
        const body = bodies.get(original.id);
        for (const event of records) {
          const [address, ...query] = event.url.split("?");
          if (query.length > 0) event.url = `${address}?${spliced(Buffer.from(query.join("?")), event.parameters, (one) => one.in === "query")}`;
          if (body) {
            const changed = spliced(body, event.parameters, (one) => one.in === "form" || one.in === "multipart");
            const sha256 = createHash("sha256").update(changed).digest("hex");
            writeFileSync(to(`bodies/${sha256}`), changed);
            Object.assign(exchange, { body_sha256: sha256, body_size: changed.length, body_path: `data/bodies/${sha256}` });
            for (const header of exchange.request_headers) if (header[0] === "content-length") header[1] = String(changed.length);
          }
          for (const one of event.parameters) delete one.changed;
          exchange.url = event.url;
        }
      }
      for (const event of records) Object.assign(event, { time: exchange.time, step: exchange.step, frame: exchange.frame });
      all.push({ copy, exchange, records, time });
    }

    // What another visit to another page would have told.
    function vary(event, time) {
      const text = (value) => (value && /[a-z]{3}/i.test(value) ? `${value} ${words(3)} ${Math.floor(random() * 1e6)}` : value);
      const field = `${pick(WORDS)}-${hex(4)}`;
      for (const [key, value] of Object.entries(event.custom_data)) {
        if (key === "buttonText") event.custom_data[key] = text(value);
        else if (key === "seconds") event.custom_data[key] = Math.floor(random() * 900);
        else if (key === "formFeatures" && Array.isArray(value)) {
          for (const one of value) Object.assign(one, { id: `${one.id}-${field}`, name: `${one.name}_${field}` });
        } else if (key === "buttonFeatures" && value && typeof value === "object") {
          value.innerText = event.custom_data.buttonText ?? value.innerText;
          value.id = field;
        } else {
          event.custom_data[key] = strings(value, (one) => (page(one) === one ? text(one) : page(one)));
        }
      }
      if (event.custom_data.buttonText && event.custom_data.buttonFeatures) event.custom_data.buttonFeatures.innerText = event.custom_data.buttonText;
      for (const one of event.parameters) {
        const before = one.value, custom = /^cd\[(.*)\]$/.exec(one.key)?.[1];
        if (custom !== undefined && custom in event.custom_data) {
          const value = event.custom_data[custom];
          one.value = typeof value === "string" ? value : JSON.stringify(value);
        } else if (one.key === "ts" || one.key === "it") {
          const at = one.key === "ts" ? time : time - Math.floor(random() * 900);
          one.value = String(at);
          if (one.decoded !== null) one.decoded = new Date(at).toISOString();
        } else if (one.key === "ec") {
          one.value = String(Math.floor(random() * 40));
        } else if (one.in !== "header" && one.in !== "path") {
          one.value = page(one.value);
        }
        one.changed = one.value !== before;
      }
      event.page_url = event.page_url && page(event.page_url);
      event.referrer = event.referrer && page(event.referrer);
      event.initiator = event.initiator && page(event.initiator);
      event.url = page(event.url);
      // Sites that send an event twice give it an id, and many do. It is the query's last, and moves nothing.
      if (tells(event) && event.url.includes("?") && event.event_id === null) {
        event.event_id = `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
        const start = Buffer.byteLength(event.url.split("?").slice(1).join("?")) + "&eid=".length;
        event.url += `&eid=${event.event_id}`;
        event.parameters.push({ key: "eid", value: event.event_id, in: "query", at: { start, end: start + event.event_id.length }, meaning: "event id", decoded: null });
      }
    }
  }

  // Ids are in the order of the requests.
  all.sort((a, b) => a.time - b.time);
  const names = Array.from({ length: copies }, () => new Map());
  let x = 0, e = 0;
  for (const { copy, exchange, records } of all) {
    names[copy].set(exchange.id, number("x", ++x));
    for (const event of records) names[copy].set(event.id, number("e", ++e));
  }
  const write = (name, list) => writeFileSync(to(name), list.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const kept = all.map(({ copy, exchange }) => ({ ...renamed(exchange, names[copy]), id: names[copy].get(exchange.id) }));
  const evidence = all.flatMap(({ copy, records }) => records.map((event) => ({ ...renamed(event, names[copy]), id: names[copy].get(event.id) })));
  write("exchanges.jsonl", kept);
  write("evidence.jsonl", evidence);

  const found = renamed(findings, names[0]);
  const times = new Map(kept.map((one) => [one.id, one.time]));
  for (const leak of found.leaks) leak.time = times.get(leak.exchange) ?? leak.time;
  const third = kept.filter((one) => one.party === "third").length;
  Object.assign(found.searched, { events: evidence.length });
  Object.assign(found.searched.exchanges, { told: third, own: kept.length - third });
  writeFileSync(to("findings.json"), `${JSON.stringify(found, null, 2)}\n`);

  const sent = kept.filter((one) => one.sent === true).length;
  for (const step of steps) {
    Object.assign(step, { started: stretched(step.started), ended: stretched(step.ended), screenshot: null });
    if (step.pointed) step.pointed.screenshot = null;
  }
  for (const one of run.containment.guarded ?? []) one.from = stretched(one.from);
  for (const one of run.consent ?? []) one.answered = stretched(one.answered);
  for (const one of run.audit.in_one_source) one.exchange = names[0].get(one.exchange) ?? one.exchange;
  run.finished = stretched(run.finished);
  Object.assign(run.audit, { sent, recorded: sent, matched: sent });
  Object.assign(run.counts, {
    exchanges: kept.length,
    third_party: third,
    contained: kept.filter((one) => one.outcome === "contained").length,
    events: evidence.filter(tells).length,
  });
  run.containment.contained = run.counts.contained;
  writeFileSync(to("run.json"), `${JSON.stringify(run, null, 2)}\n`);
  return run.counts;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [bundle, out, events] = process.argv.slice(2);
  if (!bundle || !out || !(Number(events ?? 5000) >= 1)) {
    console.error("usage: node generate.mjs BUNDLE OUT [EVENTS]");
    process.exit(2);
  }
  const counts = generate(bundle, out, Number(events ?? 5000));
  console.log(`${counts.events} events in ${counts.exchanges} exchanges`);
}
