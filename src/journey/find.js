// Runs in an isolated world: the page neither sees it nor can change what it calls.
// Finds the elements that a selector matches, and says whether a person could act on the first one now.
// path: [[kind, value], …], each looked for in the shadow roots (or below) of the one before; want: "present",
// "visible", "point" or {count, operator, visible, properties, attributes}; place: [x, y] from the element's corner,
// or nulls. Leaves the element in `pixelwitnessElement`.
async function (path, want, place) {
  const roots = function* (root) {
    yield root;
    for (const element of root.querySelectorAll("*")) if (element.shadowRoot) yield* roots(element.shadowRoot);
  };
  const squeeze = (text) => text.replace(/\s+/g, " ").trim();
  const textOf = (element) =>
    squeeze(element.tagName === "INPUT" && /^(submit|button|reset)$/.test(element.type) ? element.value : element.textContent || "");
  const shown = (element) => {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    return style.visibility === "visible" && style.display !== "none" && box.width > 0 && box.height > 0;
  };
  const byText = (top, wanted) => {
    const matches = [];
    for (const root of roots(top)) {
      for (const element of root.querySelectorAll("*")) {
        if (/^(SCRIPT|STYLE|HEAD|TITLE|META|LINK|NOSCRIPT|TEMPLATE)$/.test(element.tagName) || element.closest?.("head")) continue;
        if (!textOf(element).includes(wanted)) continue;
        if ([...element.children].some((child) => textOf(child).includes(wanted))) continue;
        matches.push(element);
      }
    }
    // What a person can see comes first.
    return [...matches.filter(shown), ...matches.filter((element) => !shown(element))];
  };
  const matching = (top, [kind, value]) => {
    if (kind === "css") return [...top.querySelectorAll(value)];
    if (kind === "pierce") return [...roots(top)].flatMap((root) => [...root.querySelectorAll(value)]);
    if (kind === "xpath") {
      const found = [], result = document.evaluate(value, top, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
      for (let i = 0; i < result.snapshotLength; i++) if (result.snapshotItem(i) instanceof Element) found.push(result.snapshotItem(i));
      return found;
    }
    if (kind === "text") return byText(top, squeeze(value));
    return (globalThis.pixelwitnessResolved || []).filter((element) => element.isConnected);
  };
  const name = (element) => {
    const label = squeeze(element.textContent || "").slice(0, 40);
    return "<" + element.tagName.toLowerCase() + (element.id ? " id=" + element.id : "") + ">" + (label ? " “" + label + "”" : "");
  };
  let tops = [document], elements = [];
  try {
    for (const [index, part] of path.entries()) {
      elements = [...new Set(tops.flatMap((top) => matching(top, part)))];
      // A name in the accessibility tree is looked for in the whole document at once.
      if (index + 1 < path.length && path[path.length - 1][0] !== "resolved") tops = elements.map((element) => element.shadowRoot || element);
    }
  } catch (error) {
    return { state: "invalid", why: String(error.message || error) };
  }
  if (typeof want === "object") {
    const equal = (a, b) => a === b || a && b && typeof b === "object" && Object.keys(b).every((key) => equal(a[key], b[key]));
    const fit = elements.filter((element) =>
      (want.visible === null || shown(element) === want.visible) &&
      Object.entries(want.attributes).every(([key, value]) => element.getAttribute(key) === value) &&
      Object.entries(want.properties).every(([key, value]) => equal(element[key], value)));
    return { state: "counted", matched: elements.length, fit: fit.length };
  }
  const element = elements[0];
  if (!element) return { state: "missing" };
  globalThis.pixelwitnessElement = element;
  if (want === "present") return { state: "ok" };
  if (!shown(element)) return { state: "hidden", what: name(element) };
  if (want === "visible") return { state: "ok" };
  if (element.disabled || element.closest("fieldset[disabled]")) return { state: "disabled", what: name(element) };

  const box = () => { const b = element.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; };
  const inView = ([left, top, width, height]) => top >= 0 && left >= 0 && top + height <= innerHeight && left + width <= innerWidth;
  if (!inView(box())) element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const before = box();
  // A frame that cannot be seen draws nothing, and would never come to it.
  await new Promise((done) => { requestAnimationFrame(done); setTimeout(done, 250); });
  const now = box();
  if (before.some((value, index) => Math.abs(value - now[index]) > 0.5)) return { state: "moving", what: name(element) };
  // The first line of a link that wraps, since its box's middle may be beside it.
  const line = [...element.getClientRects()].find((r) => r.width > 0 && r.height > 0) || element.getBoundingClientRect();
  const inside = (value, limit) => Math.min(Math.max(value, 0), limit - 1);
  const x = inside(place[0] === null ? (Math.max(line.left, 0) + Math.min(line.right, innerWidth)) / 2 : now[0] + place[0], innerWidth);
  const y = inside(place[1] === null ? (Math.max(line.top, 0) + Math.min(line.bottom, innerHeight)) / 2 : now[1] + place[1], innerHeight);
  let hit = document.elementFromPoint(x, y);
  while (hit && hit.shadowRoot && hit !== element) {
    const deeper = hit.shadowRoot.elementFromPoint(x, y);
    if (!deeper || deeper === hit) break;
    hit = deeper;
  }
  const label = hit && hit.closest("label");
  const within = (outer, inner) => {
    for (let node = inner; node; node = node.parentNode || node.host) if (node === outer) return true;
    return false;
  };
  const reached = hit && (within(element, hit) || hit.contains(element) && hit.closest("a,button,label") === hit || (label && label.control === element));
  if (!reached) return { state: "covered", what: name(element), by: hit ? name(hit) : "nothing" };

  const form = element.form || element.closest("form");
  let action = null;
  if (form) {
    try { action = new URL(element.getAttribute("formaction") || form.getAttribute("action") || location.href, document.baseURI).hostname; } catch { action = null; }
  }
  return { state: "ok", x, y, action, box: [now[0] - x, now[1] - y, now[2], now[3]] };
}
