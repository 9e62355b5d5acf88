"""docs/import.md names every column, and its examples are files that can be imported."""

from __future__ import annotations

import io
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from referrals.importing.files import Records, look_over
from referrals.importing.kinds import KINDS
from tests.builders import NOON

DOC = (Path(__file__).parents[3] / "docs" / "import.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", KINDS)
def test_the_page_on_imports_names_every_column_and_its_example_can_be_read(name: str) -> None:
    kind = KINDS[name]
    section = DOC.split(f"\n## {name.capitalize()}\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", "".join(line for line in section.splitlines(keepends=True) if line[:1] == "|")))
    assert set(kind.columns) - named <= {"shop"}

    (example,) = re.findall(r"```csv\n(.*?)```", section, re.DOTALL)
    file = io.BytesIO(example.encode())
    seen = look_over(file, kind.columns)
    read = kind.reader(
        seen.names, shop="webshop", shops={"webshop"}, currency="EUR", zone=ZoneInfo("Europe/Amsterdam"), latest=NOON
    )
    rows = Records(file, delimiter=seen.delimiter, width=len(seen.names), position=seen.begin, line=seen.line)
    assert [read(record.cells) for record in rows]
    assert kind.columns_of(seen.names).ignored == []
