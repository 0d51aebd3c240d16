"""What registering a tool does to the estate: every case that its reference lists, by real sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

CHANNEL = "context_pack_event"
CODE_WARNING = (
    'birth gate: dot_tools "DOT-CLONE-TEST-COVSCAN": check 3 (code format): '
    '"DOT-CLONE-TEST-COVSCAN" does not match ^[A-Z]+-[0-9]+$'
)
SEED_ROW = {
    "code": "DOT-CLONE-TEST-COVSCAN",
    "name": "Dry coverage scanner (clone test)",
    "description": "Rollback-only rehearsal of registering a governance coverage scanner DOT.",
    "category": "governance",
    "status": "published",
    "domain": "governance",
    "operation": "coverage_scan",
    "trigger_type": "manual",
    "_dot_origin": "DIRECTUS",
}
TABLES = """
    SELECT relname
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
      AND relkind = 'r'
    ORDER BY relname
"""
SEQUENCES = """
    SELECT sequencename::text, COALESCE(last_value, 0) AS at
    FROM pg_sequences
    WHERE schemaname = 'public'
"""
MY_BIRTHS = """
    SELECT collection_name, count(*) AS n
    FROM birth_registry
    WHERE xmin = pg_current_xact_id()::xid
    GROUP BY collection_name
"""


class Registry:
    """A session with the estate that remembers the server's messages."""

    def __init__(self, conninfo: str) -> None:
        self.session = psycopg.connect(conninfo, autocommit=True, row_factory=dict_row)
        self.messages: list[tuple[str | None, str | None]] = []
        self.session.add_notice_handler(
            lambda diag: self.messages.append((diag.severity_nonlocalized, diag.message_primary))
        )

    def register(self, **values: object) -> dict[str, object]:
        row = SEED_ROW | values
        insert = sql.SQL("INSERT INTO dot_tools ({}) VALUES ({}) RETURNING *").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
        )
        stored = self.session.execute(insert, list(row.values())).fetchone()
        assert stored is not None
        return stored

    def value(self, query: str, *params: object) -> object:
        row = self.session.execute(query, params).fetchone()
        assert row is not None
        return next(iter(row.values()))

    def rows(self) -> dict[str, object]:
        tables = [row["relname"] for row in self.session.execute(TABLES)]
        return {table: self.value(f'SELECT count(*) FROM "{table}"') for table in tables}

    def sequences(self) -> dict[str, int]:
        return {row["sequencename"]: row["at"] for row in self.session.execute(SEQUENCES)}

    def births(self) -> dict[str, int]:
        """The births per collection that this transaction has entered."""
        return {row["collection_name"]: row["n"] for row in self.session.execute(MY_BIRTHS)}


@pytest.fixture
def estate(estate_database: str) -> Iterator[Registry]:
    registry = Registry(estate_database)
    yield registry
    registry.session.close()


@pytest.fixture
def patched_estate(patched_estate_database: str) -> Iterator[Registry]:
    registry = Registry(patched_estate_database)
    yield registry
    registry.session.close()


