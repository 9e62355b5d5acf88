"""The arrows of the house, read from the syntax tree: what a tree of Python files does that it may not.

Each rule is a function from one module to sentences; ``violations`` asks all of them about every file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("storage", "referrals", "bot")
BELOW = {"storage": (), "referrals": ("storage",), "bot": ("referrals", "storage")}
DOORS = ("referrals.web", "referrals.jobs", "referrals.outside", "referrals.cli", "referrals.commands")
# The try-out and the start of a process are wiring too.
WIRING = ("bot.wiring", "bot.running", "bot.demo", "bot.seed", "bot.time_machine", "bot.__main__")
# What a job asks of others goes out through the door outwards; nobody else stands between two doors.
DOORS_OF = {"referrals.jobs": ("referrals.outside",)}
MAY_IMPORT_DOORS = ("referrals.cli", "referrals.commands", *WIRING)
WINGS = {
    "referrals.people": (),
    "referrals.subscribers": (),
    "referrals.rewarding": ("referrals.people", "referrals.subscribers"),
    "referrals.asking": ("referrals.people", "referrals.subscribers"),
    "referrals.figures": ("referrals.people",),
    "referrals.screening": ("referrals.people",),
    "referrals.recruiting": ("referrals.people", "referrals.rewarding", "referrals.screening", "referrals.subscribers"),
    "referrals.importing": ("referrals.people", "referrals.rewarding", "referrals.recruiting"),
    "referrals.reviewing": ("referrals.people", "referrals.rewarding", "referrals.screening", "referrals.recruiting"),
    "referrals.privacy": (
        "referrals.people",
        "referrals.rewarding",
        "referrals.recruiting",
        "referrals.asking",
        "referrals.subscribers",
    ),
}
LIBRARIES = {
    "aiogram": ("bot",),
    "aiohttp": ("bot", "referrals.web", "referrals.outside"),
    "apscheduler": ("referrals.jobs", "bot.wiring"),
}
SEAMS = {
    "referrals.clock": re.compile(r"datetime\.datetime\.now"),
    "referrals.chance": re.compile(r"secrets\..*"),
    "referrals.tasks": re.compile(r"asyncio\.create_task"),
}
BANNED_CALLS = re.compile(
    r"datetime\.(datetime\.(now|utcnow|today)|date\.today)|time\.(time|time_ns|localtime|gmtime)"
    r"|random\..*|secrets\.(?!compare_digest).*|os\.urandom|uuid\.uuid[14]"
    r"|asyncio\.(create_task|ensure_future)|.*\.create_task"
)
TRANSACTION_CALLS = {"begin", "begin_nested", "begin_twophase", "commit", "rollback"}
TRANSACTION_WORDS = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|START TRANSACTION)\b")
MOST_LINES = 400


@dataclass(frozen=True)
class Module:
    """One file, read."""

    name: str  # dotted; a package by its own name
    source: str
    tree: ast.Module

    def is_in(self, *packages: str) -> bool:
        """Whether it is one of these modules, or within one of these packages."""
        return any(is_within(self.name, package) for package in packages)


def is_within(name: str, package: str) -> bool:
    """Whether the dotted name is the package or something in it."""
    return name == package or name.startswith(package + ".")


def modules(root: Path) -> Iterator[Module]:
    """Every module of the three packages; migrations run on their own and are no part of it."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if parts[:2] == ("storage", "migrations"):
                continue
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            source = path.read_text(encoding="utf-8")
            yield Module(name, source, ast.parse(source))


def violations(root: Path) -> list[str]:
    """Every rule that a file below the root breaks, as "module: sentence"."""
    return [f"{module.name}: {fault}" for module in modules(root) for rule in RULES for fault in rule(module)]


