"""The rehearsal of a tool's registration: through the estate's own triggers and gates, and never committed.

Takes a declared tool and a clone; gives evidence of what its registration would write, warn of, block and announce.
"""

from __future__ import annotations

from pathlib import Path

from pgrehearse.clones.guard import clear
from pgrehearse.config import Config
from pgrehearse.dots.boundary import place_of, require_go
from pgrehearse.dots.dot import Declared
from pgrehearse.dots.registry import Registry, registration_sql
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import PlanFile, plan_file_for, read_plan_file
from pgrehearse.rehearsal import Options, Rehearsed, rehearse
from pgrehearse.script.source import make_source


def rehearse_registration(
    declared: Declared,
    conninfo: str,
    *,
    config: Config,
    registry: Registry,
    plan_file: Path | None = None,
    options: Options | None = None,
) -> Rehearsed:
    """Rehearse the registration of a tool.

    Args:
        declared: The tool; its script must be as declared.
        conninfo: A clone or a sandbox.
        config: Declared productions.
        registry: Where and how the tool is registered.
        plan_file: Expectations; else the file beside the declaration with the ending `.rehearsal.toml`, if any.
        options: How to rehearse.

    Raises:
        DotError: The script is not what was declared.
        RefusedError: The boundary has another word than GO, or a proof is missing.
        PlanError: The plan file cannot be used.
        TargetError: The target cannot be reached.
    """
    declared.read_script()
    beside = plan_file or plan_file_for(str(declared.file))
    plan = PlanFile() if beside is None else read_plan_file(beside)
    with Session(conninfo) as session:
        require_go("rehearse", place_of(session, config))
        clearance = clear(session, name_like=plan.target.name_like, config=config)
    name = f"{declared.file.with_suffix('.register.sql')}"
    source = make_source(name, registration_sql(declared, registry).encode(), folder=declared.file.parent)
    return rehearse(source, plan, conninfo, clearance, options or Options())
