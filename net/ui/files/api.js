// The gateway's endpoints, below whatever prefix the page was loaded from.

export const base = new URL(".", document.baseURI);

async function request(path, parameters, options = {}) {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(parameters || {})) {
    for (const one of [value].flat()) if (one !== "" && one !== undefined && one !== null) url.searchParams.append(name, one);
  }
  const answer = await fetch(url, { cache: "no-store", credentials: "same-origin", ...options });
  const text = await answer.text();
  if (answer.ok) return text;
  let why = text.trim();
  try {
    why = JSON.parse(text).error || why;
  } catch {
    // Not all errors are JSON.
  }
  throw new Error(why || `The gateway answered with ${answer.status}.`);
}

export async function get(path, parameters, signal) {
  return JSON.parse(await request(`api/v1/${path}`, parameters, { signal })).data;
}

export const deleteGroup = (labels) => request(`metrics/${keyPath(labels)}`, {}, { method: "DELETE" });
export const deleteMatching = async (filter, count) =>
  JSON.parse(await request("api/v1/groups", { ...filter, count }, { method: "DELETE" })).data.deleted;
export const wipe = () => request("api/v1/admin/wipe", {}, { method: "PUT" });

function base64(text) {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") || "=";
}

// Names that are not legacy ones, as the gateway reads them with --push.enable-utf8-names.
function escapedName(name) {
  if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) return name;
  let out = "U__";
  for (const [index, character] of [...name].entries()) {
    if (character === "_") out += "__";
    else if (/[a-zA-Z:]/.test(character) || (index > 0 && /[0-9]/.test(character))) out += character;
    else out += `_${character.codePointAt(0).toString(16)}_`;
  }
  return out;
}

// `job/x/zone/eu`: what stands behind /metrics/. Whatever a path could change goes as base64.
export function keyPath(labels) {
  const part = (name, value) => {
    const plain = /^[A-Za-z0-9_:.-]+$/.test(value) && !/^\.+$/.test(value);
    return plain ? `${name}/${value}` : `${name}@base64/${base64(value)}`;
  };
  const rest = Object.entries(labels).filter(([name]) => name !== "job");
  return [part("job", labels.job ?? ""), ...rest.map(([name, value]) => part(encodeURIComponent(escapedName(name)), value))].join("/");
}

// A path is made of letters, digits and signs that no shell looks at.
export const curlDelete = (labels) => `curl -X DELETE '${new URL(`metrics/${keyPath(labels)}`, base)}'`;
export const curlPush = (labels) => `echo 'some_metric 3.14' | curl --data-binary @- '${new URL(`metrics/${keyPath(labels)}`, base)}'`;
export const curlShow = (id) => `curl '${new URL(`api/v1/groups/${id}`, base)}'`;
