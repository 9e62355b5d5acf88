"""What a file of the world may hold: quotes, line breaks, tabs, NULs, other encodings, rows without end."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from referrals.importing import cells, order_rows
from referrals.importing.cells import Refused
from referrals.importing.files import LARGEST_ROW, BrokenFile, Record, Records, look_over
from referrals.recruiting.shops import OrderState
from tests.builders import NOON

HEAD = "id;status;total;created_at;email"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def records(content: bytes, width: int = 2, delimiter: str = ";") -> list[Record]:
    return list(Records(io.BytesIO(content), delimiter=delimiter, width=width, position=0, line=0))


def read(head: str, row: str, *, delimiter: str = ";") -> OrderState:
    reader = order_rows.reader(
        head.split(delimiter), shop="webshop", shops={"webshop", "outlet"}, currency="EUR", zone=AMSTERDAM, latest=NOON
    )
    return reader(row.split(delimiter))


@pytest.mark.parametrize("delimiter", [";", ",", "\t"], ids=["semicolon", "comma", "tab"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a BOM"])
def test_a_header_in_any_order_tells_what_stands_between_cells(delimiter: str, bom: bytes) -> None:
    head = delimiter.join(["Total", '"Created at"', "ID", "a;b" if delimiter != ";" else "x", "status"])
    seen = look_over(io.BytesIO(bom + head.encode() + b"\r\n"), order_rows.COLUMNS)
    assert (seen.delimiter, seen.names[:3]) == (delimiter, ["total", "created_at", "id"])


@pytest.mark.parametrize(
    "content,said",
    [
        ("id;naam\n1;Ren\xe9\n".encode("cp1252"), "line 2: the file is not UTF-8"),
        ("id;naam\n1;x\n".encode("utf-16"), "UTF-16"),
        ("id;naam\n1;é".encode()[:-1], "line 2: the file ends within a character"),
        (b"id;total;id\n", "the column id stands there twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(content: bytes, said: str) -> None:
    with pytest.raises(BrokenFile, match=said):
        look_over(io.BytesIO(content), order_rows.COLUMNS)


def test_quotes_line_breaks_and_empty_lines_are_cells_and_lines_keep_their_numbers() -> None:
    content = b'1;"a;b"\r\n\r\n2;"two\nlines, and ""quotes"""\n3;x'
    assert records(content) == [
        (1, ["1", "a;b"], None),
        (3, ["2", 'two\nlines, and "quotes"'], None),
        (5, ["3", "x"], None),
    ]


@pytest.mark.parametrize(
    "row,fault",
    [
        (b"1;a\0b", "a NUL character"),
        (b"1;2;3", "3 cells, and the header has 2"),
        (b'1;"a"b', "quotes that do not fit, or a line break that is none"),
        (b"1;a\rb", "quotes that do not fit, or a line break that is none"),
        (b"1;" + b"x" * 2 * LARGEST_ROW, "longer than 64 KiB"),
    ],
    ids=["NUL", "cells", "quotes", "lone CR", "long"],
)
def test_a_fault_within_a_line_refuses_that_row_only(row: bytes, fault: str) -> None:
    assert records(row + b"\n2;good\n") == [(1, [], fault), (2, ["2", "good"], None)]


@pytest.mark.parametrize(
    "content",
    [b'1;"never closed\n2;paid\n3;paid\n', b'1;"a\n2;paid"x\n3;paid\n', b'1;"' + b"2;paid\n" * LARGEST_ROW + b'"\n'],
    ids=["never closed", "closed askew", "closed too late"],
)
def test_lines_inside_a_quote_are_never_read_as_rows(content: bytes) -> None:
    """A customer's note cannot make an order."""
    with pytest.raises(BrokenFile, match=r"line \d+"):
        records(content)


def test_reading_goes_on_at_any_row() -> None:
    content = 'id;x\n1;"é\né"\n2;b\n3;c\n'.encode()
    first = Records(io.BytesIO(content), delimiter=";", width=2, position=5, line=1)
    next(iter(first))
    rest = Records(io.BytesIO(content), delimiter=";", width=2, position=first.position, line=first.line)
    assert [(record.line, record.cells[0]) for record in rest] == [(4, "2"), (5, "3")]


