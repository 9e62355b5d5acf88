"""What is committed says nothing about the machine or the registry that it was made with."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Written in pieces, for this file is looked at as well.
REGISTRIES = ("pypi" + ".org", "files." + "pythonhosted", "registry." + "npmjs", "deb." + "debian", "proxy." + "golang")
FOLDERS = ("work", "root", "opt/wheels", "opt/pypi", "tmp/v", "home/\\w+")
NAMED = re.compile("|".join(map(re.escape, REGISTRIES)) + r"|(?<![\w.}~])/(" + "|".join(FOLDERS) + r")/", re.IGNORECASE)
ADDRESS = re.compile(r"^\s*(-i|-f|--(extra-)?index-url|--find-links)\b|@\s*(https?|file):|://", re.MULTILINE)


def committed(root: Path) -> list[Path]:
    """The files that git follows; of a tree that came without git, all that were not made here."""
    asked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False, text=True)
    if asked.returncode == 0:
        return [root / name for name in asked.stdout.split("\0") if name and (root / name).is_file()]
    made = {".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    return [path for path in root.rglob("*") if path.is_file() and not made & set(path.relative_to(root).parts)]


def told(paths: list[Path]) -> list[str]:
    """Where a file names a registry or a folder of somebody's machine."""
    found = []
    for path in paths:
        for number, line in enumerate(path.read_bytes().decode("latin-1").splitlines(), start=1):
            named = NAMED.search(line)
            if named is not None:
                found.append(f"{path.name}:{number} names {named[0]}")
    return found


def test_no_committed_file_names_a_registry_or_a_machine() -> None:
    paths = committed(ROOT)

    assert len(paths) > 50
    assert told(paths) == []


@pytest.mark.parametrize(
    "line",
    [f"see https://{REGISTRIES[0]}/project/x", f"x @ https://{REGISTRIES[1]}.org/x.whl", *(
        f'PATH = "/{folder}/x"' for folder in ("work", "root", "opt/wheels", "home/olga"))],
)  # fmt: skip
def test_a_planted_name_is_caught(tmp_path: Path, line: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(f"First line.\n{line}\n", encoding="utf-8")

    (fault,) = told([path])

    assert fault.startswith("notes.md:2 names ")


@pytest.mark.parametrize("line", ["a framework/root/leaf", "https://shop.example/work/", "~/root/", "$HOME/work/"])
def test_ordinary_paths_are_left_alone(tmp_path: Path, line: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(line, encoding="utf-8")

    assert told([path]) == []


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-test.txt"])
def test_a_lock_holds_versions_and_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=[a-z0-9])", text) if entry[0].isalnum()]

    assert ADDRESS.search(text) is None
    assert len(entries) > 30
    assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+ .*\n +--hash=sha256:[0-9a-f]{64}", entry)] == []


@pytest.mark.parametrize("line", ["--index-url https://x", "-f wheels", "x @ file:wheels/x.whl", "https://x/y.whl"])
def test_an_address_in_a_lock_would_be_seen(line: str) -> None:
    assert ADDRESS.search(f"aiogram==3.31.0\n{line}\n") is not None


def test_the_tests_lock_holds_all_of_the_other() -> None:
    versions = [
        set(re.findall(r"^[\w.-]+==\S+", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
        for lock in ("requirements.txt", "requirements-test.txt")
    ]

    assert versions[0] - versions[1] == set()
