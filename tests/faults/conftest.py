"""A server that may be crashed, a clone on it, and the installed command to be killed.

PGREHEARSE_FAULT_ROUNDS is the number of rounds of each kind of kill, PGREHEARSE_FAULT_SEED the seed of their moments.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgrehearse.server import private_server

sys.path.insert(0, str(Path(__file__).parent))

from stand import Stand


@pytest.fixture(scope="session", params=(18,), ids=lambda major: f"pg{major}")
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    with private_server(wanted_major=request.param) as server:
        yield Stand(server)
