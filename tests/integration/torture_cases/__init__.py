"""The mechanisms that change rows, one `Case` each."""

from __future__ import annotations

from .cascades import CASCADES
from .schema_changes import SCHEMA_CHANGES
from .statements import STATEMENTS
from .trees import TREES
from .triggers import TRIGGERS

ALL = (*CASCADES, *SCHEMA_CHANGES, *STATEMENTS, *TREES, *TRIGGERS)
