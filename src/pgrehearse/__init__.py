"""See everything that a change would do to a PostgreSQL database, in a transaction that cannot commit.

The names in `__all__` are the public ones, for use from Python; nothing else is. They are loaded when first asked
for, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgrehearse.clones.guard import clear
    from pgrehearse.config import Config, load_config
    from pgrehearse.errors import RefusedError, RehearseError, ScriptError, TargetError
    from pgrehearse.evidence.digest import verify
    from pgrehearse.evidence.document import Document
    from pgrehearse.pg.session import Session
    from pgrehearse.plan.planfile import PlanFile, read_plan_file
    from pgrehearse.rehearsal import Options, rehearse
    from pgrehearse.report.catalogue import render
    from pgrehearse.script.source import read_source

__version__ = "0.1.0"

_HOMES = {
    "Config": "config",
    "Document": "evidence.document",
    "Options": "rehearsal",
    "PlanFile": "plan.planfile",
    "RefusedError": "errors",
    "RehearseError": "errors",
    "ScriptError": "errors",
    "Session": "pg.session",
    "TargetError": "errors",
    "clear": "clones.guard",
    "load_config": "config",
    "read_plan_file": "plan.planfile",
    "read_source": "script.source",
    "rehearse": "rehearsal",
    "render": "report.catalogue",
    "verify": "evidence.digest",
}

__all__ = [
    "Config",
    "Document",
    "Options",
    "PlanFile",
    "RefusedError",
    "RehearseError",
    "ScriptError",
    "Session",
    "TargetError",
    "clear",
    "load_config",
    "read_plan_file",
    "read_source",
    "rehearse",
    "render",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
