from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from referrals.cli import add_commands
from storage.database import Database
from tests.builders import Shop


def say(key: str, locale: str, **data: Any) -> str:
    return f"{key} in {locale} with {','.join(sorted(data))}"


@dataclass
class Commands:
    """The command line of Olga's installation, and the shop behind it."""

    config: Path
    database: Database
    telegram: Callable[[Any], str] | None = None

    def __call__(self, *words: str) -> Result:
        app = typer.Typer(pretty_exceptions_enable=False)
        add_commands(app, say=say, telegram=self.telegram)
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def json(self, *words: str) -> Any:
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def shop(self, **keys: Any) -> Shop:
        return Shop(self.database, **keys)


def write_config(path: Path, url: str, *, more: str = "") -> Path:
    path.write_text(
        f"""
[programme]
name = "Olga's shop"
base_url = "https://friends.example"
no_history = true
[storage]
url = "{url}"
[telegram]
token = "12345:olgas-secret-token"
api_server = "http://127.0.0.1:9"
{more}
[[shops]]
name = "webshop"
kind = "standard"
secrets = ["olgas-hook-secret"]
landing_url = "https://shop.example/?ref={{code}}"
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def ambassade(database: Database, database_url: str, tmp_path: Path) -> Commands:
    return Commands(write_config(tmp_path / "config.toml", database_url), database)
