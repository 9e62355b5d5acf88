"""Every line of the drill has a test of its own, on SQLite and on PostgreSQL: fifteen lines, fifteen names."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent
PLAYED = (*sorted((TESTS / "drill").glob("test_*.py")), TESTS / "test_chaos.py")
LINES = range(1, 16)
ON_BOTH = {"world", "start", "engine", "database"}  # fixtures that come once for each engine
_LINE = re.compile(r"\bdrill (\d+)", re.IGNORECASE)


def _tests(tree: ast.Module) -> list[ast.AsyncFunctionDef | ast.FunctionDef]:
    """Its test functions."""
    kinds = (ast.AsyncFunctionDef, ast.FunctionDef)
    return [node for node in tree.body if isinstance(node, kinds) and node.name.startswith("test_")]


def test_every_line_of_the_drill_is_played_on_both_engines() -> None:
    played = defaultdict(list)
    for path in PLAYED:
        for test in _tests(ast.parse(path.read_text(encoding="utf-8"))):
            said = ast.get_docstring(test) or ""
            if {each.arg for each in test.args.args} & ON_BOTH or "both engines" in said:
                for line in _LINE.findall(said):
                    played[int(line)].append(test.name)

    assert [line for line in LINES if line not in played] == []


def test_the_drill_goes_through_the_doors() -> None:
    """It sees what shops, owners and people see: of the core the codes' alphabet and the clock only."""
    allowed = {"referrals.clock", "referrals.codes"}
    for path in (TESTS / "drill").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {
                "bot",
                "referrals",
                "storage",
            }:
                module = node.module or ""
                assert module in allowed or module.startswith("bot.sandbox") or module == "bot.wiring", (
                    path.name,
                    module,
                )
