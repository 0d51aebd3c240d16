"""The boundary: what may be done with a tool, and where.

Takes an action and a session with a target; gives the word that the table has for them, with the facts that placed the
target. No option, setting or environment variable changes a word of the table. `docs/reference/boundary.md` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pgrehearse.clones.guard import examine
from pgrehearse.config import Config
from pgrehearse.errors import RefusedError
from pgrehearse.pg.session import Session

Action = Literal["rehearse", "register", "execute"]
"""Rehearse a registration, register so that it stays, execute the script."""

Place = Literal["production", "clone", "sandbox", "unknown"]

Word = Literal["GO", "NO-GO", "FORBIDDEN", "REFUSED"]

ACTIONS: tuple[Action, ...] = get_args(Action)
PLACES: tuple[Place, ...] = get_args(Place)

BOUNDARY: dict[tuple[Action, Place], tuple[Word, str]] = {
    ("rehearse", "production"): ("REFUSED", "A rehearsal needs a proven clone."),
    ("rehearse", "clone"): ("GO", "The transaction cannot commit."),
    ("rehearse", "sandbox"): ("GO", "The transaction cannot commit."),
    ("rehearse", "unknown"): ("REFUSED", "A rehearsal needs a proven clone."),
    ("register", "production"): (
        "NO-GO",
        "The registrar of the production registers, with its owner's word.",
    ),
    ("register", "clone"): ("NO-GO", "A clone stays as it was copied."),
    ("register", "sandbox"): ("GO", "The sandbox is dropped after the run."),
    ("register", "unknown"): ("REFUSED", "Nothing is committed where nothing is proven."),
    ("execute", "production"): ("FORBIDDEN", "Tools never run against a production."),
    ("execute", "clone"): (
        "NO-GO",
        "Tools run outside of the database and commit; a clone stays as it was copied.",
    ),
    ("execute", "sandbox"): ("GO", "The sandbox is made for one run and dropped after it."),
    ("execute", "unknown"): ("REFUSED", "Nothing runs where nothing is proven."),
}
"""The table: for each action and place a word, and why. It is whole, so that no case is decided elsewhere."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a target is.

    Attributes:
        place: Its place.
        database: Its name.
        facts: What placed it, one sentence each, the decisive first.
    """

    place: Place
    database: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the boundary says of one action in one place."""

    action: Action
    place: Place
    word: Word
    why: str


def rule(action: Action, place: Place) -> Ruling:
    """Look up the table."""
    return Ruling(action, place, *BOUNDARY[action, place])


def place_of(session: Session, config: Config) -> Placement:
    """Find out where the session's database is; what cannot be proven is `unknown`.

    Raises:
        ConnectionLostError: The server went away.
    """
    try:
        found = examine(session, name_like="%", config=config)
    except RefusedError as error:
        ((name,),) = session.fetch("SELECT current_database()::text")
        return Placement("unknown", name, (f"{error.message}: {error.detail}",))
    missing = tuple(f"{found.database.name} {proof.text}." for proof in found.missing)
    if any(proof.name == "production" for proof in found.missing):
        return Placement("production", found.database.name, missing)
    if missing:
        return Placement("unknown", found.database.name, missing)
    # Any name will do here: patterns for names are for plans, and say nothing of a place.
    held = tuple(f"{found.database.name} {proof.text}." for proof in found.proofs if proof.name != "name")
    match found.kind:
        case "clone" | "sandbox" as place:
            return Placement(place, found.database.name, held)
        case kind:
            return Placement(
                "unknown", found.database.name, (f'{found.database.name} is of the kind "{kind}".', *held)
            )


def require_go(action: Action, placement: Placement) -> None:
    """See that the table says GO.

    Raises:
        RefusedError: It says another word.
    """
    ruling = rule(action, placement.place)
    if ruling.word != "GO":
        raise RefusedError(
            refusal_of(ruling, placement), detail=" ".join(placement.facts), hint=_HINTS[action]
        )


def refusal_of(ruling: Ruling, placement: Placement) -> str:
    """What the ledger and the user are told of a refusal, without a full stop."""
    why = ruling.why.removesuffix(".")
    return f"{ruling.word}: {ruling.action} in {placement.place} {placement.database}: {why}"


_HINTS: dict[Action, str] = {
    "rehearse": "Rehearse on a clone: pgrehearse clone create",
    "register": "Rehearse the registration on a clone: pgrehearse dot register",
    "execute": "Run it in a sandbox of a clone: pgrehearse dot run",
}
