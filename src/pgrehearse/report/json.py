"""The document itself, as JSON.

Takes a document, or the JSON object of a saved one; gives text that reads well and that `evidence verify`
accepts.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pgrehearse.evidence.canonical import to_canonical
from pgrehearse.evidence.document import Document


def render(document: Document | Mapping[str, object]) -> str:
    """Return the document with one field a line, in the order of the contract, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def render_canonical(document: Document | Mapping[str, object]) -> str:
    """Return the document as its digest reads it: keys sorted, no white space, no newline."""
    return to_canonical(msgspec.to_builtins(document)).decode()
