"use strict";
// Filters the timeline, opens what is linked to, and unpacks details where there are many. Without it the page is whole but for that.
(() => {
  const entries = [...document.querySelectorAll("details.entry")];
  const steps = [...document.querySelectorAll("section.step")];
  const get = (id) => document.getElementById(id);

  // Details that are packed come 64 at a time: JSON of HTML that the report's templates have escaped.
  const packs = new Map();
  const unpack = (number) => {
    if (!packs.has(number)) {
      const packed = Uint8Array.from(atob(get("pack-" + number).textContent), (c) => c.charCodeAt(0));
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
      packs.set(number, new Response(stream).json());
    }
    return packs.get(number);
  };
  const fill = async (entry) => {
    if (!entry.dataset.at) return;
    const [pack, at] = entry.dataset.at.split(".");
    delete entry.dataset.at;
    const detail = document.createElement("template");
    detail.innerHTML = (await unpack(pack))[at];
    entry.append(detail.content);
  };
  document.addEventListener("toggle", (event) => { if (event.target.open) fill(event.target); }, true);

  const goTo = () => {
    const target = get(location.hash.slice(1));
    if (!target) return;
    target.hidden = false;
    target.closest(".none")?.classList.remove("none");
    if (target.matches("details")) target.open = true;
    target.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", goTo);
  // A link to where one is already changes nothing else.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) goTo();
  });

  const form = get("filter");
  if (form) {
    const search = get("search"), recipient = get("recipient"), matters = get("matters"), shown = get("shown");
    let texts;
    const apply = () => {
      texts ??= entries.map((entry) => (entry.id + " " + entry.firstElementChild.textContent).toLowerCase());
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const filters = words.length > 0 || recipient.value !== "" || matters.checked;
      let count = 0;
      entries.forEach((entry, index) => {
        const show = (recipient.value === "" || entry.dataset.recipient === recipient.value) &&
          (!matters.checked || "matters" in entry.dataset) && words.every((word) => texts[index].includes(word));
        if (entry.hidden === show) entry.hidden = !show;
        count += show;
      });
      for (const step of steps) step.classList.toggle("none", filters && !step.querySelector("details.entry:not([hidden])"));
      shown.value = filters ? count + " of " + entries.length + " shown" : entries.length + " lines";
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    search.addEventListener("input", apply);
    recipient.addEventListener("change", apply);
    matters.addEventListener("change", apply);
    const all = (open) => { for (const entry of entries) if (!open || !entry.hidden) entry.open = open; };
    get("open").addEventListener("click", () => all(true));
    get("close").addEventListener("click", () => all(false));
    shown.value = entries.length + " lines";
  }
  if (location.hash) goTo();
  performance.mark("ready");
  document.documentElement.dataset.ready = "true";
})();
