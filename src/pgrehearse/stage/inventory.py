"""What outlives a rollback besides sequences, as a list that can be compared: entry against exit.

Takes a session outside the stage; gives (kind, object) → state. Reads small catalogs only, most of them of the whole
server.
"""

from __future__ import annotations

from collections.abc import Mapping

from pgrehearse.pg.session import Session
from pgrehearse.stage.transcript import Residue

Inventory = Mapping[tuple[str, str], str]

_INVENTORY = """
SELECT 'prepared transaction', gid, database::text FROM pg_prepared_xacts
UNION ALL
SELECT 'replication slot', slot_name::text, slot_type FROM pg_replication_slots
UNION ALL
SELECT 'subscription', subname::text, concat_ws(' ', subenabled, subpublications::text) FROM pg_subscription
UNION ALL
SELECT 'setting', concat_ws(' ', COALESCE(d.datname, 'all databases'), COALESCE(r.rolname, 'all roles')),
       s.setconfig::text
FROM pg_db_role_setting AS s
LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
LEFT JOIN pg_roles AS r ON r.oid = s.setrole
UNION ALL
SELECT 'role', rolname::text,
       concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
                 rolconnlimit, rolvaliduntil)
FROM pg_roles
UNION ALL
SELECT 'database', datname::text, concat_ws(' ', datdba, datallowconn, datistemplate, datacl::text) FROM pg_database
UNION ALL
SELECT 'tablespace', spcname::text, concat_ws(' ', spcowner, spcoptions::text) FROM pg_tablespace
UNION ALL
SELECT 'large objects', 'all', count(*)::text FROM pg_largeobject_metadata
UNION ALL
SELECT 'configuration', sourcefile, md5(string_agg(concat_ws('=', name, setting), ',' ORDER BY seqno))
FROM pg_file_settings
WHERE has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')
GROUP BY sourcefile
"""

_WITHOUT_FILES = _INVENTORY[: _INVENTORY.rindex("UNION ALL")]

_MAY_READ_FILES = "SELECT has_table_privilege('pg_file_settings', 'SELECT')"


def take_inventory(session: Session) -> Inventory:
    """What there is now."""
    sql = _INVENTORY if session.fetch(_MAY_READ_FILES)[0][0] else _WITHOUT_FILES
    return {(kind, name): state or "" for kind, name, state in session.fetch(sql)}


def differences(before: Inventory, after: Inventory) -> tuple[Residue, ...]:
    """What is there that was not, is gone, or has changed."""
    found = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was != now:
            detail = "appeared" if was is None else "disappeared" if now is None else "changed"
            found.append(Residue(key[0], key[1], detail))
    return tuple(found)
