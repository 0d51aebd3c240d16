"""The stage of the probed pass, made ready while the clean pass is being rolled back.

Takes what is performed; gives an open stage with probes on what the clean pass foresaw. Its backend is started while
the clean pass is at work, and reads what a new one reads first; but it writes nothing then, for the WAL of the clean
pass is measured. What cannot be made ready beside is made afterwards.
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future

from pgrehearse.errors import RehearseError
from pgrehearse.observe.probes import ProbeObserver
from pgrehearse.observe.shapes import Foreseen
from pgrehearse.pg.session import Session
from pgrehearse.stage.beside import Ahead, Beside
from pgrehearse.stage.performance import Performance
from pgrehearse.stage.playing import begin_stage, open_session
from pgrehearse.stage.transaction import RollbackOnly

Probed = tuple[RollbackOnly, ProbeObserver]


class ProbedStage:
    """Opens a session beside the clean pass, and begins the stage on it when it is known what to probe."""

    def __init__(self, performance: Performance, beside: Beside) -> None:
        self._performance = performance
        self._beside = beside
        self._session: Ahead[Session] | None = None
        self._ahead: Future[Probed] | None = None

    def open(self) -> None:
        """The clean pass begins: open a session."""
        self._session = self._beside.open(self._open)

    def _open(self) -> Session:
        session = open_session(self._performance)
        self._new_probes().warm(session)
        return session

    def _new_probes(self) -> ProbeObserver:
        return ProbeObserver(self._performance.splits, token=secrets.token_hex(4))

    def foresee(self, foreseen: Foreseen) -> None:
        """The clean pass is over, though not yet rolled back: begin, and read what there is to probe."""
        session = self._session
        if session:
            self._ahead = self._beside.start(lambda: self._begin(session.take(), foreseen))

    def take(self, foreseen: Foreseen) -> Probed:
        """The stage, and the probes to begin the pass with; the clean pass must have been rolled back.

        Raises:
            RefusedError: The stage cannot be made rollback-only.
            TargetError: The target cannot be reached any more.
        """
        if self._ahead and self._session:
            try:
                return self._ahead.result()
            except RehearseError:
                # It waited too long, for a connection or for a lock of the clean pass, or was idle for too long.
                self._session.close()
        return self._begin(self._beside.keep(open_session(self._performance)), foreseen)

    def _begin(self, session: Session, foreseen: Foreseen) -> Probed:
        stage = begin_stage(session, self._performance)
        probes = self._new_probes()
        probes.prepare(session)
        probes.foresee(session, foreseen)
        return stage, probes
