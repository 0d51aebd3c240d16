"""psql itself as the oracle: what it sends to a server for a script, told by the server's own log.

Fixture `oracle`: gives the statements that psql sent, and those that a small consumer of the `Reader` sent, for the
same script. The log is written by the server before a statement runs and lies whole on disk when psql has gone.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import ExecStatus, PGconn

from pgrehearse.errors import ScriptError
from pgrehearse.script.copy_command import CopyEnd, parse_copy
from pgrehearse.script.metacommands import apply_variable_command
from pgrehearse.script.reader import Reader
from pgrehearse.script.source import read_source
from pgrehearse.script.statement import MetaCommand, Query
from pgrehearse.script.variables import VariableError, Variables
from pgrehearse.server import Server, private_server

LOG_SETTINGS = {
    "log_statement": "all",
    "log_min_messages": "error",
    "client_min_messages": "error",
    "log_min_error_statement": "error",
    "log_line_prefix": "@@%a@@",
    "log_error_verbosity": "terse",
}
LOGGED = (b"LOG:  statement: ", b"LOG:  execute <unnamed>: ")
FAILED = b"STATEMENT:  "


@dataclass
class PsqlOracle:
    """Runs scripts both ways against one server."""

    server: Server
    folder: Path
    position: int = 0

    def sent_by_psql(
        self, script: bytes, *, variables: Mapping[str, str] | None = None, database: str = "postgres"
    ) -> list[str]:
        """The messages that psql sent, in order."""
        self.read_log("")
        path = self.folder / "script.sql"
        path.write_bytes(script)
        options = [f"-v{name}={value}" for name, value in (variables or {}).items()]
        command = [self.server.binaries.program("psql"), "-X", "-q", *options, "-f", str(path)]
        environment = {**os.environ, "PGAPPNAME": "psql"}
        self.last = subprocess.run(
            [*command, "-d", self.server.conninfo(database)],
            env=environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return self.read_log("psql")

    def read_log(self, application: str) -> list[str]:
        """The statements of `application` that were logged since the last call."""
        with self.server.log.open("rb") as log:
            log.seek(self.position)
            data = log.read()
        self.position += len(data)
        sent: list[str] = []
        awaits_error = False
        mark = f"@@{application}@@".encode()
        for part in data.split(b"\n@@"):
            whole = b"@@" + part.removeprefix(b"@@").removesuffix(b"\n")
            if not whole.startswith(mark):
                continue
            entry = whole.removeprefix(mark).replace(b"\n\t", b"\n")
            for start in LOGGED:
                if entry.startswith(start):
                    sent.append(entry.removeprefix(start).decode())
                    awaits_error = True
            if entry.startswith(FAILED):
                # A syntax error is found before the statement is logged; other errors come after.
                text = entry.removeprefix(FAILED).decode()
                if not (awaits_error and sent and sent[-1] == text):
                    sent.append(text)
                awaits_error = False
        return sent

    def sent_by_reader(
        self, script: bytes, *, variables: Mapping[str, str] | None = None, database: str = "postgres"
    ) -> list[str]:
        """The messages that a consumer of the reader sent, in order."""
        path = self.folder / "script.sql"
        path.write_bytes(script)
        consumer = Consumer(self.server.conninfo(database), Variables({"QUIET": "on", **(variables or {})}))
        with contextlib.chdir(self.folder):
            consumer.play(path)
        self.problems = consumer.problems
        return consumer.sent


@dataclass
class Consumer:
    """The least that acts on what a reader gives: sends queries and keeps variables."""

    conninfo: str
    variables: Variables
    sent: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def play(self, path: Path) -> None:
        session = psycopg.connect(self.conninfo, autocommit=True, application_name="reader")
        with contextlib.closing(session):
            try:
                self._play(session.pgconn, Reader(read_source(str(path)), self.variables))
            except ScriptError as error:
                self.problems.append(error.message)

    def _play(self, connection: PGconn, reader: Reader) -> None:
        for item in reader:
            if isinstance(item, Query):
                is_right = self._query(connection, reader, item)
            else:
                is_right = self._meta(connection, reader, item)
            strings = connection.parameter_status(b"standard_conforming_strings")
            reader.standard_strings = strings != b"off"
            if not is_right and reader.stops_on_error:
                return

    def _send(
        self, connection: PGconn, reader: Reader, text: str, data: list[bytes] | None = None
    ) -> list[psycopg.pq.PGresult]:
        self.sent.append(text)
        connection.send_query(text.encode())
        results = []
        while (result := connection.get_result()) is not None:
            if result.status == ExecStatus.COPY_IN:
                for chunk in data if data is not None else reader.copy_data():
                    connection.put_copy_data(chunk)
                connection.put_copy_end()
            elif result.status == ExecStatus.COPY_OUT:
                while connection.get_copy_data(0)[0] > 0:
                    pass
            else:
                results.append(result)
        error = next((r for r in results if r.status == ExecStatus.FATAL_ERROR), None)
        self.variables.set("ERROR", "true" if error else "false")
        return results

    def _query(self, connection: PGconn, reader: Reader, query: Query) -> bool:
        results = self._send(connection, reader, query.text)
        if any(result.status == ExecStatus.FATAL_ERROR for result in results):
            return False
        name = query.sent_by.name if query.sent_by else ""
        if not results or results[-1].status != ExecStatus.TUPLES_OK:
            return True
        last = results[-1]
        if name == "gset":
            return self._gset(last, query)
        if name == "gexec":
            return self._gexec(connection, reader, last)
        return True

    def _gset(self, result: psycopg.pq.PGresult, query: Query) -> bool:
        if result.ntuples != 1:
            return False
        prefix = query.sent_by.arguments[0] if query.sent_by and query.sent_by.arguments else ""
        for column in range(result.nfields):
            name = prefix + (result.fname(column) or b"").decode()
            value = result.get_value(0, column)
            if value is None:
                self.variables.unset(name)
            elif not self.variables.is_special(name):
                try:
                    self.variables.set(name, value.decode())
                except VariableError as error:
                    self.problems.append(error.message)
                    return False
        return True

    def _gexec(self, connection: PGconn, reader: Reader, result: psycopg.pq.PGresult) -> bool:
        is_right = True
        for row in range(result.ntuples):
            for column in range(result.nfields):
                if (value := result.get_value(row, column)) is None:
                    continue
                results = self._send(connection, reader, value.decode())
                if any(r.status == ExecStatus.FATAL_ERROR for r in results):
                    is_right = False
                    if reader.stops_on_error:
                        return False
        return is_right

    def _meta(self, connection: PGconn, reader: Reader, command: MetaCommand) -> bool:
        problem = command.problem or apply_variable_command(command, self.variables)
        if command.name == "copy" and not problem:
            copy = parse_copy(command)
            data = [Path(copy.path).read_bytes()] if copy.end is CopyEnd.FILE and copy.is_from else None
            results = self._send(connection, reader, copy.sql, data)
            return not any(r.status == ExecStatus.FATAL_ERROR for r in results)
        if command.name == "encoding" and command.arguments:
            self._send(connection, reader, f"set client_encoding to '{command.arguments[0]}'")
        if problem:
            self.problems.append(problem)
            reader.skip_line()
        return not problem


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PsqlOracle]:
    with private_server(wanted_major=18, settings=LOG_SETTINGS) as running:
        yield PsqlOracle(running, tmp_path_factory.mktemp("scripts"))
