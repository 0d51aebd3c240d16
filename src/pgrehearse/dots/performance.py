"""The part of a run in which the script lives: from `running` to the end, with gates open and the lease renewed.

Takes a lease that is held and a run that is planned; gives how it ended, as the ledger has it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from pgrehearse.dots.child import Child, Ended, Workroom, clean_environment, open_workroom
from pgrehearse.dots.dot import Dot
from pgrehearse.dots.gates import open_gates, read_gates, require_shut
from pgrehearse.dots.lease import Clock, Lease, release
from pgrehearse.dots.ledger import Anchor, Outcome, Run, StaleTermError, State, append, mark_lost, read_runs
from pgrehearse.dots.output import Output
from pgrehearse.dots.parameters import Value, secrets_of
from pgrehearse.dots.registry import Registry
from pgrehearse.dots.renewal import Renewal
from pgrehearse.dots.store import open_store
from pgrehearse.errors import ConnectionLostError, DotError, ServerError, TargetError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target

_AGAIN_S = 0.2
_MEGABYTE = 1_000_000
_ENDS: tuple[State, ...] = ("succeeded", "failed", "refused", "lost")


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended; `anchor` is None where the end could not be written."""

    state: State
    outcome: Outcome
    evidence: Mapping[str, object]
    result: msgspec.Raw | None
    anchor: Anchor | None


