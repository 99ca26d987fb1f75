// Runs in an isolated world. Recognises a consent banner, and says which button comes next on the way to an answer;
// leaves that button in `pixelwitnessResolved`. answer: "accept" or "reject"; customised: its choices were opened.
function (answer, customised) {
  // Containers of consent platforms that name their parts: how each is told, accepted, rejected, opened, saved.
  // From these platforms' public documentation and markup, not measured on their live scripts.
  const KNOWN = [
    ["OneTrust", "#onetrust-consent-sdk", "#onetrust-accept-btn-handler", "#onetrust-reject-all-handler, .ot-pc-refuse-all-handler", "#onetrust-pc-btn-handler", ".save-preference-btn-handler"],
    ["Cookiebot", "#CybotCookiebotDialog", "#CybotCookiebotDialogBodyLevelButtonLevelOptinAllowAll, #CybotCookiebotDialogBodyButtonAccept", "#CybotCookiebotDialogBodyButtonDecline, #CybotCookiebotDialogBodyLevelButtonLevelOptinDeclineAll", "#CybotCookiebotDialogBodyLevelButtonCustomize", "#CybotCookiebotDialogBodyLevelButtonLevelOptinAllowallSelection"],
    ["Civic Cookie Control", "#ccc", "#ccc-recommended-settings, #ccc-notify-accept, .ccc-accept-button", "#ccc-reject-settings, #ccc-notify-reject, .ccc-reject-button", ".ccc-notify-link", "#ccc-dismiss-button"],
    ["Didomi", "#didomi-host", "#didomi-notice-agree-button", "#didomi-notice-disagree-button, .didomi-continue-without-agreeing", "#didomi-notice-learn-more-button", ""],
    ["CookieYes", ".cky-consent-container", ".cky-btn-accept", ".cky-btn-reject", ".cky-btn-customize", ".cky-btn-preferences"],
    ["Osano", ".osano-cm-window", ".osano-cm-accept-all, .osano-cm-accept", ".osano-cm-denyAll, .osano-cm-deny", ".osano-cm-manage", ".osano-cm-save"],
    ["Complianz", ".cmplz-cookiebanner", ".cmplz-accept", ".cmplz-deny", ".cmplz-view-preferences", ".cmplz-save-preferences"],
    ["TrustArc", "#truste-consent-track", "#truste-consent-button", "#truste-consent-required", "#truste-show-consent", ""],
    ["Usercentrics", "#usercentrics-root", "[data-testid=uc-accept-all-button]", "[data-testid=uc-deny-all-button]", "", ""],
    ["GOV.UK", ".govuk-cookie-banner, .gem-c-cookie-banner", "[data-accept-cookies=true], [value=yes][name^=cookies]", "[data-reject-cookies=true], [value=no][name^=cookies]", "", ""],
  ];
  const WORDED = "by its words";
  const WORDS = {
    accept: /^(yes[, ]*)?(i('m| am) (ok|happy) with|i (accept|agree)|(accept|allow|agree|enable)\b(?!.*(only|selected|selection|essential|necessary)))|^(ok|okay|got it)$/i,
    reject: /^(no[, ]*)?(reject|decline|refuse|deny|disagree|do not (use|accept|allow)|don['’]t (use|accept|allow)|(accept |allow |use )?only (essential|necessary)|(use |accept |allow )?(essential|necessary)( cookies)? only|continue without)/i,
    customise: /^(customi[sz]e|manage|change|choose|set|adjust|view)\b.*(cookie|preference|setting|option|choice|consent)|^(cookie )?(settings|preferences|options)$|^customi[sz]e$|^manage$/i,
    save: /^(save|confirm|apply)\b/i,
  };
  const roots = function* (root) {
    yield root;
    for (const element of root.querySelectorAll("*")) if (element.shadowRoot) yield* roots(element.shadowRoot);
  };
  const all = (top, css) => css ? [...roots(top)].flatMap((root) => [...root.querySelectorAll(css)]) : [];
  const squeeze = (text) => (text || "").replace(/\s+/g, " ").trim();
  const shown = (element) => {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    return style.visibility === "visible" && style.display !== "none" && box.width > 0 && box.height > 0;
  };
  const label = (button) => squeeze(button.tagName === "INPUT" ? button.value : button.innerText || button.getAttribute("aria-label"));
  const buttons = (top) => all(top, "button, [role=button], input[type=button], input[type=submit], a").filter(shown).filter((button) => label(button).length < 60);

  const ways = [];
  for (const [name, container, accept, reject, customise, save] of KNOWN) {
    for (const top of all(document, container)) {
      const within = (css) => [...all(top, css), ...(top.shadowRoot ? all(top.shadowRoot, css) : [])].filter(shown);
      // What the platform does not name is told by its words.
      const worded = (kind) => [...buttons(top), ...(top.shadowRoot ? buttons(top.shadowRoot) : [])].filter((button) => WORDS[kind].test(label(button)));
      const one = (css, kind) => within(css)[0] || worded(kind)[0];
      const found = { name, top, accept: one(accept, "accept"), reject: one(reject, "reject"), customise: one(customise, "customise"), save: one(save, "save") };
      if (found.accept || found.reject || customised && found.save) ways.push(found);
    }
  }
  const NAMED = ["id", "class", "aria-label", "data-nosnippet", "role"].flatMap((attribute) => ["cookie", "consent", "gdpr", "privacy"].map((word) => `[${attribute}*=${word} i]`)).join(",");
  for (const top of all(document, NAMED + ", [role=dialog], [role=alertdialog], dialog, [aria-modal=true]")) {
    if (/^(HTML|BODY|MAIN|A|BUTTON|INPUT|LABEL|SCRIPT|STYLE|FORM)$/.test(top.tagName) || !shown(top)) continue;
    // A form that asks for consent to something else is no banner.
    if (top.querySelector("textarea, input[type=text], input[type=email], input[type=tel], input[type=password]")) continue;
    // So is a dialog that is about something else.
    if (!/cookie/i.test(top.innerText || "")) continue;
    const found = { name: WORDED, top };
    const own = [...buttons(top), ...(top.shadowRoot ? buttons(top.shadowRoot) : [])];
    for (const kind of ["accept", "reject", "customise", "save"]) found[kind] = own.find((button) => WORDS[kind].test(label(button)));
    if (found.accept || found.reject || customised && found.save) ways.push(found);
  }
  if (!ways.length) return { state: "none" };
  // The innermost container that can do what is wanted.
  ways.sort((a, b) => (a.top.contains(b.top) ? 1 : 0) - (b.top.contains(a.top) ? 1 : 0));
  // A platform that is known names a banner better than its words do.
  const banner = (ways.find((way) => way.name !== WORDED) || ways[0]).name;
  const choose = (button, what, said) => {
    globalThis.pixelwitnessResolved = [button];
    return { state: "next", banner, what, label: said || label(button) || what };
  };
  const first = (kind) => ways.map((way) => way[kind]).find(Boolean);
  const direct = first(answer);
  if (direct && !(customised && answer === "reject" && !first("reject"))) return choose(direct, answer);
  if (answer === "reject") {
    if (customised) {
      const ticked = ways.flatMap((way) => all(way.top, "input[type=checkbox], [role=switch]")).filter((box) => !box.disabled && (box.checked || box.getAttribute("aria-checked") === "true"));
      const reach = ticked.map((box) => shown(box) ? box : (box.labels && box.labels[0])).find(Boolean);
      if (reach) return choose(reach, "untick", "untick " + squeeze(ticked[0].labels && ticked[0].labels[0] && ticked[0].labels[0].innerText));
      const save = first("save");
      if (save) return choose(save, "save");
    }
    const customise = first("customise");
    if (customise && !customised) return choose(customise, "customise");
  }
  return { state: "stuck", banner, seen: [...new Set(ways.flatMap((way) => buttons(way.top).map(label)))].filter(Boolean).slice(0, 8) };
}
