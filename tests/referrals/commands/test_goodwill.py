"""``ambassade goodwill``: an amount of the owner's choice, or what the rules would have given."""

from __future__ import annotations

from storage.auditlog import AuditEvent
from tests.builders import friend, order
from tests.referrals.commands.conftest import Commands


def test_goodwill_is_given_with_a_word_for_the_log(ambassade: Commands) -> None:
    shop = ambassade.shop()
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code, total=1000))
    number = shop.programme.number("customer", anna)
    said = ("goodwill", number, "--order", "1", "--why", "she asked")
    assert "nothing_to_give" in ambassade(*said).stderr
    assert ambassade(*said, "--amount", "5,00").exit_code == 2
    assert set(ambassade.json(*said, "--amount", "5.00")) == {"bonus"}
    assert shop.balance(anna).available_minor == 500
    assert [(row["actor"], row["after"]["why"]) for row in shop.rows(AuditEvent)] == [("command", "she asked")]
    assert "unknown_order" in ambassade("goodwill", number, "--order", "9", "--why", "x").stderr
    for wrong in (("--why", " "), ("--why", "x", "--shop", "none"), ("--why", "x\udcff", "--amount", "1.00")):
        refused = ambassade("goodwill", number, "--order", "1\udcff", *wrong)
        assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1), wrong
