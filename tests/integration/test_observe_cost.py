"""Each step is told with what it cost: the WAL, the blocks of tables and indexes, the temporary files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest

from pgrehearse.evidence.document import Cost, Document
from pgrehearse.report.catalogue import render

from .torture import MAJORS, load, rehearsed

pytestmark = pytest.mark.majors(*MAJORS)

PLAIN = "pgrehearse_plain_role_of_a_test"
SCHEMA = """
    CREATE TABLE item (id int PRIMARY KEY, name text);
    INSERT INTO item SELECT n, md5(n::text) FROM generate_series(1, 20000) AS n;
"""
SORTS = "SELECT count(*) FROM (SELECT * FROM item ORDER BY name OFFSET 0) AS sorted"
FAILS_LATE = "SELECT 1 / (count(*) - 20000) FROM (SELECT * FROM item ORDER BY name OFFSET 0) AS sorted"
SPILLS_WHEN_DEFERRED = """
    CREATE TABLE note (id int);
    CREATE FUNCTION sort() RETURNS trigger LANGUAGE plpgsql SET work_mem = '64kB' AS $$ BEGIN
        PERFORM count(*) FROM (SELECT * FROM item ORDER BY name OFFSET 0) AS sorted;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER sorts AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION sort();
"""


@pytest.fixture
def database(plain_database: str) -> str:
    """Twenty thousand rows whose pages nothing is left to tidy up, so that only the script writes WAL."""
    load(plain_database, SCHEMA)
    load(plain_database, "VACUUM ANALYZE item")
    return plain_database


@pytest.fixture
def plain_role_database(database: str) -> Iterator[str]:
    """The same for a role that may set nothing; roles belong to the server, so this one goes with the test."""
    with suppress(psycopg.errors.DuplicateObject):
        load(database, f"CREATE ROLE {PLAIN} LOGIN")
    load(database, f"GRANT ALL ON item TO {PLAIN}")
    yield psycopg.conninfo.make_conninfo(database, user=PLAIN)
    load(database, f"DROP OWNED BY {PLAIN}")


def test_a_change_of_many_rows_writes_wal_and_a_query_writes_none(database: str) -> None:
    change = "SELECT count(*) FROM item; UPDATE item SET name = name || '!' WHERE id <= 5000; SELECT 1"

    query, update, nothing = costs_of(rehearsed(database, change))

    # 5,000 rows of 60 bytes or so, each with its new version in the table and in the index.
    assert query.wal_bytes == nothing.wal_bytes == 0
    assert 500_000 < (update.wal_bytes or 0) < 5_000_000


def test_blocks_are_those_that_the_step_itself_visited(database: str) -> None:
    with psycopg.connect(database) as session:
        pages = session.execute("SELECT pg_relation_size('item') / 8192").fetchall()[0][0]

    whole, one, nothing, again = costs_of(
        rehearsed(
            database, "SELECT count(*) FROM item; SELECT * FROM item WHERE id = 7; SELECT 1; TABLE item"
        )
    )

    # Making a plan visits a block or two of the index.
    assert 100 < pages <= blocks(whole) <= pages + 4
    assert pages <= blocks(again) <= pages + 4
    assert 2 <= blocks(one) <= 4
    assert blocks(nothing) == 0


def test_what_a_failed_statement_read_is_not_the_next_one_s(database: str) -> None:
    failed, one = costs_of(rehearsed(database, f"{FAILS_LATE}; SELECT * FROM item WHERE id = 7"))

    assert (failed.blocks_hit, failed.blocks_read) == (None, None)
    assert 2 <= blocks(one) <= 4


def test_temporary_files_have_the_size_that_the_server_gives_them(database: str) -> None:
    said = sizes_said_by_the_server(database, SORTS)

    change = f"BEGIN; SET LOCAL work_mem = '64kB'; {SORTS}; COMMIT; {SORTS}"
    _, small, _, large = costs_of(rehearsed(database, change))

    assert len(said) > 0
    assert (small.temp_files, small.temp_bytes) == (len(said), sum(said))
    assert (large.temp_files, large.temp_bytes) == (0, 0)


@pytest.mark.parametrize(
    "change", [FAILS_LATE, f"DO $$ BEGIN PERFORM 1; {SORTS.replace('SELECT', 'PERFORM', 1)}; END $$"]
)
def test_temporary_files_of_functions_and_of_failed_statements_are_told(database: str, change: str) -> None:
    evidence = rehearsed(database, f"SET work_mem = '64kB'; {change}")

    setting, spilling = costs_of(evidence)

    assert setting.temp_files == 0
    assert (spilling.temp_files or 0) > 0
    assert (spilling.temp_bytes or 0) > 100_000


@pytest.mark.parametrize(
    "change", ["INSERT INTO note VALUES (1)", "BEGIN; INSERT INTO note VALUES (1); COMMIT"]
)
def test_what_a_deferred_trigger_costs_stands_with_the_step_that_fires_it(database: str, change: str) -> None:
    load(database, SPILLS_WHEN_DEFERRED)

    *_, last = costs_of(rehearsed(database, change))

    assert (last.temp_files or 0) > 0


def test_the_server_s_words_on_temporary_files_are_no_messages_of_the_script(database: str) -> None:
    change = f"SET client_min_messages = log; SET work_mem = '64kB'; {SORTS}; SELECT 1"

    evidence = rehearsed(database, change)

    assert [message.text for message in evidence.effects.messages] == []
    assert (costs_of(evidence)[2].temp_files or 0) > 0


def test_a_script_that_asks_for_these_words_has_them(database: str) -> None:
    asks = f"SET client_min_messages = log; SET work_mem = '64kB'; SET log_temp_files = 0; {SORTS}; SELECT 1"
    wants_larger = asks.replace("log_temp_files = 0", "log_temp_files = '1GB'")
    takes_back = f"{asks}; RESET log_temp_files; {SORTS}; SELECT 1"

    heard, not_heard, heard_once = (rehearsed(database, one) for one in (asks, wants_larger, takes_back))

    assert len(heard.effects.messages) == costs_of(heard)[3].temp_files
    assert all("temporary file" in message.text for message in heard.effects.messages)
    assert not_heard.effects.messages == ()
    assert len(heard_once.effects.messages) == len(heard.effects.messages)
    assert costs_of(heard_once)[6].temp_bytes == costs_of(heard_once)[3].temp_bytes


def test_a_role_that_may_set_nothing_is_told_what_is_missing(plain_role_database: str) -> None:
    evidence = rehearsed(plain_role_database, f"SET work_mem = '64kB'; {SORTS}; UPDATE item SET name = ''")

    assert len([limit for limit in evidence.limits if "temporary files" in limit]) == 1
    _, sorting, updating = costs_of(evidence)
    assert (sorting.temp_files, sorting.temp_bytes) == (None, None)
    assert blocks(sorting) > 100
    assert (updating.wal_bytes or 0) > 1_000_000


def test_a_role_that_may_not_ask_for_the_wal_is_told_so(database: str, plain_role_database: str) -> None:
    load(database, "REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn() FROM PUBLIC")

    evidence = rehearsed(plain_role_database, "UPDATE item SET name = ''")

    assert len([limit for limit in evidence.limits if "pg_current_wal_insert_lsn" in limit]) == 1
    assert costs_of(evidence)[0].wal_bytes is None
    assert blocks(costs_of(evidence)[0]) > 100


def test_others_who_write_meanwhile_are_told(database: str) -> None:
    with closing(psycopg.connect(database)) as other:
        other.execute("CREATE TABLE theirs (id int)")
        evidence = rehearsed(database, "UPDATE item SET name = '' WHERE id = 1")

    assert any("Others wrote meanwhile" in limit for limit in evidence.limits)
    alone = rehearsed(database, "UPDATE item SET name = '' WHERE id = 1")
    assert not any("Others wrote meanwhile" in limit for limit in alone.limits)


def test_costs_are_no_effect(database: str) -> None:
    change = "UPDATE item SET name = '' WHERE id = 1"

    one = rehearsed(database, change)
    load(database, "CHECKPOINT")
    other = rehearsed(database, change)

    # After a checkpoint the first change of each page writes the whole page.
    assert costs_of(one) != costs_of(other)
    assert one.effects_digest == other.effects_digest


def test_reports_tell_the_steps_that_cost_something(database: str) -> None:
    change = f"SELECT 1;\nSET work_mem = '64kB';\n{SORTS};\nUPDATE item SET name = '' WHERE id <= 5000"

    evidence = rehearsed(database, change)

    costs = section(render(evidence, "text", width=100), "Costs")
    assert re.search(
        r"^Costs  WAL [\d.]+ MB, [\d,]+ blocks.*, \d+ temporary files? of \d+ kB$", costs, re.MULTILINE
    )
    assert re.search(r"^  line 4 .* WAL [\d.]+ MB, [\d,]+ blocks", costs, re.MULTILINE)
    assert re.search(r"^  line 3 .* blocks.*, \d+ temporary files? of \d+ kB$", costs, re.MULTILINE)
    assert "line 1" not in costs
    assert "line 2" not in costs
    assert "## Costs" in render(evidence, "markdown")
    assert "Costs" not in render(rehearsed(database, "SELECT 1"), "text", width=100)


def costs_of(evidence: Document) -> list[Cost]:
    """The costs of the steps that were sent to the server, in their order."""
    return [step.cost for step in evidence.steps if step.cost is not None]


def blocks(cost: Cost) -> int:
    return (cost.blocks_hit or 0) + (cost.blocks_read or 0)


def section(report: str, name: str) -> str:
    return report.partition(f"\n{name}  ")[1].strip() + report.partition(f"\n{name}")[2].partition("\n\n")[0]


def sizes_said_by_the_server(conninfo: str, query: str) -> list[int]:
    """The sizes of the temporary files of a query, in the words of an ordinary session."""
    said: list[str] = []
    with closing(psycopg.connect(conninfo, autocommit=True)) as session:
        session.add_notice_handler(lambda diagnostic: said.append(diagnostic.message_primary or ""))
        session.execute("SET work_mem = '64kB'; SET log_temp_files = 0; SET client_min_messages = log")
        session.execute(query)
        session.execute("SELECT 1")
    return [int(text.rpartition("size ")[2]) for text in said]
