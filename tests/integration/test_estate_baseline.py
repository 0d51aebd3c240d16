"""The estate as it is before anything happens: its rows, its triggers, and that every build is the same."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from pgrehearse.estate import Version, load_estate
from pgrehearse.server import Server

TABLES = """
    SELECT relname::text
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
      AND relkind = 'r'
    ORDER BY relname
"""
TRIGGERS = """
    SELECT tgname::text,
           proname::text,
           tgenabled = 'O',
           CASE WHEN tgtype & 2 = 2 THEN 'BEFORE' ELSE 'AFTER' END,
           CASE WHEN tgtype & 1 = 1 THEN 'ROW' ELSE 'STATEMENT' END,
           concat_ws(' ',
               CASE WHEN tgtype & 4 = 4 THEN 'INSERT' END,
               CASE WHEN tgtype & 16 = 16 THEN 'UPDATE' END,
               CASE WHEN tgtype & 8 = 8 THEN 'DELETE' END,
               CASE WHEN tgtype & 32 = 32 THEN 'TRUNCATE' END)
    FROM pg_trigger
    JOIN pg_proc ON pg_proc.oid = tgfoid
    WHERE tgrelid = 'dot_tools'::regclass
      AND NOT tgisinternal
    ORDER BY tgtype & 2 DESC, tgname COLLATE "C"
"""
EXPECTED_TRIGGERS = """
    trg_auto_code_dot_tools           gen_code_dot_tools on BEFORE ROW INSERT
    trg_before_birth_gate_dot_tools   fn_birth_gate on BEFORE ROW INSERT
    trg_desc_guard_dot_tools          fn_description_birth_guard on BEFORE ROW INSERT UPDATE
    trg_normalize_dot_filepath        fn_normalize_dot_filepath on BEFORE ROW INSERT UPDATE
    trg_validate_dot_origin_dot_tools fn_validate_dot_origin on BEFORE ROW INSERT UPDATE
    birth_trigger_dot_tools           fn_birth_registry_auto on AFTER ROW INSERT
    trg_birth_dot_tools               fn_birth_registry_auto on AFTER ROW INSERT
    trg_context_pack_dot_register     fn_context_pack_on_dot_register on AFTER ROW INSERT UPDATE
    trg_count_dot_tools               refresh_registry_count off AFTER STATEMENT INSERT UPDATE DELETE TRUNCATE
    trg_desc_provenance_dot_tools     fn_auto_label_provenance on AFTER ROW INSERT
    trg_label_assign_dot_tools        fn_auto_label_assignment on AFTER ROW INSERT UPDATE
    trg_refresh_dot_count             fn_refresh_dot_count on AFTER ROW INSERT UPDATE DELETE
    trg_refresh_orphan_dot            trg_fn_refresh_orphan_dot on AFTER ROW INSERT UPDATE DELETE
