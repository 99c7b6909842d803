// Small charts in SVG: lines of rates and bars of histograms.

import { el, svg } from "./dom.js";
import { short } from "./format.js";

export function sparkline(values, bad) {
  const most = Math.max(...values, 1e-9);
  const step = 100 / Math.max(values.length - 1, 1);
  const path = values.map((value, i) => `${i ? "L" : "M"}${(i * step).toFixed(1)} ${(29 - 27 * (value / most)).toFixed(1)}`).join("");
  return svg("svg", { class: bad ? "spark bad" : "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" },
    values.length > 1 && [svg("path", { class: "area", d: `${path}V30H0Z` }), svg("path", { class: "line-of", d: path })]);
}

// What JSON and Go call numbers.
const number = (text) => Number(text.replace("+Inf", "Infinity").replace("-Inf", "-Infinity"));

// [{lower, upper, count}] of a metric's buckets: an object of cumulative counts by upper bound, or the array of a native
// histogram, [boundaries, lower, upper, count].
export function bucketsOf(buckets) {
  if (Array.isArray(buckets)) {
    return buckets.map(([, lower, upper, count]) => ({ lower: number(String(lower)), upper: number(String(upper)), count: number(String(count)) }));
  }
  const bounds = Object.entries(buckets).map(([bound, count]) => [number(bound), number(count)]).sort((a, b) => a[0] - b[0]);
  return bounds.map(([upper, count], i) => ({
    lower: i ? bounds[i - 1][0] : -Infinity, upper, count: Math.max(0, count - (i ? bounds[i - 1][1] : 0)),
  }));
}

const kBarsMax = 160;

export function histogram(metric, caption) {
  let bars = bucketsOf(metric.buckets);
  const native = Array.isArray(metric.buckets);
  // Neighbours are put together until they fit.
  while (bars.length > kBarsMax) {
    bars = bars.reduce((out, bar, i) => {
      if (i % 2 === 0) out.push({ ...bar });
      else Object.assign(out[out.length - 1], { upper: bar.upper, count: out[out.length - 1].count + bar.count });
      return out;
    }, []);
  }
  const most = Math.max(...bars.map((bar) => bar.count), 1e-9);
  const width = 100 / Math.max(bars.length, 1);
  const top = bars.reduce((best, bar) => (bar.count > (best ? best.count : 0) ? bar : best), null);
  const text = `${native ? "Native histogram" : "Histogram"}, ${bars.length} buckets, count ${metric.count}, sum ${metric.sum}` +
    (top ? `; the most, ${short(top.count)}, from ${short(top.lower)} to ${short(top.upper)}` : "");
  return el("figure", null,
    svg("svg", { class: "chart", viewBox: "0 0 100 50", preserveAspectRatio: "none", role: "img", "aria-label": text },
      bars.map((bar, i) => svg("rect", {
        x: (i * width + width * 0.08).toFixed(2), width: (width * 0.84).toFixed(2),
        y: (49 - 46 * (bar.count / most)).toFixed(2), height: (46 * (bar.count / most)).toFixed(2),
      }, svg("title", null, `${short(bar.lower)} to ${short(bar.upper)}: ${bar.count}`))),
      svg("line", { x1: 0, x2: 100, y1: 49.5, y2: 49.5 })),
    el("figcaption", null,
      bars.length > 0 && el("div", null, el("span", null, short(bars[0].lower === -Infinity ? bars[0].upper : bars[0].lower)), el("span", null, short(bars[bars.length - 1].upper))),
      el("b", null, caption), ` ${text}`));
}
