"""Settings of a user or a team: which databases are productions, and what the guard makes of a target.

Takes `pgrehearse.toml`, found upwards from a folder or named; gives a `Config`. It can only make pgrehearse refuse
more, never less: a declared production is refused whatever it carries, and nothing here lifts that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from pgrehearse.errors import UsageError

FILE_NAME = "pgrehearse.toml"
CONFIG_VARIABLE = "PGREHEARSE_CONFIG"
_REFERENCE = "docs/reference/configuration.md lists every key."


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Tables of a configuration refuse keys that they do not know."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is, as far as it is known.

    Attributes:
        database: Its name.
        system_identifier: That of the server, decimal; None where it cannot be read.
        hosts: Every name and address that the server was reached by.
        port: The port that the client connected to; None where it is unknown.
    """

    database: str
    system_identifier: str | None
    hosts: frozenset[str]
    port: int | None


class Production(_Strict, frozen=True):
    """A database, or all databases of a server, that must never be rehearsed on.

    `name` is what refusals call it. The others are facts; those that are given must all hold of a place.
    """

    name: str = ""
    database: str | None = None
    system_identifier: str | None = None
    host: str | None = None
    port: int | None = None

    def matches(self, place: Place) -> bool:
        """Whether `place` may be this production. What is not known of a place counts as a match."""
        return (
            self.database in {None, place.database}
            and self.system_identifier in {None, place.system_identifier or self.system_identifier}
            and self.port in {None, place.port or self.port}
            and (self.host is None or not place.hosts or self.host.lower() in place.hosts)
        )

    @property
    def facts(self) -> str:
        """The given facts, `database app, port 5432`."""
        given = {
            "database": self.database,
            "system": self.system_identifier,
            "host": self.host,
            "port": self.port,
        }
        return ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)

    def __str__(self) -> str:
        return self.name or self.facts


class Clones(_Strict, frozen=True):
    """What the guard asks of every target, whatever a plan says.

    Attributes:
        name_like: An SQL LIKE pattern that the name of a clone must satisfy, beside the plan's own.
        other_sessions: What to do where others are connected to the target.
    """

    name_like: str = "%"
    other_sessions: Literal["warn", "refuse"] = "warn"


class Config(_Strict, frozen=True):
    """A whole configuration."""

    productions: tuple[Production, ...] = ()
    clones: Clones = Clones()

    def production_at(self, place: Place) -> Production | None:
        """The first declared production that `place` may be."""
        return next((one for one in self.productions if one.matches(place)), None)


def find_config(start: Path) -> Path | None:
    """The nearest `pgrehearse.toml` in `start` or in a folder above it."""
    folder = start.absolute()
    candidates = (place / FILE_NAME for place in (folder, *folder.parents))
    return next((file for file in candidates if file.is_file()), None)


def load_config(
    named: Path | None = None, *, start: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """The configuration of the file `named`, else of PGREHEARSE_CONFIG, else the one found upwards from `start`.

    `start` is the current folder where absent. Without any file, the configuration is empty.

    Raises:
        UsageError: The file cannot be read, is no TOML, or holds an unknown key or an unfit value.
    """
    variable = environ.get(CONFIG_VARIABLE)
    file = named or (Path(variable) if variable else find_config(start or Path.cwd()))
    return Config() if file is None else read_config(file)


def read_config(file: Path) -> Config:
    """The configuration in one file.

    Raises:
        UsageError: The file cannot be read, is no TOML, or holds an unknown key or an unfit value.
    """
    try:
        config = msgspec.toml.decode(file.read_bytes(), type=Config)
    except OSError as error:
        raise UsageError(f"cannot read configuration {file}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: {error}", hint=_REFERENCE) from error
    for number, production in enumerate(config.productions, start=1):
        if not production.facts:
            raise UsageError(
                f"{file}: production {number} ({production.name or 'without a name'}) declares nothing",
                hint="Give at least one of database, system_identifier, host and port.",
            )
    return config
