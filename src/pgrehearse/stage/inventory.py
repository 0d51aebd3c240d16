"""What outlives a rollback besides sequences, as a list that can be compared: entry against exit.

Takes a session outside the stage; gives (kind, object) → state. Reads small catalogs only, most of them of the whole
server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pgrehearse.pg.session import Session
from pgrehearse.stage.transcript import Residue

Inventory = Mapping[tuple[str, str, bool], str]
"""State by kind, object, and whether the object belongs to the target: others may work on the rest of the server."""

_INVENTORY = """
SELECT 'prepared transaction', gid, dbid::text, dbid = %(own)s::oid FROM pg_prepared_xact()
UNION ALL
SELECT 'replication slot', slot_name::text, slot_type, COALESCE(datoid = %(own)s::oid, false)
FROM pg_get_replication_slots()
UNION ALL
SELECT 'subscription', subname::text, concat_ws(' ', subenabled, subpublications::text), subdbid = %(own)s::oid
FROM pg_subscription
UNION ALL
SELECT 'setting',
       concat_ws(' ',
                 COALESCE((SELECT d.datname FROM pg_database AS d WHERE d.oid = setdatabase), 'all databases'),
                 CASE setrole WHEN 0 THEN 'all roles' ELSE setrole::regrole::text END),
       setconfig::text, setdatabase = %(own)s::oid
FROM pg_db_role_setting
UNION ALL
SELECT 'role', rolname::text,
       concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
                 rolconnlimit, rolvaliduntil), false
FROM pg_roles
UNION ALL
SELECT 'database', datname::text, concat_ws(' ', datdba, datallowconn, datistemplate, datacl::text), false
FROM pg_database
UNION ALL
SELECT 'tablespace', spcname::text, concat_ws(' ', spcowner, spcoptions::text), false FROM pg_tablespace
UNION ALL
SELECT 'large objects', 'all', count(*)::text, true FROM pg_largeobject_metadata
"""
"""By the functions below the system's views, whose joins take a new backend longer to plan than all else here."""

_CONFIGURATION = """
UNION ALL
SELECT 'configuration', concat_ws(' ', sourcefile, name), setting, false FROM pg_show_all_file_settings()
"""
"""Of several entries of one name in one file the last one counts, here as for the server."""

_FILES = r"""
UNION ALL
SELECT 'file', concat_ws('/', NULLIF(place.folder, '.'), name), '', false
FROM (
    {tablespaces}
    VALUES ('.', '^(postmaster\.(pid|opts)|backup_label.*|tablespace_map.*|current_logfiles.*|promote|logrotate'
                 '|postgresql-.*\.(log|csv|json)|postgresql\.auto\.conf\.tmp|(standby|recovery)\.(signal|done))$'),
           ('base', '^(\d+|pgsql_tmp)$'),
           ('pg_tblspc', '^\d+$')
    {in_tablespaces}
) AS place (folder, of_server)
CROSS JOIN LATERAL pg_ls_dir(folder, true, false) AS name
WHERE name !~ of_server
"""
"""Names only, and none that the server itself makes and removes; the folders in `base` are left out, for size."""

_TABLESPACES = r"""
    WITH tablespace AS (
        SELECT 'pg_tblspc/' || oid AS folder FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')
    ), version AS MATERIALIZED (
        SELECT concat_ws('/', folder, name) AS folder
        FROM tablespace, pg_ls_dir(folder, true, false) AS name
        WHERE name ~ '^PG_\d+_\d+$' AND (pg_stat_file(concat_ws('/', folder, name), true)).isdir
    ), of_database AS MATERIALIZED (
        SELECT concat_ws('/', folder, name) AS folder
        FROM version, pg_ls_dir(folder, true, false) AS name
        WHERE name ~ '^\d+$' AND (pg_stat_file(concat_ws('/', folder, name), true)).isdir
    )
"""

_IN_TABLESPACES = r"""
    UNION ALL
    SELECT folder, '^PG_\d+_\d+$' FROM tablespace
    UNION ALL
    SELECT folder, '^(\d+|pgsql_tmp)$' FROM version
    UNION ALL
    SELECT folder, '^(t\d+_)?\d+(_fsm|_vm|_init)?(\.\d+)?$|^(PG_VERSION$|pg_filenode\.map|pg_internal\.init)'
    FROM of_database
"""

_FILES_AT_HOME = _FILES.format(tablespaces="", in_tablespaces="")
_FILES_EVERYWHERE = _FILES.format(tablespaces=_TABLESPACES, in_tablespaces=_IN_TABLESPACES)

_MAY_READ = """
SELECT has_function_privilege('pg_show_all_file_settings()', 'EXECUTE'),
       has_function_privilege('pg_ls_dir(text, boolean, boolean)', 'EXECUTE')
       AND has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE'),
       EXISTS (SELECT FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global'))
"""


def take_inventory(session: Session, database_oid: int) -> Inventory:
    """What there is now on the server; `database_oid` is the target's."""
    may_configuration, may_files, has_tablespaces = session.fetch(_MAY_READ)[0]
    files = _FILES_EVERYWHERE if has_tablespaces else _FILES_AT_HOME
    sql = _INVENTORY + (_CONFIGURATION if may_configuration else "") + (files if may_files else "")
    rows = session.fetch(sql, {"own": database_oid})
    return {(kind, name, bool(here)): state or "" for kind, name, state, here in rows}


@dataclass(frozen=True, slots=True)
class Differences:
    """What is there that was not, is gone, or has changed: in the target, and elsewhere on the server."""

    here: tuple[Residue, ...] = ()
    elsewhere: tuple[Residue, ...] = ()


def differences(before: Inventory, after: Inventory) -> Differences:
    """Compare two inventories."""
    found: dict[bool, list[Residue]] = {True: [], False: []}
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was != now:
            detail = "appeared" if was is None else "disappeared" if now is None else "changed"
            found[key[2]].append(Residue(key[0], key[1], detail))
    return Differences(tuple(found[True]), tuple(found[False]))
