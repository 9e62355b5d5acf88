from __future__ import annotations

import functools

from sqlmodel import Session, select

from referrals.programme import token_hash
from referrals.recruiting.clicks import ClickItem, find_clicks, record_clicks, shop_button_token
from storage.codes import Click
from tests.referrals.recruiting.cast import DAY, SHOP, TUESDAY, Cast


def clicks(session: Session) -> list[dict[str, object]]:
    return [click.model_dump() for click in session.exec(select(Click).order_by("id"))]


def test_a_visit_is_stored_with_the_hash_of_its_token(cast: Cast) -> None:
    """Rule 21: 128 bits, bound to its code; the token itself is nowhere."""
    anna, code = cast.ambassador()
    token = cast.click(code.code.lower())
    (row,) = cast.database.look(clicks)
    assert (row["token_hash"], row["code_id"], row["shop"], row["at"]) == (
        token_hash(token),
        code.code_id,
        SHOP,
        TUESDAY,
    )
    assert len(token) >= 22
    hit = cast.database.look(find_clicks, [token])[token]
    assert (hit.ambassador_id, hit.display, hit.customer_id) == (anna, code.code, None)


def test_a_list_of_visits_has_a_result_each_in_order(cast: Cast) -> None:
    """Rule 21: misses make no click and no token."""
    _, code = cast.ambassador()
    items = [ClickItem(typed, SHOP, TUESDAY) for typed in (code.code, "NIEMAND", "ABCDEFGH", code.code)]
    landings = cast.database.run(record_clicks, items, programme=cast.programme)
    assert [landing.miss for landing in landings] == [None, "unknown_code", "code_typing_error", None]
    assert [landing.hit for landing in landings] == [True, False, False, True]
    assert landings[1].code == "NIEMAND"
    assert landings[0].token != landings[3].token
    assert len(cast.database.look(clicks)) == 2


async def test_visits_are_recorded_in_batches(cast: Cast) -> None:
    """Rule 21: a door keeps one partial for the line."""
    _, code = cast.ambassador()
    use_case = functools.partial(record_clicks, programme=cast.programme)
    landing = await cast.database.batch(use_case, ClickItem(code.code, SHOP, TUESDAY))
    assert landing.hit


def test_a_shop_button_says_for_whom_it_was_made(cast: Cast) -> None:
    """Rules 15 and 21: any number of visits; an order with it joins chat and shop."""
    _, code = cast.ambassador()
    bram = cast.chat(102)
    token = cast.database.run(
        shop_button_token,
        code_id=code.code_id,
        customer_id=bram,
        shop=SHOP,
        now=TUESDAY + DAY,
        programme=cast.programme,
    )
    hit = cast.database.look(find_clicks, [token, "x", "\u00e9", "y" * 500, ""])
    assert {each.customer_id for each in hit.values()} == {bram}
    assert hit[token].at == TUESDAY + DAY
