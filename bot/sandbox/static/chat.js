/* The chat page: three phones, the time machine, links that lead from one to the other. */

import { avatar, element, get, listen, post, region, say, setWords, toast } from "/static/api.js";
import { dress, fillWords } from "/static/look.js";
import { Pane } from "/static/pane.js";
import { alertSheet, shareSheet, whoSheet } from "/static/sheets.js";

const panes = new Map();
let state = null;
let news = false; // whether the bot has written since the clock was moved

function startPayload(url) {
  const ours = ["t.me", "telegram.me"].includes(url.hostname) && url.pathname === `/${state.bot.username}`;
  const here = url.origin === location.origin && url.pathname.startsWith("/t.me/");
  return ours || here ? url.searchParams.get("start") || "" : null;
}

function sharedText(url) {
  const text = url.searchParams.get("text") || "";
  if (url.hostname === "wa.me" || url.hostname === "api.whatsapp.com") return text;
  if (url.hostname !== "t.me" || url.pathname !== "/share/url" && url.pathname !== "/share") return null;
  const link = url.searchParams.get("url") || "";
  return text.includes(link) ? text : [text, link].filter(Boolean).join("\n");
}

function open(pane, address) {
  const url = new URL(address, location.href);
  const payload = startPayload(url);
  const text = sharedText(url);
  if (payload !== null) { show(pane); pane.follow(payload); return; }
  if (text !== null) {
    const others = state.people.filter((person) => person.id !== pane.id);
    shareSheet(pane.person, others, text);
    return;
  }
  localStorage.setItem("person", pane.person.name);
  if (["http:", "https:"].includes(url.protocol)) window.open(url, "_blank", "noopener");
}

function show(pane) {
  for (const each of panes.values()) each.root.classList.toggle("shown", each === pane);
  for (const tab of document.querySelectorAll(".tabs button")) {
    const mine = tab.dataset.id === String(pane.id);
    tab.setAttribute("aria-selected", mine);
    if (mine) tab.querySelector(".dot")?.remove();
  }
  sessionStorage.setItem("shown", pane.id);
  pane.toEnd(false);
}

function mark(pane) {
  const tab = document.querySelector(`.tabs [data-id="${pane.id}"]`);
  if (tab.getAttribute("aria-selected") !== "true" && !tab.querySelector(".dot")) tab.append(element("span", { class: "dot" }));
}

function drawTime(now) {
  const narrow = matchMedia("(max-width: 900px)").matches;
  const month = narrow ? { month: "short" } : { month: "long", year: "numeric" };
  const how = { weekday: "short", day: "numeric", ...month, hour: "2-digit", minute: "2-digit", timeZone: state.zone };
  document.getElementById("now").textContent = new Date(now).toLocaleString(region(), how);
  document.getElementById("now").dateTime = now;
}

async function travel(action, body) {
  const machine = document.querySelector(".machine");
  const keys = [...machine.querySelectorAll("button")];
  machine.classList.add("busy");
  for (const key of keys) key.disabled = true;
  news = false;
  try {
    drawTime((await post(`/api/time/${action}`, body)).now);
    if (action === "later") setTimeout(() => { if (!news) toast(say("time.others")); }, 400);
  } catch {
    toast(say("page.failed"));
  }
  machine.classList.remove("busy");
  for (const key of keys) key.disabled = false;
}

function hear(event) {
  if (event.kind === "clock") { drawTime(event.now); return; }
  if (event.kind === "reload") { load(); return; }
  const pane = panes.get(event.chat);
  if (!pane) return;
  if (event.kind === "message") { pane.hear(event.message); mark(pane); news = true; }
  if (event.kind === "pane") pane.update(event.pane);
  if (event.kind === "action") pane.typing(true);
  if (event.kind === "press") pane.pressed(event.what);
  if (event.kind === "answer") {
    pane.answered(event.what.message_id);
    if (event.what.show_alert && event.what.text) alertSheet(event.what.text);
    else if (event.what.text) pane.note(event.what.text);
    if (event.what.url) open(pane, event.what.url);
  }
}

async function load() {
  state = await get("/api/state");
  setWords(state.words);
  fillWords();
  document.title = say("page.title");
  for (const name of ["wall", "desk"]) {
    const way = document.getElementById(name);
    way.hidden = !state[name];
    if (state[name]) way.href = state[name];
  }
  const phones = document.querySelector(".phones");
  const tabs = document.querySelector(".tabs");
  panes.clear();
  phones.replaceChildren();
  tabs.replaceChildren();
  for (const person of state.people) {
    const pane = new Pane(person, { bot: state.bot, zone: state.zone, open });
    panes.set(person.id, pane);
    phones.append(pane.root);
    tabs.append(element("button", { role: "tab", "data-id": person.id, onclick: () => show(pane) }, avatar(person.name, person.role), person.name));
  }
  show(panes.get(Number(sessionStorage.getItem("shown"))) || [...panes.values()][0]);
  for (const pane of panes.values()) pane.toEnd(false);
  drawTime(state.now);
}

function arrive() {
  const query = new URLSearchParams(location.search);
  if (!query.has("start")) return;
  history.replaceState(null, "", "/");
  whoSheet(state.people, (person) => {
    const pane = panes.get(person.id);
    show(pane);
    pane.follow(query.get("start"));
  });
}

document.getElementById("later").onclick = () => travel("later", {});
for (const key of document.querySelectorAll("[data-days]")) key.onclick = () => travel("forward", { days: Number(key.dataset.days) });
for (const key of document.querySelectorAll("[data-months]")) key.onclick = () => travel("forward", { months: Number(key.dataset.months) });
document.addEventListener("click", (event) => {
  if (!event.target.closest(".menu, .head")) document.querySelector(".menu")?.remove();
});
dress(load);
await load();
arrive();
listen(hear, load);