@pytest.mark.parametrize(
    "cell,minor",
    [("90.00", 9000), ("90,00", 9000), ("90", 9000), ("0,5", 50), (" 1234.50 ", 123450), ("90.0000", 9000)],
)
def test_an_amount_has_a_point_or_a_comma(cell: str, minor: int) -> None:
    assert cells.amount(cell, "total", "EUR") == minor


@pytest.mark.parametrize(
    "cell", ["1.234,50", "1,234.50", "1.234", "90.000", "90,000", "€ 90", "-5.00", "", "1e3", "٩", "9" * 30]
)
def test_an_amount_that_could_mean_another_one_is_refused(cell: str) -> None:
    with pytest.raises(Refused, match=r"^total: "):
        cells.amount(cell, "total", "EUR")


@pytest.mark.parametrize(
    "cell,moment",
    [
        ("2026-07-01T10:00:00+02:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-07-01 10:00:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-01-10", datetime(2026, 1, 9, 23, tzinfo=UTC)),
        ("2026-01-10T10:00Z", datetime(2026, 1, 10, 10, tzinfo=UTC)),
        ("2025-10-26 02:30", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        ("", None),
    ],
    ids=["offset", "local summer", "a day", "UTC", "the hour that comes twice: its first", "empty"],
)
def test_a_time_without_an_offset_is_the_programmes(cell: str, moment: datetime | None) -> None:
    assert cells.moment(cell, "paid_at", zone=AMSTERDAM, latest=NOON) == moment


@pytest.mark.parametrize(
    "cell", ["24-11-2026", "11/24/2026", "2026-02-30", "20261124", "2027-01-01", "1899-12-30", "x"]
)
def test_what_is_no_date_or_no_past_is_refused(cell: str) -> None:
    with pytest.raises(Refused, match=r"^paid_at: "):
        cells.moment(cell, "paid_at", zone=AMSTERDAM, latest=NOON)


def test_a_row_reads_as_the_hook_would_have_said_it() -> None:
    """Rules 1, 2: without ``updated_at`` the row's own newest time is its version, never that of the import."""
    head = "id;status;total;refunded;created_at;paid_at;customer_id;email;codes;base;shop;phone;test;customer_orders"
    state = read(head, "7;Paid;90,00;10.00;2026-07-01;2026-07-02;0;a@b.nl;ANNA|MATS;85.00;outlet;'+31612345678;nee;1")
    assert (state.total_minor, state.base_minor, state.refunded_minor, state.currency) == (9000, 8500, 1000, "EUR")
    assert state.updated_at == state.paid_at == datetime(2026, 7, 1, 22, tzinfo=UTC)
    assert (state.buyer.id, state.buyer.phone, state.codes) == (None, "+31612345678", ("ANNA", "MATS"))
    assert (state.shop, state.test, state.buyer.orders) == ("outlet", False, 1)


@pytest.mark.parametrize(
    "row,column",
    [
        ("1;shipped;9.00;2026-01-01;", "status"),
        (";paid;9.00;2026-01-01;", "id"),
        ("1\x07;paid;9.00;2026-01-01;", "id"),
        ("1;paid;;2026-01-01;", "total"),
        ("1;paid;9.00;;", "created_at"),
    ],
)
def test_a_refused_row_names_its_column_and_not_what_it_holds(row: str, column: str) -> None:
    """Rule 41."""
    with pytest.raises(Refused) as caught:
        read(HEAD, row + "anna@example.nl")
    assert caught.value.column == column
    assert "anna" not in str(caught.value)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(Refused, match="created_at or paid_at: the header has no such column"):
        read("id;status;total", "1;paid;9")


@pytest.mark.parametrize(
    "head, row, named",
    [
        ("id;number;status;total;paid_at", "5871;#1001;paid;9,00;2024-03-01", ("5871", "1001")),
        ("id;number;status;total;paid_at", "1001;#1001;paid;9,00;2024-03-01", ("1001", None)),
        ("number;status;total;paid_at", "1001;paid;9,00;2024-03-01", ("1001", None)),
    ],
)
def test_what_a_buyer_reads_as_the_number_stands_beside_the_id(
    head: str, row: str, named: tuple[str, str | None]
) -> None:
    """Rule 20: with it they connect their chat."""
    state = read(head, row)
    assert (state.id, state.number) == named
