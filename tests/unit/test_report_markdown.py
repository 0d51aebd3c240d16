"""The report as a page: the seed document's manner, a budget, and text that is never read as Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgrehearse.check.finding import Finding, Verdict, Word
from pgrehearse.evidence.document import Document
from pgrehearse.observe.observation import LockTaken, MessageReceived, Notified, RowsChanged
from pgrehearse.report.markdown import BUDGET, page_id, render
from pgrehearse.report.markdown_text import block, cell, code, plain

from .evidence_builders import (
    CLEAN,
    PROBED,
    make_document,
    make_failed_step,
    make_pass,
    make_refused_document,
    make_transcript,
)


def test_the_page_opens_in_the_manner_of_the_seed_s_document() -> None:
    document = make_document()

    head = render(document, revision=3).split("\n## ")[0]

    assert re.fullmatch(
        r"RH-[0-9A-F]{4}\n\n"
        r"# D_dot_register_rehearsal_rollback_only_clone\.sql — GO \(rollback, 3/3; sha256 082115f9…\)\n\n"
        r"\d+ min read · Revision 3\n\n"
        r"`rehearsal` `rollback` `go` `directus_gov_test_20260602` `postgresql-18`\n",
        head,
    )
    assert page_id(document)[3:].lower() == document.digest[7:11]


def test_the_page_tells_the_rows_with_their_split_and_their_causes() -> None:
    page = render(make_document()).splitlines()

    assert (
        "| `public.birth_registry` | `by collection_name: dot_tools 1, entity_labels 4` | 5 | 0 | 0 |" in page
    )
    assert "| `public.v_registry_counts` | truncated | 152 | 0 | 152 |" in page
    assert "| `public.dot_tools` | `INSERT` | `line 50` | `the statement itself` | 1 |" in page


def test_a_failed_statement_stands_in_a_block_with_its_place() -> None:
    page = render(make_document(make_transcript(make_pass(1, (), steps=(make_failed_step(2),)))))

    assert ":21`, step 2: failed\n\n```text\nERROR 23505: duplicate key value" in page
    assert "\nDETAIL: Key (entity_code)=(DOT-119) already exists.\n" in page


def test_a_refused_rehearsal_has_a_page_without_effects() -> None:
    page = render(make_refused_document())

    assert "## Verdict: REFUSED" in page
    assert '- "directus" is declared production' in page
    assert "## Rows" not in page


def large_document(size: int, text: str) -> Document:
    seen = (
        *(MessageReceived("NOTICE", "00000", f"{n} {text}", 5, 2, text, text, text) for n in range(size)),
        *(LockTaken(f"public.t{n}", "ShareLock", 5, 2) for n in range(size)),
        *(Notified(f"c{n}", text, 5, 2) for n in range(size)),
    )
    changes = tuple(
        RowsChanged(f"public.t{n}", "INSERT", 1, 5, 2, (text,), ((text, 1),)) for n in range(size)
    )
    checks = tuple(
        Finding(f"C{n}", text, text, text, n != size - 1, "plan", reason=text) for n in range(size)
    )
    transcript = make_transcript(
        make_pass(1, (*CLEAN, *seen), steps=tuple(make_failed_step(n) for n in range(1, size + 1))),
        make_pass(2, (*PROBED, *changes)),
        limits=tuple(f"{n} {text}" for n in range(size)),
    )
    reasons = tuple(f"{n} {text}" for n in range(size))
    return make_document(transcript, checks=checks, verdict=Verdict(Word.NO_GO, reasons))


@pytest.mark.parametrize("size", [10, 100, 2_000])
def test_a_page_never_exceeds_its_budget_and_says_what_it_leaves_out(size: int) -> None:
    page = render(large_document(size, "x" * 300))

    assert len(page) <= BUDGET
    assert f"| ✗ | `C{size - 1}` |" in page
    assert ("more, which the document itself has" in page) == (size > 10)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=30).map(lambda text: text * 200))
def test_even_long_hostile_texts_stay_within_the_budget(text: str) -> None:
    assert len(render(large_document(5, text))) <= BUDGET


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"])), st.text("`|\\ a"))
def test_a_code_span_closes_only_at_its_end(one: str, other: str) -> None:
    for text in (one, other):
        span = code(text, keep=10_000)
        if not text.strip():
            assert span == ""
            continue
        fence = re.match("`+", span)
        assert fence is not None
        inside = span[len(fence[0]) : -len(fence[0])]
        assert fence[0] not in re.findall("`+", inside)
        assert span.endswith(fence[0])


@given(st.text("|\\`ab _*[<"))
def test_a_cell_never_opens_another_one(text: str) -> None:
    for safe in (cell(text, keep=100), plain(text, keep=100)):
        assert not re.search(r"(?<!\\)\|", safe)


@given(st.text("`~\nab", max_size=60))
def test_a_block_closes_only_at_its_end(text: str) -> None:
    first, *inside, last = block(text, keep=100).split("\n")

    assert first == f"{last}text"
    assert not any(line.strip().startswith(last) for line in inside)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dot_tools +1 (>= entry)", "dot_tools +1 (&gt;= entry)"),
        ("_a_ *b* [c](d)", "\\_a\\_ \\*b\\* \\[c\\](d)"),
        ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
        ("ask @admin", "ask @<!-- -->admin"),
        ("two\nlines", "two\\\\nlines"),
        ("long" * 30, "longlongl…"),
    ],
)
def test_plain_words_are_read_as_they_were_written(text: str, shown: str) -> None:
    assert plain(text, keep=10 if text.startswith("long") else 100) == shown
