"""schemathesis reads the document over real HTTP and tries what is in it: nothing breaks, nothing is undocumented."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from referrals.web.api import ROUTES
from referrals.web.limits import Allowance
from storage.database import Database
from storage.orders import Order
from tests.engines import fresh_url
from tests.referrals.web.conftest import Web, close_web, make_programme, open_web
from tests.referrals.web.test_api import Api, make_key, referred, rows
from tests.referrals.web.test_openapi import pinged
from tests.referrals.web.test_reviews import held_for_review

ROOT = Path(__file__).parents[3]
# Every answer is documented, with its status, type, headers and shape, and none is a fault of ours. Left out are the
# checks that any shape the schema allows is accepted and any other refused: an order has more rules than a shape.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "missing_required_header", "unsupported_method", "allow_header_conformance",
    "ignored_auth",
)  # fmt: skip
# In the suite a few cases an operation; `make fuzz` tries hundreds, and every limit of every field.
EXAMPLES = os.environ.get("AMBASSADE_FUZZ_EXAMPLES")
SIZE = (f"--phases={'examples,coverage,' if EXAMPLES else ''}fuzzing", f"--max-examples={EXAMPLES or 4}")


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Web]:
    """A door with people behind it, at which nobody is too fast."""
    database = Database.open(fresh_url("sqlite", tmp_path))
    opened = await open_web(database, make_programme(database))
    for allowance in (opened.door.api_requests, opened.door.bad_keys):
        _unlimited(allowance)
    yield opened
    await close_web(opened)
    database.close()


def _unlimited(allowance: Allowance) -> None:
    allowance._limit = 10**9


async def known_things(api: Api) -> dict[str, str]:
    """Anna, Bram and their referral, for the hook of ``known_things``."""
    anna, bram = await referred(api)
    (pair,) = (await (await api.get("/referrals")).json())["items"]
    code = (await (await api.get(f"/customers/{anna}")).json())["code"]
    hook, delivery = await pinged(api)
    return {
        "customers": anna, "code": code, "friend": bram, "referrals": pair["referral"], "shop": "atelier",
        "webhooks": hook, "delivery": delivery, "reviews": await held_for_review(api, "1002", friend="9002"),
    }  # fmt: skip


async def run(web: Web, folder: Path, *options: str, known: dict[str, str]) -> tuple[int | None, str]:
    """How schemathesis ended, and what it printed."""
    hook = {"SCHEMATHESIS_HOOKS": "tests.referrals.web.known_things", "AMBASSADE_KNOWN": json.dumps(known)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "run", f"{web.url}/api/v1/openapi.json",
        f"--checks={','.join(CHECKS)}", "--generation-deterministic", "--no-shrink", "--suppress-health-check=all",
        "--continue-on-failure", "--no-color", *options,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **hook},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_with_a_key_every_answer_is_documented_and_none_is_a_fault_of_ours(door: Web, tmp_path: Path) -> None:
    api = Api(door, make_key(door))
    known = await known_things(api)
    code, said = await run(door, tmp_path, f"--header=Authorization: Bearer {api.key}", *SIZE, known=known)
    assert code == 0, said
    assert f"{len(ROUTES)} selected" in said
    assert len(rows(door.database, Order)) > 1


async def test_without_a_key_nothing_opens_and_every_answer_is_documented_too(door: Web, tmp_path: Path) -> None:
    known = await known_things(Api(door, make_key(door)))
    code, said = await run(door, tmp_path, "--phases=fuzzing", f"--max-examples={EXAMPLES or 1}", known=known)
    assert code == 0, said
    assert f"Authentication failed: {len(ROUTES)} operations returned only 401/403" in said
