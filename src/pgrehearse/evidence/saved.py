"""A saved document, read back.

Takes the bytes of a file; gives its JSON object, or the document. Strict where a lenient reader could be
shown something else than what was digested: a name that stands twice in an object is refused.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn

import msgspec

from pgrehearse.errors import EvidenceError, UsageError
from pgrehearse.evidence.document import FORMAT, Document

_HINT = "Give a file that was written by pgrehearse run --format json."


def read_object(document_bytes: bytes) -> dict[str, object]:
    """Return the JSON object of a saved document, with fields that we do not know.

    Raises:
        UsageError: The bytes are no JSON, or no evidence of a format that we know.
    """
    try:
        raw: object = json.loads(
            document_bytes.decode("utf-8-sig"),
            object_pairs_hook=_unique,
            parse_constant=_not_a_number,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise UsageError("the document is not valid JSON", detail=_one_line(error), hint=_HINT) from error
    named = raw.get("format") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or named != FORMAT:
        raise UsageError(
            f"the document is not evidence of format {FORMAT}",
            detail="It names no format." if named is None else f"It names the format {named!r:.80}.",
            hint=_HINT,
        )
    return raw


def read_document(document_bytes: bytes) -> Document:
    """Return a saved document as records; fields that we do not know are passed over.

    Raises:
        UsageError: As in `read_object`.
        EvidenceError: A field of the contract is missing or of another type.
    """
    try:
        return msgspec.convert(read_object(document_bytes), Document)
    except msgspec.ValidationError as error:
        raise EvidenceError(
            "the document has not the shape of its format", detail=_one_line(error)
        ) from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.40} is out of range")
    return number


def _one_line(error: Exception) -> str:
    return f"{str(error).splitlines()[0][:200]}."
