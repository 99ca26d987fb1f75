// Runs in an isolated world: the page neither sees it nor can change what it calls.
// Finds the first element that a selector matches, and says whether a person could act on it now.
// selectors: [[kind, value], …]; want: "present", "visible" or "point". Leaves the element in `pixelwitnessElement`.
async function (selectors, want) {
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
  const byText = (wanted) => {
    const matches = [];
    for (const root of roots(document)) {
      for (const element of root.querySelectorAll("*")) {
        if (/^(SCRIPT|STYLE|HEAD|TITLE|META|LINK|NOSCRIPT|TEMPLATE)$/.test(element.tagName) || element.closest?.("head")) continue;
        if (!textOf(element).includes(wanted)) continue;
        if ([...element.children].some((child) => textOf(child).includes(wanted))) continue;
        matches.push(element);
      }
    }
    return matches.find(shown) || matches[0];
  };
  const find = ([kind, value]) => {
    if (kind === "css") return document.querySelector(value);
    if (kind === "pierce") { for (const root of roots(document)) { const hit = root.querySelector(value); if (hit) return hit; } return null; }
    if (kind === "xpath") return document.evaluate(value, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue;
    if (kind === "text") return byText(squeeze(value));
    return globalThis.pixelwitnessResolved && globalThis.pixelwitnessResolved.isConnected ? globalThis.pixelwitnessResolved : null;
  };
  const name = (element) => {
    const label = squeeze(element.textContent || "").slice(0, 40);
    return "<" + element.tagName.toLowerCase() + (element.id ? " id=" + element.id : "") + ">" + (label ? " “" + label + "”" : "");
  };
  let element = null;
  for (const selector of selectors) {
    try { element = find(selector); } catch (error) { return { state: "invalid", why: String(error.message || error) }; }
    if (element) break;
  }
  if (!element) return { state: "missing", title: document.title };
  globalThis.pixelwitnessElement = element;
  if (want === "present") return { state: "ok" };
  if (!shown(element)) return { state: "hidden", what: name(element) };
  if (want === "visible") return { state: "ok" };
  if (element.disabled || element.closest("fieldset[disabled]")) return { state: "disabled", what: name(element) };

  const box = () => { const b = element.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; };
  const inView = ([left, top, width, height]) => top >= 0 && left >= 0 && top + height <= innerHeight && left + width <= innerWidth;
  if (!inView(box())) element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const before = box();
  await new Promise((done) => requestAnimationFrame(done));
  const now = box();
  if (before.some((value, index) => Math.abs(value - now[index]) > 0.5)) return { state: "moving", what: name(element) };
  // The first line of a link that wraps, since its box's middle may be beside it.
  const line = [...element.getClientRects()].find((r) => r.width > 0 && r.height > 0) || element.getBoundingClientRect();
  const x = Math.min(Math.max((Math.max(line.left, 0) + Math.min(line.right, innerWidth)) / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max((Math.max(line.top, 0) + Math.min(line.bottom, innerHeight)) / 2, 0), innerHeight - 1);
  let hit = document.elementFromPoint(x, y);
  while (hit && hit.shadowRoot && hit !== element) {
    const deeper = hit.shadowRoot.elementFromPoint(x, y);
    if (!deeper || deeper === hit) break;
    hit = deeper;
  }
  const label = hit && hit.closest("label");
  const reached = hit && (hit === element || element.contains(hit) || hit.contains(element) && hit.closest("a,button,label") === hit || (label && label.control === element));
  if (!reached) return { state: "covered", what: name(element), by: hit ? name(hit) : "nothing" };

  const form = element.form || element.closest("form");
  let action = null;
  if (form) {
    try { action = new URL(element.getAttribute("formaction") || form.getAttribute("action") || location.href, document.baseURI).hostname; } catch { action = null; }
  }
  return { state: "ok", x, y, action };
}
