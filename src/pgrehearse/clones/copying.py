"""Copy a database into one that is being made, by the fastest way that is possible.

Takes a source and a wanted strategy; gives the strategy that was used. What belongs to a database but stands outside
it is copied beside: its owner, and the settings that decide what its SQL means.
"""

from __future__ import annotations

from pgrehearse.clones.catalogue import STRATEGIES
from pgrehearse.clones.source import Setting, Source, server_of
from pgrehearse.clones.strategies.strategy import Copying
from pgrehearse.clones.unfinished import Unfinished
from pgrehearse.errors import CloneError, ServerError
from pgrehearse.pg.session import Session

AUTO = "auto"

_IN_USE = "55006"
_NOT_PERMITTED = "42501"

# Since 16 membership in a role and the right to act as it are two things.
_MAY_OWN = """
SELECT coalesce((SELECT pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int >= 160000
                                              THEN 'SET' ELSE 'MEMBER' END)
                   FROM pg_catalog.pg_roles WHERE rolname = %s), false)
"""


def copy(source: Source, into: Unfinished, *, strategy: str = AUTO, keeps_owners: bool = True) -> str:
    """Fill `into` with all of `source`; give the strategy that did it.

    Raises:
        CloneError: The strategy is not possible here, or a program failed.
        ServerError: The server refused.
    """
    is_local = source.server == server_of(into.session)
    owner = source.owner if keeps_owners and _may_own(into.session, source.owner) else None
    copying = Copying(source, into, owner, keeps_owners)
    if strategy != AUTO:
        _require_possible(strategy, is_local=is_local, keeps_owners=keeps_owners)
        STRATEGIES[strategy](copying)
        used = strategy
    else:
        used = _copy_fastest(copying, may_be_template=is_local and keeps_owners)
    for setting in source.settings:
        if keeps_owners or setting.role is None:
            _set(setting, into)
    return used


def _set(setting: Setting, into: Unfinished) -> None:
    try:
        into.session.run(setting.to_sql(into.target.dbname))
    except ServerError as error:
        raise CloneError(
            f'the source\'s setting "{setting.name}" cannot be given to the clone',
            detail=error.message,
            hint="Without it, SQL may mean something else in the clone. Make the clone as a role that may set it.",
        ) from error


def _copy_fastest(copying: Copying, *, may_be_template: bool) -> str:
    if may_be_template and not copying.source.session_count:
        try:
            STRATEGIES["template"](copying)
        except ServerError as error:
            # Somebody came in since, or the role may read the source but not copy it.
            if error.sqlstate not in {_IN_USE, _NOT_PERMITTED}:
                raise
        else:
            return "template"
    STRATEGIES["dump"](copying)
    return "dump"


def _require_possible(strategy: str, *, is_local: bool, keeps_owners: bool) -> None:
    if strategy not in STRATEGIES:
        raise CloneError(
            f'"{strategy}" is no way to copy', hint=f"There are: {', '.join([AUTO, *STRATEGIES])}."
        )
    if strategy == "template" and not (is_local and keeps_owners):
        reason = "keeps all owners" if is_local else "copies within one server only"
        raise CloneError(
            f"the source cannot be copied as a template, which {reason}", hint="Use --strategy dump."
        )


def _may_own(session: Session, role: str) -> bool:
    ((may_own,),) = session.fetch(_MAY_OWN, (role,))
    return bool(may_own)
