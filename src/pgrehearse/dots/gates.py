"""Gates: settings of the estate that let a tool work, shut but for the length of a run.

Takes a session with the sandbox; opens them, and shuts them whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pgrehearse.dots.registry import Registry, quote_name
from pgrehearse.errors import DotError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target


def read_gates(session: Session, registry: Registry, names: Sequence[str]) -> dict[str, object]:
    """What each gate says now, by name; a gate that is not there is missing."""
    if not names:
        return {}
    table = quote_name(registry.config_table)
    return dict(session.fetch(f"SELECT key, value FROM {table} WHERE key = ANY(%s)", (list(names),)))


def require_shut(gates: Mapping[str, object], names: Sequence[str]) -> None:
    """See that each gate is there and shut.

    One that is open already is somebody else's: to shut it afterwards would shut it for them.

    Raises:
        DotError: A gate is missing, holds no boolean, or is open.
    """
    for name in names:
        value = gates.get(name)
        if value is False:
            continue
        found = (
            "is open already"
            if value is True
            else "is not there"
            if name not in gates
            else f"holds {value!r}"
        )
        raise DotError(
            f"gate {name} {found}", hint="A gate is a boolean of the estate's settings, false by default."
        )


@contextmanager
def open_gates(target: Target, registry: Registry, names: Sequence[str]) -> Iterator[None]:
    """Open the gates for as long as the block lasts; shut them, and see that they are shut, whatever happens.

    Raises:
        DotError: One could not be opened or shut.
    """
    if not names:
        yield
        return
    _set(target, registry, names, is_open=True)
    try:
        yield
    finally:
        _set(target, registry, names, is_open=False)


def _set(target: Target, registry: Registry, names: Sequence[str], *, is_open: bool) -> None:
    table = quote_name(registry.config_table)
    with Session(target.conninfo) as session:
        session.fetch(
            f"UPDATE {table} SET value = to_jsonb(%s::boolean) WHERE key = ANY(%s)", (is_open, list(names))
        )
        found = read_gates(session, registry, names)
    wrong = sorted(name for name in names if found.get(name) is not is_open)
    if wrong:
        raise DotError(f"gate {', '.join(wrong)} could not be {'opened' if is_open else 'shut'}")
