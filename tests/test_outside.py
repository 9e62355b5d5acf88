"""The drill from outside still plays: three of its lines against one process, and it stays outside."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

from tests.commands import run_command
from tests.engines import fresh_url
from tests.installation import prepare
from tests.outside.databases import Databases
from tests.outside.drill import LINES, Outcome, play
from tests.outside.settings import write_config

OUTSIDE = Path(__file__).parent / "outside"
MAY_IMPORT = ("bot.sandbox.", "tests.outside.")  # of this repository: a Telegram, and itself


@pytest.fixture
def databases(tmp_path: Path) -> Databases:
    """As the commands make them, without a process for each."""
    url = fresh_url("sqlite", tmp_path)
    prepare(url)
    config = write_config(tmp_path / "template.toml", url=url, port=1, telegram="http://127.0.0.1:1", token="1:t")
    key = asyncio.run(run_command("api-key", "create", "--name", "drill", config=config)).lines[-1]
    Path(url.removeprefix("sqlite:///")).rename(tmp_path / "template.db")
    return Databases("sqlite", tmp_path, url, key)


async def test_the_drill_plays_against_a_process(databases: Databases) -> None:
    """`make drill` plays all fifteen lines on both engines."""
    told: list[Outcome] = []

    await play(databases, lines={2, 4, 8}, kills=0, tell=told.append)

    assert [outcome.line for outcome in told] == ["2", "4", "8", "books"]
    assert [outcome for outcome in told if not outcome.passed] == []


def test_the_drill_from_outside_has_every_line_and_stays_outside() -> None:
    assert list(LINES) == list(range(1, 16))
    for path in OUTSIDE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                ours = [f"{name}." for name in names if name.split(".")[0] in {"bot", "referrals", "storage", "tests"}]
                assert all(name.startswith(MAY_IMPORT) for name in ours), (path.name, ours)
