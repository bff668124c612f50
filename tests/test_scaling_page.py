"""docs/scaling.md names what a process keeps: whoever adds to it says what happens on several."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = ["accounts", "cart", "catalog", "inventory", "orders", "payments", "shipping"]
# They hold what changes while the process runs.
KEEPERS = {"RememberedAnswers", "MemoryStore", "Breaker", "_Replica", "_Courier"}
# Commands, which end.
NOT_SERVED = ("shop_backend/replay/", "catalog/imports/")


def kept() -> Iterator[tuple[str, str]]:
    """Yield the file and the name of everything that outlives a request in a process."""
    for app in [*APPS, "shop_backend"]:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/tests/" not in name and not name.startswith(NOT_SERVED):
                yield from ((name, each) for each in _kept_by(ast.parse(path.read_text())))


def _kept_by(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Global):
            yield from node.names
        if isinstance(node, ast.FunctionDef):
            decorators = {_called(each) for each in node.decorator_list}
            if decorators & {"cache", "lru_cache"}:
                yield node.name
    for node in module.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _called(node.value) in KEEPERS:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield ast.unparse(target)


def _called(node: ast.expr | None) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.id if isinstance(called, ast.Name) else ""


def test_the_page_names_what_a_process_keeps_and_nothing_else():
    page = (ROOT / "docs/scaling.md").read_text()
    named = set()
    for row in re.findall(r"^\| (`\w+/.*?) \|", page, re.MULTILINE):
        file = ""
        for word in re.findall(r"`([^`]+)`", row):
            if word.endswith(".py"):
                file = word
            else:
                named.add((file, word))

    assert set(kept()) == named
