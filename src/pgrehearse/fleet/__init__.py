"""The fleet: rehearsals and runs of tools, spread over any number of workers on any number of machines.

The queue is procrastinate's, over PostgreSQL, and may deliver a job twice. The ledger decides: what has been started is
not started again, and what a dead worker had in hand is found. Needs the extra `pgrehearse[fleet]`.
"""

from __future__ import annotations

import logging

from pgrehearse.errors import UsageError

try:
    import procrastinate as _engine
except ModuleNotFoundError as error:
    raise UsageError(
        "the fleet needs procrastinate, which is not installed",
        hint="python -m pip install 'pgrehearse[fleet]'",
    ) from error

# A job's arguments hold whole scripts, and the engine's log lines would repeat them.
logging.getLogger(_engine.__name__).setLevel(logging.WARNING)
