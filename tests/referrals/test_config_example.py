from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from referrals.config import Config, load_config, parse_config
from referrals.config_faults import dotted, keys

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def uncommented(text: str) -> dict[str, Any]:
    """The example with the keys that it shows in comments; those that do not go together are left out."""
    lines = [re.sub(r"^# (\[|\w+ = )", r"\1", line) for line in text.splitlines()]
    return tomllib.loads("\n".join(lines))


def written(data: Mapping[str, Any], before: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every key of the data, dotted, with its value; of a list of sections the first one."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(inner, dict):
            found |= written(inner, (*before, key))
        else:
            found[".".join((*before, key))] = value
    return found


def test_the_example_shows_every_key_and_no_other() -> None:
    assert set(written(uncommented(EXAMPLE.read_text(encoding="utf-8")))) == {dotted(path) for path, _ in keys(Config)}


def test_the_example_loads_and_shows_the_defaults() -> None:
    shown = load_config(EXAMPLE, {})
    required = {
        "programme": {"name": shown.programme.name, "base_url": shown.programme.base_url},
        "shops": [
            {
                "kind": shown.shops[0].kind,
                "secrets": [secret.get_secret_value() for secret in shown.shops[0].secrets],
                "landing_url": shown.shops[0].landing_url,
            }
        ],
    }

    assert shown.model_dump() == parse_config(required).model_dump()


def test_a_key_shown_in_a_comment_has_no_default_or_shows_it() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    commented = set(written(uncommented(text))) - set(written(tomllib.loads(text)))
    in_lists = {"bonus.milestones", "campaigns", "campaigns.ambassador", "campaigns.friend", "tiers"}

    for path, info in keys(Config):
        name = dotted(path)
        if name in commented and name.rpartition(".")[0] not in in_lists:
            assert info.is_required() or info.default is None, name


def test_every_line_of_the_example_says_what_its_key_means() -> None:
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if re.match(r"(# )?\w+ = ", line):
            assert re.search(r"\S\s+# \w", line.removeprefix("# ")), line
