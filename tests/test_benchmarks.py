"""``make bench`` runs, reports and finds every answer in the database; its figures are not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import imports
from benchmarks.world import make_world, sqlite_url
from referrals.asking.plays import PLAYS

ROOT = Path(__file__).parents[1]
MEASURED = {"requests", "refused", "per_second", "p50_ms", "p99_ms", "cpu_us", "samples"}


@pytest.mark.timeout(240)  # a process for each play
def test_candidates_are_measured_for_every_play_and_everybody_who_is_due_is_found(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.candidates", "--customers", "3000", "--repetitions", "2", "--json"]
    ended = subprocess.run([*command, "--folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    plays = json.loads(ended.stdout)["plays"]
    assert set(plays) == set(PLAYS)
    assert {name: plays[name]["due"] for name in ("t3", "t6", "t8")} == dict.fromkeys(("t3", "t6", "t8"), 100)


def test_an_import_is_measured_and_takes_every_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url, path = sqlite_url(tmp_path), tmp_path / "orders.csv"
    imports.write_orders(path, 201, make_world(url, ambassadors=1))

    found = imports.measure(url, str(path))

    assert capsys.readouterr().out.splitlines() == [
        "201 applied, 0 unchanged, 0 refused", "0 applied, 201 unchanged, 0 refused",
    ]  # fmt: skip
    assert found["clean"]
    assert "201 orders" in imports.page({"engine": "sqlite", "orders": 201, **found})


@pytest.mark.timeout(240)  # twelve processes that each start once, on a machine that may be busy
def test_a_quick_measurement_reports_every_hot_path_and_loses_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.bench", "--quick", "--json", "--folder", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["faults"] == []
    assert set(report["results"]) == {"click", "order", "update"}
    for found in report["results"].values():
        assert set(found["ours"]) == set(found["bare"]) == MEASURED
        assert found["ours"]["requests"] > 0 == found["ours"]["refused"]
        assert found["ratios"]["per_second"]["least"] > 0
