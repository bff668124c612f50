"""Tools of others against the running shop: sqlmap and wapiti, in environments of their own.

They are told of the operations by the published document, with names of things that are there in
its paths, and without what would end the session they come with.
"""

import copy
import csv
import json
import os
import re
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.contract.document import METHODS, PUBLISHED
from tests.security.shop import Shop

PACKAGES = {"sqlmap": "sqlmap==1.10.10", "wapiti": "wapiti3==3.2.3"}
FOLDER = Path(os.environ.get("SECURITY_TOOLS") or Path(sys.prefix) / "tools")
# Signed out, closed or forgotten, the rest of the operations would be a closed door.
_LAST_WORDS = (
    "logout",
    "change_password",
    "set_password",
    "user_delete",
    "me_delete",
    "sessions_d",
)
# Those that do not ask a server in the world outside to play the victim's part.
_MODULES = "sql,timesql,xss,permanentxss,exec,file,crlf,redirect,ldap,upload,methods,http_headers"
# Findings that are none, and why; each is printed, and told in docs/security.md.
EXPLAINED = (
    (
        re.compile(r"LDAP Injection: POST \S+ (?:new_)?password: "),
        "no LDAP is asked: the texts that are tried differ as passwords, some too short, some good",
    ),
    (
        re.compile(r"Parameter': 'JSON current_password'.*'false positive or unexploitable'"),
        "sqlmap takes it back itself: guesses at a password are counted, so that answers change",
    ),
)
ACCESS_LOG = "--access-logfile - --access-logformat %(s)s"  # gunicorn's options
_ACCESS = re.compile(r"gunicorn\.access \[.*\] (\d{3})$", re.MULTILINE)
_TOKEN_SERVES = 9 * 60  # seconds; it lives for ten minutes


def run(tool: str, shop: Shop, *, port: int, folder: Path, seconds: float) -> list[str]:
    """Let the tool look for so long, and return what it found that nobody has explained."""
    document = folder / f"{tool}-{shop.caller.kind}.json"
    document.write_text(json.dumps(_document(shop, port)))
    seconds = min(seconds, _TOKEN_SERVES)
    headers = [f"Authorization: Bearer {shop.caller.token}"] if shop.caller.token else []
    start = _sqlmap if tool == "sqlmap" else _wapiti
    found = start(document, headers, port=port, folder=folder, seconds=seconds)
    return list(_unexplained(found))


def _unexplained(found: Sequence[str]) -> Iterator[str]:
    for each in found:
        reasons = [reason for pattern, reason in EXPLAINED if pattern.search(each)]
        if reasons:
            print(f"    explained: {each[:200]}\n        {reasons[0]}", flush=True)
        else:
            yield each


def statuses(log: Path) -> "Counter[str]":
    """Return how often the server answered how, from its log."""
    return Counter(_ACCESS.findall(log.read_text(errors="replace")))


def _sqlmap(
    document: Path, headers: Sequence[str], *, port: int, folder: Path, seconds: float
) -> list[str]:
    results = folder / f"{document.stem}.csv"
    command = [str(_program("sqlmap")), f"--openapi={document}", "--batch", "--flush-session"]
    command += [f"--openapi-base=http://127.0.0.1:{port}", "--disable-coloring", "--threads=4"]
    command += ["--level=2", "--risk=1", "--technique=BEUT", "--skip-waf", "--time-sec=2"]
    command += ["--ignore-code=*", f"--results-file={results}", f"--output-dir={folder / 'sqlmap'}"]
    command += [f"--header={header}" for header in headers]
    _run(command, folder / f"{document.stem}.log", seconds)
    if not results.exists():
        return []
    with results.open() as rows:
        return [str(row) for row in csv.DictReader(rows) if row.get("Parameter")]


def _wapiti(
    document: Path, headers: Sequence[str], *, port: int, folder: Path, seconds: float
) -> list[str]:
    results = folder / f"{document.stem}-report.json"
    command = [str(_program("wapiti")), "-u", f"http://127.0.0.1:{port}/", "--scope", "folder"]
    command += ["--swagger", str(document), "-m", _MODULES, "--flush-session", "--no-bugreport"]
    # It looks around first; then each module has its turn, and the report wants to be written.
    turn = seconds * 0.6 / len(_MODULES.split(","))
    command += ["--max-scan-time", str(seconds * 0.2), "--max-attack-time", str(turn)]
    command += ["--store-session", str(folder / "wapiti"), "--store-config", str(folder / "wapiti")]
    command += ["-f", "json", "-o", str(results)]
    for header in headers:
        command += ["-H", header]
    _run(command, folder / f"{document.stem}.log", seconds)
    if not results.exists():
        return [f"wapiti wrote no report: {(folder / f'{document.stem}.log').read_text()[-500:]}"]
    report = json.loads(results.read_text())
    return [
        f"{kind}: {found['method']} {found['path']} {found.get('parameter')}: {found['info']}"
        for section in ("vulnerabilities", "anomalies")
        for kind, all_found in report[section].items()
        for found in all_found
    ]


def _run(command: Sequence[str], log: Path, seconds: float) -> None:
    """Run the tool, and end it when its time is up: what it found until then counts."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(30)


def _program(tool: str) -> Path:
    """Return the tool's program, made ready in an environment of its own."""
    folder = FOLDER / tool
    program = folder / "bin" / tool
    if not program.exists():
        print(f"Installing {PACKAGES[tool]} into {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "install", PACKAGES[tool]]
        subprocess.run(pip, check=True)
    return program


def _document(shop: Shop, port: int) -> Any:
    """Return the published document for this caller."""
    document = copy.deepcopy(json.loads(PUBLISHED.read_text()))
    document["host"], document["schemes"] = f"127.0.0.1:{port}", ["http"]
    for path, operations in list(document["paths"].items()):
        named = (shop.path_parts(path) or {}) if "{" in path else {}
        for method in METHODS & set(operations):
            if not _is_for(shop.caller.kind, operations[method]):
                del operations[method]
        for part in _parameters(operations):
            if part.get("in") == "path" and part["name"] in named:
                part["default"] = part["x-example"] = named[part["name"]]
    return document


def _is_for(kind: str, operation: dict[str, Any]) -> bool:
    """Return whether this caller gets past the door, again and again."""
    if any(words in operation["operationId"] for words in _LAST_WORDS):
        return False
    return operation.get("security") == [] or (
        kind == "customer" and "403" not in operation["responses"]
    )


def _parameters(operations: dict[str, Any]) -> list[dict[str, Any]]:
    found = list(operations.get("parameters", ()))
    for method in METHODS & set(operations):
        found += operations[method].get("parameters", ())
    return found
