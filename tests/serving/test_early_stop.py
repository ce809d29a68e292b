"""SIGTERM before the server listens."""

import signal
from pathlib import Path

from tests.serving.server_process import ServerProcess, wait_until


def handles_sigterm(pid: int) -> bool:
    """Whether the process has a handler of its own for it, by the mask that Linux shows."""
    (mask,) = [line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


def test_stop_while_the_server_is_being_imported(model_folder: Path, tmp_path: Path) -> None:
    """SIGTERM within the seconds of imports ends the process at once with 0; no port was ever opened."""
    with ServerProcess(model_folder, tmp_path / "log") as server:
        wait_until(lambda: handles_sigterm(server.pid))
        server.terminate()
        assert server.wait() == 0
        assert "stopped_before_listening" in server.log
        assert '"event":"listening"' not in server.log