@dataclass(slots=True)
class Performance:
    """One run whose lease is held and whose first row is written."""

    dot: Dot
    run: Run
    lease: Lease
    target: Target
    ledger: str
    registry: Registry
    clock: Clock
    shown: Callable[[str], None]
    _child: Child | None = None

    def perform(self, script: bytes, values: Mapping[str, Value]) -> Finished:
        """Run the script, record its end, and give the lease back."""
        output = Output(secrets=self._secrets(values), shown=self.shown)
        try:
            with (
                open_workroom(script, values) as room,
                Renewal(
                    self.ledger, self.lease, clock=self.clock, renewed=self._extend, lost=self._stop_lost
                ) as renewal,
            ):
                return self._run(room, output, renewal)
        finally:
            give_back(self.ledger, self.lease)

    def _run(self, room: Workroom, output: Output, renewal: Renewal) -> Finished:
        gates = self._start_run()
        interruption: KeyboardInterrupt | None = None
        fault = ""
        ended = Ended("", "it was not started", 127, 0, 0)
        try:
            with open_gates(self.target, self.registry, self.dot.gates):
                ended, interruption = self._live(room, output, renewal)
        except (DotError, ServerError, TargetError, ConnectionLostError) as error:
            fault = f"gates: {error.message}"
        finished = self._finish(ended, fault, gates, output, room, renewal)
        if interruption is not None:
            raise interruption
        return finished

    def _start_run(self) -> dict[str, object]:
        """Read the gates again, just before the start, and write that the run begins."""
        with Session(self.target.conninfo) as session, open_store(self.ledger) as store:
            gates = read_gates(session, self.registry, self.dot.gates)
            try:
                require_shut(gates, self.dot.gates)
            except DotError as error:
                append(store, self.run, "refused", lease=self.lease, outcome=Outcome(error.message, gates))
                raise
            append(store, self.run, "running", lease=self.lease, outcome=Outcome(gates=gates))
        return gates

    def _live(
        self, room: Workroom, output: Output, renewal: Renewal
    ) -> tuple[Ended, KeyboardInterrupt | None]:
        child = Child(
            self.dot,
            room,
            clean_environment(room) | self._environment(),
            until=renewal.lease.trusted_until,
            hear=lambda piece: self._hear(piece, output),
        )
        self._child = child
        child.extend(renewal.lease.trusted_until)  # renewed, perhaps, while nobody was there to be told
        try:
            return child.wait(), None
        except KeyboardInterrupt as interruption:
            child.stop("interrupted")
            return child.wait(), interruption
        finally:
            output.end()

    def _hear(self, piece: bytes, output: Output) -> None:
        most = self.dot.limits.output_mb * _MEGABYTE
        if output.byte_count > most:
            # Read on, or the tool could not even hear that it has to end.
            return
        output.add(piece)
        if output.byte_count > most and self._child is not None:
            self._child.stop(f"it wrote more than {self.dot.limits.output_mb} MB")

    def _extend(self, until: float) -> None:
        if self._child is not None:
            self._child.extend(until)

    def _stop_lost(self) -> None:
        if self._child is not None:
            self._child.stop("the lease was lost")

    def _finish(
        self,
        ended: Ended,
        fault: str,
        gates: Mapping[str, object],
        output: Output,
        room: Workroom,
        renewal: Renewal,
    ) -> Finished:
        reason = fault or _reason(ended)
        state: State = "failed" if reason else "succeeded"
        result = _read_result(room)
        evidence = self._evidence(ended, state, reason, gates, output, result)
        outcome = Outcome(
            reason=reason,
            gates=gates,
            exit_status=ended.status if ended.status >= 0 and not ended.error else None,
            duration_ms=ended.duration_ms,
            output_tail=output.tail,
            evidence_digest=hashlib.sha256(msgspec.json.encode(evidence, order="sorted")).hexdigest(),
        )
        try:
            anchor = self._record(state, outcome, renewal)
        except StaleTermError as error:
            return Finished(
                "lost", Outcome(reason=error.message, gates=gates), evidence, result, self._mark_lost()
            )
        return Finished(state, outcome, evidence, result, anchor)

    def _record(self, state: State, outcome: Outcome, renewal: Renewal) -> Anchor:
        """Write the end; ask again where the server was away, for as long as the lease may be trusted."""
        while True:
            try:
                with open_store(self.ledger) as store:
                    (known,) = read_runs(store, run_id=self.run.run_id)
                    if known.state in _ENDS and known.state != "lost":
                        return known.anchor  # written before the answer was lost
                    return append(store, self.run, state, lease=self.lease, outcome=outcome)
            except (ConnectionLostError, TargetError) as error:
                if self.clock() >= renewal.lease.trusted_until:
                    raise StaleTermError(
                        f"{self.run.code}: the server of the ledger was away until the lease ended",
                        detail=error.message,
                        hint="The run is marked lost as soon as somebody looks.",
                    ) from error
            threading.Event().wait(_AGAIN_S)

    def _mark_lost(self) -> Anchor | None:
        try:
            with open_store(self.ledger) as store:
                mark_lost(store, reason="its lease was lost while it ran")
                (known,) = read_runs(store, run_id=self.run.run_id)
                return known.anchor
        except (ConnectionLostError, TargetError):
            return None  # whoever looks next marks it

    def _environment(self) -> dict[str, str]:
        conninfo, password = self.target.without_password()
        target = {
            "PGHOST": self.target.host,
            "PGPORT": self.target.port,
            "PGUSER": self.target.user,
            "PGDATABASE": self.target.dbname,
            "PGAPPNAME": self.run.code,
            "PGPASSWORD": password or "",
            "DOT_CONNINFO": conninfo,
        }
        run = {
            "DOT_CODE": self.run.code,
            "DOT_RUN_ID": self.run.run_id,
            "DOT_LEASE": self.lease.name,
            "DOT_TERM": str(self.lease.term),
        }
        return {name: value for name, value in (target | run).items() if value}

    def _secrets(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        _, password = self.target.without_password()
        return (*secrets_of(self.dot, values), *([password] if password else []))

    def _evidence(
        self,
        ended: Ended,
        state: State,
        reason: str,
        gates: Mapping[str, object],
        output: Output,
        result: msgspec.Raw | None,
    ) -> dict[str, object]:
        return {
            "format": "pgrehearse-run/1",
            "run_id": self.run.run_id,
            "code": self.run.code,
            "place": self.run.place,
            "target": self.run.target,
            "script_sha256": self.run.script_sha256,
            "parameters_digest": self.run.parameters_digest,
            "lease": {"name": self.lease.name, "holder": self.lease.holder, "term": self.lease.term},
            "gates": dict(gates),
            "state": state,
            "reason": reason,
            "status": ended.status,
            "duration_ms": ended.duration_ms,
            "left_running": ended.left_running,
            "output": {"bytes": output.byte_count, "sha256": output.sha256},
            "result_sha256": None if result is None else hashlib.sha256(bytes(result)).hexdigest(),
        }


def give_back(ledger: str, lease: Lease) -> None:
    """Release a lease; where its server is away, it ends by itself."""
    try:
        with open_store(ledger) as store:
            release(store, lease)
    except (ConnectionLostError, TargetError):
        return


def _reason(ended: Ended) -> str:
    """Why a run failed; empty where it succeeded."""
    if ended.error:
        return f"the script could not be started: {ended.error}"
    if ended.why:
        return ended.why
    if ended.status < 0:
        return f"ended by signal {-ended.status}"
    return f"exit status {ended.status}" if ended.status else ""


def _read_result(room: Workroom) -> msgspec.Raw | None:
    content = room.read_result()
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=msgspec.Raw)
    except msgspec.DecodeError:
        return None  # not JSON: the tool's own affair, and not handed on
