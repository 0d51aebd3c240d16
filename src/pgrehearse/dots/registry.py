"""The registry: the rows of a database that say which tools there are.

Takes a session with a target; gives its tools. Which table and columns mean what is data, so that registries of other
estates can be read as well; what a registry lacks (digest, parameters) stands in a side table of pgrehearse's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pgrehearse.dots.dot import Declared
from pgrehearse.errors import DotError, ServerError, UsageError
from pgrehearse.pg.identifiers import quote_identifier, quote_literal
from pgrehearse.pg.session import Session

ARTIFACTS = "pgrehearse_dots.artifact"
"""The side table, in the database of the registry."""

_CREATE_ARTIFACTS = """\
CREATE SCHEMA IF NOT EXISTS pgrehearse_dots;

CREATE TABLE IF NOT EXISTS pgrehearse_dots.artifact (
    code           text PRIMARY KEY,
    script_sha256  text NOT NULL,
    parameters     jsonb NOT NULL,
    timeout_s      double precision NOT NULL,
    lease          text NOT NULL
);
"""

_READ = ("code", "name", "description", "domain", "operation", "tier", "status", "paired_dot", "file_path")

_ESTATE_COLUMNS = {
    "code": "code",
    "name": "name",
    "name_en": "name_en",
    "description": "description",
    "classification": "classification",
    "owner": "owner",
    "script_path": "script_path",
    "token_type": "token_type",
    "category": "category",
    "status": "status",
    "tier": "tier",
    "domain": "domain",
    "operation": "operation",
    "paired_dot": "paired_dot",
    "trigger_type": "trigger_type",
    "origin": "_dot_origin",
    "file_path": "file_path",
}


class Registry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a registry is: its table, and the column of each field. A field without a column is not written.

    `config_table` holds the gates, with the columns `key` and `value` (jsonb).
    """

    table: str = "public.dot_tools"
    columns: dict[str, str] = msgspec.field(default_factory=lambda: dict(_ESTATE_COLUMNS))
    config_table: str = "public.dot_config"

    @property
    def table_sql(self) -> str:
        """The table's name, quoted."""
        return quote_name(self.table)


@dataclass(frozen=True, slots=True)
class RegisteredDot:
    """A row of the registry; None where the registry has no such column or no value.

    `script_sha256` stands in the side table.
    """

    code: str
    name: str | None
    description: str | None
    domain: str | None
    operation: str | None
    tier: str | None
    status: str | None
    paired_dot: str | None
    file_path: str | None
    script_sha256: str | None


def read_registry_map(file: Path | None) -> Registry:
    """How a registry is laid out, from a TOML file; the estate's own layout where `file` is None.

    Raises:
        UsageError: The file cannot be read, is no TOML, or holds an unknown key or field.
    """
    if file is None:
        return Registry()
    try:
        registry = msgspec.toml.decode(file.read_bytes(), type=Registry)
    except OSError as error:
        raise UsageError(f"cannot read registry {file}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: {error}") from error
    unknown = sorted(set(registry.columns) - set(_ESTATE_COLUMNS))
    if unknown or "code" not in registry.columns:
        raise UsageError(
            f"{file}: unknown field {', '.join(unknown)}" if unknown else f"{file}: no column for the code",
            hint=f"Fields are: {', '.join(_ESTATE_COLUMNS)}.",
        )
    return registry


def read_registry(session: Session, registry: Registry) -> tuple[RegisteredDot, ...]:
    """All rows, by code.

    Raises:
        DotError: The database has no such registry.
    """
    try:
        has_artifacts = session.fetch("SELECT to_regclass(%s) IS NOT NULL", (ARTIFACTS,))[0][0]
        digest, join = (
            "a.script_sha256",
            f"LEFT JOIN {ARTIFACTS} AS a ON a.code = r.{_code(registry)}::text",
        )
        columns = ", ".join(_read_sql(registry, field) for field in _READ)
        rows = session.fetch(
            f"SELECT {columns}, {digest if has_artifacts else 'NULL'} FROM {registry.table_sql} AS r"
            f" {join if has_artifacts else ''} ORDER BY r.{_code(registry)}"
        )
    except ServerError as error:
        raise DotError(
            f"the registry {registry.table} cannot be read",
            detail=error.message,
            hint="Name the layout of the registry with --registry.",
        ) from error
    return tuple(RegisteredDot(*row) for row in rows)


def find_registered(session: Session, registry: Registry, code: str) -> RegisteredDot | None:
    """The row of one tool; None where there is none."""
    return next((one for one in read_registry(session, registry) if one.code == code), None)


def registration_sql(declared: Declared, registry: Registry) -> str:
    """The script that registers a tool: its row, and what the registry lacks beside it.

    The very text that is rehearsed on a clone is what a sandbox runs.
    """
    fields = {name: value for name, value in _fields(declared).items() if name in registry.columns}
    columns = ", ".join(quote_identifier(registry.columns[name]) for name in fields)
    values = ",\n        ".join(_literal(value) for value in fields.values())
    return (
        f"-- Registers {declared.dot.code}.\nBEGIN;\n\n{_CREATE_ARTIFACTS}\n"
        f"INSERT INTO {registry.table_sql} ({columns})\nVALUES (\n        {values}\n);\n\n"
        f"INSERT INTO {ARTIFACTS} (code, script_sha256, parameters, timeout_s, lease)\n"
        f"VALUES ({', '.join(_artifact_values(declared))});\n\nCOMMIT;\n"
    )


def quote_name(name: str) -> str:
    """A name that may be qualified by a schema, each part quoted."""
    return ".".join(quote_identifier(part) for part in name.split("."))


def _fields(declared: Declared) -> dict[str, str | None]:
    dot = declared.dot
    same = (
        "code",
        "name",
        "description",
        "classification",
        "owner",
        "token_type",
        "category",
        "status",
        "tier",
    )
    more = ("domain", "operation", "paired_dot", "trigger_type", "origin")
    fields: dict[str, Any] = {name: getattr(dot, name) for name in (*same, *more)}
    return fields | {"name_en": dot.name, "script_path": dot.script.path, "file_path": dot.script.path}


def _artifact_values(declared: Declared) -> tuple[str, ...]:
    dot = declared.dot
    parameters = msgspec.to_builtins(dot.parameters)
    for name, parameter in dot.parameters.items():
        if parameter.secret:
            parameters[name]["default"] = None
    text = msgspec.json.encode(parameters).decode()
    literals = map(
        quote_literal, (dot.code, dot.script.sha256, text, str(dot.limits.timeout_s), dot.lease_name)
    )
    return tuple(literals)


def _literal(value: str | None) -> str:
    return "NULL" if value is None else quote_literal(value).strip()


def _code(registry: Registry) -> str:
    return quote_identifier(registry.columns["code"])


def _read_sql(registry: Registry, field: str) -> str:
    column = registry.columns.get(field)
    return "NULL" if column is None else f"r.{quote_identifier(column)}::text"
