"""The two digests of a document, and what they cover.

Takes a JSON object or the bytes of a saved document; gives digests as `sha256:…`, or the problems that were
found. `digest` covers everything but itself, `effects_digest` covers `effects` without its times (keys that
end in `_ms`). Both are taken over the raw JSON, never over our records: a field that a later version added is
covered too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from pgrehearse.evidence.canonical import to_canonical
from pgrehearse.evidence.document import Document
from pgrehearse.evidence.saved import read_object


def digest_of(document: Mapping[str, object]) -> str:
    """Return the digest of everything but `digest`."""
    return _sha256({key: value for key, value in document.items() if key != "digest"})


def effects_digest_of(effects: object) -> str:
    """Return the digest of `effects` without its times: equal for equal changes of equal states."""
    return _sha256(_without_times(effects))


def sealed(document: Document) -> Document:
    """Return `document` with both digests set."""
    raw = msgspec.to_builtins(document)
    raw["effects_digest"] = effects_digest_of(raw["effects"])
    return msgspec.structs.replace(document, effects_digest=raw["effects_digest"], digest=digest_of(raw))


def verify(document_bytes: bytes) -> list[str]:
    """Recompute both digests of a saved document, and see that it has the shape of its format.

    Returns:
        What does not hold, a sentence each; empty where all holds.

    Raises:
        UsageError: The bytes are no JSON object, or no evidence of a format that we know.
    """
    raw = read_object(document_bytes)
    problems = [
        *_compared("digest", raw.get("digest"), digest_of(raw), "something in the document"),
        *_compared(
            "effects_digest", raw.get("effects_digest"), effects_digest_of(raw.get("effects")), "an effect"
        ),
    ]
    try:
        msgspec.convert(raw, Document)
    except msgspec.ValidationError as error:
        problems.append(f"the document has not the shape of its format: {error}")
    return problems


def _compared(name: str, found: object, computed: str, what: str) -> list[str]:
    if found == computed:
        return []
    if not isinstance(found, str) or not found:
        return [f"{name} is missing; recomputed it is {computed}"]
    return [f"{name} is {found}, recomputed it is {computed}: {what} was changed after it was written"]


def _sha256(value: object) -> str:
    return "sha256:" + hashlib.sha256(to_canonical(value)).hexdigest()


def _without_times(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_times(member) for key, member in value.items() if not key.endswith("_ms")}
    if isinstance(value, list | tuple):
        return [_without_times(member) for member in value]
    return value
