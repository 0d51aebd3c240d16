"""What `classify` says cannot run in a transaction block is what servers 15, 16 and 18 refuse there, and only that."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pgrehearse.errors import LaunchError
from pgrehearse.plan.classify import Disposition, classify
from pgrehearse.plan.step import CANNOT
from pgrehearse.server import private_server

ACTIVE_SQL_TRANSACTION = "25001"

# The subscription must be enabled to be refreshed, and must never really connect.
SETTINGS = {"max_prepared_transactions": "5", "max_logical_replication_workers": "0"}
SETUP = """
    CREATE TABLE t (a int PRIMARY KEY, b text);
    CREATE INDEX i ON t (b);
    CREATE TABLE p (a int) PARTITION BY RANGE (a);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE SUBSCRIPTION s CONNECTION 'dbname=nowhere' PUBLICATION x WITH (connect = false);
    ALTER SUBSCRIPTION s ENABLE;
    CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
    CREATE UNIQUE INDEX mi ON m (a);
    CREATE TYPE e AS ENUM ('a');
"""

CANNOT_RUN = [
    "VACUUM",
    "VACUUM t",
    "VACUUM (FULL, ANALYZE) t",
    "vacuum /* c */ verbose t",
    "CREATE DATABASE d",
    "DROP DATABASE IF EXISTS d",
    "ALTER DATABASE postgres SET TABLESPACE pg_default",
    "ALTER DATABASE postgres WITH TABLESPACE = pg_default",
    "CREATE TABLESPACE x LOCATION '/nowhere'",
    "DROP TABLESPACE IF EXISTS x",
    "ALTER SYSTEM SET work_mem = '5MB'",
    "ALTER SYSTEM RESET ALL",
    "CREATE INDEX CONCURRENTLY ON t (b)",
    "CREATE UNIQUE INDEX CONCURRENTLY j ON t (b)",
    "create index concurrently if not exists j on t (b)",
    "DROP INDEX CONCURRENTLY i",
    "DROP INDEX CONCURRENTLY IF EXISTS i",
    "REINDEX TABLE CONCURRENTLY t",
    "REINDEX (CONCURRENTLY) TABLE t",
    "REINDEX (VERBOSE, CONCURRENTLY TRUE) INDEX i",
    "REINDEX (CONCURRENTLY on) INDEX i",
    "REINDEX INDEX CONCURRENTLY i",
    "REINDEX SCHEMA public",
    "REINDEX DATABASE postgres",
    "REINDEX SYSTEM postgres",
    "REINDEX SCHEMA CONCURRENTLY public",
    "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
    "alter table if exists only public.p detach partition public.p1 concurrently",
    "CLUSTER",
    "CLUSTER VERBOSE",
    "CREATE SUBSCRIPTION z CONNECTION 'dbname=nowhere' PUBLICATION x",
    "CREATE SUBSCRIPTION z CONNECTION '' PUBLICATION x WITH (enabled = false)",
    "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
    "COMMIT PREPARED 'x'",
    "ROLLBACK PREPARED 'x'",
    "DISCARD ALL",
    "/* a */ -- b\n VACUUM",
]
CAN_RUN = [
    "ANALYZE",
    "ANALYZE t",
    "CREATE INDEX j ON t (b)",
    "CREATE INDEX IF NOT EXISTS concurrent ON t (b)",
    "DROP INDEX i",
    "REINDEX TABLE t",
    "REINDEX INDEX i",
    "REINDEX (CONCURRENTLY FALSE) TABLE t",
    "REINDEX (VERBOSE) TABLE t",
    "ALTER TABLE p DETACH PARTITION p1",
    "CLUSTER t USING t_pkey",
    "CLUSTER VERBOSE t USING t_pkey",
    "DISCARD TEMP",
    "DISCARD PLANS",
    "DISCARD SEQUENCES",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
    "ALTER TYPE e ADD VALUE 'b'",
    "CHECKPOINT",
    "LISTEN x",
    "NOTIFY x",
    "CREATE SUBSCRIPTION z CONNECTION 'dbname=nowhere' PUBLICATION x WITH (connect = false)",
    "ALTER DATABASE postgres SET work_mem = '5MB'",
    "ALTER DATABASE postgres CONNECTION LIMIT 50",
    "ALTER TABLE t SET TABLESPACE pg_default",
    "ALTER SUBSCRIPTION s DISABLE",
    "CREATE TABLE vacuum (a int)",
    "EXPLAIN ANALYZE SELECT 1",
    "LOCK TABLE t",
    "TRUNCATE t",
    "SET CONSTRAINTS ALL IMMEDIATE",
    "SET LOCAL work_mem = '5MB'",
    "GRANT SELECT ON t TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "DO $$ BEGIN PERFORM 1; END $$",
    "PREPARE q AS SELECT 1",
    "IMPORT FOREIGN SCHEMA x FROM SERVER nowhere INTO public",
    "SECURITY LABEL ON TABLE t IS NULL",
    "DROP SUBSCRIPTION IF EXISTS nowhere",
]
BLOCK = {
    "COMMIT": Disposition.COMMIT,
    "commit work": Disposition.COMMIT,
    "COMMIT TRANSACTION AND NO CHAIN": Disposition.COMMIT,
    "END": Disposition.COMMIT,
    "END WORK AND CHAIN": Disposition.COMMIT,
    "end transaction": Disposition.COMMIT,
    "ROLLBACK": Disposition.ROLLBACK,
    "ABORT": Disposition.ROLLBACK,
    "ABORT WORK AND NO CHAIN": Disposition.ROLLBACK,
    "ROLLBACK TRANSACTION AND CHAIN": Disposition.ROLLBACK,
    "PREPARE TRANSACTION 'y'": Disposition.PREPARE_TRANSACTION,
    'SAVEPOINT "a b"': Disposition.SAVEPOINT,
    "BEGIN": Disposition.BEGIN,
    "BEGIN WORK READ ONLY": Disposition.BEGIN,
    "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE": Disposition.BEGIN,
    "BEGIN TRANSACTION NOT DEFERRABLE READ WRITE": Disposition.BEGIN,
}


@pytest.fixture(scope="module", params=(15, 16, 18))
def session(request) -> Iterator[psycopg.Connection]:
    try:
        running = private_server(wanted_major=request.param, settings=SETTINGS)
        with running as server, psycopg.connect(server.conninfo(), autocommit=True) as session:
            session.execute(SETUP)
            yield session
    except LaunchError as error:
        pytest.skip(error.message)


def sqlstate_in_block(session: psycopg.Connection, statement: str) -> str:
    session.execute("BEGIN")
    try:
        session.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate or ""
    finally:
        session.execute("ROLLBACK")
    return ""


@pytest.mark.parametrize("statement", CANNOT_RUN)
def test_what_is_said_to_be_impossible_in_a_block_is_refused_by_the_server(session, statement: str) -> None:
    assert classify(statement).disposition in CANNOT
    assert sqlstate_in_block(session, statement) == ACTIVE_SQL_TRANSACTION


@pytest.mark.parametrize("statement", CAN_RUN)
def test_what_is_said_to_be_possible_in_a_block_is_not_refused_for_it(session, statement: str) -> None:
    assert classify(statement).disposition not in CANNOT
    assert sqlstate_in_block(session, statement) != ACTIVE_SQL_TRANSACTION


@pytest.mark.parametrize("statement", BLOCK)
def test_transaction_control_is_known_in_every_spelling_that_the_server_takes(
    session, statement: str
) -> None:
    assert classify(f"-- c\n/* /* */ */ {statement} ;").disposition is BLOCK[statement]
    assert sqlstate_in_block(session, statement) == ""
    if BLOCK[statement] is Disposition.PREPARE_TRANSACTION:
        session.execute("ROLLBACK PREPARED 'y'")
