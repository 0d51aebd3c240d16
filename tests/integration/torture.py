"""A rehearsal beside the truth: the same change in an ordinary transaction, every table read before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import psycopg

from pgrehearse.evidence.document import Document
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import make_source
from pgrehearse.server.binaries import all_binaries
from pgrehearse.stage.clearance import IDENTITY, Clearance
from pgrehearse.stage.limits import Limits
from pgrehearse.stage.perform import Performance, perform
from pgrehearse.stage.transcript import Transcript

from .torture_cases.case import Rows

MAJORS = tuple(major for major in (18, 16, 15) if major in {found.major for found in all_binaries()})
"""The versions found on this machine; the wheel brings 16 and 18."""

Fact = TypeVar("Fact")

_TABLES = """
SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was or is."""

    name: str
    count: int
    content: str


def rehearsed(conninfo: str, change: str, *, passes: int = 2) -> Document:
    """The evidence of one rehearsal on a database that the test made itself."""
    source = make_source("change.sql", change.encode())
    return rehearse(source, PlanFile(), conninfo, cleared(conninfo), Options(passes=passes)).evidence


def cleared(conninfo: str) -> Clearance:
    """The clearance of a database that the test made itself."""
    with Session(conninfo) as session:
        database, oid, system, _ = session.fetch(IDENTITY)[0]
    return Clearance(database, oid, system, "clone", ("made by the test",))


def transcript_of(conninfo: str, change: str, *, passes: int = 1) -> Transcript:
    """What the observers of one rehearsal gave, before it is summed up."""
    plan = PlanFile()
    performance = Performance(
        source=make_source("change.sql", change.encode()),
        variables={},
        conninfo=conninfo,
        clearance=cleared(conninfo),
        limits=Limits.of(plan.policy),
        values={},
        splits={},
        passes=passes,
        isolation="",
        policy=plan.policy,
        shown=lambda *_: None,
    )
    return perform(performance)


def observed(transcript: Transcript, kind: type[Fact]) -> list[Fact]:
    """The observations of one kind in the first pass."""
    return [one for one in transcript.passes[0].observations if isinstance(one, kind)]


def load(conninfo: str, sql: str) -> None:
    """Make what is there before the change."""
    with psycopg.connect(conninfo, autocommit=True) as session:
        session.execute(sql)


def rows_of(evidence: Document) -> dict[str, Rows]:
    """What the evidence says, as the tests write it."""
    return {row.table: (row.inserted, row.updated, row.deleted) for row in evidence.effects.rows}


def truth(conninfo: str, change: str) -> tuple[dict[int, Table], dict[int, Table]]:
    """Every table before and after the change, read in a transaction that is rolled back here."""
    with psycopg.connect(conninfo) as session:
        before = _tables(session)
        session.execute(change)
        session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        after = _tables(session)
        session.rollback()
    return before, after


def disagreements(
    evidence: Document, before: dict[int, Table], after: dict[int, Table], reshaped: Iterable[str] = ()
) -> list[str]:
    """What the evidence says otherwise than the tables themselves, one sentence each."""
    seen, found = rows_of(evidence), []
    for oid in sorted(before.keys() | after.keys()):
        was, now = before.get(oid), after.get(oid)
        name = now.name if now else was.name if was else ""
        inserted, _, deleted = seen.get(name, (0, 0, 0))
        difference = (now.count if now else 0) - (was.count if was else 0)
        if inserted - deleted != difference:
            found.append(f"{name}: {difference:+} rows, but +{inserted} and -{deleted} were seen")
        changed = (was.content if was else "") != (now.content if now else "")
        if changed and name not in seen and name not in reshaped and (was or (now and now.count)):
            found.append(f"{name}: its content changed, and it is not listed")
    return found


def _tables(session: psycopg.Connection) -> dict[int, Table]:
    tables = {}
    for oid, name in session.execute(_TABLES).fetchall():
        query = f"SELECT count(*), coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM ONLY {name} AS t"
        count, content = session.execute(query).fetchone() or (0, "")
        tables[oid] = Table(name, count, content)
    return tables
