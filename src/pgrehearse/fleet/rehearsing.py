"""One rehearsal of the queue, from the text that travelled to the evidence.

Takes a job and the worker's clone; gives the evidence as JSON text, and what the ledger is told.
"""

from __future__ import annotations

import msgspec

from pgrehearse.clones.guard import clear
from pgrehearse.config import Config
from pgrehearse.dots.ledger import Outcome
from pgrehearse.errors import PlanError, RehearseError
from pgrehearse.fleet.job import RehearsalJob
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.report.json import render
from pgrehearse.script.source import make_source


def rehearse_job(job: RehearsalJob, clone: Target, config: Config) -> tuple[str | None, Outcome]:
    """Rehearse; an error is an outcome as well, because the queue has nobody to be told."""
    try:
        plan = _plan_of(job)
        with Session(clone.conninfo) as session:
            clearance = clear(session, name_like=plan.target.name_like, config=config)
        source = make_source(job.path, job.script.encode())
        options = Options(variables=job.variables, passes=job.passes)
        document = rehearse(source, plan, clone.conninfo, clearance, options).evidence
    except RehearseError as error:
        return None, Outcome(f"{error.message} ({error.code})", exit_status=error.exit_status)
    outcome = Outcome(
        reason="; ".join([document.verdict.word, *document.verdict.reasons]),
        exit_status=document.verdict.exit_status,
        duration_ms=int(document.rehearsal.duration_ms),
        evidence_digest=document.digest,
    )
    return render(document), outcome


def _plan_of(job: RehearsalJob) -> PlanFile:
    try:
        return msgspec.toml.decode(job.plan, type=PlanFile)
    except msgspec.DecodeError as error:
        raise PlanError(f"plan of {job.path}: {error}") from error
