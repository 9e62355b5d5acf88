/* What slides over the page: sharing, choosing a person, an alert. */

import { avatar, element, post, say, toast } from "/static/api.js";
import { copy } from "/static/bubble.js";

const dialog = () => document.getElementById("sheet");

function show(...content) {
  const sheet = dialog();
  sheet.replaceChildren(element("div", { class: "sheet" }, ...content));
  sheet.onclick = (event) => { if (event.target === sheet) sheet.close(); };
  if (!sheet.open) sheet.showModal();
}

function button(text, act, kind) {
  return element("button", { class: kind, onclick: act }, text);
}

export function alertSheet(text) {
  const close = () => dialog().close();
  show(element("p", {}, text), element("div", { class: "foot" }, button(say("page.ok"), close, "main")));
}

export function shareSheet(from, people, text) {
  const box = element("textarea", { "aria-label": say("share.title") });
  box.value = text;
  const choices = people.map((to) => element("button", {
    onclick: async () => {
      dialog().close();
      await post(`/api/people/${from.id}/send`, { to: to.id, text: box.value });
      toast(say("share.sent", { name: to.name }));
    },
  }, avatar(to.name, to.role), say("share.send", { name: to.name })));
  show(
    element("h2", {}, say("share.title")),
    element("p", {}, say("share.hint", { name: from.name })),
    box,
    element("div", { class: "choices" }, ...choices),
    element("div", { class: "foot" },
      button(say("page.cancel"), () => dialog().close(), "plain"),
      button(say("share.copy"), () => copy(box.value))),
  );
}

export function whoSheet(people, chosen) {
  const choices = people.map((person) => element("button", {
    onclick: () => { dialog().close(); chosen(person); },
  }, avatar(person.name, person.role), person.name));
  show(
    element("h2", {}, say("who.title")),
    element("p", {}, say("who.hint")),
    element("div", { class: "choices" }, ...choices),
    element("div", { class: "foot" }, button(say("page.cancel"), () => dialog().close(), "plain")),
  );
}
