"""The names of what leaves a transaction's reach: functions, libraries, languages, and the kinds of escape they are.

Takes a name; gives its kind of escape, or nothing. Functions that only read the server's files are no escapes, nor is
what rolls back with its transaction (NOTIFY, large objects, roles) or what is residue (sequences, session locks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DBLINK = "dblink"
PROGRAM = "program"
SERVER_FILE = "server file"
FOREIGN_TABLE = "foreign table"
SUBSCRIPTION = "subscription"
SLOT = "replication slot"
MESSAGE = "logical message"
LANGUAGE = "untrusted language"
LIBRARY = "library"
OTHER_SESSION = "other session"
SERVER = "server"
STATISTICS = "statistics"
NETWORK = "network"
PAGES = "pages"
UNSEEN = "unseen"
"""Not an escape itself: something ran whose queries the server was kept from telling."""

KINDS = (
    DBLINK, PROGRAM, SERVER_FILE, FOREIGN_TABLE, SUBSCRIPTION, SLOT, MESSAGE, LANGUAGE, LIBRARY, OTHER_SESSION, SERVER,
    STATISTICS, NETWORK, PAGES, UNSEEN,
)  # fmt: skip

_FUNCTIONS: Mapping[str, str] = {
    SERVER_FILE: "lo_export pg_file_write pg_file_rename pg_file_unlink pg_file_sync",
    SLOT: "pg_create_physical_replication_slot pg_create_logical_replication_slot pg_drop_replication_slot"
    " pg_copy_physical_replication_slot pg_copy_logical_replication_slot pg_replication_slot_advance"
    " pg_logical_slot_get_changes pg_logical_slot_get_binary_changes pg_sync_replication_slots"
    " pg_replication_origin_advance",
    MESSAGE: "pg_logical_emit_message",
    OTHER_SESSION: "pg_terminate_backend pg_cancel_backend",
    SERVER: "pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old pg_promote pg_switch_wal pg_switch_xlog"
    " pg_create_restore_point pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup pg_wal_replay_pause"
    " pg_wal_replay_resume pg_log_backend_memory_contexts pg_log_standby_snapshot",
    STATISTICS: "pg_stat_reset pg_stat_reset_shared pg_stat_reset_slru pg_stat_reset_single_table_counters"
    " pg_stat_reset_single_function_counters pg_stat_reset_replication_slot pg_stat_reset_subscription_stats"
    " pg_stat_reset_backend_stats pg_stat_statements_reset",
    NETWORK: "http http_get http_post http_put http_patch http_delete http_head"
    " pg_background_launch pg_background_launch_v2",
    PAGES: "heap_force_kill heap_force_freeze",
}  # fmt: skip
FUNCTIONS: Mapping[str, str] = {name: kind for kind, names in _FUNCTIONS.items() for name in names.split()}
"""Kind by name of the function."""

_HARMLESS_OF_DBLINK = re.compile(r"dblink_(get_pkey|build_sql_\w+|fdw_validator)\Z")

LIBRARIES: Mapping[str, str] = {
    "dblink": DBLINK, "adminpack": SERVER_FILE, "pg_surgery": PAGES, "http": NETWORK, "pg_background": NETWORK,
    "plsh": LANGUAGE,
}  # fmt: skip
"""Kind by the library whose C functions are escapes, under whatever name they are declared."""

UNTRUSTED = frozenset({
    "c", "internal", "plpythonu", "plpython2u", "plpython3u", "plperlu", "pltclu", "plsh", "pljavau", "plr", "plrustu",
})  # fmt: skip
"""Languages whose functions can do whatever the server's operating system account can."""

HARMLESS_LIBRARIES = frozenset({"plpgsql", "auto_explain", "age"})
"""What LOAD may load."""

_SUSPECT = (
    *(rf"{re.escape(name)}\w*" for name in ("dblink", "pg_terminate_backend")),
    *sorted(FUNCTIONS), "program", "subscription", "language", "load", "copy",
)  # fmt: skip
SUSPECT = rf"\b(?:{'|'.join(_SUSPECT)})\b"
"""A pattern without which a text need not be read word by word."""

IN_BODIES = rf"\m(?:dblink\w*|{'|'.join(sorted(FUNCTIONS))}|program|subscription|load|copy)\M"
"""The same for bodies of functions, in PostgreSQL's words."""


QUIET = r"(client_min_messages=\W*(notice|warning|error)|debug_print_rewritten=)"
"""A SET clause of a function that keeps the server from telling its query trees, in PostgreSQL's words."""

RUNS_TEXT = r"\m(execute|query_to_xml\w*|cursor_to_xml\w*|ts_stat|ts_rewrite|crosstab\w*|connectby)\M"
"""What runs SQL that stands in no text of the function's, in PostgreSQL's words."""


def kind_of_function(name: str) -> str:
    """The kind of escape that a call of the function `name` is; empty where it is none."""
    if name.startswith("dblink"):
        return "" if _HARMLESS_OF_DBLINK.match(name) else DBLINK
    return FUNCTIONS.get(name, "")
