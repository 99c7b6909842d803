// Which view is shown, and what keeps it fresh. Nothing is asked for while the page is hidden.

import { get } from "./api.js";
import { DetailView } from "./detail.js";
import { el, setText } from "./dom.js";
import { setServerTime } from "./format.js";
import { GroupsView, paceMs } from "./groups.js";
import { HelpView, JobsView, RejectsView, StatusView, Tiles } from "./overview.js";

const kEveryMs = 5000;
const kMessageMs = 15000;  // that something was done; what went wrong stays

const main = document.querySelector("main");
const connection = document.querySelector(".connection");
const message = el("p", { role: "status" });
const tiles = new Tiles();
let stats = null;
let timer = 0;
let messageTimer = 0;
let drawn = { at: 0, mutations: -1 };  // the view that is no list of groups

const app = {
  stats: () => stats,
  open: (hash) => { location.hash = hash; },
  say(text, bad = false) {
    message.className = bad ? "error" : "";
    setText(message, text);
    clearTimeout(messageTimer);
    if (!bad) messageTimer = setTimeout(() => setText(message, ""), kMessageMs);
  },
  showJob(job) { views.groups.showJob(job); },
};

const views = {
  groups: new GroupsView(app), jobs: new JobsView(app), rejects: new RejectsView(), status: new StatusView(app), help: new HelpView(), group: new DetailView(app),
};

function current() {
  const [name, rest] = location.hash.slice(1).split("/");
  return { name: name in views ? name : "groups", rest };
}

let shown = null;
function route() {
  const { name, rest } = current();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}` || (name === "group" && link.hash === "#groups")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const moved = shown !== null && shown !== location.hash;
  shown = location.hash;
  main.replaceChildren(message, ...(name === "groups" ? [tiles.element] : []), views[name].element);
  if (moved) main.focus({ preventScroll: true });
  if (name === "groups") return void views.groups.reload();
  drawn = { at: performance.now(), mutations: stats?.mutations };
  views[name].show(rest);
}

// What is drawn anew as a whole is left alone while somebody is at it. A look at jobs or a group is one at every group.
function redraw(name, rest) {
  const view = views[name];
  if (view.element.contains(document.activeElement) || !getSelection().isCollapsed) return;
  if (name === "rejects") return void view.show();
  if (name !== "jobs" && name !== "group") return;
  if (stats.mutations === drawn.mutations || performance.now() - drawn.at < paceMs(stats)) return;
  drawn = { at: performance.now(), mutations: stats.mutations };
  view.show(rest, true);
}

async function update() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    stats = await get("stats", {});
    setServerTime(stats.time);
    tiles.show(stats);
    setText(connection, "");
    connection.classList.remove("lost");
    const { name, rest } = current();
    if (name === "groups") views.groups.refresh(stats);
    else redraw(name, rest);
  } catch (error) {
    setText(connection, `No answer: ${error.message}`);
    connection.classList.add("lost");
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(update, kEveryMs);
}

document.addEventListener("visibilitychange", update);
window.addEventListener("hashchange", route);
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
  if (event.key === "/" && !typing && current().name === "groups") {
    views.groups.focus();
    event.preventDefault();
  }
});
route();
update();
