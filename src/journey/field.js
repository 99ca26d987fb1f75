// Runs in an isolated world on the element that was found: what kind of field it is and what stands in it.
function () {
  const element = globalThis.pixelwitnessElement;
  const squeeze = (text) => text.replace(/\s+/g, " ").trim();
  const tag = element.tagName, type = (element.type || "").toLowerCase();
  if (tag === "SELECT") {
    return {
      kind: "select", value: element.value, multiple: element.multiple,
      options: [...element.options].map((option) => [option.value, squeeze(option.label || option.text), option.disabled]),
    };
  }
  if (tag === "INPUT" && (type === "checkbox" || type === "radio")) return { kind: type, value: String(element.checked) };
  if (tag === "INPUT" && type === "file") return { kind: "file", value: "" };
  if (tag === "INPUT" && /^(date|time|month|week|datetime-local|range|color)$/.test(type)) {
    const order = new Intl.DateTimeFormat(navigator.language).formatToParts(new Date(2001, 10, 22)).map((part) => part.type).filter((part) => part !== "literal");
    return { kind: type === "date" ? "date" : "exact", value: element.value, order };
  }
  if (tag === "TEXTAREA" || tag === "INPUT" && !/^(submit|button|reset|image|hidden)$/.test(type)) return { kind: "text", value: element.value, readonly: element.readOnly, secret: type === "password" };
  if (element.isContentEditable) return { kind: "editable", value: element.textContent };
  return { kind: "none", value: "", tag: tag.toLowerCase() };
}
