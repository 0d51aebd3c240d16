"""A query of pgrehearse's own, by the driver's lower floor: a cursor costs as much time as the server takes for most.

Takes a connection, SQL and parameters; gives rows, typed by the driver.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from psycopg import abc, adapt, generators, pq
from psycopg.errors import error_from_result

from pgrehearse.pg.patience import PatientConnection

Parameters = Sequence[object] | Mapping[str, object]

_PLACEHOLDER = re.compile(r"%(?:(%)|s|\((\w+)\)s)")


def ask(connection: PatientConnection, sql: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Run a query and give the rows of its last statement, or none.

    Raises:
        psycopg.Error: The server refused it, or is gone.
    """
    driver: abc.Transformer = adapt.Transformer(connection)
    if parameters:
        _send(connection, driver, sql, parameters)
    else:
        connection.pgconn.send_query(sql.encode())
    results = connection.wait(generators.execute(connection.pgconn))
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
    driver.set_pgresult(results[-1])
    return driver.load_rows(0, results[-1].ntuples, tuple)


def _send(connection: PatientConnection, driver: abc.Transformer, sql: str, parameters: Parameters) -> None:
    text, names = _numbered(sql)
    values = [parameters[name] for name in names] if isinstance(parameters, Mapping) else list(parameters)
    dumped = driver.dump_sequence(values, [adapt.PyFormat.AUTO] * len(values))
    connection.pgconn.send_query_params(text, dumped, param_types=driver.types, param_formats=driver.formats)


@lru_cache(maxsize=512)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The SQL with `$1` for each `%s`, or for each `%(name)s` of one name, and these names."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1]:
            return "%"
        if not found[2] or found[2] not in names:
            names.append(found[2] or "")
        return f"${names.index(found[2]) + 1 if found[2] else len(names)}"

    return _PLACEHOLDER.sub(number, sql).encode(), tuple(names)