def imported(tree: ast.AST) -> Iterator[str]:
    """The dotted names that are imported anywhere in the tree, members included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def imports_run_downwards(module: Module) -> Iterator[str]:
    """Imports go bot, referrals, storage and never back; they are absolute."""
    package = module.name.partition(".")[0]
    for name in imported(module.tree):
        first = name.partition(".")[0]
        if name.startswith("."):
            yield f"imports {name}, and imports are absolute"
        elif first in (*PACKAGES, "tests") and first != package and first not in BELOW[package]:
            yield f"imports {name}, and {package} lies below it"


def doors_stay_apart(module: Module) -> Iterator[str]:
    """The core imports no door, and a door no other one, but for jobs, which ask others through the door outwards."""
    own = next((door for door in DOORS if module.is_in(door)), None)
    if module.is_in(*MAY_IMPORT_DOORS):
        return
    for name in imported(module.tree):
        door = next((door for door in DOORS if is_within(name, door)), None)
        if door is not None and door != own and door not in DOORS_OF.get(own or "", ()):
            yield f"imports {name}, and only the command line and the wiring import doors"


def wings_keep_their_arrows(module: Module) -> Iterator[str]:
    """A wing imports the shared words and the wings that it stands on; the shared words no wing."""
    if not module.is_in("referrals") or module.is_in(*DOORS) or module.name == "referrals":
        return
    own = next((wing for wing in WINGS if module.is_in(wing)), None)
    allowed = (own, *WINGS[own]) if own else ()
    for name in imported(module.tree):
        wing = next((wing for wing in WINGS if is_within(name, wing)), None)
        if wing is not None and wing not in allowed:
            yield f"imports {name}, and {own or 'the shared words'} may not use {wing}"


def libraries_stay_in_their_rooms(module: Module) -> Iterator[str]:
    """Each heavy library is imported by the rooms that it belongs to only."""
    for name in imported(module.tree):
        rooms = LIBRARIES.get(name.partition(".")[0])
        if rooms is not None and not module.is_in(*rooms):
            yield f"imports {name}, and that belongs to {', '.join(rooms)}"


def only_the_database_ends_transactions(module: Module) -> Iterator[str]:
    """Nobody else begins, commits or rolls back; engines.py says in SQL how SQLite begins."""
    if module.name == "storage.database":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TRANSACTION_CALLS:
            yield f"calls {node.func.attr} in line {node.lineno}, and only storage.database does"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and module.name != "storage.engines":
            word = TRANSACTION_WORDS.match(node.value)
            if word is not None:
                yield f"says {word[1]} in line {node.lineno}, and only storage.database does"


def time_and_chance_come_through_their_seams(module: Module) -> Iterator[str]:
    """No clock, no chance and no background task but through the seams."""
    seam = SEAMS.get(module.name)
    names = _names_of_imports(module.tree)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        called = _full_name(node, names)
        if called and BANNED_CALLS.fullmatch(called) and not (seam and seam.fullmatch(called)):
            yield f"uses {called} in line {node.lineno}, and there is a seam for that"


def files_are_short(module: Module) -> Iterator[str]:
    """No file is longer than a reader's patience."""
    lines = len(module.source.splitlines())
    if lines > MOST_LINES:
        yield f"has {lines} lines, and {MOST_LINES} is the most"


def loaded_with(root: Path, name: str) -> set[str]:
    """Everything that is imported at once when the module is: what stands at the top of a file, and what that loads.

    Imports within a function are paid by its caller, those under TYPE_CHECKING by nobody.
    """
    trees = {module.name: module.tree for module in modules(root)}
    loaded: set[str] = set()
    waiting = [name]
    while waiting:
        parts = waiting.pop().split(".")
        for prefix in (".".join(parts[:length]) for length in range(1, len(parts) + 1)):
            if prefix not in loaded:
                loaded.add(prefix)
                if prefix in trees:
                    waiting.extend(_eager(trees[prefix]))
    return loaded


def _eager(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from imported(node)


def _names_of_imports(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: {"datetime": "datetime.datetime"}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def _full_name(node: ast.expr, names: dict[str, str]) -> str | None:
    """The dotted name of an expression, with imports looked up; None where it is no plain name."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        before = _full_name(node.value, names)
        if before is None and node.attr == "create_task":
            return "loop.create_task"
        return None if before is None else f"{before}.{node.attr}"
    return None


Rule = Callable[[Module], Iterator[str]]
RULES: tuple[Rule, ...] = (
    imports_run_downwards,
    doors_stay_apart,
    wings_keep_their_arrows,
    libraries_stay_in_their_rooms,
    only_the_database_ends_transactions,
    time_and_chance_come_through_their_seams,
    files_are_short,
)
