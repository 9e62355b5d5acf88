/* The demo shop: a basket, a checkout, and the shopkeeper's list of orders. */

import { avatar, element, get, listen, post, region, say, setWords, toast } from "/static/api.js";
import { dress, euro, fillWords } from "/static/look.js";

const at = (id) => document.getElementById(id);
const basket = new Map(Object.entries(JSON.parse(sessionStorage.getItem("basket") || "{}")).map(([id, n]) => [Number(id), n]));
let state = null;
let person = localStorage.getItem("person") || "Bram";

/* How this person came in is remembered for each of them, as their own browsers would. */
const entryKey = () => `entry.${person}`;
const entry = () => JSON.parse(localStorage.getItem(entryKey()) || "{}");

function arrive() {
  const query = new URLSearchParams(location.search);
  if (!query.has("ref")) return;
  localStorage.setItem(entryKey(), JSON.stringify({ ref: query.get("ref"), click: query.get("click") || "" }));
  history.replaceState(null, "", "/shop");
}

function put(id, number) {
  if (number > 0) basket.set(id, number);
  else basket.delete(id);
  sessionStorage.setItem("basket", JSON.stringify(Object.fromEntries(basket)));
  drawBasket();
}

function drawProducts() {
  at("products").replaceChildren(...state.products.map((product) => element("article", { class: "product" },
    element("img", { src: `/static/products/${product.key}.svg`, alt: "" }),
    element("div", {}, element("p", {}, product.name, element("b", {}, euro(product.price_minor))),
      element("button", { onclick: () => put(product.id, (basket.get(product.id) || 0) + 1) }, say("shop.add"))))));
}

function line(name, amount, kind, remove) {
  const gone = remove ? element("button", { type: "button", "aria-label": say("shop.remove"), title: say("shop.remove"), onclick: remove }, "×") : null;
  return element("div", { class: `line ${kind}` }, element("span", {}, name), amount, gone);
}

function drawBasket() {
  const chosen = state.products.filter((product) => basket.has(product.id));
  for (const id of ["both", "only"]) at(id).disabled = !chosen.length;
  if (!chosen.length) { at("lines").replaceChildren(element("p", {}, say("shop.empty"))); return; }
  const goods = chosen.reduce((sum, product) => sum + product.price_minor * basket.get(product.id), 0);
  const shipping = goods >= state.free_from_minor ? 0 : state.shipping_minor;
  const lines = chosen.map((product) => {
    const number = basket.get(product.id);
    const name = number > 1 ? `${number} × ${product.name}` : product.name;
    return line(name, euro(product.price_minor * number), "", () => put(product.id, number - 1));
  });
  lines.push(line(say("shop.shipping"), shipping ? euro(shipping) : say("shop.free"), "small"));
  lines.push(line(say("shop.total"), euro(goods + shipping), "sum"));
  at("lines").replaceChildren(...lines);
}

function choose(name) {
  person = name;
  localStorage.setItem("person", name);
  const gift = { amount: euro(state.coupon_minor), least: euro(state.coupon_from_minor) };
  at("code_hint").textContent = say("shop.code_hint", gift);
  const known = state.people.find((each) => each.name === name);
  at("first_name").value = known?.name || "";
  at("email").value = known?.email || "";
  at("people").replaceChildren(...state.people.map((each) => element("button",
    { type: "button", "aria-pressed": String(each.name === name), onclick: () => choose(each.name) },
    avatar(each.name, each.role), each.name)));
  const { ref } = entry();
  at("code").value = ref || "";
  at("came").hidden = !ref;
  at("came").replaceChildren(say("shop.came_by", { code: ref }), element("button", {
    onclick: () => { localStorage.removeItem(entryKey()); choose(person); },
  }, say("shop.forget")));
}

function answer(order) {
  if (!order.answer) return null;
  const { http, status, reasons = [] } = order.answer;
  if (!http) return element("p", { class: "answer bad" }, say("shop.no_answer"));
  const said = [http, status, ...reasons.map((reason) => reason.code || reason)].filter(Boolean).join(" · ");
  return element("p", { class: http < 300 ? "answer" : "answer bad" }, `${say("shop.answer")} `, element("code", {}, said));
}

function drawOrders() {
  at("trouble").hidden = !state.disabled;
  if (!state.orders.length) { at("orders").replaceChildren(element("p", { class: "empty" }, say("shop.no_orders"))); return; }
  at("orders").replaceChildren(...state.orders.map((order) => {
    const date = new Date(order.created).toLocaleDateString(region(), { day: "numeric", month: "long" });
    const what = order.lines.map((each) => (each.quantity > 1 ? `${each.quantity} × ${each.name}` : each.name)).join(", ");
    const extra = [
      order.coupon && say("shop.coupon", { code: order.coupon }),
      order.refunded_minor && say("shop.refunded", { amount: euro(order.refunded_minor) }),
      order.typed_code && say("shop.unknown_code", { code: order.typed_code }),
    ].filter(Boolean);
    return element("article", { class: "order" },
      element("header", {}, element("b", {}, say("shop.number", { number: order.id })),
        element("span", { class: `state ${order.status}` }, say(`status.${order.status}`)),
        element("span", {}, `${order.name} · ${date}`), element("span", { class: "sum" }, euro(order.total_minor))),
      element("p", { class: "what" }, [what, ...extra].join(" · ")),
      answer(order),
      element("footer", {}, order.mailed ? element("button", { onclick: () => openMail(order) }, say("action.mail")) : null, ...order.actions.map((action) => element("button", {
        class: ["trash", "delete", "cancel"].includes(action) ? "danger" : action === "pay" ? "main" : false,
        onclick: () => act(order, action),
      }, say(`action.${action}`)))));
  }));
}

async function act(order, action) {
  try {
    await post(`/api/shop/orders/${order.id}/${action}`);
  } catch {
    toast(say("shop.not_now"));
  }
  await refresh();
}

/* The mail that the buyer got: its link leads into the chat. */
async function openMail(order) {
  try {
    localStorage.setItem("person", order.name);
    location.assign((await post(`/api/shop/orders/${order.id}/mail`)).url);
  } catch {
    toast(say("shop.not_now"));
  }
}

async function order(pay) {
  if (!at("basket").reportValidity()) return;
  const body = {
    basket: Object.fromEntries(basket), pay, ...entry(),
    first_name: at("first_name").value.trim(), email: at("email").value.trim(), code: at("code").value.trim(),
  };
  try {
    const made = await post("/api/shop/orders", body);
    basket.clear();
    sessionStorage.removeItem("basket");
    at("code").value = "";
    toast(say("shop.placed", { number: made.id }));
  } catch {
    toast(say("page.failed"));
  }
  await refresh();
}

async function refresh() {
  state = await get("/api/shop");
  setWords(state.words);
  drawBasket();
  drawOrders();
}

async function load() {
  await refresh();
  fillWords();
  document.title = say("shop.title");
  drawProducts();
  choose(person);
}

at("basket").onsubmit = (event) => { event.preventDefault(); order(true); };
at("only").onclick = () => order(false);
at("enable").onclick = async () => { await post("/api/shop/enable"); await refresh(); };
arrive();
dress(load);
await load();
listen((event) => { if (event.kind === "shop" || event.kind === "clock") refresh(); }, refresh);