@pytest.fixture
def listener(estate_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(estate_database, autocommit=True) as session:
        session.execute(f"LISTEN {CHANNEL}")
        yield session


def received(listener: psycopg.Connection, estate: Registry) -> list[dict[str, str]]:
    """What has arrived so far: all that comes before a last notification of our own."""
    estate.session.execute(f"NOTIFY {CHANNEL}, 'end'")
    payloads: list[str] = []
    for notification in listener.notifies(timeout=30):
        if notification.payload == "end":
            return [json.loads(payload) for payload in payloads]
        payloads.append(notification.payload)
    pytest.fail("the listener has not received the last notification")


def difference(before: dict[str, object], after: dict[str, object]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def test_the_seed_row_is_one_tool_four_labels_and_five_births(estate: Registry):
    before = estate.rows()

    with estate.session.transaction(force_rollback=True):
        estate.register()
        changed, births = difference(before, estate.rows()), estate.births()

    assert changed == {"dot_tools": 1, "entity_labels": 4, "birth_registry": 5}
    assert births == {"dot_tools": 1, "entity_labels": 4}
    assert estate.rows() == before


def test_the_seed_row_gets_a_provenance_label_and_three_by_rule(estate: Registry):
    with estate.session.transaction(force_rollback=True):
        estate.register()
        labels = estate.session.execute(
            "SELECT label_code, assigned_by FROM entity_labels WHERE entity_code = %s ORDER BY id",
            [SEED_ROW["code"]],
        ).fetchall()

    assert [tuple(label.values()) for label in labels] == [
        ("PROV-HUMAN", "auto"), ("LBL-101", "rule"), ("LBL-201", "rule"), ("LBL-801", "rule"),
    ]  # fmt: skip


def test_the_seed_row_brings_one_warning_about_its_code_and_nothing_else(estate: Registry):
    with estate.session.transaction(force_rollback=True):
        estate.register()

    assert estate.messages == [("WARNING", CODE_WARNING)]


def test_the_seed_row_moves_one_counter_of_the_catalogue(estate: Registry):
    counters = "SELECT code, record_count, actual_count, orphan_count FROM meta_catalog ORDER BY id"
    before = estate.session.execute(counters).fetchall()

    with estate.session.transaction(force_rollback=True):
        estate.register()
        after = estate.session.execute(counters).fetchall()

    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [
        (
            {"code": "CAT-DOT", "record_count": 307, "actual_count": 307, "orphan_count": 140},
            {"code": "CAT-DOT", "record_count": 308, "actual_count": 307, "orphan_count": 140},
        )
    ]


def test_the_seed_row_refills_the_count_tables_under_exclusive_locks(estate: Registry):
    locked = """
        SELECT relation::regclass::text
        FROM pg_locks
        WHERE pid = pg_backend_pid()
          AND mode = 'AccessExclusiveLock'
          AND locktype = 'relation'
          AND relation IN (SELECT oid FROM pg_class WHERE relkind = 'r')
        ORDER BY 1
    """

    with estate.session.transaction(force_rollback=True):
        estate.register()
        tables = [row["relation"] for row in estate.session.execute(locked)]
        shown = estate.value("SELECT record_count FROM v_registry_counts WHERE code = 'CAT-DOT'")
        total = estate.value("SELECT total_records FROM v_registry_summary")
        advisory = estate.value(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )

    assert tables == ["v_registry_counts", "v_registry_summary"]
    assert (shown, advisory) == (308, 1)
    assert estate.value("SELECT total_records FROM v_registry_summary") == total - 1


def test_a_rolled_back_registration_leaves_its_sequences_advanced(estate: Registry):
    before = estate.sequences()

    with estate.session.transaction(force_rollback=True):
        estate.register()

    assert difference(before, estate.sequences()) == {
        "dot_tools_id_seq": 1, "entity_labels_id_seq": 4, "birth_registry_id_seq": 5,
    }  # fmt: skip
    assert estate.value("SELECT count(*) FROM dot_tools") == 309
    assert estate.value("SELECT count(*) FROM dot_iu_runtime_lease") == 0


@pytest.mark.parametrize("trigger", ["birth_trigger_dot_tools", "trg_birth_dot_tools"])
def test_without_one_of_the_two_birth_triggers_there_are_five_births_still(estate: Registry, trigger: str):
    estate.session.execute(f"DROP TRIGGER {trigger} ON dot_tools")

    with estate.session.transaction(force_rollback=True):
        estate.register()
        births = estate.births()

    assert births == {"dot_tools": 1, "entity_labels": 4}


def test_on_the_patched_estate_labels_are_not_born(patched_estate: Registry):
    before = patched_estate.rows()

    with patched_estate.session.transaction(force_rollback=True):
        patched_estate.register()
        changed, births = difference(before, patched_estate.rows()), patched_estate.births()

    assert changed == {"dot_tools": 1, "entity_labels": 4, "birth_registry": 1}
    assert births == {"dot_tools": 1}


@pytest.mark.parametrize("tier", ["A", "B"])
def test_an_active_tool_with_a_tier_is_announced_when_it_is_committed(
    estate: Registry, listener: psycopg.Connection, tier: str
):
    estate.register(status="active", tier=tier)

    assert received(listener, estate) == [
        {"kind": "dot_register", "code": SEED_ROW["code"], "tier": tier, "op": "INSERT"}
    ]


def test_an_active_tool_that_is_rolled_back_is_not_announced(estate: Registry, listener: psycopg.Connection):
    with estate.session.transaction(force_rollback=True):
        estate.register(status="active", tier="A")

    assert received(listener, estate) == []


def test_the_seed_row_is_not_announced_even_when_it_is_committed(
    estate: Registry, listener: psycopg.Connection
):
    estate.register()

    assert received(listener, estate) == []


def test_tier_c_is_watched_for_but_cannot_be_stored(estate: Registry, listener: psycopg.Connection):
    with pytest.raises(psycopg.errors.CheckViolation, match="dot_tools_tier_check"):
        estate.register(status="active", tier="C")

    assert received(listener, estate) == []


def test_an_active_tool_without_a_tier_is_not_announced(estate: Registry, listener: psycopg.Connection):
    estate.register(status="active", tier=None)

    assert received(listener, estate) == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM dot_config",
        "UPDATE dot_config SET value = '[]'",
        "UPDATE dot_config SET value = 'null'",
        "UPDATE dot_config SET value = NULL",
    ],
)
def test_without_watched_tiers_nothing_is_announced(
    estate: Registry, listener: psycopg.Connection, change: str
):
    estate.session.execute(f"{change} WHERE key = 'context_pack_dot_register_watch_tiers'")

    estate.register(status="active", tier="A")

    assert received(listener, estate) == []


