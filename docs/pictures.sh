#!/usr/bin/env bash
# Makes the pictures of the report that the documentation shows: both builds of the demo, in light, dark and on a telephone, each
# the top of the page; and a step of the journey. Needs node and Chromium. The canaries in them are made up anew by each run.
#
# Usage: docs/pictures.sh [PIXELWITNESS]
#   PIXELWITNESS_BROWSER=path/to/chromium (default chromium, from the PATH)
set -euo pipefail
cd "$(dirname "$0")/.."
pixelwitness=$(realpath "${1:-target/release/pixelwitness}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# It exits with 1 for what it finds.
"$pixelwitness" demo -o "$work/demo" >"$work/talk" 2>&1 || [ $? = 1 ] || { cat "$work/talk"; exit 1; }
[ -s "$work/demo/fixed/data/findings.json" ] || { cat "$work/talk"; exit 1; }
for build in leaky fixed; do
    "$pixelwitness" report "$work/demo/$build" --format html -o "$work/$build.html"
done

mkdir -p docs/images
cat >"$work/pictures.mjs" <<'SCRIPT'
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
const [root, work] = process.argv.slice(2);
const { Browser } = await import(pathToFileURL(join(root, "tests/report/cdp.mjs")));
const views = {
  light: { width: 1200, height: 1500 },
  dark: { width: 1200, height: 1500, dark: true },
  390: { width: 390, height: 1400, mobile: true },
};
// A step of the leaky build's: what was clicked, and what left then.
const step = { width: 1200, height: 1060 };
const browser = await Browser.start();
try {
  const shots = ["leaky", "fixed"].flatMap((build) => Object.entries(views).map(([name, view]) => [build, name, view, ""]));
  shots.push(["leaky", "step", step, "#step-6"]);
  for (const [build, name, view, part] of shots) {
    await browser.open(pathToFileURL(join(work, `${build}.html`)).href + part, view);
    await browser.ready();
    // Pictures in it are decoded when they are drawn.
    await browser.evaluate("Promise.allSettled([document.fonts.ready, ...[...document.images].slice(0, 4).map((one) => one.decode())]).then(() => undefined)");
    writeFileSync(join(root, `docs/images/report-${build}-${name}.png`), await browser.screenshot());
    if (browser.problems.length) throw new Error(`${build}, ${name}: ${browser.problems.join("; ")}`);
  }
} finally {
  await browser.close();
}
SCRIPT
node "$work/pictures.mjs" "$PWD" "$work"

# As small as what is there can make them.
if command -v pngquant >/dev/null; then
    pngquant --force --skip-if-larger --quality 80-100 --ext .png docs/images/report-*.png || [ $? = 98 ] || [ $? = 99 ]
fi
if command -v oxipng >/dev/null; then
    oxipng --quiet --opt 4 --strip safe docs/images/report-*.png
fi
du -b docs/images/report-*.png
