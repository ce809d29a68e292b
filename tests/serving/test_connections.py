"""gRPC connections, which stay with one server unless it tells their callers to go."""

import threading
from pathlib import Path

import grpc

from tests.serving.server_process import ServerProcess


def test_grpc_connection_ends_within_a_drain(model_folder: Path, tmp_path: Path) -> None:
    """A caller that keeps its channel is sent away while the server is well: the next call may go to another."""
    left, seen = threading.Event(), []

    def watch(state: grpc.ChannelConnectivity) -> None:
        seen.append(state)
        if grpc.ChannelConnectivity.READY in seen and state is grpc.ChannelConnectivity.IDLE:
            left.set()

    with ServerProcess(model_folder, tmp_path / "log", "--drain-seconds", "1") as server:
        server.wait_ready()
        with grpc.insecure_channel(server.grpc_target) as channel:
            channel.subscribe(watch, try_to_connect=True)
            assert left.wait(30), seen
        assert server.running
