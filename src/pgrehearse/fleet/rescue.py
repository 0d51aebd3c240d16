"""The rescue of jobs whose worker is gone.

Takes the ledger's conninfo; queues such jobs anew and closes the old ones, in a thread. Each worker looks, so that the
last one that lives is enough. That a job comes twice does no harm: the ledger decides whether anything is to be done.
"""

from __future__ import annotations

import logging
import threading
from importlib.resources import files

from procrastinate.exceptions import AlreadyEnqueued

from pgrehearse.dots.store import open_store
from pgrehearse.errors import ConnectionLostError, ServerError, TargetError
from pgrehearse.fleet.queue import sending
from pgrehearse.pg.session import Session

_STALLED = files(__package__).joinpath("sql/stalled.sql").read_text(encoding="utf-8")
_FINISH = "SELECT procrastinate_finish_job_v1(%s, 'failed', false)"

logger = logging.getLogger("pgrehearse.fleet")


class Rescue:
    """Looks for stalled jobs as long as the block lasts, three times within `stall_s`."""

    def __init__(self, ledger: str, *, stall_s: float) -> None:
        self._ledger = ledger
        self._stall_s = stall_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="rescue", daemon=True)

    def __enter__(self) -> Rescue:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(self._stall_s / 3):
            try:
                rescue_jobs(self._ledger, stall_s=self._stall_s)
            except (ConnectionLostError, TargetError, ServerError) as error:
                logger.warning("stalled jobs could not be looked for: %s", error.message)


def rescue_jobs(ledger: str, *, stall_s: float) -> int:
    """Queue each stalled job anew, then close the old one; give how many there were.

    In this order: who dies in between leaves a job that is queued twice, never one that is lost.
    """
    with open_store(ledger) as store:
        stalled = store.fetch(_STALLED, {"stall_s": stall_s})
        if not stalled:
            return 0
        with sending(ledger) as app:
            for job_id, task_name, arguments in stalled:
                again = app.tasks[task_name].configure(queueing_lock=f"again after {job_id}")
                try:
                    again.defer(**arguments)
                except AlreadyEnqueued:
                    logger.info("job %s was queued anew by another worker", job_id)
                _close(store, job_id)
    return len(stalled)


def _close(store: Session, job_id: int) -> None:
    try:
        store.fetch(_FINISH, (job_id,))
    except ServerError as error:
        logger.info("job %s was closed by another worker: %s", job_id, error.message)
