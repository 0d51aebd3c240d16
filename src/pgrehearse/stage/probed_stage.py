"""The stage of the probed pass, made ready while the clean pass is at work.

Takes what is performed; gives an open stage with probes on what the clean pass foresaw. Its backend has read by then
what a new one reads first. Where it could not be made ready beside the clean pass, it is made afterwards.
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future

from pgrehearse.errors import RehearseError
from pgrehearse.observe.probes import ProbeObserver
from pgrehearse.observe.shapes import Foreseen
from pgrehearse.stage.beside import Beside
from pgrehearse.stage.performance import Performance
from pgrehearse.stage.playing import open_stage
from pgrehearse.stage.transaction import RollbackOnly


class ProbedStage:
    """Opens the stage at once, and reads what is to be probed when that is known."""

    def __init__(self, performance: Performance, beside: Beside) -> None:
        self._performance = performance
        self._beside = beside
        self._probes = self._new_probes()
        self._ahead = beside.open(lambda: self._open(self._probes))
        self._reading: Future[None] | None = None

    def _new_probes(self) -> ProbeObserver:
        return ProbeObserver(self._performance.splits, token=secrets.token_hex(4))

    def _open(self, probes: ProbeObserver) -> RollbackOnly:
        stage = open_stage(self._performance)
        try:
            probes.prepare(stage.session)
        except BaseException:
            stage.close()
            raise
        return stage

    def foresee(self, foreseen: Foreseen) -> None:
        """The clean pass is over, though not yet rolled back: read what there is to probe."""
        self._reading = self._beside.start(lambda: self._probes.foresee(self._ahead.take().session, foreseen))

    def take(self, foreseen: Foreseen) -> tuple[RollbackOnly, ProbeObserver]:
        """The stage, and the probes to begin the pass with; the clean pass must have been rolled back.

        Raises:
            RefusedError: The stage cannot be made rollback-only.
            TargetError: The target cannot be reached any more.
        """
        try:
            if self._reading is None:
                self._probes.foresee(self._ahead.take().session, foreseen)
            else:
                self._reading.result()
            return self._ahead.take(), self._probes
        except RehearseError:
            # It waited too long, for connections or for locks of the clean pass, or was idle for too long.
            self._ahead.close()
        probes = self._new_probes()
        stage = self._beside.keep(self._open(probes))
        probes.foresee(stage.session, foreseen)
        return stage, probes
