"""Rows are counted net and in full, whatever mechanism changed them: compared with the tables themselves."""

from __future__ import annotations

import pytest

from .torture import MAJORS, disagreements, load, rehearsed, rows_of, truth
from .torture_cases import ALL
from .torture_cases.case import Case

pytestmark = pytest.mark.majors(*MAJORS)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.title)
def test_rows_are_those_that_the_tables_themselves_show(plain_database: str, case: Case) -> None:
    load(plain_database, case.schema)

    evidence = rehearsed(plain_database, case.change)

    assert [step.error for step in evidence.steps if step.error] == []
    assert rows_of(evidence) == case.rows
    if case.undone:
        before, after = truth(plain_database, case.change)
        assert disagreements(evidence, before, after, case.reshaped) == []
    found = {(c.table, c.operation, c.rows, c.path) for c in evidence.effects.causes}
    assert set(case.causes) <= found
