"""A worker: takes jobs from the queue, one at a time, and does them on clones of its own.

Takes a setting; gives nothing but rows of the ledger and files of evidence. Whatever the queue delivers, the ledger
decides: a run that was started is never started again; a rehearsal, which leaves nothing, is made again in a new
attempt when its worker died.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import procrastinate

from pgrehearse.config import Config
from pgrehearse.dots.clock import steady
from pgrehearse.dots.dot import find_dot
from pgrehearse.dots.lease import Clock, Lease, acquire, held_leases, make_holder, release
from pgrehearse.dots.ledger import Outcome, Run, append, mark_lost, read_runs
from pgrehearse.dots.registry import Registry
from pgrehearse.dots.renewal import Renewal
from pgrehearse.dots.runner import Order, run_in_sandbox
from pgrehearse.dots.store import open_store
from pgrehearse.errors import DotError, RehearseError
from pgrehearse.fleet.job import HeldElsewhereError, Job, RehearsalJob, RunJob
from pgrehearse.fleet.queue import QUEUES, install_queue, make_app
from pgrehearse.fleet.rehearsing import rehearse_job
from pgrehearse.fleet.rescue import Rescue
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target

logger = logging.getLogger("pgrehearse.fleet")

_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """What a worker works with.

    Attributes:
        ledger: Conninfo of the database that keeps leases, ledger and queue.
        clone: Where it rehearses, and what its sandboxes are copies of.
        tools: The folder of its declarations.
        evidence: Where evidence is written, one file a rehearsal; None for nowhere.
        lease_s: How long the lease of a rehearsal lasts without renewal.
        stall_s: After how long without a sign a worker counts as gone.
        holder: Its name.
        clock: See `clock.steady`.
    """

    ledger: str
    clone: Target
    config: Config
    tools: Path
    registry: Registry = field(default_factory=Registry)
    evidence: Path | None = None
    lease_s: float = 30.0
    stall_s: float = 30.0
    holder: str = field(default_factory=make_holder)
    clock: Clock = steady


def work(setting: Setting, *, waits: bool = True) -> None:
    """Do jobs until SIGINT or SIGTERM, which let the present one end; without `waits`, until the queue is empty.

    Raises:
        TargetError: The ledger's server cannot be reached.
    """
    with open_store(setting.ledger) as store:
        install_queue(store)
    connector = procrastinate.PsycopgConnector(conninfo=setting.ledger, min_size=1, max_size=4)
    app = make_app(connector, lambda job: perform(job, setting))
    with Rescue(setting.ledger, stall_s=setting.stall_s):
        app.run_worker(
            queues=list(QUEUES),
            name=setting.holder,
            concurrency=1,
            wait=waits,
            update_heartbeat_interval=setting.stall_s / 3,
            stalled_worker_timeout=setting.stall_s,
        )


def perform(job: Job, setting: Setting) -> None:
    """Do one job. What goes wrong with it stands in the ledger.

    Raises:
        HeldElsewhereError: It has to wait, and nothing was done.
    """
    try:
        if isinstance(job, RehearsalJob):
            _perform_rehearsal(job, setting)
        else:
            _perform_run(job, setting)
    except HeldElsewhereError:
        raise
    except RehearseError as error:
        logger.warning("%s: %s", job.run_id, error.message)


def _perform_run(job: RunJob, setting: Setting) -> None:
    try:
        declared = find_dot(job.code, setting.tools)
        if declared.dot.script.sha256 != job.script_sha256:
            raise DotError(f"{job.code} is declared here with another script than where it was queued")
    except RehearseError as error:
        with open_store(setting.ledger) as store:
            (known,) = read_runs(store, run_id=job.run_id)
            run = Run(known.run_id, known.code, known.action, known.place, known.target, known.script_sha256)
            append(store, run, "refused", outcome=Outcome(error.message))
        raise
    _require_free(declared.dot.lease_name, setting)
    run_in_sandbox(
        Order(
            declared=declared,
            target=setting.clone,
            ledger=setting.ledger,
            config=setting.config,
            registry=setting.registry,
            parameters=job.parameters,
            run_id=job.run_id,
            clock=setting.clock,
        )
    )


def _perform_rehearsal(job: RehearsalJob, setting: Setting) -> None:
    with open_store(setting.ledger) as store, _lease_of(job, setting, store) as lease:
        run = _attempt(store, job)
        if run is None:
            return
        append(store, run, "running", lease=lease)
        with Renewal(setting.ledger, lease, clock=setting.clock, renewed=lambda _: None, lost=lambda: None):
            document, outcome = rehearse_job(job, setting.clone, setting.config)
            if document is not None and setting.evidence is not None:
                (setting.evidence / f"{run.run_id}.json").write_text(document, encoding="utf-8")
            append(store, run, "failed" if outcome.exit_status else "succeeded", lease=lease, outcome=outcome)


@contextmanager
def _lease_of(job: RehearsalJob, setting: Setting, store: Session) -> Iterator[Lease]:
    """The right to rehearse this.

    Raises:
        HeldElsewhereError: Another worker has it, or had it when it died.
    """
    name = f"rehearsal {job.run_id}"
    lease = acquire(store, name, setting.holder, ttl_s=setting.lease_s, clock=setting.clock)
    if lease is None:
        raise HeldElsewhereError(f'the lease "{name}" is held')
    try:
        yield lease
    finally:
        release(store, lease)


def _require_free(name: str, setting: Setting) -> None:
    with open_store(setting.ledger) as store:
        if any(held.name == name for held in held_leases(store)):
            raise HeldElsewhereError(f'the lease "{name}" is held')


def _attempt(store: Session, job: RehearsalJob) -> Run | None:
    """The run to make: the first attempt, or the next one after those that were lost; None where one is at its end."""
    for number in range(1, _ATTEMPTS + 1):
        run_id = job.run_id if number == 1 else f"{job.run_id}.{number}"
        known = read_runs(store, run_id=run_id)
        if known and known[0].state == "running":
            mark_lost(store)  # its lease is ours now
            known = read_runs(store, run_id=run_id)
        run = Run(
            run_id, job.path, "rehearse", "clone", "(queued)", known[0].script_sha256 if known else None
        )
        if not known:
            append(store, run, "planned")
            return run
        if known[0].state == "planned":
            return run
        if known[0].state != "lost":
            return None
    raise DotError(f"rehearsal {job.run_id} was lost {_ATTEMPTS} times, and is given up")
