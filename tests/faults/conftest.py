"""A server that may be crashed, a clone on it, and the installed command to be killed.

PGREHEARSE_FAULT_ROUNDS is the number of hits of each kind on each version, PGREHEARSE_FAULT_SEED the seed of their moments,
PGREHEARSE_FAULT_TABLE a file to which each kind adds a line of what came of them.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgrehearse.server import private_server

sys.path.insert(0, str(Path(__file__).parent))

from cable import Cable
from stand import Stand

MAJORS = (18, 16)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stand" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("majors")
        majors = MAJORS if marker is None else marker.args
        metafunc.parametrize("stand", majors, indirect=True, scope="session", ids=lambda major: f"pg{major}")


@pytest.fixture(scope="session")
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts its background jobs so, and the tool would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        private_server(wanted_major=request.param) as server,
        Cable(str(server.socket_dir / f".s.PGSQL.{server.port}")) as cable,
    ):
        yield Stand(server, cable)
