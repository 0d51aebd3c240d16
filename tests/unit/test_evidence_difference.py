"""Two documents compared: what one change does that the other does not."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec

from pgrehearse.evidence.difference import differences
from pgrehearse.evidence.document import Document
from pgrehearse.observe.observation import FunctionCalled, LockTaken, MessageReceived
from pgrehearse.report import difference as report

from .evidence_builders import CLEAN, PROBED, make_document, make_pass, make_transcript


def raw(document: Document) -> dict[str, object]:
    return json.loads(msgspec.json.encode(document))


def test_the_same_change_at_another_time_does_not_differ() -> None:
    slow = tuple(replace(o, total_ms=99.0) if isinstance(o, FunctionCalled) else o for o in CLEAN)

    other = make_document(make_transcript(make_pass(1, slow), make_pass(2, PROBED)), checks=())

    assert differences(raw(make_document()), raw(other)) == []


def test_fewer_births_are_told_as_a_changed_entry_with_both_numbers() -> None:
    patched = tuple(o for o in PROBED if getattr(o, "groups", ()) != (("entity_labels", 4),))
    other = make_document(make_transcript(make_pass(1, CLEAN), make_pass(2, patched)))

    found = differences(raw(make_document()), raw(other))

    (births,) = (one for one in found if one.kind == "rows")
    assert (births.sign, births.name) == ("~", "public.birth_registry")
    assert ("inserted", "5", "1") in births.fields
    assert "  ~ public.birth_registry: inserted 5 -> 1" in report.render(found)


def test_what_only_one_of_them_has_is_told_with_its_side() -> None:
    lock = LockTaken("public.dot_tools", "ShareLock", 5, 2)
    other = make_document(make_transcript(make_pass(1, (*CLEAN, lock)), make_pass(2, PROBED)))

    added = differences(raw(make_document()), raw(other))
    removed = differences(raw(other), raw(make_document()))

    (one,) = added
    assert (one.kind, one.sign, one.name) == ("locks", "+", "public.dot_tools ShareLock")
    assert ("step", "", "5") in one.fields
    assert [one.sign for one in removed] == ["-"]


def test_equal_entries_are_counted() -> None:
    twice = (*CLEAN, *(MessageReceived("NOTICE", "00000", "again", 5, 2) for _ in range(2)))
    thrice = (*twice, MessageReceived("NOTICE", "00000", "again", 5, 2))
    two, three = (make_document(make_transcript(make_pass(1, seen))) for seen in (twice, thrice))

    found = differences(raw(two), raw(three))

    assert [(one.kind, one.sign) for one in found] == [("messages", "+")]


def test_kinds_that_a_later_version_adds_are_compared_too() -> None:
    before, after = raw(make_document()), raw(make_document())
    after["effects"]["weather"] = [{"sky": "blue"}]  # type: ignore[index]

    assert [(one.kind, one.name) for one in differences(before, after)] == [("weather", "blue")]
