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
UNION ALL
SELECT 'configuration', sourcefile, md5(string_agg(concat_ws('=', name, setting), ',' ORDER BY seqno)), false
FROM pg_file_settings
WHERE has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')
GROUP BY sourcefile
"""

_WITHOUT_FILES = _INVENTORY[: _INVENTORY.rindex("UNION ALL")]

_MAY_READ_FILES = "SELECT has_table_privilege('pg_file_settings', 'SELECT')"


def take_inventory(session: Session) -> Inventory:
    """What there is now."""
    sql = _INVENTORY if session.fetch(_MAY_READ_FILES)[0][0] else _WITHOUT_FILES
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
