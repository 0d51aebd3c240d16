"""The queue: procrastinate's, in the database that keeps the ledger.

Takes jobs; gives them to whichever worker is free. A job is written to the ledger as planned before it is queued, so
that nothing that was accepted can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import procrastinate
from procrastinate.connector import BaseConnector
from procrastinate.schema import SchemaManager

from pgrehearse.dots.dot import Dot
from pgrehearse.dots.ledger import Run, append, make_run_id
from pgrehearse.dots.parameters import bind, digest_parameters
from pgrehearse.dots.runner import Order
from pgrehearse.dots.store import open_store
from pgrehearse.errors import UsageError
from pgrehearse.fleet.job import HeldElsewhereError, Job, RehearsalJob, RunJob, to_arguments
from pgrehearse.pg.session import Session
from pgrehearse.script.source import Source

REHEARSE = "pgrehearse.rehearse"
RUN = "pgrehearse.run"
QUEUES = ("rehearsals", "runs")

_LOCK = 0x70675F71756575  # "pg_queu"
_QUEUED = "(queued)"
_AGAIN_S = 2

Perform = Callable[[Job], None]


def make_app(connector: BaseConnector, perform: Perform) -> procrastinate.App:
    """The application with its two tasks; `perform` does a job, or raises and leaves it failed."""
    app = procrastinate.App(connector=connector)
    # Never given up while the lease is held: its holder may be at it, or be dead and not yet known to be.
    again = procrastinate.RetryStrategy(wait=_AGAIN_S, retry_exceptions=[HeldElsewhereError])

    @app.task(name=REHEARSE, queue="rehearsals", retry=again)
    def _rehearse(**arguments: object) -> None:
        perform(msgspec.convert(arguments, RehearsalJob))

    @app.task(name=RUN, queue="runs", retry=again)
    def _run(**arguments: object) -> None:
        perform(msgspec.convert(arguments, RunJob))

    return app


def install_queue(store: Session) -> None:
    """Make procrastinate's tables where they are missing."""
    store.run("BEGIN")
    store.fetch("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    ((is_there,),) = store.fetch("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
    if not is_there:
        store.run(SchemaManager.get_schema())
    store.run("COMMIT")


def enqueue_rehearsals(
    ledger: str, jobs: Sequence[RehearsalJob], sources: Sequence[Source]
) -> tuple[str, ...]:
    """Queue rehearsals; give the names of their runs."""
    runs = [
        Run(job.run_id, job.path, "rehearse", "clone", _QUEUED, source.sha256)
        for job, source in zip(jobs, sources, strict=True)
    ]
    with open_store(ledger) as store:
        install_queue(store)
        for run in runs:
            append(store, run, "planned")
    with sending(ledger) as app:
        app.tasks[REHEARSE].batch_defer(*map(to_arguments, jobs))
    return tuple(job.run_id for job in jobs)


def enqueue_scripts(
    ledger: str, scripts: Sequence[tuple[Source, str]], *, variables: Mapping[str, str], passes: int
) -> tuple[str, ...]:
    """Queue a rehearsal of each script, which comes with the text of its plan file; give the names of the runs."""
    jobs = [
        make_rehearsal_job(source, plan=plan, variables=dict(variables), passes=passes)
        for source, plan in scripts
    ]
    return enqueue_rehearsals(ledger, jobs, [source for source, _ in scripts])


def make_rehearsal_job(source: Source, *, plan: str, variables: dict[str, str], passes: int) -> RehearsalJob:
    """A job for one script; `plan` is the text of its plan file."""
    return RehearsalJob(
        run_id=make_run_id(),
        path=source.path,
        script=source.text,
        plan=plan,
        variables=variables,
        passes=passes,
    )


def enqueue_run(order: Order) -> str:
    """Queue a run of a tool; give its name. The target is the worker's own.

    Raises:
        DotError: The script is not what was declared.
        UsageError: A parameter does not fit, or is a secret: a queue is no place for one.
    """
    dot = order.declared.dot
    order.declared.read_script()
    values = bind(dot, order.parameters)
    _refuse_secrets(dot)
    digest = digest_parameters(dot, values)
    job = RunJob(
        run_id=order.run_id,
        code=dot.code,
        script_sha256=dot.script.sha256,
        parameters=dict(order.parameters),
    )
    with open_store(order.ledger) as store:
        install_queue(store)
        append(
            store,
            Run(job.run_id, dot.code, "execute", "sandbox", _QUEUED, dot.script.sha256, digest),
            "planned",
        )
    with sending(order.ledger) as app:
        app.tasks[RUN].configure(lock=f"lease {dot.lease_name}").defer(**to_arguments(job))
    return job.run_id


@contextmanager
def sending(ledger: str) -> Iterator[procrastinate.App]:
    """The application, open for jobs to be sent."""
    connector = procrastinate.SyncPsycopgConnector(conninfo=ledger, min_size=1, max_size=1)
    with make_app(connector, _perform_nothing).open() as app:
        yield app


def _perform_nothing(job: Job) -> None:
    """What a sender does with jobs: it gets none."""


def _refuse_secrets(dot: Dot) -> None:
    secret = sorted(name for name, parameter in dot.parameters.items() if parameter.secret)
    if secret:
        raise UsageError(
            f"{dot.code} cannot be queued: its parameter {', '.join(secret)} is a secret",
            hint="Run it without --enqueue; a queue keeps what it is given.",
        )
