"""``GET /snippet.js``: small, kept for an hour, and free for any shop's page."""

from __future__ import annotations

from typing import Any

from referrals.web.look import STATIC
from tests.referrals.web.conftest import close_web, open_web, paper_programme
from tests.referrals.web.test_hooks import Broken

MOST_BYTES = 2000


def test_the_snippet_is_small() -> None:
    """Less than 2 kB, comments and all: a shop's page waits for it."""
    assert len((STATIC / "snippet.js").read_bytes()) < MOST_BYTES


async def test_any_shop_may_carry_the_snippet_and_keep_it() -> None:
    no_database: Any = Broken(OSError("gone"))
    web = await open_web(no_database, paper_programme())
    try:
        first = await web.get("/snippet.js")
        again = await web.get("/snippet.js", headers={"If-None-Match": first.headers["ETag"]})
    finally:
        await close_web(web)

    assert (first.status, first.content_type, again.status) == (200, "text/javascript", 304)
    assert await first.read() == (STATIC / "snippet.js").read_bytes()
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert first.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in first.headers
