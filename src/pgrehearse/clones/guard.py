"""The guard: whether a target is proven to be a clone.

Takes a session with the target, the pattern of a plan and the configuration; gives a `Clearance`, or refuses and
says which proof is missing and how to give it. What cannot be known counts against the target. Nothing of a script
may run before.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from pgrehearse.clones.identity import Database, read_database, reading, system_identifier
from pgrehearse.clones.mark import read_mark
from pgrehearse.clones.proofs import Proof, Surroundings, proofs_of, warnings_of
from pgrehearse.config import Config, Place
from pgrehearse.errors import RefusedError, ServerError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import address_of
from pgrehearse.stage.clearance import Clearance

_SURROUNDINGS = files(__package__).joinpath("sql/surroundings.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Examination:
    """What the guard found.

    Attributes:
        database, system_identifier: What was examined.
        kind: The kind that its mark claims; empty without one.
        proofs: All of them, the weightiest first.
        warnings: What is let pass, one sentence each.
    """

    database: Database
    system_identifier: str
    kind: str
    proofs: tuple[Proof, ...]
    warnings: tuple[str, ...]

    @property
    def missing(self) -> tuple[Proof, ...]:
        """The proofs that do not hold."""
        return tuple(proof for proof in self.proofs if proof.missing)


def clear(session: Session, *, name_like: str, config: Config) -> Clearance:
    """Prove that the session's database may be rehearsed on.

    Args:
        session: With the target, outside a transaction.
        name_like: The plan's SQL LIKE pattern for the database's name.
        config: Declared productions, and what is asked of clones.

    Raises:
        RefusedError: A proof is missing; detail and hint say which, and how to give it.
        ConnectionLostError: The server went away.
    """
    found = examine(session, name_like=name_like, config=config)
    if found.missing:
        raise _refusal(found)
    return Clearance(
        database=found.database.name,
        database_oid=found.database.oid,
        system_identifier=found.system_identifier,
        kind=found.kind,
        proof=tuple(f"{found.database.name} {proof.text}" for proof in found.proofs),
        warnings=found.warnings,
    )


def examine(session: Session, *, name_like: str, config: Config) -> Examination:
    """Look for every proof, and say which hold.

    Raises:
        RefusedError: The server does not answer what must be known.
        ConnectionLostError: The server went away.
    """
    patterns = {"plan_pattern": name_like, "config_pattern": config.clones.name_like}
    try:
        with reading(session):
            identifier = system_identifier(session)
            database = _current_database(session)
            around = Surroundings(*session.fetch(_SURROUNDINGS, patterns)[0])
            place = Place(database.name, identifier, *address_of(session))
    except ServerError as error:
        raise RefusedError(
            "the target cannot be examined",
            detail=f"The server says: {error.message}",
            hint="What cannot be known counts against a target. See that your role may read the catalogs, and that"
            " name_like is a LIKE pattern.",
        ) from error
    mark = read_mark(database)
    return Examination(
        database=database,
        system_identifier=identifier,
        kind="" if mark is None else mark.kind,
        proofs=proofs_of(database, place, around, config, name_like=name_like),
        warnings=warnings_of(around, config.clones),
    )


def _current_database(session: Session) -> Database:
    ((name,),) = session.fetch("SELECT current_database()::text")
    database = read_database(session, str(name))
    if database is None:
        raise RefusedError(f'database "{name}" is not in the catalogs', hint="Connect to a clone directly.")
    return database


def _refusal(found: Examination) -> RefusedError:
    name = found.database.name
    first, *others = found.missing
    return RefusedError(
        f'database "{name}" {first.text}: nothing was run',
        detail=" ".join(f"Besides, it {proof.text}." for proof in others),
        hint=first.hint,
    )