def test_a_published_tool_that_becomes_active_is_announced_as_an_update(
    estate: Registry, listener: psycopg.Connection
):
    estate.register(status="published", tier="B")

    estate.session.execute("UPDATE dot_tools SET status = 'active' WHERE code = %s", [SEED_ROW["code"]])

    assert received(listener, estate) == [
        {"kind": "dot_register", "code": SEED_ROW["code"], "tier": "B", "op": "UPDATE"}
    ]


def test_a_blocking_gate_makes_the_warning_an_error(estate: Registry):
    estate.session.execute("SET app.birth_gate_mode = 'blocking'")

    with pytest.raises(psycopg.errors.RaiseException, match="check 3 \\(code format\\)"):
        estate.register()

    assert estate.messages == []


@pytest.mark.parametrize("mode", ["warning", "", "Blocking"])
def test_any_other_mode_of_the_gate_warns(estate: Registry, mode: str):
    estate.session.execute("SELECT set_config('app.birth_gate_mode', %s, false)", [mode])

    estate.register()

    assert estate.messages == [("WARNING", CODE_WARNING)]


@pytest.mark.parametrize("switch", ["true", "1"])
def test_the_kill_switch_silences_even_a_blocking_gate(estate: Registry, switch: str):
    estate.session.execute("SET app.birth_gate_mode = 'blocking'")
    estate.session.execute("SELECT set_config('app.bypass_birth_gate', %s, false)", [switch])

    estate.register()

    assert estate.messages == []


@pytest.mark.parametrize("switch", ["on", "yes", "false", ""])
def test_the_kill_switch_knows_two_words_only(estate: Registry, switch: str):
    estate.session.execute("SELECT set_config('app.bypass_birth_gate', %s, false)", [switch])

    estate.register()

    assert estate.messages == [("WARNING", CODE_WARNING)]


@pytest.mark.parametrize("code", [None, ""])
def test_a_missing_code_is_filled_in_before_the_gate_looks(estate: Registry, code: str | None):
    tool = estate.register(code=code)

    assert tool["code"] == f"DOT-{tool['id']}" == "DOT-310"
    assert estate.messages == []


def test_a_row_without_a_code_passes_the_gate_unchecked(estate: Registry):
    estate.session.execute("DROP TRIGGER trg_auto_code_dot_tools ON dot_tools")

    estate.register(code="", name="Reporter 001", _dot_origin=None)

    assert estate.messages == []


def test_a_duplicate_code_is_warned_about_and_then_refused(estate: Registry):
    with pytest.raises(psycopg.errors.UniqueViolation, match="dot_tools_code_key"):
        estate.register(code="DOT-001")

    assert estate.messages == [
        ("WARNING", 'birth gate: dot_tools "DOT-001": check 5 (code): "DOT-001" is taken')
    ]


def test_a_duplicate_name_is_only_warned_about(estate: Registry):
    estate.register(code="DOT-900", name="Reporter 001")

    assert estate.messages == [
        ("WARNING", 'birth gate: dot_tools "DOT-900": check 4 (name): "Reporter 001" is taken')
    ]
    assert estate.value("SELECT count(*) FROM dot_tools WHERE name = 'Reporter 001'") == 3


