/* Talking with the sandbox: state, actions, and the stream of changes. */

let words = {};

export const setWords = (given) => { words = given; };

export function say(key, data = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => data[name] ?? whole);
}

export const locale = () => localStorage.getItem("locale") || "nl";

/* How dates and numbers are written. */
export const region = () => (locale() === "nl" ? "nl-NL" : "en-GB");

export async function get(path) {
  const reply = await fetch(`${path}?locale=${locale()}`, { headers: { Accept: "application/json" } });
  if (!reply.ok) throw new Error(reply.status);
  return reply.json();
}

export async function post(path, body = {}) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!reply.ok) throw Object.assign(new Error(path), { status: reply.status });
  return reply.json();
}

export function listen(heard, again) {
  const stream = new EventSource("/api/events");
  let lost = false;
  stream.onmessage = (event) => heard(JSON.parse(event.data));
  stream.onopen = () => { if (lost) again(); lost = false; };
  stream.onerror = () => { lost = true; };
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const ICONS = {
  out: "M7 17 17 7M9 7h8v8",
  copy: "M9 9h10v11H9zM5 15V4h10",
  send: "M4 12 20 4l-5 16-3.5-6.5z",
  more: "M12 5v.01M12 12v.01M12 19v.01",
  down: "M6 9l6 6 6-6",
  reply: "M10 8l-5 5 5 5M5 13h9a5 5 0 0 1 5 5",
  cross: "M6 6l12 12M18 6 6 18",
  file: "M14 3H6v18h12V7zM14 3v4h4",
};

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function avatar(name, role) {
  return element("span", { class: "avatar", "data-role": role, "aria-hidden": "true" }, name.slice(0, 1));
}

export function toast(text) {
  const shown = element("div", { class: "toast" }, text);
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), 3200);
}
