"""The service's socket: a line of JSON asks, a line of JSON answers. Only who may enter the folder reaches it."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from clinical_ner.errors import ClinicalNerError, ConfigError, TargetChanged, TargetUnreachable

SOCKET = "control.sock"
REPLY_SECONDS = 10.0
LONGEST_PATH = 100
"""In bytes; the kernel's own limit is a little more, and other on other systems."""
_ERRORS: dict[str, type[ClinicalNerError]] = {"TargetChanged": TargetChanged, "ConfigError": ConfigError}

Command = Callable[[str, Mapping[str, Any]], Any]


async def open_control(folder: Path, command: Command) -> asyncio.Server:
    """Take commands in ``folder``; the caller holds the folder's lock, so a socket that is there is nobody's."""
    path = socket_path(folder)
    path.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = orjson.loads(await reader.readline())
            writer.write(orjson.dumps(_carry_out(command, asked)) + b"\n")
            await writer.drain()
        except (OSError, ValueError, KeyError):
            pass  # who asks went away, or does not speak this
        finally:
            writer.close()

    return await asyncio.start_unix_server(answer, path)


def ask(folder: Path, verb: str, **arguments: object) -> Any:
    """The service's answer.

    Raises:
        TargetUnreachable: no service runs in the folder, or it does not answer.
        TargetChanged, ConfigError: it refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rb") as replies:
            connection.settimeout(REPLY_SECONDS)
            connection.connect(str(socket_path(folder)))
            connection.sendall(orjson.dumps({"verb": verb, "arguments": arguments}) + b"\n")
            reply = orjson.loads(replies.readline())
    except (OSError, ValueError) as error:
        raise TargetUnreachable(
            f"{folder}: no local service answers there; start one by `clinical-ner rollout serve --target local:{folder}`"
        ) from error
    if "error" in reply:
        raise _ERRORS.get(reply["error"], ConfigError)(reply["message"])
    return reply["value"]


def socket_path(folder: Path) -> Path:
    """Where the socket lies; raises ConfigError where the system could not put one."""
    path = folder.absolute() / SOCKET
    if len(bytes(path)) > LONGEST_PATH:
        raise ConfigError(f"{path}: a socket's path may have {LONGEST_PATH} bytes at most; use a folder higher up")
    return path


def _carry_out(command: Command, asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"value": command(asked["verb"], asked["arguments"])}
    except ClinicalNerError as error:
        return {"error": type(error).__name__, "message": str(error)}
