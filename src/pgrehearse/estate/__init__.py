"""The reference estate: the SQL and data of a governed database to rehearse on."""

from __future__ import annotations

from pgrehearse.estate.generator import Version, load_estate, statements

__all__ = ["Version", "load_estate", "statements"]