def test_the_gate_tells_all_failed_checks_in_their_order(estate: Registry):
    estate.session.execute("UPDATE meta_catalog SET identity_class = 'observed' WHERE code = 'CAT-006'")

    with pytest.raises(psycopg.errors.UniqueViolation):
        estate.register(code="DOT_KG_EXPLAIN", name="Reporter 001", _dot_origin="")

    text = estate.messages[0][1] or ""
    assert len(estate.messages) == 1
    assert [part.split(")")[0] for part in text.split("check ")[1:]] == [
        "1 (collection", "2 (origin", "3 (code format", "4 (name", "5 (code",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("origin", "stored"),
    [
        ("FOO", "SUSPECT:FOO"),
        ("DIRECTUS", "DIRECTUS"),
        ("LEGACY", "LEGACY"),
        ("MIGRATION", "MIGRATION"),
        ("DOT-001|x", "DOT-001|x"),
        ("DOT-001", "DOT-001"),
        ("DOT-999|x", "SUSPECT:DOT-999|x"),
        ("SUSPECT:BAR", "SUSPECT:BAR"),
    ],
)
def test_an_origin_that_names_no_tool_is_marked_in_the_row_and_in_its_birth(
    estate: Registry, origin: str, stored: str
):
    tool = estate.register(_dot_origin=origin)

    assert tool["_dot_origin"] == stored
    assert (
        estate.value("SELECT dot_origin FROM birth_registry WHERE entity_code = %s", tool["code"]) == stored
    )


@pytest.mark.parametrize(
    ("origin", "label"), [("DIRECTUS", "PROV-HUMAN"), ("DOT-001", "PROV-DOT"), ("DOT-001|codex", "PROV-AI")]
)
def test_the_origin_decides_the_provenance_label(estate: Registry, origin: str, label: str):
    estate.register(_dot_origin=origin)

    labels = "SELECT label_code FROM entity_labels WHERE entity_code = %s AND label_code LIKE 'PROV-%%'"
    assert estate.value(labels, SEED_ROW["code"]) == label


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("/bin/dot//x.sh", "bin/dot/x.sh"),
        ("./dot/x.sh", "dot/x.sh"),
        (" dot/x.sh ", "dot/x.sh"),
        ("/", None),
        (None, None),
    ],
)
def test_a_file_path_is_stored_relative(estate: Registry, path: str | None, stored: str | None):
    tool = estate.register(file_path=path)

    assert tool["file_path"] == stored


def test_a_missing_description_is_written_from_the_template(estate: Registry):
    tool = estate.register(code="DOT-900", name="Night watch", description=None)

    assert tool["description"] == "Night watch: a tool of domain governance, registered as DOT-900."
    assert estate.messages == []


@pytest.mark.parametrize(
    ("description", "defect"),
    [
        ("Scans all.", "has too short a description"),
        ("scan scan scan scan scan scan scan scan", "has a description that repeats itself"),
    ],
)
def test_a_poor_description_is_warned_about_on_insert_and_on_update(
    estate: Registry, description: str, defect: str
):
    estate.register(code="DOT-900", description=description)
    estate.session.execute("UPDATE dot_tools SET description = %s WHERE code = 'DOT-001'", [description])

    assert estate.messages == [
        ("WARNING", f"description guard: DOT-900 {defect}"),
        ("WARNING", f"description guard: DOT-001 {defect}"),
    ]


def test_a_code_that_another_collection_has_taken_is_never_born(estate: Registry):
    with estate.session.transaction(force_rollback=True):
        estate.register(code="ISS-0000001")
        births = estate.births()

    assert births == {"entity_labels": 4}


def test_a_tool_without_category_is_counted_as_an_orphan(estate: Registry):
    estate.register(category=None)

    assert estate.value("SELECT orphan_count FROM meta_catalog WHERE code = 'CAT-DOT'") == 141


def test_an_issue_brings_four_labels_and_five_births(estate: Registry):
    before = estate.rows()

    with estate.session.transaction(force_rollback=True):
        estate.session.execute(
            "INSERT INTO system_issues (code, title, severity, source) VALUES ('ISS-X', 'x', 'info', 'test')"
        )
        changed, births = difference(before, estate.rows()), estate.births()

    assert changed == {"system_issues": 1, "entity_labels": 4, "birth_registry": 5}
    assert births == {"system_issues": 1, "entity_labels": 4}


def test_a_new_registry_brings_fourteen_labels(estate: Registry):
    before = estate.rows()

    with estate.session.transaction(force_rollback=True):
        estate.session.execute(
            """
            INSERT INTO collection_registry (code, name, collection_name, coverage_status, _dot_origin)
            VALUES ('COL-900', 'Probes', 'probes', 'BIRTH_REQUIRED', 'DIRECTUS')
            """
        )
        estate.session.execute(
            """
            INSERT INTO meta_catalog (code, name, collection_name, identity_class)
            VALUES ('CAT-900', 'Probes', 'probes', 'managed')
            """
        )
        changed = difference(before, estate.rows())

    assert changed["entity_labels"] == 14
    assert changed["birth_registry"] == 16
    assert changed["v_registry_counts"] == 1
    assert estate.messages == []
