"""The tools of tests/clients/typescript, fetched once into ``.venv/typescript-client``.

``python -m tests.typescript`` renews docs/api/openapi3.json; it needs node and npm.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests" / "clients" / "typescript"
PLACE = ROOT / ".venv" / "typescript-client"
SWAGGER = ROOT / "docs" / "api" / "swagger.json"
OPENAPI = ROOT / "docs" / "api" / "openapi3.json"
_MANIFESTS = ("package.json", "package-lock.json", ".npmrc")
# The lock file does not fit, or what came is not what it names: no reason to skip.
_OUR_OWN_FAULTS = {"EUSAGE", "EINTEGRITY", "EJSONPARSE", "ETARGET"}
_INSTALL_SECONDS, _RUN_SECONDS = 300, 120


class NodeUnavailable(Exception):
    """Node is not here, or its packages cannot be fetched."""


def install() -> Path:
    """Return the folder of the packages, after fetching them if they are not there.

    :raises NodeUnavailable: there is no node or npm, or the registry is out of reach.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NodeUnavailable("node and npm are not installed")
    PLACE.mkdir(parents=True, exist_ok=True)
    stamp = PLACE / "installed"
    wanted = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in _MANIFESTS))
    with PLACE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the suite runs in several processes
        if not stamp.exists() or stamp.read_text() != wanted.hexdigest():
            for name in _MANIFESTS:
                shutil.copy(SOURCES / name, PLACE)
            _fetch()
            stamp.write_text(wanted.hexdigest())
    return PLACE / "node_modules"


def _fetch() -> None:
    # npm ci takes what the lock file names, checks its hashes, and runs no script of a package.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    try:
        subprocess.run(
            command, cwd=PLACE, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS
        )
    except subprocess.CalledProcessError as error:
        code = re.search(r"code (E\w+)", error.stderr)
        if code is None or code[1] in _OUR_OWN_FAULTS:
            raise
        raise NodeUnavailable(f"the npm packages cannot be fetched: {code[1]}") from error
    except subprocess.TimeoutExpired as error:
        raise NodeUnavailable("the npm packages cannot be fetched in time") from error


def lay_out(folder: Path) -> None:
    """Put the client's sources and its packages into a folder of its own."""
    packages = install()
    for source in SOURCES.iterdir():
        if source.is_file():
            shutil.copy(source, folder)
    (folder / "node_modules").symlink_to(packages)


def run(folder: Path, *command: str) -> str:
    """Run a node program, or a tool of the packages, and return what it printed.

    :raises AssertionError: it failed; the message is all it said.
    """
    environment = {"PATH": f"{folder / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def convert(target: Path) -> None:
    """Write the published document as OpenAPI 3."""
    packages = install()
    # Beside node_modules, because that is where node looks for what a program imports.
    program = packages.parent / "convert.mjs"
    shutil.copy(SOURCES / program.name, program)
    run(packages.parent, "node", str(program), str(SWAGGER), str(target))


if __name__ == "__main__":
    convert(OPENAPI)
    sys.stdout.write(f"{OPENAPI.name} written\n")
