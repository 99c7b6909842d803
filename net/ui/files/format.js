// Numbers and times for people.

const kUnits = ["", "k", "M", "G", "T"];

export function short(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  let unit = 0;
  while (Math.abs(value) >= (unit ? 999.5 : 9999.5) && unit < kUnits.length - 1) {
    value /= 1000;
    ++unit;
  }
  return String(Number(value.toPrecision(Math.abs(value) >= 1000 ? 4 : 3))) + kUnits[unit];
}

export const whole = (value) => value.toLocaleString("en-US");

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

let offset = 0;  // of the gateway's clock, so that ages are right where the browser's is wrong
export const setServerTime = (text) => { offset = Date.parse(text) - Date.now(); };
export const ageSeconds = (text) => (Date.now() + offset - Date.parse(text)) / 1000;

export function ago(text) {
  if (text === null) return "never";
  const seconds = Math.max(0, ageSeconds(text));
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return `${Math.floor(seconds)} s ago`;
}

export const moment = (text) => (text === null ? "never" : new Date(text).toLocaleString());
