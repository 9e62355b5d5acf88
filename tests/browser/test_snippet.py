"""The snippet on a shop's pages, in a real browser: from the landing to what the shop puts in its order."""

from __future__ import annotations

import json
from typing import Any

from playwright.async_api import BrowserContext, Page, Route

from referrals.recruiting.shops import reading, shopify, woocommerce
from referrals.web.look import STATIC

SNIPPET = STATIC / "snippet.js"
SHOP = "https://winkel.example"
LANDING = f"{SHOP}/?ref=ANNA7K3Q&click=rT0k3n-of_Bram"
# As much of each platform as the snippet meets; WooCommerce's own script comes after it, as in a shop's footer.
SHOPIFY = "<script>window.Shopify = {routes: {root: '/nl/'}}</script><script src='/snippet.js' defer></script>"
WOOCOMMERCE = """<script src='/snippet.js'></script><body class='woocommerce-checkout'><input name='entry'><script>
window.wc_order_attribution = {
  params: {allowTracking: %s},
  getAttributionData() { return {session_entry: this.params.allowTracking ? location.origin + '/tafels' : null} },
  setOrderTracking() { document.querySelector('[name=entry]').value = this.getAttributionData().session_entry },
};
wc_order_attribution.setOrderTracking();
</script>"""


class FakeShop:
    """Every page of one shop, and the attributes of its cart."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.said: list[dict[str, Any]] = []
        self.addresses: list[str] = []

    async def answer(self, route: Route) -> None:
        """The snippet, the cart's interface, or a page."""
        address = route.request.url
        if address.endswith("/snippet.js"):
            await route.fulfill(path=SNIPPET, content_type="text/javascript")
        elif route.request.method == "POST":
            self.addresses.append(address)
            self.said.append(json.loads(route.request.post_data or ""))
            await route.fulfill(json={})
        else:
            await route.fulfill(body=f"<!doctype html><title>Winkel</title>{self.html}", content_type="text/html")


async def opened(browser: BrowserContext, html: str) -> tuple[FakeShop, Page]:
    shop = FakeShop(html)
    await browser.route(f"{SHOP}/**", shop.answer)
    return shop, await browser.new_page()


async def entry(page: Page) -> dict[str, str]:
    """What WooCommerce would write into its order."""
    return reading.parameters(await page.locator("[name=entry]").input_value())


async def test_a_cart_of_shopify_is_told_once_who_sent_its_buyer(browser: BrowserContext) -> None:
    """Rule 21: the token travels from the landing URL to the order, and no cookie is set."""
    shop, page = await opened(browser, SHOPIFY)

    await page.goto(f"{SHOP}/")
    await page.goto(LANDING)
    await page.wait_for_function("sessionStorage.getItem('ambassade')")
    for path in ("tafels", "?ref=producthunt"):
        await page.goto(f"{SHOP}/{path}")

    names = shopify.REF_NAMES[0], shopify.CLICK_NAMES[0]
    assert shop.said == [{"attributes": dict(zip(names, ("ANNA7K3Q", "rT0k3n-of_Bram"), strict=True))}]
    assert shop.addresses == [f"{SHOP}/nl/cart/update.js"]
    assert await browser.cookies() == []
    kept = json.loads(await page.evaluate("localStorage.getItem('ambassade')"))
    days = await page.evaluate("until => (until - Date.now()) / 864e5", kept["until"])
    assert kept.keys() == {"ref", "click", "until"}
    assert 29.9 < days <= 30


async def test_woocommerces_own_fields_carry_the_landing(browser: BrowserContext) -> None:
    """Rule 21: a later visit, without the parameters, still names them; after thirty days it does not."""
    _, page = await opened(browser, WOOCOMMERCE % "true")

    await page.goto(LANDING)
    await page.goto(f"{SHOP}/afrekenen")
    assert await entry(page) == {"ref": "ANNA7K3Q", "click": "rT0k3n-of_Bram"}
    assert woocommerce.LANDING_KEY == "_wc_order_attribution_session_entry"

    await page.evaluate("localStorage.setItem('ambassade', JSON.stringify({ref: 'A', click: 'c', until: 1}))")
    await page.goto(f"{SHOP}/afrekenen")
    assert await entry(page) == {}
    assert await page.evaluate("localStorage.getItem('ambassade')") is None


async def test_without_consent_or_storage_nothing_breaks(browser: BrowserContext) -> None:
    """Rule 39: nothing of ours stands in a visitor's way; whatever the page complains about fails the test."""
    shop, page = await opened(browser, WOOCOMMERCE % "false")
    await page.goto(LANDING)
    assert await entry(page) == {}

    shop.html = SHOPIFY
    refuse = "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
    await page.add_init_script(refuse + "{get() { throw new DOMException('no', 'SecurityError') }})")
    async with page.expect_request("**/cart/update.js"):
        await page.goto(LANDING)
    await page.goto(f"{SHOP}/tafels")
    assert [each["attributes"]["ambassade_ref"] for each in shop.said] == ["ANNA7K3Q"]
