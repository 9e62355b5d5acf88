/* One person's phone. */

import { avatar, element, icon, post, region, say, toast } from "/static/api.js";
import { bubble } from "/static/bubble.js";

const TYPING_MS = 5000;
const ANSWER_MS = 150000;

export class Pane {
  constructor(person, { bot, zone, open }) {
    this.person = person;
    this.bot = bot;
    this.zone = zone;
    this.messages = new Map(person.messages.map((message) => [String(message.id), message]));
    this.payload = null;
    this.open = (url) => open(this, url);
    this.acts = {
      open: this.open,
      press: (message, row, column) => this.act("press", { message, row, column }),
      say: (text) => this.act("say", { text }),
      reply: (message) => this.answer(message),
    };
    this.answering = null;
    this.build();
    this.draw();
  }

  get id() { return this.person.id; }

  async act(action, body = {}) {
    try {
      await post(`/api/people/${this.id}/${action}`, body);
    } catch {
      toast(say("page.failed"));
      this.draw();
    }
  }

  build() {
    this.status = element("small");
    this.more = element("button", { class: "plain", "aria-label": say("chat.menu"), onclick: () => this.toggleMenu() }, icon("more"));
    this.wall = element("div", { class: "wall", onscroll: () => this.showDown() });
    this.down = element("button", { class: "down", "aria-label": say("chat.down"), hidden: true, onclick: () => this.toEnd(true) }, icon("down"));
    this.foot = element("form", { class: "foot-bar", onsubmit: (event) => { event.preventDefault(); this.send(); } });
    const head = element("div", { class: "head" },
      element("img", { src: "/static/leaf.svg", alt: "" }),
      element("div", {}, element("b", {}, this.bot.name), this.status), this.more);
    this.screen = element("div", { class: "screen" }, head, this.wall, this.down, this.foot);
    const owner = element("div", { class: "owner" }, avatar(this.person.name, this.person.role),
      element("b", {}, this.person.name), element("span", {}, say(`role.${this.person.role}`)));
    this.root = element("section", { class: "phone", "data-id": this.id, "aria-label": this.person.name }, owner, this.screen);
    this.box = element("textarea", { rows: 1, placeholder: say("chat.write"), "aria-label": say("chat.write"), maxlength: 4096 });
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); this.send(); }
    });
    this.box.addEventListener("input", () => {
      this.box.style.height = "auto";
      this.box.style.height = `${this.box.scrollHeight + 2}px`;
      this.listCommands(/^\/\w*$/.test(this.box.value) ? this.box.value : null);
    });
  }

  draw() {
    this.wall.replaceChildren();
    let before = null;
    for (const message of this.messages.values()) {
      this.append(message, before, {});
      before = message;
    }
    if (!before) this.wall.append(this.hello());
    this.drawFoot();
    this.toEnd(false);
  }

  append(message, before, marks) {
    const day = this.day(message.date);
    if (!before || this.day(before.date) !== day) this.wall.append(element("div", { class: "day" }, day));
    this.wall.append(this.draft(message, { ...marks, turn: before && before.by !== message.by }));
  }

  draft(message, marks) {
    return bubble(message, { acts: this.acts, clock: (date) => this.clock(date), ...marks });
  }

  hello() {
    return element("div", { class: "hello" }, element("img", { src: "/static/leaf.svg", alt: "" }),
      element("b", {}, this.bot.name), say("chat.start_hint"));
  }

  /* A message is new, changed or gone. */
  hear(message) {
    const key = String(message.id);
    const shown = this.wall.querySelector(`[data-id="${key}"]`);
    this.typing(false);
    if (message.deleted) {
      this.messages.delete(key);
      shown?.remove();
      return;
    }
    const atEnd = this.atEnd();
    const before = [...this.messages.values()].at(-1);
    const known = this.messages.get(key);
    this.messages.set(key, message);
    if (known && shown) {
      const changed = known.text !== message.text;
      shown.replaceWith(this.draft(message, { turn: shown.classList.contains("turn"), changed }));
    } else {
      this.wall.querySelector(".hello")?.remove();
      this.append(message, before, { fresh: true });
    }
    if (atEnd || message.by === "me") this.toEnd(true);
    this.showDown();
  }

  update(person) {
    this.person = { ...this.person, ...person };
    this.drawFoot();
  }

  answered(id) {
    for (const key of this.wall.querySelectorAll(`[data-id="${id}"] .waiting`)) key.classList.remove("waiting");
  }

  pressed(id) {
    setTimeout(() => this.answered(id), ANSWER_MS);
  }

  typing(on) {
    clearTimeout(this.timer);
    this.status.textContent = say(on ? "chat.typing" : "chat.bot");
    this.status.classList.toggle("busy", on);
    if (on) this.timer = setTimeout(() => this.typing(false), TYPING_MS);
  }

  /* What the bot says to a press: briefly, over the chat. */
  note(text) {
    const shown = element("div", { class: "note" }, element("div", { class: "toast" }, text));
    this.screen.append(shown);
    setTimeout(() => shown.remove(), 3500);
  }

  follow(payload) {
    this.payload = payload;
    this.drawFoot();
  }

  drawFoot() {
    this.foot.className = "foot-bar";
    this.typing(false);
    if (this.person.blocked) {
      this.foot.replaceChildren(element("p", {}, say("chat.blocked", { name: this.person.name })), this.wide("chat.unblock", () => this.act("unblock")));
      this.foot.classList.add("link");
    } else if (this.payload !== null || !this.person.started) {
      const parts = [this.wide("chat.start", () => this.start(), true)];
      if (this.payload !== null) {
        parts.unshift(element("p", {}, say("chat.start_link")));
        this.foot.classList.add("link");
      }
      this.foot.replaceChildren(...parts);
    } else {
      const list = element("button", { type: "button", class: "round plain", title: say("chat.commands"), "aria-label": say("chat.commands"), onclick: () => this.listCommands(this.list ? null : "/") }, "/");
      const send = element("button", { class: "round main", "aria-label": say("chat.send") }, icon("send"));
      this.foot.replaceChildren(...(this.answering ? [this.answeringBar()] : []), list, this.box, send);
      this.foot.classList.toggle("replies", Boolean(this.answering));
    }
  }

  /* The next text is a reply to this message, as in any chat app. */
  answer(message) {
    if (!this.person.started || this.person.blocked) return;
    this.answering = message;
    this.drawFoot();
    if (message) this.box.focus();
  }

  answeringBar() {
    const name = say("chat.reply_not");
    const away = element("button", { type: "button", class: "plain", title: name, "aria-label": name, onclick: () => this.answer(null) }, icon("cross"));
    return element("div", { class: "answering" }, icon("reply"), element("span", {}, this.answering.text), away);
  }

  wide(word, act, pulse = false) {
    return element("button", { type: "button", class: pulse ? "main wide pulse" : "main wide", onclick: act }, say(word));
  }

  start() {
    const payload = this.payload;
    this.payload = null;
    this.act("start", payload ? { payload } : {});
    this.person.started = true;
    this.drawFoot();
  }

  send() {
    const text = this.box.value.trim();
    this.listCommands(null);
    if (!text) return;
    this.box.value = "";
    this.box.style.height = "auto";
    const reply = this.answering;
    if (reply) this.answer(null);
    this.act("say", reply ? { text, reply_to: reply.id } : { text });
  }

  listCommands(typed) {
    this.list?.remove();
    this.list = null;
    const found = typed === null ? [] : this.person.commands.filter((each) => `/${each.command}`.startsWith(typed));
    if (!found.length) return;
    const choose = (each) => { this.box.value = ""; this.listCommands(null); this.act("say", { text: `/${each.command}` }); };
    this.list = element("div", { class: "commands" }, ...found.map((each) => element("button",
      { type: "button", onclick: () => choose(each) }, element("b", {}, `/${each.command}`), element("span", {}, each.description))));
    this.foot.append(this.list);
  }

  toggleMenu() {
    const shown = this.screen.querySelector(".menu");
    if (shown) { shown.remove(); return; }
    const { blocked } = this.person;
    const choose = () => { this.screen.querySelector(".menu").remove(); this.act(blocked ? "unblock" : "block"); };
    this.screen.append(element("div", { class: "menu" }, element("button",
      { class: blocked ? false : "danger", onclick: choose, disabled: !this.person.started }, say(blocked ? "chat.unblock" : "chat.block"))));
  }

  atEnd() { return this.wall.scrollHeight - this.wall.scrollTop - this.wall.clientHeight < 120; }

  toEnd(smooth) {
    requestAnimationFrame(() => this.wall.scrollTo({ top: this.wall.scrollHeight, behavior: smooth ? "smooth" : "instant" }));
  }

  showDown() { this.down.hidden = this.atEnd(); }

  clock(date) {
    return new Date(date * 1000).toLocaleTimeString(region(), { hour: "2-digit", minute: "2-digit", timeZone: this.zone });
  }

  day(date) {
    return new Date(date * 1000).toLocaleDateString(region(), { weekday: "long", day: "numeric", month: "long", timeZone: this.zone });
  }
}
