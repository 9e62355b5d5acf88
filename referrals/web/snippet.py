"""``GET /snippet.js``: what a shop's pages may carry so that ``ref`` and ``click`` reach the order.

What it keeps, it keeps in the shop's own localStorage for thirty days: the code and the token of the landing URL, no
cookie and nothing about the visitor. A visit with a click token replaces what is kept, a bare ``?ref=`` does not: other
people's links use that word too. Where nothing can be stored, it works for the page of the landing alone.

- **Shopify**: the cart is given the attributes ``ambassade_ref`` and ``ambassade_click``, once a session.
- **WooCommerce**: the entry page in Order Attribution's own fields carries both, as if today's visit had begun with the
  link; without Order Attribution, or without consent to it, nothing is added, for only a plugin could store more.

Source: WooCommerce, order-attribution.js; Shopify, Ajax API, Cart.
"""

from __future__ import annotations

import hashlib
from functools import cache

from aiohttp import hdrs, web

from referrals.web.look import SECURITY_HEADERS, STATIC

SNIPPET_PATH = "/snippet.js"
HOUR_SECONDS = 3600  # how long a shop's visitor may run an older one


async def serve_snippet(request: web.Request) -> web.Response:
    """The script, for any page; unchanged since the reader's copy, it is not sent again."""
    body, tag = _snippet()
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": f"public, max-age={HOUR_SECONDS}",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        hdrs.ETAG: f'"{tag}"',
    }
    if any(each.value in (tag, "*") for each in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="text/javascript", charset="utf-8", headers=headers)


@cache
def _snippet() -> tuple[bytes, str]:
    """The script, and a name for this version of it."""
    body = (STATIC / "snippet.js").read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:32]
