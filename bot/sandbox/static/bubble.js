/* One message: words with their entities, a picture, buttons. */

import { element, icon, say, toast } from "/static/api.js";

const TAGS = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote",
};

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = element("textarea", {}, text);
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  toast(say("page.copied"));
}

function dress(entity, text, acts) {
  if (entity.type === "text_link" || entity.type === "url") {
    const url = entity.url || (/^https?:/.test(text) ? text : `https://${text}`);
    return element("a", { href: url, onclick: (event) => { event.preventDefault(); acts.open(url); } });
  }
  if (entity.type === "bot_command") {
    return element("a", { href: "#", onclick: (event) => { event.preventDefault(); acts.say(text); } });
  }
  if (entity.type === "spoiler") {
    return element("span", { class: "spoiler", onclick: (event) => event.currentTarget.classList.add("open") });
  }
  if (!TAGS[entity.type]) return element("span");
  const copies = entity.type === "code" || entity.type === "pre";
  return element(TAGS[entity.type], copies ? { onclick: () => copy(text) } : {});
}

/* Offsets count UTF-16 units, and so do JavaScript's strings. */
export function rich(text, entities, acts, start = 0, end = text.length) {
  const made = document.createDocumentFragment();
  let at = start;
  let rest = entities.filter((entity) => entity.offset >= start && entity.offset + entity.length <= end);
  while (rest.length) {
    const [entity, ...others] = rest;
    const stop = entity.offset + entity.length;
    if (entity.offset < at) { rest = others; continue; }
    made.append(text.slice(at, entity.offset));
    const shell = dress(entity, text.slice(entity.offset, stop), acts);
    shell.append(rich(text, others, acts, entity.offset, stop));
    made.append(shell);
    at = stop;
    rest = others.filter((other) => other.offset >= stop);
  }
  made.append(text.slice(at, end));
  return made;
}

function picture(message) {
  const { url, width, height } = message.photo;
  const size = width > 500 ? "photo large" : "photo";
  return element("img", { class: size, src: url, width, height, alt: message.text || say("chat.photo") });
}

function file(message) {
  const { url, name, size } = message.document;
  const words = element("span", {}, name, element("small", {}, `${Math.max(1, Math.round(size / 1024))} kB`));
  return element("a", { class: "file", href: url, download: name }, icon("file"), words);
}

function keyboard(message, acts) {
  const rows = message.rows.map((row, rowNumber) => {
    const keys = row.map((key, column) => {
      const mark = key.url ? icon("out") : key.copy ? icon("copy") : null;
      const made = element("button", { class: row.length > 4 ? "narrow" : false }, key.text, mark);
      made.onclick = () => {
        if (key.copy) copy(key.copy);
        else if (key.url) acts.open(key.url);
        else { made.classList.add("waiting"); acts.press(message.id, rowNumber, column); }
      };
      return made;
    });
    return element("div", {}, ...keys);
  });
  return element("div", { class: "rows" }, ...rows);
}

export function bubble(message, { acts, clock, turn, fresh, changed }) {
  const about = [message.edited ? say("chat.edited") : "", clock(message.date)].filter(Boolean).join(" ");
  const inside = [];
  if (message.by === "friend") inside.push(element("span", { class: "from" }, say("chat.received", { name: message.name })));
  if (message.forwarded) inside.push(element("span", { class: "from" }, say("chat.forwarded")));
  if (message.reply) inside.push(element("span", { class: "quote" }, message.reply));
  if (message.photo) inside.push(picture(message));
  if (message.document) inside.push(file(message));
  inside.push(rich(message.text, message.entities, acts));
  inside.push(element("span", { class: "meta" }, about));
  const shell = element("div", { class: changed ? "bubble changed" : "bubble" }, ...inside);
  if (message.by === "bot" && acts.reply) {
    const name = say("chat.reply");
    shell.append(element("button", { class: "reply plain", title: name, "aria-label": name, onclick: () => acts.reply(message) }, icon("reply")));
  }
  const names = ["said", message.by, turn && "turn", fresh && "fresh", message.rows.length && "keys"].filter(Boolean);
  const made = element("article", { class: names.join(" "), "data-id": message.id }, shell);
  if (message.rows.length) made.append(keyboard(message, acts));
  return made;
}

