/* Ambassade: keeps who sent a visitor, from landing to order. No cookie, nothing personal. */
(function () {
  "use strict";
  var w = window, key = "ambassade", query = new URLSearchParams(location.search), kept = null, now = Date.now();
  function read(name) {
    var text = query.get(name) || "";
    return /^[\w .-]{1,64}$/.test(text) ? text : "";
  }
  var ref = read("ref"), click = read("click");
  try { kept = JSON.parse(localStorage.getItem(key)); } catch (e) {}
  if (!kept || !(kept.until > now)) kept = null;
  if (click || (ref && !kept)) kept = { ref: ref, click: click, until: now + 30 * 864e5 };
  try {
    if (kept) localStorage.setItem(key, JSON.stringify(kept));
    else localStorage.removeItem(key);
  } catch (e) {}
  if (!kept) return;

  function shopify() {
    var body = JSON.stringify({ attributes: { ambassade_ref: kept.ref, ambassade_click: kept.click } });
    try { if (sessionStorage.getItem(key) === body) return; } catch (e) {}
    fetch(((w.Shopify.routes || {}).root || "/") + "cart/update.js", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: body
    }).then(function (answer) { if (answer.ok) sessionStorage.setItem(key, body); }).catch(function () {});
  }

  function woocommerce() {
    var woo = w.wc_order_attribution, get = woo && woo.getAttributionData;
    if (!get || woo[key]) return;
    woo[key] = 1;
    woo.getAttributionData = function () {
      var data = get.call(woo), url;
      try {
        url = new URL(data.session_entry);
        for (var name of ["ref", "click"]) url.searchParams.set(name, kept[name]);
        data.session_entry = url.href;
      } catch (e) {}
      return data;
    };
    if (woo.params.allowTracking && document.querySelector(".woocommerce-checkout,wc-order-attribution-inputs"))
      woo.setOrderTracking(true);
  }

  if (w.Shopify) return shopify();
  woocommerce();
  addEventListener("DOMContentLoaded", woocommerce);
  addEventListener("load", woocommerce);
})();
