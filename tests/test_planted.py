"""The tests catch bugs: each of those that are planted here makes its test fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.planted import FOLDER, WITHIN, DoesNotApply, Planted, apply, copy_tree, read_patch

ROOT = Path(__file__).parents[1]
PLANTED = [read_patch(path) for path in sorted(FOLDER.glob("*.patch"))]
ALL = "AMBASSADE_ALL_PLANTED"  # make planted: every one takes a pytest of its own, minutes together
QUICK = {"cap_off_by_one", "expiry_a_moment_late", "score_changes_for_ever"}
TRIED = PLANTED if os.environ.get(ALL) else [planted for planted in PLANTED if planted.name in QUICK]
FAILED = 1  # pytest ran and a test failed; another number would say that nothing was tested


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree that may be spoilt."""
    folder = tmp_path_factory.mktemp("planted")
    copy_tree(ROOT, folder)
    return folder


@pytest.fixture
def spoilt(tree: Path, planted: Planted) -> Iterator[Path]:
    """The copy with the bug in it, for as long as the test runs."""
    before = apply(planted, tree)
    yield tree
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")


@pytest.mark.timeout(240)  # a whole pytest on a machine that may be busy
@pytest.mark.parametrize("planted", TRIED, ids=lambda planted: planted.name)
def test_a_planted_bug_is_caught(planted: Planted, spoilt: Path) -> None:
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", planted.test]
    environment = os.environ | {WITHIN: "1"}
    ended = subprocess.run(command, cwd=spoilt, capture_output=True, text=True, check=False, env=environment)

    assert ended.returncode == FAILED, f"{planted.bug}\n{ended.stdout[-3000:]}\n{ended.stderr[-1000:]}"


def test_every_patch_fits_the_tree(tree: Path) -> None:
    """One that does not would be noticed by `make planted` only."""
    for planted in PLANTED:
        for path, text in apply(planted, tree).items():
            path.write_text(text, encoding="utf-8")


def test_bugs_are_planted_in_the_cadence_and_in_the_gates_of_references() -> None:
    assert len(PLANTED) >= 5
    assert {planted.name for planted in TRIED} >= QUICK
    assert all(planted.bug and planted.test.startswith("tests/") for planted in PLANTED)


def test_a_patch_that_no_longer_fits_the_tree_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one = 1\ntwo = 2\n", encoding="utf-8")
    patch = tmp_path / "b.patch"
    patch.write_text(
        "Test: tests/x.py\nBug: three\n\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n one = 1\n-two = 2\n+two = 3\n"
    )

    apply(read_patch(patch), tmp_path)

    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "one = 1\ntwo = 3\n"
    with pytest.raises(DoesNotApply):
        apply(read_patch(patch), tmp_path)
