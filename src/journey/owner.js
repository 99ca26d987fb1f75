// Runs in an isolated world on the element that shows a frame: where a point of the frame is in this document.
async function (x, y) {
  const style = getComputedStyle(this);
  const inset = (side) => parseFloat(style["border" + side + "Width"]) + parseFloat(style["padding" + side]);
  const box = () => this.getBoundingClientRect();
  const place = () => [box().left + inset("Left") + x, box().top + inset("Top") + y];
  const inView = ([left, top]) => left >= 0 && top >= 0 && left < innerWidth && top < innerHeight;
  if (!inView(place())) this.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const before = place();
  // A frame that cannot be seen draws nothing, and would never come to it.
  await new Promise((done) => { requestAnimationFrame(done); setTimeout(done, 250); });
  const now = place();
  if (Math.abs(before[0] - now[0]) > 0.5 || Math.abs(before[1] - now[1]) > 0.5) return { state: "moving", what: "its frame" };
  if (!inView(now)) return { state: "hidden", what: "its frame" };
  let hit = document.elementFromPoint(now[0], now[1]);
  while (hit && hit.shadowRoot && hit !== this) {
    const deeper = hit.shadowRoot.elementFromPoint(now[0], now[1]);
    if (!deeper || deeper === hit) break;
    hit = deeper;
  }
  if (hit !== this) return { state: "covered", what: "its frame", by: hit ? "<" + hit.tagName.toLowerCase() + (hit.id ? " id=" + hit.id : "") + ">" : "nothing" };
  return { state: "ok", x: now[0], y: now[1] };
}
