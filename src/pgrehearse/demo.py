"""The seed's rehearsal, end to end: the reference estate as a production, its clone, and the script on the clone.

Takes a local server of its own; gives the evidence, and the proof that the production is at exit what it was at entry.
Leaves nothing behind: the server goes with the demonstration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from pgrehearse.clones.guard import clear
from pgrehearse.clones.lifecycle import create
from pgrehearse.clones.mark import declare_production
from pgrehearse.config import Config
from pgrehearse.errors import RollbackError
from pgrehearse.estate import Version, load_estate
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target, make_target
from pgrehearse.plan.planfile import ENDING, PlanFile, read_plan_file
from pgrehearse.rehearsal import Options, Rehearsed, rehearse
from pgrehearse.script.source import Source, make_source
from pgrehearse.server import Server, private_server
from pgrehearse.stage.fingerprint import fingerprint_database

PRODUCTION = "directus"
CLONE = "directus_gov_test_20260602"
EXAMPLE = "dot_register"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoEstate:
    """The estate of the demonstration: a server of its own, a declared production, and its clone."""

    server: Server
    production: Target
    clone: Target


@contextmanager
def demo_estate(say: Say, *, version: Version, scale: int) -> Iterator[DemoEstate]:
    """Build the estate on a server of its own; all of it is gone at the end."""
    with private_server() as server:
        say(
            f"PostgreSQL {server.binaries.version} ({server.binaries.origin}) started, for this demonstration only"
        )
        _build_production(server, version, scale)
        say(f"production {PRODUCTION}: the estate of {version.value}, declared a production")
        production = make_target(server.conninfo(PRODUCTION))
        clone = create(make_target(server.conninfo()), production, CLONE, config=Config())
        say(f"clone {clone.name}: made by {clone.strategy}, and marked")
        yield DemoEstate(server, production, make_target(server.conninfo(CLONE)))


def demonstrate(say: Say, estate: DemoEstate, options: Options) -> Rehearsed:
    """Rehearse the seed's script on the clone; `say` is told what is being done.

    Raises:
        RollbackError: The production is not what it was at entry.
    """
    read_only = [("default_transaction_read_only", "on")]
    with (
        example(EXAMPLE) as (source, plan_file),
        Session(estate.production.conninfo, settings=read_only) as reader,
    ):
        before = fingerprint_database(reader)
        rehearsed = _rehearse(source, plan_file, estate.clone, options)
        after = fingerprint_database(reader)
    if before != after:
        raise RollbackError(
            f'production "{PRODUCTION}" is not what it was', detail=f"entry {before}, exit {after}"
        )
    say(
        f"production {PRODUCTION}: fingerprint {before[:16]}… at entry and at exit, read by a session of its own"
    )
    return rehearsed


@contextmanager
def example_folder(name: str) -> Iterator[Path]:
    """Where an example of the project stands."""
    with as_file(files("pgrehearse") / "examples" / name) as folder:
        yield folder


@contextmanager
def example(name: str) -> Iterator[tuple[Source, PlanFile]]:
    """The script of an example and its plan file, named as they stand in the project."""
    with example_folder(name) as folder:
        script = next(folder.glob("*.sql"))
        plan_file = read_plan_file(script.with_suffix(ENDING))
        yield make_source(f"examples/{name}/{script.name}", script.read_bytes(), folder=folder), plan_file


def _build_production(server: Server, version: Version, scale: int) -> None:
    with Session(server.conninfo()) as session:
        session.run(f"CREATE DATABASE {quote_identifier(PRODUCTION)}")
    with Session(server.conninfo(PRODUCTION)) as session:
        load_estate(session.run, version=version, scale=scale)
        declare_production(session)


def _rehearse(source: Source, plan_file: PlanFile, target: Target, options: Options) -> Rehearsed:
    with Session(target.conninfo) as session:
        clearance = clear(session, name_like=plan_file.target.name_like, config=Config())
    return rehearse(source, plan_file, target.conninfo, clearance, options)
