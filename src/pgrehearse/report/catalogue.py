"""The reports by the name of their format.

Takes a document and the name of a format; gives the text of that report. A new report is one file and one
line here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pgrehearse.errors import UsageError
from pgrehearse.evidence.document import Document
from pgrehearse.report import json, markdown, terminal

DEFAULT_FORMAT: Final = "text"

_REPORTS: Final[dict[str, Callable[[Document], str]]] = {
    "json": json.render,
    "markdown": markdown.render,
}

FORMATS: Final = (DEFAULT_FORMAT, *_REPORTS)
"""The names of the formats, the default first."""


def render(document: Document, format_name: str, *, width: int = 80, colour: bool = False) -> str:
    """Return the report of `document` in a format; `width` (columns) and `colour` matter to `text` alone.

    Raises:
        UsageError: There is no report of that name.
    """
    if format_name == DEFAULT_FORMAT:
        return terminal.render(document, width=width, colour=colour)
    if format_name not in _REPORTS:
        raise UsageError(f'there is no report format "{format_name}"', hint=f"Formats: {', '.join(FORMATS)}.")
    return _REPORTS[format_name](document)
