// Elements made by hand: text is only ever set as text, so nothing that was pushed can become markup.

const kSvg = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), value);
    } else if (value === true) {
      node.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// el("p", {class: "x", onclick: f}, "text", child, ...)
export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(kSvg, tag), attributes, children);

// The same values again leave the nodes alone, so that a screen reader says nothing twice.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// A table: heads are texts or {text, number: true}; rows are arrays of texts and nodes.
export function table(caption, heads, rows) {
  const of = heads.map((head) => (typeof head === "string" ? { text: head } : head));
  const cell = (content, index) => el("td", { class: of[index].number ? "number" : null }, content);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", null, el("caption", null, caption),
      el("thead", null, el("tr", null, of.map((head) => el("th", { scope: "col", class: head.number ? "number" : null }, head.text)))),
      el("tbody", null, rows.map((row) => el("tr", null, row.map(cell))))));
}

// Asks in a dialog; resolves to the text that was typed, or null. With `expected` only that text is taken.
export function ask({ title, text, action, expected }) {
  return new Promise((resolve) => {
    const input = el("input", { name: "typed", autocomplete: "off", autofocus: true });
    const confirm = el("button", { class: "danger", value: "yes", disabled: expected !== undefined }, action);
    input.addEventListener("input", () => { confirm.disabled = input.value !== expected; });
    const dialog = el("dialog", { "aria-labelledby": "dialog-title" },
      el("form", { method: "dialog" },
        el("h2", { id: "dialog-title" }, title), el("p", null, text),
        expected !== undefined && el("label", null, `Type ${expected} to confirm`, input),
        el("div", { class: "buttons" }, confirm, el("button", { value: "no" }, "Cancel"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    // Enter in the field takes the first button; a disabled one takes nothing.
    document.body.append(dialog);
    dialog.showModal();
  });
}
