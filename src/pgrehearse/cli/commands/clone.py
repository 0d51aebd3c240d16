"""`pgrehearse clone`: make, prove, keep and drop the databases that are rehearsed on."""

from __future__ import annotations

import click

from pgrehearse.cli import options, terminal
from pgrehearse.clones import lifecycle, throwaway
from pgrehearse.clones.clone import Clone
from pgrehearse.clones.guard import Examination, examine
from pgrehearse.config import Config
from pgrehearse.errors import RefusedError, UsageError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import is_conninfo, make_target

_STRATEGIES = ("auto", "template", "dump")
_name = click.argument("name")
_format = options.format_of("text", "json")
_force = click.option("--force", "ends_sessions", is_flag=True, help="End the sessions of others with it.")
_yes = click.option("--yes", is_flag=True, help="Do it, instead of saying what would be done.")


@click.group()
def clone() -> None:
    """Create, adopt, list, verify, reset, keep and drop clones.

    Without -d and PG* variables, those of the embedded server.
    """


@clone.command()
@click.argument("source")
@_name
@options.dbname
@click.option(
    "--strategy",
    type=click.Choice(_STRATEGIES),
    default="auto",
    show_default=True,
    help="template: by the server itself; dump: by pg_dump and pg_restore, where the source is in use or elsewhere.",
)
@click.option("--no-owner", is_flag=True, help="Leave out owners and privileges, where roles are missing.")
@_format
@options.config
@options.quiet
def create(
    *,
    source: str,
    name: str,
    dbname: str | None,
    strategy: str,
    no_owner: bool,
    output_format: str,
    config: Config,
) -> None:
    """Copy the database SOURCE to a clone NAME.

    SOURCE is a database of the same server, or a connection string for another. It is only read, and may be a
    production; NAME may not.
    """
    server = options.server_target(dbname)
    copied = make_target(source) if is_conninfo(source) else server.for_database(source)
    with terminal.working(f"copying {copied.dbname}"):
        made = lifecycle.create(
            server, copied, name, config=config, strategy=strategy, keeps_owners=not no_owner
        )
    _show_one(made, "created", output_format)


@clone.command()
@_name
@options.dbname
@click.option("--yes", is_flag=True, help="Say that NAME is a disposable copy.")
@_format
@options.config
@options.quiet
def adopt(*, name: str, dbname: str | None, yes: bool, output_format: str, config: Config) -> None:
    """Say that a database is a disposable copy, and mark it."""
    if not yes:
        raise UsageError(
            f'to adopt "{name}" is to say that it is a disposable copy',
            hint=f"If you are sure that nobody needs it: pgrehearse clone adopt {name} --yes",
        )
    _show_one(lifecycle.adopt(options.server_target(dbname), name, config=config), "adopted", output_format)


@clone.command("list")
@options.dbname
@_format
def list_(*, dbname: str | None, output_format: str) -> None:
    """List clones, and whether their marks hold."""
    clones = lifecycle.list_clones(options.server_target(dbname))
    if output_format == "json":
        terminal.write_json([_to_record(one) for one in clones])
    elif clones:
        terminal.write(_table([_HEADER, *(_to_row(one) for one in clones)]))
    else:
        terminal.note("There are no clones on this server.")


@clone.command()
@_name
@options.dbname
@click.option("--name-like", default="%", show_default=True, help="The LIKE pattern of a plan.")
@_format
@options.config
def verify(
    *,
    name: str,
    dbname: str | None,
    name_like: str,
    output_format: str,
    config: Config,
) -> None:
    """Say which proofs of a clone hold.

    Exit status 0 where all do, else 3.
    """
    target = options.server_target(dbname).for_database(name)
    with Session(target.conninfo) as session:
        found = examine(session, name_like=name_like, config=config)
    if output_format == "json":
        terminal.write_json(_examination_record(found))
    else:
        terminal.write(_examination_text(found))
    click.get_current_context().exit(RefusedError.exit_status if found.missing else 0)


@clone.command()
@_name
@options.dbname
@_force
@_format
@options.config
@options.quiet
def reset(*, name: str, dbname: str | None, ends_sessions: bool, output_format: str, config: Config) -> None:
    """Make a clone anew.

    From its snapshot, or else from its source. The old one stays until the new one is complete.
    """
    server = options.server_target(dbname)
    with terminal.working(f"resetting {name}"):
        made = lifecycle.reset(server, name, config=config, ends_sessions=ends_sessions)
    _show_one(made, "reset", output_format)


