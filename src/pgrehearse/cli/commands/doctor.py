"""`pgrehearse doctor`: what is here, what is missing, and what that costs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pgrehearse.cli import options, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgrehearse.config import Config


@click.command()
@options.dbname
@options.config
@options.format_of("text", "json")
def doctor(dbname: str | None, config: Config, output_format: str) -> None:
    """Say which PostgreSQL programs are here, and what a target allows.

    Touches nothing: with -d, the target is asked for its proofs and privileges.

    Exit status: 0 where all is well, 3 where the target is not proven to be a clone, 2 where it cannot be reached.
    """
    from pgrehearse.pg.privileges import privileges_of  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.pg.session import Session  # noqa: PLC0415

    facts = list(_programs())
    refused = False
    target = options.target_from(dbname)
    if target is not None:
        from pgrehearse.clones.guard import examine  # noqa: PLC0415

        with Session(target.conninfo) as session:
            found = examine(session, name_like="%", config=config)
            refused = bool(found.missing)
            facts += [
                {
                    "about": "target",
                    "holds": not p.missing,
                    "says": f"{found.database.name} {p.text}",
                    "cost": p.hint,
                }
                for p in found.proofs
            ]
            facts += [
                {"about": "privilege", "holds": p.is_held, "says": p.says, "cost": p.cost}
                for p in privileges_of(session)
            ]
    if output_format == "json":
        terminal.write_json(facts)
    else:
        terminal.write("\n".join(_line(fact) for fact in facts))
    if refused:
        sys.exit(3)


def _programs() -> Iterator[dict[str, object]]:
    from pgrehearse.server import survey  # noqa: PLC0415

    for binaries in survey().found:
        missing = ", ".join(binaries.missing)
        yield {
            "about": "server",
            "holds": not missing,
            "says": f"PostgreSQL {binaries.version}, {binaries.origin}: {binaries.why}",
            "cost": f"without {missing}, no dump is taken or loaded" if missing else "",
        }


def _line(fact: dict[str, object]) -> str:
    sign = "ok  " if fact["holds"] else "--  "
    cost = f"\n      {fact['cost']}" if not fact["holds"] and fact["cost"] else ""
    return f"{sign}{fact['about']}: {fact['says']}{cost}"
