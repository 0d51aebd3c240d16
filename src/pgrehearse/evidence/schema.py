"""The JSON Schema of format 1, for readers in other languages: `evidence-1.schema.json` is this, written out.

Takes the records of the document; gives a schema of draft 2020-12. Fields that it does not name are allowed:
additions are free. After a change of the records: `python -m pgrehearse.evidence.schema >
src/pgrehearse/evidence/evidence-1.schema.json`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from pgrehearse.evidence.document import Document

_COMPUTED = {"effects_digest", "digest", "format"}
"""Fields of `Document` that have a default only because they are computed last: the contract wants them."""


def make_schema() -> dict[str, Any]:
    """Return the schema as a JSON object."""
    (schema,), components = msgspec.json.schema_components([Document], ref_template="#/$defs/{name}")
    document = components["Document"]
    document["required"] = sorted({*document["required"], *_COMPUTED}, key=list(document["properties"]).index)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pgrehearse evidence, format 1",
        **schema,
        "$defs": dict(sorted(components.items())),
    }


def schema_text() -> str:
    """Return the schema as it stands in its file."""
    return json.dumps(make_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
