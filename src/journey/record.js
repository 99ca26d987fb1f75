// Runs in a world of its own in every document while a person is recorded: says what the person does, and how each
// element can be found again. Only trusted events count.
(() => {
  const send = (what) => pixelwitnessRecorded(JSON.stringify({ url: location.href, top: window === top, ...what }));
  const squeeze = (text) => (text || "").replace(/\s+/g, " ").trim();
  const INTERACTIVE = "a[href],button,input,select,textarea,label,summary,[role=button],[role=link],[role=checkbox],[role=radio],[role=tab],[role=menuitem],[role=option],[role=switch],[contenteditable]";

  const nameOf = (element) => {
    const label = element.getAttribute("aria-label");
    if (label) return squeeze(label);
    const by = element.getAttribute("aria-labelledby");
    if (by) return squeeze(by.split(/\s+/).map((id) => element.getRootNode().getElementById?.(id)?.textContent || "").join(" "));
    if (element.labels && element.labels.length) return squeeze([...element.labels].map((label) => label.innerText).join(" "));
    if (element.tagName === "INPUT" && /^(submit|button|reset)$/.test(element.type)) return squeeze(element.value);
    // What stands in it is the person's.
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName) || element.isContentEditable) return squeeze(element.placeholder || element.title);
    return squeeze(element.innerText || element.querySelector("img[alt]")?.alt || element.title);
  };
  const roleOf = (element) => {
    const role = element.getAttribute("role");
    if (role) return role;
    const type = (element.type || "").toLowerCase();
    switch (element.tagName) {
      case "A": return element.href ? "link" : "";
      case "BUTTON": return "button";
      case "SELECT": return element.multiple ? "listbox" : "combobox";
      case "TEXTAREA": return "textbox";
      case "INPUT":
        if (/^(submit|button|reset|image)$/.test(type)) return "button";
        if (/^(checkbox|radio)$/.test(type)) return type;
        return /^(text|email|tel|url|)$/.test(type) ? "textbox" : "";
      default: return "";
    }
  };
  const unique = (root, css) => { try { return root.querySelectorAll(css).length === 1; } catch { return false; } };
  const cssIn = (root, element) => {
    // A number in it is likely made anew each time.
    if (element.id && !/\d{3,}|^:|[a-f0-9]{8}/.test(element.id) && unique(root, "#" + CSS.escape(element.id))) return "#" + CSS.escape(element.id);
    for (const attribute of ["data-testid", "data-test", "name"]) {
      const value = element.getAttribute(attribute);
      if (value) {
        const css = element.tagName.toLowerCase() + `[${attribute}=${JSON.stringify(value)}]` + (/^(radio|checkbox)$/.test(element.type) ? `[value=${JSON.stringify(element.value)}]` : "");
        if (unique(root, css)) return css;
      }
    }
    const parts = [];
    for (let node = element; node && node.nodeType === 1; node = node.parentElement) {
      if (node !== element && node.id && unique(root, "#" + CSS.escape(node.id))) { parts.unshift("#" + CSS.escape(node.id)); break; }
      const tag = node.tagName.toLowerCase();
      const twins = node.parentElement ? [...node.parentElement.children].filter((child) => child.tagName === node.tagName) : [node];
      parts.unshift(twins.length > 1 ? `${tag}:nth-of-type(${twins.indexOf(node) + 1})` : tag);
    }
    return parts.join(" > ");
  };
  const cssPath = (element) => {
    const path = [];
    for (let node = element; node; ) {
      const root = node.getRootNode();
      path.unshift(cssIn(root, node));
      node = root.host;
    }
    return path.length === 1 ? path[0] : path;
  };
  const selectors = (element) => {
    const found = [], name = nameOf(element), role = roleOf(element);
    if (name && name.length <= 80 && !/["\]]/.test(name)) found.push(role ? `aria/${name}[role="${role}"]` : `aria/${name}`);
    const text = element.isContentEditable ? "" : squeeze(element.innerText);
    if (text && text.length <= 60 && !/^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName)) found.push("text/" + text);
    found.push(cssPath(element));
    return found;
  };
  const field = (element) => ({
    kind: element.isContentEditable ? "text" : element.tagName === "SELECT" ? "select" : element.tagName === "TEXTAREA" ? "textarea" : (element.type || "text").toLowerCase(),
    hints: squeeze([element.name, element.id, element.autocomplete, nameOf(element)].join(" ")),
    name: element.name || element.id || "",
    longest: element.maxLength > 0 ? element.maxLength : null,
  });
  const isText = (element) => element.tagName === "TEXTAREA" || element.isContentEditable || element.tagName === "INPUT" && !/^(submit|button|reset|image|checkbox|radio|file|hidden)$/.test(element.type);

  const told = new WeakMap();
  const change = (element) => {
    const what = field(element);
    let value = element.isContentEditable ? element.innerText : element.value;
    if (what.kind === "checkbox" || what.kind === "radio") value = String(element.checked);
    if (what.kind === "select") value = squeeze(element.selectedOptions[0]?.label || element.value);
    if (what.kind === "file") value = [...element.files].map((file) => file.name).join(", ");
    if (told.get(element) === value) return;
    told.set(element, value);
    send({ did: "change", selectors: selectors(element), value, field: what });
  };
  // What stands in a field that the person is still in.
  const finish = () => {
    let active = document.activeElement;
    while (active && active.shadowRoot && active.shadowRoot.activeElement) active = active.shadowRoot.activeElement;
    if (active && isText(active) && touched.has(active)) change(active);
  };
  const touched = new WeakSet();
  const real = (event) => event.composedPath()[0] instanceof Element ? event.composedPath()[0] : event.target;

  let began = false;
  addEventListener("input", (event) => {
    if (!event.isTrusted) return;
    touched.add(real(event));
    // Said at once: from here on a report may be sent.
    if (!began) send({ did: "began" });
    began = true;
  }, true);
  addEventListener("change", (event) => {
    const element = real(event);
    if (event.isTrusted && /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName)) change(element);
  }, true);
  addEventListener("focusout", (event) => {
    const element = real(event);
    if (event.isTrusted && element.isContentEditable && touched.has(element)) change(element);
  }, true);
  addEventListener("click", (event) => {
    if (!event.isTrusted) return;
    const inner = real(event), element = inner.closest(INTERACTIVE) || inner;
    // These tell of themselves when they change; a click of the keyboard's comes with its key.
    if (element.tagName === "LABEL" && element.control || /^(SELECT|OPTION)$/.test(element.tagName) || isText(element)) return;
    if (element.tagName === "INPUT" && /^(checkbox|radio|file)$/.test(element.type)) return;
    if (event.detail === 0 && entered) { entered = false; return; }
    finish();
    send({ did: "click", selectors: selectors(element), button: "primary" });
  }, true);
  addEventListener("dblclick", (event) => { if (event.isTrusted) send({ did: "doubleClick" }); }, true);
  let entered = false;
  addEventListener("keydown", (event) => {
    if (!event.isTrusted || event.isComposing || !/^(Enter|Escape)$/.test(event.key)) return;
    const element = real(event);
    if (event.key === "Enter" && (element.tagName === "TEXTAREA" || element.isContentEditable)) return;
    entered = event.key === "Enter";
    finish();
    send({ did: "key", key: event.key });
  }, true);
  addEventListener("submit", (event) => {
    if (!event.isTrusted) return;
    const form = real(event), typed = [...form.elements].some((element) => touched.has(element));
    const button = event.submitter || form.querySelector("button:not([type]),[type=submit],[type=image]");
    send({ did: "submit", sends: form.method === "post" || typed, selectors: button ? selectors(button) : null });
  }, true);
})();
