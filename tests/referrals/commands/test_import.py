"""``ambassade import``: every row of the file, once, whatever happens in between."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from referrals.clock import Clock
from referrals.clock_row import set_offset
from referrals.commands import imports
from referrals.importing import kinds
from referrals.importing.runs import apply_batch
from referrals.rewarding.bonuses import HISTORY_KNOWN
from storage.database import Overloaded
from storage.imports import ImportRun
from storage.installation import Setting
from storage.ledger import HELD, Bonus
from storage.mailbox import Inbox, Outbox
from storage.orders import Order
from tests.builders import BRAM, Shop, order
from tests.referrals.commands.conftest import Commands

HEAD = "id;status;total;created_at;customer_id;email;codes\n"


def write(folder: Path, *rows: str, head: str = HEAD) -> str:
    path = folder / "orders.csv"
    path.write_text(head + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return str(path)


def row(number: int, **cells: Any) -> str:
    said = {"id": number, "status": "completed", "total": "90,00", "created_at": f"2025-01-{number % 28 + 1:02}"}
    said |= {"customer_id": number, "email": f"c{number}@example.nl", "codes": ""}
    return ";".join(str(value) for value in (said | cells).values())


def begin(ambassade: Commands, **keys: Any) -> Shop:
    shop = ambassade.shop(**keys)
    shop.database.run(set_offset, shop.now - Clock().machine())
    return shop


def test_a_file_of_orders_is_imported_once(ambassade: Commands, tmp_path: Path) -> None:
    """Rules 1, 28: no raw delivery is kept, nobody hears of it, and the same file again changes nothing."""
    shop = begin(ambassade)
    _, code = shop.ambassador("Anna")
    path = write(tmp_path, row(1), row(2, codes=code), row(3, customer_id=1, email=""))

    first, again = (ambassade.json("import", "orders", path) for _ in range(2))

    assert {name: first[name] for name in ("rows", "applied", "unchanged", "refused")} == {
        "rows": 3, "applied": 3, "unchanged": 0, "refused": 0,
    }  # fmt: skip
    assert (again["applied"], again["unchanged"]) == (0, 3)
    assert (len(shop.rows(Order)), shop.rows(Inbox), shop.rows(Outbox)) == (3, [], [])
    assert shop.faults() == []


def test_a_refused_row_changes_nothing_and_is_told_by_line_column_and_reason(
    ambassade: Commands, tmp_path: Path
) -> None:
    shop = begin(ambassade)
    path = write(
        tmp_path, row(1), row(2, total="veel"), row(3, status="\0"), row(4), head=HEAD.replace("codes", "note")
    )
    told = tmp_path / "refused.csv"

    result = ambassade("import", "orders", path, "--refused", str(told))
    assert (result.exit_code, result.stdout) == (1, "2 applied, 0 unchanged, 2 refused\n")
    assert "not used: note" in result.stderr
    with told.open(encoding="utf-8", newline="") as file:
        assert [(each["line"], each["column"]) for each in csv.DictReader(file)] == [("3", "total"), ("4", "")]
    assert "line 3: total: is no amount" in ambassade("import", "orders", path).stderr
    assert [each["external_id"] for each in shop.rows(Order)] == ["1", "4"]


def test_an_import_that_was_cut_off_goes_on_where_it_was(
    ambassade: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill -9 leaves: position and rows of whole batches, committed together."""
    shop = begin(ambassade)
    path = write(tmp_path, *[row(number) for number in range(1, 8)])
    monkeypatch.setattr(imports, "ROWS", 3)
    apply, calls = apply_batch, []

    def killed(*arguments: Any, **known: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise Overloaded("the power is gone")
        return apply(*arguments, **known)

    killed.books = True  # type: ignore[attr-defined]  # as the decorator marks a use case
    monkeypatch.setattr(imports, "apply_batch", killed)
    assert ambassade("import", "orders", path).exit_code == 1
    assert ([each["line"] for each in shop.rows(ImportRun)], len(shop.rows(Order))) == ([4], 3)

    monkeypatch.setattr(imports, "apply_batch", apply)
    found = ambassade.json("import", "orders", path)
    assert (found["resumed_after_line"], found["applied"], found["unchanged"]) == (4, 7, 0)
    assert len(shop.rows(Order)) == 7
    other = write(tmp_path, *[row(number) for number in range(1, 9)])
    assert ambassade.json("import", "orders", other)["resumed_after_line"] is None
    assert len(shop.rows(ImportRun)) == 2


def test_a_fault_of_ours_refuses_one_row_and_not_its_neighbours(
    ambassade: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 37: what our own code fails on holds up no other."""
    shop = begin(ambassade)
    path = write(tmp_path, *[row(number) for number in range(1, 6)])
    known = kinds.KINDS["orders"]

    def breaks(session: Any, states: Any, **more: Any) -> Any:
        if any(state.id == "4" for state in states):
            raise ZeroDivisionError
        return known.apply(session, states, **more)

    breaks.books = True  # type: ignore[attr-defined]  # as the decorator marks a use case
    monkeypatch.setitem(kinds.KINDS, "orders", replace(known, apply=breaks))
    result = ambassade("import", "orders", path)
    assert result.stdout == "4 applied, 0 unchanged, 1 refused\n"
    assert "line 5: internal_error: ZeroDivisionError" in result.stderr
    assert [each["external_id"] for each in shop.rows(Order)] == ["1", "2", "3", "5"]


def test_a_trial_says_the_same_and_keeps_nothing(ambassade: Commands, tmp_path: Path) -> None:
    shop = begin(ambassade)
    path = write(tmp_path, row(1), row(2, total="-1"))
    result = ambassade("import", "orders", path, "--dry-run")
    assert (result.exit_code, result.stdout) == (1, "1 applied, 0 unchanged, 1 refused; nothing was written\n")
    assert (shop.rows(Order), shop.rows(ImportRun)) == ([], [])


def test_a_whole_history_ends_the_waiting(ambassade: Commands, tmp_path: Path) -> None:
    """Rule 13: what waited only for the history is decided; a file with a refused row is not the whole of it."""
    shop = begin(ambassade, programme__no_history=False)
    config = ambassade.config.read_text(encoding="utf-8").replace("no_history = true", "no_history = false")
    ambassade.config.write_text(config, encoding="utf-8")
    anna, code = shop.ambassador("Anna")
    shop.deliver(
        order("new-1", BRAM, code=code), order("new-2", replace(BRAM, id="9", email="x@example.nl"), code=code)
    )
    assert {each["under_review"] for each in shop.rows(Bonus)} == {True}

    ambassade("import", "orders", write(tmp_path, row(1, customer_id="77"), row(2, total="")), "--complete")
    assert HISTORY_KNOWN not in {each["key"] for each in shop.rows(Setting)}
    found = ambassade.json("import", "orders", write(tmp_path, row(1, customer_id="77")), "--complete")

    assert found["history_known"]
    assert shop.reasons("new-1") == ["friend_is_existing_customer"]
    assert [each["under_review"] for each in shop.rows(Bonus) if each["status"] == HELD] == [False]
    assert shop.balance(anna).held_minor == 1500


@pytest.mark.parametrize(
    "words,content,said",
    [
        (("orders", "--shop", "other"), b"id;status;total;paid_at\n", "--shop"),
        (("orders",), b"id;status;paid_at\n", "total"),
        (("orders",), b"", "header"),
        (("orders",), "id;status\n1;\xe9".encode("cp1252"), "UTF-8"),
        (("stamps",), b"", "stamps"),
        (("orders", "--refused", "/no/such/folder/x.csv"), b"id;status;total;paid_at\n", "--refused"),
    ],
)
def test_wrong_use_is_one_readable_line_and_status_2(
    ambassade: Commands, tmp_path: Path, words: tuple[str, ...], content: bytes, said: str
) -> None:
    begin(ambassade)
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    result = ambassade("import", words[0], str(path), *words[1:])
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert said in result.stderr
    assert ambassade("import", "orders", str(tmp_path / "none.csv")).exit_code == 2


def test_the_file_that_is_imported_is_not_written_over(ambassade: Commands, tmp_path: Path) -> None:
    ambassade.shop()
    path = write(tmp_path, row(1), row(2, total="gratis"))
    (tmp_path / "same.csv").symlink_to(path)
    before = Path(path).read_bytes()
    for name in (path, str(tmp_path / "same.csv")):
        assert ambassade("import", "orders", path, "--refused", name, "--dry-run").exit_code == 2
    assert Path(path).read_bytes() == before