"""
FACTS = [
    ("SELECT count(*) FROM dot_tools", 309),
    ("SELECT count(*) FROM dot_tools WHERE status = 'active'", 291),
    ("SELECT count(*) FROM dot_tools WHERE status = 'published'", 16),
    ("SELECT count(*) FROM dot_tools WHERE status IS NULL", 2),
    ("SELECT count(*) FROM dot_tools WHERE tier = 'A'", 60),
    ("SELECT count(*) FROM dot_tools WHERE tier = 'B'", 230),
    ("SELECT count(*) FROM dot_tools WHERE tier IS NULL", 19),
    ("SELECT count(paired_dot) FROM dot_tools", 131),
    (
        "SELECT count(*) FROM dot_tools AS t JOIN dot_tools AS p ON p.code = t.paired_dot AND p.tier = 'A'",
        131,
    ),
    ("SELECT count(operation) FROM dot_tools", 50),
    ("SELECT count(*) FROM (SELECT name FROM dot_tools GROUP BY name HAVING count(*) = 2) AS twice", 45),
    ("SELECT count(DISTINCT name) FROM dot_tools", 264),
    ("SELECT count(*) FROM dot_tools WHERE coverage_status IS NULL", 103),
    ("SELECT count(file_path) FROM dot_tools", 228),
    ("SELECT count(*) FROM dot_tools WHERE file_path LIKE 'bin/dot/%'", 163),
    ("SELECT count(*) FROM dot_tools WHERE file_path LIKE 'opt/incomex/dot/bin/%'", 63),
    ("SELECT count(*) FROM dot_tools WHERE file_path LIKE 'dot/%'", 2),
    ("SELECT count(DISTINCT trigger_type) FROM dot_tools", 6),
    ("SELECT count(DISTINCT domain) FROM dot_tools", 35),
    ("SELECT count(*) FROM dot_tools WHERE length(description) >= 30", 309),
    ("SELECT count(*) FROM dot_tools WHERE status IS NOT NULL AND category IS NULL", 140),
    ("SELECT count(*) FROM dot_tools JOIN birth_registry ON entity_code = code", 309),
    ("SELECT count(*) FROM pg_attribute WHERE attrelid = 'dot_tools'::regclass AND attnum > 0", 28),
    ("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'dot_tools'::regclass AND tgisinternal", 4),
    ("SELECT record_count FROM meta_catalog WHERE code = 'CAT-006'", 309),
    ("SELECT actual_count FROM meta_catalog WHERE code = 'CAT-006'", 163),
    ("SELECT record_count FROM meta_catalog WHERE code = 'CAT-DOT'", 307),
    ("SELECT orphan_count FROM meta_catalog WHERE code = 'CAT-DOT'", 140),
    ("SELECT count(*) FROM v_registry_counts", 152),
    ("SELECT count(*) FROM v_registry_summary", 1),
    ("SELECT count(*) FROM dot_operations", 20),
    ("SELECT count(*) FROM dot_operations WHERE code = 'coverage_scan'", 0),
    ("SELECT count(*) FROM dot_domains", 46),
    ("SELECT count(*) FROM dot_domain_rules", 67),
    ("SELECT count(*) FROM dot_coverage_required", 11),
    ("SELECT count(*) FROM law_dot_enforcement", 272),
    ("SELECT count(*) FROM species_collection_map", 164),
    ("SELECT count(*) FROM taxonomy_facets", 10),
    ("SELECT count(*) FROM taxonomy", 58),
    ("SELECT count(*) FROM label_rules", 38),
    ("SELECT count(DISTINCT label_code) FROM entity_labels", 23),
    ("SELECT count(*) FROM entity_labels LEFT JOIN taxonomy ON code = label_code WHERE code IS NULL", 0),
    ("SELECT count(*) - 4 * (SELECT count(*) FROM system_issues) FROM entity_labels", 2035),
    ("SELECT count(*) FROM collection_registry WHERE coverage_status = 'BIRTH_REQUIRED'", 74),
    ("SELECT count(*) FROM collection_registry WHERE coverage_status = 'BIRTH_DEFERRED'", 58),
    ("SELECT count(*) FROM collection_registry WHERE coverage_status LIKE 'BIRTH\\_EXEMPT%'", 36),
    ("SELECT count(*) FROM dot_iu_command_catalog", 54),
    ("SELECT count(*) FROM dot_iu_command_catalog WHERE mutating", 39),
    ("SELECT count(*) FROM dot_iu_command_catalog WHERE reversible", 41),
    ("SELECT count(*) FROM dot_iu_command_run", 55),
    ("SELECT count(*) FROM dot_iu_command_run WHERE run_status = 'verified' AND NOT mutating", 20),
    ("SELECT count(*) FROM dot_iu_command_run WHERE run_status = 'verified' AND mutating", 5),
    ("SELECT count(*) FROM dot_iu_command_run WHERE run_status = 'applied'", 19),
    ("SELECT count(*) FROM dot_iu_command_run WHERE run_status = 'refused' AND run_mode = 'apply'", 3),
    ("SELECT count(*) FROM dot_iu_command_run WHERE run_status = 'refused' AND run_mode = 'plan'", 2),
    ("SELECT count(*) FROM dot_iu_runtime_lease", 0),
    ("SELECT count(*) FROM birth_registry", 6182),
    # The estate makes no role: whatever is owned or granted there, the loading superuser's it is.
    ("SELECT count(DISTINCT relowner) FROM pg_class WHERE oid >= 16384", 1),
]


@pytest.fixture
def estate(estate_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(estate_database, autocommit=True) as session:
        yield session


def fingerprint(conninfo: str) -> dict[str, str | None]:
    """A digest per table, of its rows as text in the order in which they are stored."""
    with psycopg.connect(conninfo, autocommit=True) as session:
        session.execute("SET TimeZone = 'UTC'")
        return {
            table: session.execute(
                f'SELECT md5(string_agg(t::text, chr(10))) FROM "{table}" AS t'
            ).fetchone()[0]
            for (table,) in session.execute(TABLES).fetchall()
        }


def test_the_estate_holds_what_its_reference_counts(estate: psycopg.Connection):
    counted = [(query, estate.execute(query).fetchone()[0]) for query, _ in FACTS]

    assert counted == FACTS


def test_dot_tools_has_the_thirteen_triggers_in_their_order(estate: psycopg.Connection):
    found = [
        " ".join((name, function, "on" if is_enabled else "off", moment, level, events))
        for name, function, is_enabled, moment, level, events in estate.execute(TRIGGERS)
    ]

    assert found == [" ".join(line.split()) for line in EXPECTED_TRIGGERS.strip().splitlines()]


def test_the_stored_rows_are_already_as_the_triggers_would_make_them(estate: psycopg.Connection):
    with estate.transaction(force_rollback=True):
        before = estate.execute("SELECT array_agg(t ORDER BY id) FROM dot_tools AS t").fetchone()
        estate.execute(
            "UPDATE dot_tools SET file_path = file_path, _dot_origin = _dot_origin, description = description"
        )
        after = estate.execute("SELECT array_agg(t ORDER BY id) FROM dot_tools AS t").fetchone()
        counters = estate.execute(
            "SELECT record_count, orphan_count FROM meta_catalog WHERE code = 'CAT-DOT'"
        ).fetchone()

    assert before == after
    assert counters == (307, 140)


def test_two_builds_are_equal_whatever_the_sessions_settings(
    server: Server, plain_database: str, estate_database: str
):
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute("SET TimeZone = 'Pacific/Auckland'")
        session.execute("SET DateStyle = 'German'")
        load_estate(session.execute, version=Version.BEFORE_PATCH)

    assert fingerprint(plain_database) == fingerprint(estate_database)


def test_the_patch_changes_one_function_and_no_row(estate_database: str, patched_estate_database: str):
    functions = "SELECT proname::text, md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"

    with psycopg.connect(estate_database) as before, psycopg.connect(patched_estate_database) as after:
        changed = set(after.execute(functions)) ^ set(before.execute(functions))

    assert {name for name, _ in changed} == {"fn_birth_registry_auto"}
    assert fingerprint(estate_database) == fingerprint(patched_estate_database)


def test_the_estate_loads_silently_and_fast(plain_database: str):
    messages: list[str | None] = []
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute("SET plpgsql.extra_warnings = 'all'")
        session.add_notice_handler(lambda diag: messages.append(diag.message_primary))
        began = time.monotonic()
        load_estate(session.execute, version=Version.AFTER_PATCH)
        took_s = time.monotonic() - began

    assert messages == []
    # A tenth of this where nothing else runs.
    assert took_s < 2.0


def test_the_scale_multiplies_the_background_and_nothing_else(
    plain_database: str, estate: psycopg.Connection
):
    count = "SELECT count(*) FROM "
    with psycopg.connect(plain_database, autocommit=True) as session:
        load_estate(session.execute, version=Version.BEFORE_PATCH, scale=10)
        tables = [table for (table,) in session.execute(TABLES).fetchall()]
        grown = {
            table: session.execute(count + table).fetchone()[0] - estate.execute(count + table).fetchone()[0]
            for table in tables
        }

    assert {table: rows for table, rows in grown.items() if rows} == {
        "system_issues": 9 * 200, "entity_labels": 9 * 800, "birth_registry": 9 * 1200,
    }  # fmt: skip
