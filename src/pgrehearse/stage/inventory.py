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
SELECT 'prepared transaction', gid, database::text, database = current_database() FROM pg_prepared_xacts
UNION ALL
SELECT 'replication slot', slot_name::text, slot_type, COALESCE(database = current_database(), false)
FROM pg_replication_slots
UNION ALL
SELECT 'subscription', s.subname::text, concat_ws(' ', s.subenabled, s.subpublications::text),
       d.datname = current_database()
FROM pg_subscription AS s
JOIN pg_database AS d ON d.oid = s.subdbid
UNION ALL
SELECT 'setting', concat_ws(' ', COALESCE(d.datname, 'all databases'), COALESCE(r.rolname, 'all roles')),
       s.setconfig::text, COALESCE(d.datname = current_database(), false)
FROM pg_db_role_setting AS s
LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
LEFT JOIN pg_roles AS r ON r.oid = s.setrole
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

_CONFIGURATION = """
UNION ALL
SELECT 'configuration', sourcefile, md5(string_agg(concat_ws('=', name, setting), ',' ORDER BY seqno)), false
FROM pg_file_settings
WHERE has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')
GROUP BY sourcefile
"""

_FILES = r"""
UNION ALL
SELECT 'file', concat_ws('/', NULLIF(place.folder, '.'), name), '', false
FROM (
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
    VALUES ('.', '^(postmaster\.(pid|opts)|backup_label.*|tablespace_map.*|current_logfiles.*|promote|logrotate'
                 '|postgresql-.*\.(log|csv|json)|postgresql\.auto\.conf\.tmp|(standby|recovery)\.(signal|done))$'),
           ('base', '^(\d+|pgsql_tmp)$'),
           ('pg_tblspc', '^\d+$')
    UNION ALL
    SELECT folder, '^PG_\d+_\d+$' FROM tablespace
    UNION ALL
    SELECT folder, '^(\d+|pgsql_tmp)$' FROM version
    UNION ALL
    SELECT folder, '^(t\d+_)?\d+(_fsm|_vm|_init)?(\.\d+)?$|^(PG_VERSION$|pg_filenode\.map|pg_internal\.init)'
    FROM of_database
) AS place (folder, of_server)
CROSS JOIN LATERAL pg_ls_dir(folder, true, false) AS name
WHERE name !~ of_server
"""
"""Names only, and none that the server itself makes and removes; the folders in `base` are left out, for size."""

_MAY_READ = """
SELECT has_table_privilege('pg_file_settings', 'SELECT'),
       has_function_privilege('pg_ls_dir(text, boolean, boolean)', 'EXECUTE')
       AND has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE')
"""


def take_inventory(session: Session) -> Inventory:
    """What there is now."""
    may_configuration, may_files = session.fetch(_MAY_READ)[0]
    sql = _INVENTORY + (_CONFIGURATION if may_configuration else "") + (_FILES if may_files else "")
    return {(kind, name, bool(here)): state or "" for kind, name, state, here in session.fetch(sql)}


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
