"""The house keeps its arrows, and each rule catches what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layers import MOST_LINES, PACKAGES, loaded_with, modules, violations

ROOT = Path(__file__).parents[1]
WITHOUT_A_CHAT = ("bot.__main__", "referrals.cli", "referrals.web.app", "referrals.jobs.clock")


def plant(root: Path, path: str, source: str) -> None:
    """A file of the tree, as somebody might write it."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(source, encoding="utf-8")


def test_the_house_keeps_its_rules() -> None:
    assert violations(ROOT) == []


def test_every_package_is_looked_at() -> None:
    assert {module.name.partition(".")[0] for module in modules(ROOT)} == set(PACKAGES)


@pytest.mark.parametrize(
    "path,source,fault",
    [
        ("storage/a.py", "from referrals.money import minor", "storage lies below it"),
        ("storage/a.py", "def f():\n    import bot.texts", "storage lies below it"),
        ("referrals/a.py", "import bot", "referrals lies below it"),
        ("referrals/a.py", "from tests.builders import anna", "referrals lies below it"),
        ("referrals/a.py", "from . import money", "imports are absolute"),
        ("referrals/people/a.py", "from referrals.web import app", "import doors"),
        ("referrals/a.py", "import referrals.cli", "import doors"),
        ("referrals/web/a.py", "from referrals.jobs.clock import tick", "import doors"),
        ("referrals/web/a.py", "from referrals import outside", "import doors"),
        ("referrals/recruiting/a.py", "from referrals.outside.client import ShopClient", "import doors"),
        ("referrals/outside/a.py", "from referrals.jobs.registry import JOBS", "import doors"),
        ("bot/screens/a.py", "from referrals.web.app import make_app", "import doors"),
        ("referrals/people/a.py", "from referrals.rewarding import books", "may not use referrals.rewarding"),
        ("referrals/rewarding/a.py", "from referrals.recruiting import orders", "may not use referrals.recruiting"),
        ("referrals/asking/a.py", "from referrals.figures.board import rows", "may not use referrals.figures"),
        ("referrals/figures/a.py", "import referrals.rewarding.rules", "may not use referrals.rewarding"),
        ("referrals/recruiting/a.py", "from referrals import asking", "may not use referrals.asking"),
        ("referrals/money.py", "from referrals.people import customers", "the shared words may not use"),
        ("referrals/web/a.py", "import aiogram", "belongs to bot"),
        ("storage/a.py", "from aiohttp import web", "belongs to bot, referrals.web, referrals.outside"),
        ("referrals/cli.py", "import aiohttp", "belongs to bot, referrals.web, referrals.outside"),
        ("bot/screens/a.py", "from apscheduler.triggers.cron import CronTrigger", "belongs to referrals.jobs"),
        ("storage/a.py", "def f(session):\n    session.commit()", "calls commit in line 2"),
        ("referrals/a.py", "def f(session):\n    with session.begin_nested():\n        ...", "calls begin_nested"),
        ("bot/a.py", "def f(session):\n    session.rollback()", "calls rollback"),
        ("storage/a.py", 'def f(c):\n    c.exec_driver_sql("COMMIT")', "says COMMIT in line 2"),
        ("storage/a.py", 'def f(c):\n    c.exec_driver_sql("BEGIN IMMEDIATE")', "says BEGIN in line 2"),
        ("storage/a.py", 'def f(c, n):\n    c.execute(f"SAVEPOINT item_{n}")', "says SAVEPOINT in line 2"),
        ("storage/a.py", "from datetime import datetime\nnow = datetime.now()", "uses datetime.datetime.now"),
        ("storage/a.py", "import datetime as dt\nnow = dt.datetime.utcnow()", "uses datetime.datetime.utcnow"),
        ("bot/a.py", "from datetime import datetime\ndef f(clock=datetime.now): ...", "uses datetime.datetime.now"),
        ("bot/a.py", "import time\nnow = time.time()", "uses time.time in line 2"),
        ("bot/a.py", "from time import time as t\nnow = t()", "uses time.time in line 2"),
        ("referrals/codes.py", "import random\nx = random.choice('ab')", "uses random.choice"),
        ("referrals/codes.py", "from secrets import token_hex\nx = token_hex()", "uses secrets.token_hex"),
        ("referrals/clock.py", "import secrets\nx = secrets.token_hex()", "uses secrets.token_hex"),
        ("bot/a.py", "import asyncio\nasyncio.create_task(f())", "uses asyncio.create_task"),
        ("bot/a.py", "def f(loop):\n    loop.create_task(g())", "uses loop.create_task"),
        ("bot/a.py", "\n" * (MOST_LINES + 1), f"has {MOST_LINES + 1} lines"),
    ],
)  # fmt: skip
def test_a_planted_violation_is_caught(tmp_path: Path, path: str, source: str, fault: str) -> None:
    plant(tmp_path, path, source)

    (found,) = violations(tmp_path)

    assert found.startswith(path.removesuffix(".py").replace("/", ".") + ": ")
    assert fault in found


@pytest.mark.parametrize(
    "path,source",
    [
        ("bot/wiring.py", "from referrals.web import app\nfrom referrals.jobs import clock\nimport apscheduler"),
        ("referrals/cli.py", "from referrals.jobs import audit\nfrom referrals.figures import board"),
        ("referrals/recruiting/a.py", "from referrals.rewarding import rules\nfrom referrals.people import customers"),
        ("referrals/web/a.py", "from aiohttp import web\nfrom referrals.web import limits"),
        ("storage/database.py", "def f(session):\n    session.commit()"),
        ("referrals/clock.py", "from datetime import UTC, datetime\nnow = datetime.now(UTC)"),
        ("referrals/tasks.py", "import asyncio\nasyncio.create_task(f())"),
        ("bot/a.py", "import time\nstarted = time.monotonic()"),
        ("bot/a.py", '"""Begin with this, commit to that."""'),
        ("bot/a.py", "\n" * MOST_LINES),
    ],
)
def test_what_is_allowed_is_left_alone(tmp_path: Path, path: str, source: str) -> None:
    plant(tmp_path, path, source)

    assert violations(tmp_path) == []


@pytest.mark.parametrize("name", WITHOUT_A_CHAT)
def test_nothing_that_runs_without_a_chat_pays_for_one(name: str) -> None:
    loaded = loaded_with(ROOT, name)

    assert not {"aiogram", "bot.wiring"} & loaded
    assert len(loaded) > 2, f"{name} was not found"


def test_an_import_at_the_top_is_followed_through_other_files(tmp_path: Path) -> None:
    plant(tmp_path, "bot/__init__.py", "")
    plant(tmp_path, "bot/__main__.py", "from bot import texts\ndef demo():\n    import bot.wiring")
    plant(tmp_path, "bot/texts.py", "from bot.telegram import client")
    plant(tmp_path, "bot/telegram.py", "import aiogram")

    assert "aiogram" in loaded_with(tmp_path, "bot.__main__")
    assert "bot.wiring" not in loaded_with(tmp_path, "bot.__main__")
