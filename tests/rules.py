"""Which of the programme's numbered rules have a test: `python -m tests.rules` prints those that have none.

A test says which rule it holds in its name (``test_rule_19_…``) or its docstring (``Rule 19: …``, ``Rules 6 and 7``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
RELEASE = TESTS / "rules_of_this_release.txt"
ALL = range(1, 45)
_MENTION = re.compile(r"\brules?[ _](\d+[a-d]?(?:(?:, | and |–|-|_)\d+[a-d]?)*)", re.IGNORECASE)


def mentioned(text: str) -> set[int]:
    """The numbers of the rules that a text names: "Rules 6a, 7 and 33–35"."""
    found: set[int] = set()
    for mention in _MENTION.finditer(text):
        for part in re.split(r", | and |_", mention[1]):
            first, *last = (int(number) for number in re.findall(r"\d+", part))
            found.update(range(first, (last[0] if last else first) + 1))
    return found


def rules_with_a_test(folder: Path) -> set[int]:
    """The rules that a test of this folder names."""
    found: set[int] = set()
    for path in folder.rglob("test_*.py"):
        for test in _tests(ast.parse(path.read_text(encoding="utf-8"))):
            found |= mentioned(f"{test.name.removeprefix('test_')}\n{ast.get_docstring(test) or ''}")
    return found


def declared(text: str) -> set[int]:
    """The rules of a list: numbers and ranges, a # begins a remark."""
    numbers: set[int] = set()
    for line in text.splitlines():
        for part in line.partition("#")[0].replace(",", " ").split():
            first, _, last = part.partition("-")
            numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and re.match(
            "test_|Test", node.name
        ):
            yield node


if __name__ == "__main__":
    release, have = declared(RELEASE.read_text(encoding="utf-8")), rules_with_a_test(TESTS)
    print("of this release, without a test:", sorted(release - have) or "none")  # noqa: T201 - it is what one asks for
    print("of all rules, without a test:", sorted(set(ALL) - have) or "none")  # noqa: T201 - likewise
