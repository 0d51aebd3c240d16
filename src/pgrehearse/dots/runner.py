"""The runner: one run of a tool in a sandbox, from the boundary to the ledger.

Takes an order; gives what became of it. In this order: boundary, script, registry, parameters, lease, ledger, gates,
and only then the child. Each step that says no is written to the ledger as a refusal, and nothing after it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import msgspec

from pgrehearse.config import Config
from pgrehearse.dots.boundary import Placement, place_of, require_go
from pgrehearse.dots.clock import steady
from pgrehearse.dots.dot import Declared
from pgrehearse.dots.gates import read_gates, require_shut
from pgrehearse.dots.lease import Clock, Lease, acquire, held_leases, make_holder
from pgrehearse.dots.ledger import (
    Anchor,
    Outcome,
    Run,
    RunStateError,
    State,
    append,
    make_run_id,
    mark_lost,
    read_runs,
)
from pgrehearse.dots.parameters import Value, bind, digest_parameters
from pgrehearse.dots.performance import Performance, give_back
from pgrehearse.dots.registry import Registry, find_registered, registration_sql
from pgrehearse.dots.sandbox import open_sandbox, place_target
from pgrehearse.dots.store import open_store
from pgrehearse.errors import DotError, RehearseError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target


def _show_nothing(_line: str) -> None:
    """The default of `Order.shown`."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run, and where.

    Attributes:
        declared: The tool.
        target: A clone, of which a sandbox is made, or a sandbox.
        ledger: Conninfo of the database that keeps leases and ledger.
        config: Declared productions.
        registry: Where the tool is registered.
        parameters: As given, texts by name.
        shown: Told the output, masked, as it comes, in whole lines.
        run_id, holder: Names that nobody else has.
        clock: See `clock.steady`.
    """

    declared: Declared
    target: Target
    ledger: str
    config: Config
    registry: Registry = field(default_factory=Registry)
    parameters: Mapping[str, str] = field(default_factory=dict)
    shown: Callable[[str], None] = _show_nothing
    run_id: str = field(default_factory=make_run_id)
    holder: str = field(default_factory=make_holder)
    clock: Clock = steady


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of a run.

    Attributes:
        run_id, code: Of the run and its tool.
        state: The last state in the ledger.
        term: Of the lease.
        reason: Why it ended so; empty for a success.
        exit_status: Of the script; None where it has none, as when a signal ended it.
        duration_ms: From the start of the script to its end.
        output_tail: The end of its output, masked.
        result: What it left as `result.json`; None where it left none.
        evidence: Everything that the evidence digest covers.
        anchor: The last row in the ledger; None where it could not be written.
    """

    run_id: str
    code: str
    state: State
    term: int
    reason: str
    exit_status: int | None
    duration_ms: int
    output_tail: str
    result: msgspec.Raw | None
    evidence: Mapping[str, object]
    anchor: Anchor | None


def run_in_sandbox(order: Order) -> RunResult:
    """Run a tool: in a sandbox made of the target where that is a clone, else in the target, if the boundary allows.

    The tool is registered in the sandbox first where the clone does not know it.

    Raises:
        RefusedError: The boundary has another word than GO.
        DotError: Script, registry, parameters, lease or gates stand in the way.
        CloneError: No sandbox can be made.
        UsageError: A parameter is unknown, missing or not of its type.
    """
    placement = place_target(order.target, order.config)
    if placement.place != "clone":
        return execute(order)
    with ExitStack() as stack:
        with open_store(order.ledger) as store, _refusing(store, order, placement):
            _require_not_started(store, order)
            order.declared.read_script()
            bind(order.declared.dot, order.parameters)
            sandbox = stack.enter_context(_sandbox_of(order))
        return execute(replace(order, target=sandbox))


def execute(order: Order) -> RunResult:
    """Run a tool in the target itself, which must be a sandbox; see `run_in_sandbox`."""
    dot = order.declared.dot
    with open_store(order.ledger) as store, Session(order.target.conninfo) as session:
        placement = place_of(session, order.config)
        with _refusing(store, order, placement):
            is_planned = _require_not_started(store, order)
            require_go("execute", placement)
            script = order.declared.read_script()
            _require_registered(session, order)
            values = bind(dot, order.parameters)
            lease = _acquire(store, order)
        run = _run_of(order, placement, digest_parameters(dot, values))
        try:
            mark_lost(store)
            if not is_planned:
                append(store, run, "planned", lease=lease)
            with _refusing(store, order, placement, run=run, lease=lease):
                require_shut(read_gates(session, order.registry, dot.gates), dot.gates)
        except BaseException:
            give_back(order.ledger, lease)
            raise
    return _perform(order, run, lease, script=script, values=values)