@clone.command()
@_name
@options.dbname
@_format
@options.config
@options.quiet
def snapshot(*, name: str, dbname: str | None, output_format: str, config: Config) -> None:
    """Keep a copy of a clone for reset."""
    server = options.server_target(dbname)
    with terminal.working(f"copying {name}"):
        made = lifecycle.snapshot(server, name, config=config)
    _show_one(made, "kept", output_format)


@clone.command()
@_name
@options.dbname
@_force
@_format
@options.config
@options.quiet
def drop(*, name: str, dbname: str | None, ends_sessions: bool, output_format: str, config: Config) -> None:
    """Drop a clone.

    What carries no mark that holds is refused: exit status 3.
    """
    mark = lifecycle.drop(options.server_target(dbname), name, config=config, ends_sessions=ends_sessions)
    if output_format == "json":
        terminal.write_json({"dropped": [name], "kind": mark.kind, "source": mark.source})
    else:
        terminal.write(f"dropped {mark.kind} {name}, {_origin(mark.source)}, created at {mark.created_at}")


@clone.command()
@options.dbname
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=0,
    metavar="MINUTES",
    help="Only what was made that long ago.",
)
@_yes
@_format
@options.quiet
def sweep(*, dbname: str | None, older_than: float, yes: bool, output_format: str) -> None:
    """Find what a killed pgrehearse left.

    Only throwaway and unfinished databases whose maker is gone. They are shown, and with --yes dropped.
    """
    server = options.server_target(dbname)
    found = throwaway.left_behind(server, older_than_s=older_than * 60)
    dropped = throwaway.sweep(server, [one.name for one in found]) if yes else ()
    if output_format == "json":
        terminal.write_json({"left_behind": [_to_record(one) for one in found], "dropped": list(dropped)})
        return
    if not found:
        terminal.note("Nothing was left behind.")
        return
    terminal.write(_table([_HEADER, *(_to_row(one) for one in found)]))
    terminal.note(f"Dropped {len(dropped)} of {len(found)}." if yes else "Drop them with --yes.")


_HEADER = ("name", "kind", "source", "created at", "size", "mark")


def _show_one(made: Clone, done: str, output_format: str) -> None:
    if output_format == "json":
        terminal.write_json(_to_record(made))
        return
    _, kind, source, *_ = _to_row(made)
    how = f" by {made.strategy}" if made.strategy else ""
    size = "" if made.size_bytes is None else f", {_size(made.size_bytes)}"
    terminal.write(f"{done} {kind} {made.name}{how}{f' from {source}' if source else ''}{size}")


def _to_record(one: Clone) -> dict[str, object]:
    mark = one.mark
    return {
        "name": one.name,
        "kind": None if mark is None else mark.kind,
        "source": None if mark is None else mark.source,
        "created_at": None if mark is None else mark.created_at,
        "is_throwaway": None if mark is None else mark.is_throwaway,
        "size_bytes": one.size_bytes,
        "is_valid": not one.fault,
        "fault": one.fault or None,
        "strategy": one.strategy or None,
    }


def _to_row(one: Clone) -> tuple[str, ...]:
    size = "" if one.size_bytes is None else _size(one.size_bytes)
    if one.mark is None:
        return (one.name, "", "", "", size, one.fault)
    return (one.name, one.mark.kind, one.mark.source, one.mark.created_at, size, one.fault or "holds")


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(room) for cell, room in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1024 / 1024:.1f} MiB"


def _origin(source: str) -> str:
    return f"a copy of {source}" if source else "without a source"


def _examination_record(found: Examination) -> dict[str, object]:
    return {
        "database": found.database.name,
        "system_identifier": found.system_identifier,
        "kind": found.kind or None,
        "is_cleared": not found.missing,
        "proofs": [
            {"name": one.name, "holds": not one.missing, "text": one.text, "hint": one.hint or None}
            for one in found.proofs
        ],
        "warnings": list(found.warnings),
    }


def _examination_text(found: Examination) -> str:
    word = "REFUSED" if found.missing else "CLEARED"
    lines = [f"{word}  {found.database.name}"]
    for proof in found.proofs:
        lines.append(f"  {'missing' if proof.missing else 'holds  '}  {proof.name:<11}  {proof.text}")
        lines.extend([f"{'':24}{proof.hint}"] if proof.hint else [])
    lines.extend(f"  warning  {warning}" for warning in found.warnings)
    return "\n".join(lines)
