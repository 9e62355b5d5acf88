from __future__ import annotations

from pathlib import Path

from storage.pool import PoolCode
from tests.referrals.commands.conftest import Commands

GOOD = "code,amount,currency,expires\nZOMER-10,10.00,EUR,2027-06-30\n\nLENTE-25,25.00,eur,\n"


def written(folder: Path, text: str) -> str:
    path = folder / "codes.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_codes_are_loaded_once_listed_and_removed(ambassade: Commands, tmp_path: Path) -> None:
    shop, file = ambassade.shop(), written(tmp_path, GOOD)
    first = ambassade("voucher-pool", "load", file)
    assert (first.exit_code, first.stdout.splitlines()[0]) == (0, "2 loaded, 0 known already, 0 refused")
    assert "0 loaded, 2 known already" in ambassade("voucher-pool", "load", file).stdout
    ends = {row["code"]: row["expires_at"] and row["expires_at"].isoformat() for row in shop.rows(PoolCode)}
    assert ends == {"ZOMER-10": "2027-06-30T22:00:00+00:00", "LENTE-25": None}  # to the end of that day in Amsterdam
    listed = ambassade.json("voucher-pool", "list")
    assert [(one["amount_minor"], one["left"]) for one in listed] == [(1000, 1), (2500, 1)]
    assert "1 removed" in ambassade("voucher-pool", "remove", written(tmp_path, "code\nzomer 10\n")).stdout
    assert "1 removed" in ambassade("voucher-pool", "remove", "--all").stdout


def test_a_refused_line_is_named_without_its_code(ambassade: Commands, tmp_path: Path) -> None:
    ambassade.shop()
    lines = ("code;amount;currency", "ZOMER-10;10.00;EUR", "ZOMER-10;10.00;EUR", "LENTE-10;tien;EUR", "HERFST-1;1;XXQ")
    said = ambassade("voucher-pool", "load", written(tmp_path, "\n".join(lines)))
    assert said.exit_code == 1
    assert [line.split(":")[1] for line in said.stderr.splitlines()] == [" line 3", " line 4", " line 5"]
    assert "LENTE" not in said.output
    assert "1 loaded, 0 known already, 3 refused" in said.stdout


def test_a_file_without_the_columns_is_wrong_use(ambassade: Commands, tmp_path: Path) -> None:
    ambassade.shop()
    assert ambassade("voucher-pool", "load", written(tmp_path, "ZOMER-10,10.00,EUR\n")).exit_code == 2
    assert ambassade("voucher-pool", "load", str(tmp_path / "none.csv")).exit_code == 2
    assert ambassade("voucher-pool", "load", written(tmp_path, "code,code,amount,currency\n")).exit_code == 2
    assert ambassade("voucher-pool", "remove").exit_code == 2


def test_one_odd_line_keeps_no_other_out(ambassade: Commands, tmp_path: Path) -> None:
    """The last day of all calendars, a code over two lines, one with a NUL, and money that nobody has."""
    shop = ambassade.shop()
    odd = ("EEUWIG-1,1,EUR,9999-12-31", "EEUWIG-2,1,EUR,0001-01-01T00:00:00+05:00", '"TWEE\nREGELS",1,EUR,',
           "NUL\0NUL-1,1,EUR,", "RIJK-1000,99999999999999999999,EUR,")  # fmt: skip
    said = ambassade("voucher-pool", "load", written(tmp_path, GOOD + "\n".join(odd)))
    assert (said.exit_code, said.stdout.splitlines()[0]) == (1, "2 loaded, 0 known already, 5 refused")
    assert {row["code"] for row in shop.rows(PoolCode)} == {"ZOMER-10", "LENTE-25"}
