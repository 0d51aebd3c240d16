"""What must hold of a target, judged from facts alone.

Takes a database, its mark, its surroundings and the configuration; gives proofs, held or missing, and warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pgrehearse.clones.identity import Database
from pgrehearse.clones.mark import CLONE_SETTING, REHEARSABLE, read_mark
from pgrehearse.config import Clones, Config, Place


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that must hold of a target.

    Attributes:
        name: Short and stable: `production`, `mark`, `binding`, `kind`, `name`, `template`, `standby`, `replication`
            or `sessions`.
        text: What was found, a phrase that goes on from "the database".
        missing: Whether it does not hold.
        hint: How to give it, sentences; empty where it holds.
    """

    name: str
    text: str
    missing: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around a target, as its own server tells.

    Attributes:
        in_recovery: Whether the server is a standby.
        fits_plan, fits_config: Whether the database's name satisfies the pattern of the plan, of the configuration.
        is_set_production: Whether the server's own settings declare a production.
        subscriptions, slots: Names of enabled subscriptions and of replication slots in use, in this database.
        sessions: Others that are connected to the database, a phrase each.
    """

    in_recovery: bool
    fits_plan: bool
    fits_config: bool
    is_set_production: bool
    subscriptions: list[str]
    slots: list[str]
    sessions: list[str]


def proofs_of(
    database: Database, place: Place, around: Surroundings, config: Config, *, name_like: str
) -> tuple[Proof, ...]:
    """Every proof, the weightiest first."""
    return (
        no_production(database, place, config, is_set=around.is_set_production),
        *_marked(database, place.system_identifier or ""),
        *_named(database, around, config.clones, name_like),
        _no_template(database),
        *_apart(around),
        *_alone(around, config.clones),
    )


def warnings_of(around: Surroundings, clones: Clones) -> tuple[str, ...]:
    """What is let pass and told, one sentence each."""
    if not around.sessions or clones.other_sessions == "refuse":
        return ()
    return (f"Others are connected to the target: {_several(around.sessions)}.",)


def no_production(database: Database, place: Place, config: Config, *, is_set: bool = False) -> Proof:
    """Whether nothing declares the database a production: not itself, not its server, not the configuration."""
    declared = config.production_at(place)
    if declared is not None:
        text = f"is the declared production {declared} ({declared.facts})"
    elif database.is_production or is_set:
        text = "is declared a production by its own settings"
    else:
        return Proof("production", "is not declared a production")
    hint = (
        "A production is never rehearsed on, whatever it carries. Make a clone of it:"
        f" pgrehearse clone create {database.name} {database.name}_rehearsal"
    )
    return Proof("production", text, missing=True, hint=hint)


def _marked(database: Database, system_identifier: str) -> Iterator[Proof]:
    adopt = (
        f"Make a clone with `pgrehearse clone create`. Only if {database.name} is a disposable copy already:"
        f" pgrehearse clone adopt {database.name} --yes"
    )
    mark = read_mark(database)
    if mark is None:
        has_one = database.setting(CLONE_SETTING) is not None
        text = "has a mark that cannot be read" if has_one else "does not carry the mark of a clone"
        yield Proof("mark", text, missing=True, hint=adopt)
        return
    fault = mark.fault(database, system_identifier)
    yield Proof("mark", f"carries the mark of a {mark.kind} since {mark.created_at}")
    if fault:
        yield Proof("binding", f"is not what its mark was made for: {fault}", missing=True, hint=adopt)
    else:
        yield Proof(
            "binding", f"is what its mark was made for: oid {database.oid} of system {system_identifier}"
        )
    if mark.kind not in REHEARSABLE:
        hint = "Rehearse on a clone: pgrehearse clone create"
        yield Proof("kind", f'is of the kind "{mark.kind}", which is kept as it is', missing=True, hint=hint)


def _named(database: Database, around: Surroundings, clones: Clones, plan_pattern: str) -> Iterator[Proof]:
    for fits, pattern, whose, key in (
        (around.fits_plan, plan_pattern, "plan", "target.name_like"),
        (around.fits_config, clones.name_like, "configuration", "clones.name_like"),
    ):
        if fits:
            yield Proof("name", f"has a name like '{pattern}', as the {whose} asks")
        else:
            text = f"is named \"{database.name}\", and the {whose} is only for names like '{pattern}'"
            yield Proof(
                "name",
                text,
                missing=True,
                hint=f"Choose a clone whose name fits, or change {key} in the {whose}.",
            )


def _no_template(database: Database) -> Proof:
    if not database.is_template:
        return Proof("template", "is not a template")
    hint = "Copy it: pgrehearse clone create"
    return Proof("template", "is a template, and others are made from it", missing=True, hint=hint)


def _apart(around: Surroundings) -> Iterator[Proof]:
    if around.in_recovery:
        hint = "Make the clone on a server of its own, or on the primary."
        yield Proof("standby", "is on a standby, which takes no writes", missing=True, hint=hint)
    else:
        yield Proof("standby", "is not on a standby")
    ties = [f"subscription {name}" for name in around.subscriptions] + [
        f"slot {name}" for name in around.slots
    ]
    if ties:
        hint = "Disable the subscription (ALTER SUBSCRIPTION … DISABLE), stop who reads the slot, or use another clone."
        yield Proof("replication", f"takes part in replication: {_several(ties)}", missing=True, hint=hint)
    else:
        yield Proof("replication", "takes no part in logical replication")


def _alone(around: Surroundings, clones: Clones) -> Iterator[Proof]:
    if not around.sessions:
        yield Proof("sessions", "has no other sessions")
    elif clones.other_sessions == "refuse":
        hint = "End them, or set clones.other_sessions to warn in the configuration."
        yield Proof("sessions", f"is in use by {_several(around.sessions)}", missing=True, hint=hint)


def _several(names: list[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
