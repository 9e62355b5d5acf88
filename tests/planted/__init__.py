"""Bugs that were planted on purpose: a patch each, with the test that must catch it.

A patch begins with ``Test: <node of pytest>`` and ``Bug: <what is wrong>``, then comes a unified diff of the tree, as
``git diff`` prints it. ``tests/test_planted.py`` applies each to a copy of the packages and expects its test to fail.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from hypothesis import Phase

FOLDER = Path(__file__).parent
COPIED = ("storage", "referrals", "bot", "tests", "pyproject.toml")
WITHIN = "AMBASSADE_PLANTED"  # set for a test that runs with a planted bug
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")


class DoesNotApply(ValueError):
    """The tree has changed where the patch would change it: make the patch anew."""


@dataclass(frozen=True)
class Hunk:
    """Some lines that take the place of others, near a line of the file."""

    line: int
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class Planted:
    """One bug."""

    name: str
    test: str
    bug: str
    changes: dict[str, tuple[Hunk, ...]]  # by file


def phases() -> tuple[Phase, ...]:
    """For a property that may take long to shrink: with a planted bug in it, that it fails is all that is asked."""
    return (Phase.explicit, Phase.generate) if WITHIN in os.environ else tuple(Phase)


def read_patch(path: Path) -> Planted:
    """The patch in this file."""
    head, _, diff = path.read_text(encoding="utf-8").partition("\n--- ")
    said = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    changes: dict[str, tuple[Hunk, ...]] = {}
    for part in ("--- " + diff).split("\n--- "):
        names, *hunks = re.split(r"^(?=@@ )", part, flags=re.MULTILINE)
        name = names.splitlines()[1].removeprefix("+++ ").removeprefix("b/").split("\t")[0]
        changes[name] = tuple(map(_hunk, hunks))
    return Planted(path.stem, said["Test"], said["Bug"], changes)


def copy_tree(root: Path, into: Path) -> None:
    """The packages and the tests stand in this folder too, without what running them left."""
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, into / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, into / name)


def apply(planted: Planted, root: Path) -> dict[Path, str]:
    """The bug is in the tree; returns what its files were before. Raises: DoesNotApply."""
    before = {root / name: (root / name).read_text(encoding="utf-8") for name in planted.changes}
    for name, hunks in planted.changes.items():
        lines = before[root / name].splitlines()
        for hunk in reversed(hunks):
            start = _place(lines, hunk, name)
            lines[start : start + len(hunk.old)] = hunk.new
        (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return before


def _hunk(text: str) -> Hunk:
    head, *lines = text.splitlines()
    found = _HUNK.match(head)
    if found is None:
        raise DoesNotApply(head)
    old = tuple(line[1:] for line in lines if line[:1] in (" ", "-", ""))
    new = tuple(line[1:] for line in lines if line[:1] in (" ", "+", ""))
    return Hunk(int(found[1]), old, new)


def _place(lines: list[str], hunk: Hunk, name: str) -> int:
    """Where the old lines stand: the place nearest to the one that the patch names."""
    size = len(hunk.old)
    places = [start for start in range(len(lines) - size + 1) if tuple(lines[start : start + size]) == hunk.old]
    if not places:
        raise DoesNotApply(f"{name}, line {hunk.line}")
    return min(places, key=lambda start: abs(start + 1 - hunk.line))