def _perform(
    order: Order, run: Run, lease: Lease, *, script: bytes, values: Mapping[str, Value]
) -> RunResult:
    performance = Performance(
        dot=order.declared.dot,
        run=run,
        lease=lease,
        target=order.target,
        ledger=order.ledger,
        registry=order.registry,
        clock=order.clock,
        shown=order.shown,
    )
    finished = performance.perform(script, values)
    return RunResult(
        run_id=run.run_id,
        code=run.code,
        state=finished.state,
        term=lease.term,
        reason=finished.outcome.reason,
        exit_status=finished.outcome.exit_status,
        duration_ms=finished.outcome.duration_ms or 0,
        output_tail=finished.outcome.output_tail or "",
        result=finished.result,
        evidence=finished.evidence,
        anchor=finished.anchor,
    )


@contextmanager
def _sandbox_of(order: Order) -> Iterator[Target]:
    with open_sandbox(order.target, config=order.config) as sandbox:
        with Session(sandbox.conninfo) as session:
            if find_registered(session, order.registry, order.declared.dot.code) is None:
                require_go("register", place_of(session, order.config))
                session.run(registration_sql(order.declared, order.registry))
        yield sandbox


@contextmanager
def _refusing(
    store: Session, order: Order, placement: Placement, *, run: Run | None = None, lease: Lease | None = None
) -> Iterator[None]:
    """Write to the ledger what is refused within."""
    try:
        yield
    except RunStateError:
        raise  # there is nothing to refuse: it was started before
    except RehearseError as error:
        refused = run or _run_of(order, placement, None)
        reason = error.message if not error.detail else f"{error.message}. {error.detail}"
        append(store, refused, "refused", lease=lease, outcome=Outcome(reason=reason))
        raise


def _run_of(order: Order, placement: Placement, parameters_digest: str | None) -> Run:
    dot = order.declared.dot
    return Run(
        run_id=order.run_id,
        code=dot.code,
        action="execute",
        place=placement.place,
        target=order.target.redacted,
        script_sha256=dot.script.sha256,
        parameters_digest=parameters_digest,
    )


def _require_not_started(store: Session, order: Order) -> bool:
    """Whether the run stands in the ledger as planned, by who queued it.

    Raises:
        RunStateError: It was started, or is at its end: it is never started again.
    """
    known = read_runs(store, run_id=order.run_id)
    if known and known[0].state != "planned":
        mark_lost(store)
        raise RunStateError(
            f"run {order.run_id} was started before, and is never started again",
            detail=f"It was {known[0].state} when it was looked at.",
            hint="See what it did, and order a new run.",
        )
    return bool(known)


def _require_registered(session: Session, order: Order) -> None:
    dot = order.declared.dot
    row = find_registered(session, order.registry, dot.code)
    if row is None:
        raise DotError(f"{dot.code} is not registered in {order.target.dbname}")
    if row.script_sha256 != dot.script.sha256:
        known = row.script_sha256 or "no digest"
        raise DotError(
            f"{dot.code} is registered with {known}, and declared with {dot.script.sha256}",
            hint="`pgrehearse dot verify` shows all that differs.",
        )


def _acquire(store: Session, order: Order) -> Lease:
    dot = order.declared.dot
    lease = acquire(store, dot.lease_name, order.holder, ttl_s=dot.lease.ttl_s, clock=order.clock)
    if lease is not None:
        return lease
    held = next((one for one in held_leases(store) if one.name == dot.lease_name), None)
    by = (
        f"Held by {held.holder} in term {held.term}, until {held.expires_at}."
        if held
        else "It was held just now."
    )
    raise DotError(
        f'the lease "{dot.lease_name}" is held: {dot.code} runs elsewhere',
        detail=by,
        hint="`pgrehearse dot leases` shows all. A lease of a holder that died ends by itself.",
    )
