"""Identifiers and literals in SQL text."""

from __future__ import annotations


def quote_identifier(name: str) -> str:
    """`name` in double quotes, its own quotes doubled."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: str) -> str:
    """`value` as a literal that means the same whatever standard_conforming_strings says."""
    quoted = value.replace("'", "''")
    if "\\" in value:
        return " E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"
