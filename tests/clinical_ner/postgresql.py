"""A PostgreSQL server of a test's own, on a socket in its folder; it never runs as root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
UNPRIVILEGED = ("postgres", "nobody")


def find_programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``: on the path, or where Debian puts them."""
    folders = [Path(found).resolve().parent for found in [shutil.which("pg_ctl")] if found]
    return next(
        (folder for folder in [*DEBIAN, *folders] if (folder / "initdb").exists() and (folder / "postgres").exists()), None
    )


@contextmanager
def running_server(programs: Path, folder: Path) -> Iterator[str]:
    """An SQLAlchemy URL of an empty database; the server listens on a socket only and ends with the block."""
    user = _owner()
    if user:
        for path in (folder, *folder.parents[:2]):
            path.chmod(path.stat().st_mode | 0o711)
        shutil.chown(folder, user)
    _run(user, programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "tuner", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    _run(user, programs / "pg_ctl", "-D", folder / "data", "-o", options, "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql+psycopg://tuner@/postgres?host={folder}"
    finally:
        _run(user, programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")


def _owner() -> str | None:
    """PostgreSQL refuses root: a user to become instead, or None when this one will do."""
    if os.geteuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED if name in known)


def _run(user: str | None, *command: object) -> None:
    subprocess.run([str(part) for part in command], user=user, cwd="/", check=True, stdout=subprocess.DEVNULL, timeout=60)
