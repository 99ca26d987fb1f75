// Runs in an isolated world on the element that was found: what no key can do.
// action: "focus", "select" (all its text), "value" (set it, and tell the page as a person's change would).
function (action, value) {
  const element = globalThis.pixelwitnessElement;
  element.focus();
  if (action === "select") {
    if (element.select) element.select();
    else getSelection().selectAllChildren(element);
  }
  if (action === "value") {
    element.value = value;
    element.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
