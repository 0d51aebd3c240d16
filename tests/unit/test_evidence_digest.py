"""Digests: canonical JSON, what each digest covers, and that any change of a document is found."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgrehearse.errors import EvidenceError, UsageError
from pgrehearse.evidence import document as doc
from pgrehearse.evidence.canonical import to_canonical
from pgrehearse.evidence.digest import digest_of, effects_digest_of, sealed, verify
from pgrehearse.evidence.saved import read_document, read_object
from pgrehearse.evidence.schema import make_schema, schema_text
from pgrehearse.observe.observation import FunctionCalled

from .evidence_builders import CLEAN, PROBED, make_document, make_pass, make_transcript

SCHEMA_FILE = Path(doc.__file__).with_name("evidence-1.schema.json")


def saved(document: doc.Document) -> bytes:
    return msgspec.json.encode(document)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (412.3, "412.3"),
        (0.000001, "0.000001"),
        (1e-07, "1e-7"),
        (1.25e-9, "1.25e-9"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (333333333.33333329, "333333333.3333333"),
        (9007199254740993, "9007199254740993"),
        (True, "true"),
        (None, "null"),
        ('é\u2028\x1b\n"\\/\x7f', '"é\u2028\\u001b\\n\\"\\\\/\x7f"'),
        ({"b": 1, "a": [1, {"z": {}, "y": []}]}, '{"a":[1,{"y":[],"z":{}}],"b":1}'),
        ({"\ufb33": 1, "\U0001f600": 2, "€": 3}, '{"€":3,"\U0001f600":2,"\ufb33":1}'),
    ],
)
def test_canonical_json_is_written_as_rfc_8785_writes_it(value: object, text: str) -> None:
    assert to_canonical(value).decode() == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_has_no_canonical_text(value: float) -> None:
    with pytest.raises(ValueError, match="not a JSON number"):
        to_canonical(value)


def test_what_json_does_not_know_has_no_canonical_text() -> None:
    with pytest.raises(TypeError, match="not a JSON value: set"):
        to_canonical({"a": {1}})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_reads_back_as_itself(value: float) -> None:
    assert float(to_canonical(value)) == value


def test_digest_is_the_sha_256_of_the_canonical_json_of_everything_but_itself() -> None:
    document = make_document()

    raw = json.loads(saved(document))
    digest = raw.pop("digest")
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False).replace(".0,", ",")

    assert digest == "sha256:" + hashlib.sha256(canonical.replace(".0}", "}").encode()).hexdigest()


def test_effects_digest_is_the_same_for_the_same_change_at_another_time() -> None:
    slow = tuple(replace(o, total_ms=99.0) if isinstance(o, FunctionCalled) else o for o in CLEAN)
    other = make_document(make_transcript(make_pass(1, slow), make_pass(2, PROBED)), checks=())

    assert other.effects_digest == make_document().effects_digest
    assert other.digest != make_document().digest


def test_effects_digest_tells_another_change() -> None:
    fewer = make_document(make_transcript(make_pass(1, CLEAN), make_pass(2, PROBED[:-2])))

    assert fewer.effects_digest != make_document().effects_digest


def test_the_order_of_observations_does_not_matter() -> None:
    turned = make_transcript(make_pass(1, CLEAN[::-1]), make_pass(2, PROBED[::-1]))

    assert make_document(turned).effects_digest == make_document().effects_digest


def test_a_saved_document_verifies_and_reads_back_as_it_was() -> None:
    document = make_document()

    assert verify(saved(document)) == []
    assert read_document(saved(document)) == document


def test_fields_that_a_later_version_adds_are_covered_and_break_nothing() -> None:
    raw = json.loads(saved(make_document()))
    raw["effects"]["weather"] = [{"sky": "blue"}]
    raw["effects_digest"] = effects_digest_of(raw["effects"])
    raw["digest"] = digest_of(raw)

    assert verify(json.dumps(raw).encode()) == []
    assert read_document(json.dumps(raw).encode()).effects.rows

    raw["effects"]["weather"][0]["sky"] = "grey"
    assert len(verify(json.dumps(raw).encode())) == 2


def test_a_document_with_the_contract_s_fields_alone_is_of_format_1() -> None:
    raw = json.loads(saved(make_document()))
    for holder, names in (
        (raw["rehearsal"], ("counted", "segments")),
        (raw["effects"], ("values",)),
        (raw["rollback"], ("foreign_commits", "passes")),
        (raw["rollback"]["fingerprint"], ("of",)),
    ):
        for name in names:
            del holder[name]
    raw["effects_digest"] = effects_digest_of(raw["effects"])
    raw["digest"] = digest_of(raw)

    assert verify(json.dumps(raw).encode()) == []


def test_white_space_and_the_order_of_names_do_not_matter() -> None:
    raw = json.loads(saved(make_document()))

    turned = json.dumps(dict(reversed(raw.items())), indent=7).encode()

    assert verify(turned) == []


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if members is None:
        return [path]
    return [leaf for key, member in members for leaf in leaves(member, (*path, key))]


RAW = json.loads(saved(make_document()))
LEAVES = [leaf for leaf in leaves(RAW) if leaf != ("format",)]
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


def same(one: object, other: object) -> bool:
    """Equal, and of a type that the format takes in its place: 412 for 412.0, but not 0.0 for 0."""
    if isinstance(one, bool) != isinstance(other, bool) or (
        isinstance(other, float) and isinstance(one, int)
    ):
        return False
    return one == other


@given(st.sampled_from(LEAVES), scalars)
def test_a_single_changed_leaf_is_found(leaf: tuple[Any, ...], value: object) -> None:
    changed = copy.deepcopy(RAW)
    holder = changed
    for key in leaf[:-1]:
        holder = holder[key]
    unchanged = same(holder[leaf[-1]], value)
    holder[leaf[-1]] = value

    problems = verify(json.dumps(changed).encode())

    assert (problems == []) == unchanged


@given(st.sampled_from(LEAVES))
def test_a_single_lost_leaf_is_found(leaf: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(RAW)
    holder = changed
    for key in leaf[:-1]:
        holder = holder[key]
    del holder[leaf[-1]]

    assert verify(json.dumps(changed).encode())


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
counts = st.integers(0, 2**53)


@st.composite
def documents(draw: st.DrawFn) -> doc.Document:
    effects = doc.Effects(
        rows=tuple(
            draw(st.lists(st.builds(doc.RowsEffect, texts, counts, counts, counts, st.booleans(), texts)))
        ),
        causes=tuple(draw(st.lists(st.builds(doc.Cause, texts, texts, counts, counts, st.tuples(texts))))),
        triggers=(),
        functions=tuple(draw(st.lists(st.builds(doc.FunctionEffect, texts, counts, st.floats(0, 1e12))))),
        notifications=tuple(
            draw(st.lists(st.builds(doc.Notification, texts, texts | st.none(), counts, counts)))
        ),
        locks=tuple(draw(st.lists(st.builds(doc.Lock, texts, texts, counts)))),
        sequences=(),
        schema=tuple(draw(st.lists(st.builds(doc.SchemaEffect, texts, texts, texts, counts, texts)))),
        messages=tuple(
            draw(st.lists(st.builds(doc.Message, texts, texts, texts, counts, texts, texts, texts)))
        ),
        escapes=(),
    )
    limits = tuple(draw(st.lists(texts)))
    return sealed(msgspec.structs.replace(make_document(), effects=effects, limits=limits))


@given(documents())
def test_any_document_verifies_again_and_reads_back_as_it_was(document: doc.Document) -> None:
    assert verify(saved(document)) == []
    assert read_document(saved(document)) == document


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (b"", "not valid JSON"),
        (b"SELECT 1;", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b'{"format": NaN}', "not valid JSON"),
        (b'{"format": 1e999}', "not valid JSON"),
        (b'{"format": "a", "format": "b"}', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"1" * 10_000, "not valid JSON"),
        (b"[]", "not evidence of format"),
        (b"{}", "not evidence of format"),
        (b'{"format": "pgrehearse-evidence/2"}', "not evidence of format"),
        (b'{"format": ["pgrehearse-evidence/1"]}', "not evidence of format"),
    ],
)
def test_what_is_no_evidence_is_a_usage_error(written: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        verify(written)


def test_a_document_without_its_digests_is_told_of() -> None:
    raw = {**read_object(saved(make_document()))}
    del raw["digest"], raw["effects_digest"]

    problems = verify(json.dumps(raw).encode())

    assert [problem.split(";")[0] for problem in problems] == [
        "digest is missing",
        "effects_digest is missing",
    ]


def test_a_document_of_another_shape_cannot_be_read() -> None:
    raw = {"format": doc.FORMAT}

    with pytest.raises(EvidenceError, match="shape") as caught:
        read_document(json.dumps(raw).encode())

    assert "tool" in caught.value.detail


def test_the_schema_file_is_in_step_with_the_records() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == schema_text(), "run python -m pgrehearse.evidence.schema"


def test_the_schema_wants_every_field_of_the_contract_and_allows_more() -> None:
    schema = make_schema()

    assert set(schema["$defs"]["Document"]["required"]) == set(RAW) - {"brief_locks", "samples", "columns"}
    assert not any("additionalProperties" in part for part in schema["$defs"].values())
