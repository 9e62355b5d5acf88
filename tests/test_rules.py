from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules import ALL, RELEASE, TESTS, declared, mentioned, rules_with_a_test


def test_every_rule_of_this_release_has_a_test() -> None:
    release = declared(RELEASE.read_text(encoding="utf-8"))

    assert release <= set(ALL)
    assert release - rules_with_a_test(TESTS) == set()


@pytest.mark.parametrize(
    "text,numbers",
    [
        ("Rule 19: a token connects once.", {19}),
        ("What rules 6a, 7 and 33 say.", {6, 7, 33}),
        ("Rules 33–35 together, and rule 3.", {3, 33, 34, 35}),
        ("rule_12_the_highest_kind_wins", {12}),
        ("The rules of the house; 12 of them.", set()),
    ],
)
def test_a_rule_is_mentioned_by_its_number(text: str, numbers: set[int]) -> None:
    assert mentioned(text) == numbers


def test_a_rule_counts_where_a_test_names_it(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        '"""Rule 1, of the module."""\n'
        "def test_rule_2_holds(): ...\n"
        'async def test_b():\n    """Rule 3: holds too."""\n'
        'def helper():\n    """Rule 4, of a helper."""\n',
        encoding="utf-8",
    )

    assert rules_with_a_test(tmp_path) == {2, 3}


def test_the_list_is_of_numbers_and_ranges() -> None:
    assert declared("1-3, 5 # and 6 later\n\n# 7\n9") == {1, 2, 3, 5, 9}
