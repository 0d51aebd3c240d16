"""The report on a terminal: what a reader finds first, and that nobody's text steers the terminal."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pgrehearse.check.finding import Finding, Verdict, Word
from pgrehearse.errors import UsageError
from pgrehearse.observe.observation import EscapeFound, LockTaken, MessageReceived, RowsChanged, SchemaChanged
from pgrehearse.report import catalogue
from pgrehearse.report.amounts import count_text, duration_text, folded
from pgrehearse.report.terminal import render
from pgrehearse.report.visible import visible
from pgrehearse.stage.transcript import StepState

from .evidence_builders import (
    CLEAN,
    FINDINGS,
    PROBED,
    SCRIPT,
    make_document,
    make_failed_step,
    make_notified,
    make_pass,
    make_refused_document,
    make_rollback,
    make_step,
    make_transcript,
)

HOSTILE = "a|b`c\x1b[2J\x1b]0;title\x07\r\nd\u202ee\x9bf\u2028g\x00h"


def test_the_verdict_stands_first_and_the_seed_reads_as_it_happened() -> None:
    report = render(make_document())

    assert report.startswith("GO  exit status 0\n")
    for line in (
        f"  {SCRIPT}",
        "Checks  3/3 by the script",
        "  ok    D2 dot_tools +1 inside txn: 310",
        "  public.birth_registry           +5        .        .",
        "    by collection_name: dot_tools 1, entity_labels 4",
        "  public.v_registry_counts      +152        .     -152",
        "    truncated",
        "  CAT-DOT  307 -> 308 inside, 307 after",
        "  WARNING 01000 at line 50",
        "    HINT  Use DOT-NNN.",
        "Notifications  none",
        "  public.birth_registry_id_seq  +6",
        "  public.v_registry_counts  AccessExclusiveLock  line 50",
        "Rollback  proved: the server says that transactions 771 and 772 are aborted;",
        "  another session saw them in progress until then",
        "    - sequence public.dot_tools_id_seq: advanced by 1 (in each of 2 passes)",
        "  - Effects beyond the database are not seen.",
    ):
        assert line in report.splitlines()


@pytest.mark.parametrize("width", [48, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal_save_names_that_are_never_cut(width: int) -> None:
    report = render(make_document(), width=width)

    whole = [line for line in report.splitlines() if " " in line.strip()]
    assert [line for line in whole if cell_len(line) > width and "sha256:" not in line] == []


def test_without_colour_the_report_of_plain_names_is_ascii() -> None:
    failed = make_pass(1, (*CLEAN, make_notified(5)), steps=(make_failed_step(1), make_step(2)))

    assert render(make_document()).isascii()
    assert render(make_document(make_transcript(failed))).isascii()
    assert render(make_refused_document()).isascii()


def test_with_colour_the_words_are_the_same() -> None:
    coloured = render(make_document(), colour=True)

    assert "\x1b[1;32mGO\x1b[0m" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    signs = {"✓": "ok  ", "→": "->", "·": ".", "•": "-"}
    assert "".join(signs.get(c, c) for c in stripped).split() == render(make_document()).split()


def test_a_failed_statement_shows_its_place_and_the_server_s_words() -> None:
    steps = (make_step(1), make_failed_step(2), make_step(3, state=StepState.SKIPPED))
    document = make_document(
        make_transcript(make_pass(1, (), steps=steps)), verdict=Verdict(Word.NO_GO, ("statement 2 failed",))
    )

    report = render(document, width=100)

    assert report.startswith("NO-GO  exit status 1\n  statement 2 failed\n")
    for line in (
        f"  {SCRIPT}:21",
        '  ERROR 23505: duplicate key value violates unique constraint "birth_registry_code_key"',
        "    DETAIL  Key (entity_code)=(DOT-119) already exists.",
        "    CONTEXT  PL/pgSQL function fn_0() line 0 at SQL statement",
        "             ... and 4 more; --format json has all",
        "  1 step not reached",
    ):
        assert line in report.splitlines()


@pytest.mark.parametrize(
    ("state", "heading"), [(StepState.CANNOT, "Not rehearsable"), (StepState.REFUSED, "Refused")]
)
def test_a_step_that_was_not_run_shows_why(state: StepState, heading: str) -> None:
    step = make_step(1, state=state, reason="VACUUM cannot run inside a transaction block")

    report = render(make_document(make_transcript(make_pass(1, (), steps=(step,)))))

    assert f"{heading}  step 1\n  {SCRIPT}:10\n  VACUUM cannot run inside a transaction block\n" in report


def test_a_failed_check_shows_both_sides_and_the_reason() -> None:
    failed = replace(FINDINGS[2], passed=False, actual="1199", reason="fewer births than at entry")

    report = render(
        make_document(checks=(*FINDINGS[:2], failed), verdict=Verdict(Word.NO_GO, ("D3 failed",)))
    )

    assert "Checks  2/3 by the script\n" in report
    assert (
        "  FAIL  D3 birth_registry side-effect observed (>= entry)\n"
        "           expected  >= 1200\n"
        "           actual    1199\n"
        "           fewer births than at entry\n"
    ) in report


def test_failed_checks_are_never_folded_away() -> None:
    findings = tuple(Finding(f"C{n}", "name", "a", "b", n < 40, "plan") for n in range(60))

    report = render(make_document(checks=findings))

    assert report.count("  FAIL  ") == 20
    assert "Checks  40/60 by the plan file\n" in report
    assert "40 of 60 checks of the plan file hold\n" in report


def test_a_refused_rehearsal_says_that_nothing_was_run_and_nothing_of_effects() -> None:
    report = render(make_refused_document())

    assert report.startswith('REFUSED  exit status 3\n  "directus" is declared production\n')
    assert "Rollback  nothing was run, there was nothing to roll back\n" in report
    assert "Rows" not in report


def test_a_rollback_that_was_not_proved_cannot_be_overlooked() -> None:
    record = make_pass(
        1,
        (),
        rollback=make_rollback(xid_status="in progress", fingerprint_after="cd" * 32, foreign_commits=2),
    )

    report = render(make_document(make_transcript(record), verdict=Verdict(Word.RESIDUE)))

    assert "Rollback  NOT PROVED: transaction 771 is in progress\n" in report
    assert "(definition and content): DIFFERENT before and after" in " ".join(report.split())
    assert "  2 transactions of others committed meanwhile\n" in report


def test_a_pass_that_broke_does_not_claim_that_no_table_changed() -> None:
    report = render(make_document(make_transcript(make_pass(1, (), rollback=None, broken="server lost"))))

    assert "Rows  no change seen before the rehearsal broke off\n" in report
    assert "  pass 1: server lost\n" in report


def test_notifications_schema_changes_and_escapes_have_their_sections() -> None:
    seen = (
        make_notified(5),
        make_notified(5),
        make_notified(6, "hello"),
        SchemaChanged("create", "table", "public.x", 5, 2),
        EscapeFound("dblink", "public.f", 5, "db=other"),
    )

    report = render(make_document(make_transcript(make_pass(1, seen), make_pass(2, PROBED))))

    assert "Notifications  3 calls, sent to nobody\n" in report
    assert "  - context_pack_event: 2 calls at line 50, payload not known\n" in report
    assert "  - context_pack_event: 1 call at line 60, payload 'hello'\n" in report
    assert "  + create table public.x at line 50\n" in report
    assert "  - dblink public.f at line 50: db=other\n" in report


def test_equal_messages_are_shown_once_with_their_number() -> None:
    seen = tuple(MessageReceived("NOTICE", "00000", "again", 5, 2) for _ in range(1200))

    report = render(make_document(make_transcript(make_pass(1, seen))))

    assert "  NOTICE 00000 at line 50, 1,200 times\n    again\n" in report


def test_long_lists_are_folded_and_say_so() -> None:
    changes = tuple(RowsChanged(f"public.t{n:03}", "INSERT", 1, 5, 2) for n in range(100))
    locks = tuple(LockTaken(f"public.t{n:03}", "RowExclusiveLock", 5, 2) for n in range(100))

    report = render(make_document(make_transcript(make_pass(1, locks), make_pass(2, changes))))

    assert "... and 60 more; --format json has all" in report
    assert "... and 88 more; --format json has all" in report
    assert report.count("\n") < 130


def test_of_each_relation_the_strongest_lock_is_shown_the_heaviest_first() -> None:
    modes = ("AccessShareLock", "ShareRowExclusiveLock", "RowExclusiveLock")
    seen = (
        *(LockTaken("public.a", mode, n, 2) for n, mode in enumerate(modes, 1)),
        LockTaken("public.z", "AccessExclusiveLock", 4, 2),
        LockTaken("advisory 1/2", "UnheardOfLock", 4, 2),
    )

    report = render(make_document(make_transcript(make_pass(1, seen))))

    assert (
        "  public.z      AccessExclusiveLock    line 40\n"
        "  public.a      ShareRowExclusiveLock  line 20\n"
        "  advisory 1/2  UnheardOfLock          line 40\n"
    ) in report


def test_a_name_too_long_for_its_column_keeps_all_its_letters() -> None:
    name = "public." + "n" * 63
    changes = (RowsChanged(name, "INSERT", 1, 5, 2), RowsChanged("public.t", "DELETE", 2, 5, 2))

    report = render(make_document(make_transcript(make_pass(1, ()), make_pass(2, changes))), width=60)

    assert f"  {name}\n" in report
    assert cell_len(report.split(name)[1].splitlines()[1]) <= 60


def hostile_document(text: str) -> object:
    seen = (
        MessageReceived("WARNING", "01000", text, 5, 2, text, text, text),
        make_notified(5, text),
        LockTaken(text, "ShareLock", 5, 2),
        SchemaChanged("create", text, text, 5, 2, text),
        EscapeFound(text, text, 5, text),
    )
    changes = (RowsChanged(text, "INSERT", 1, 5, 2, (text,), ((text, 1),)),)
    failed = make_failed_step(5)
    assert failed.error is not None
    failed = replace(failed, error=replace(failed.error, text=text, detail=text, context=text), reason=text)
    clean = make_pass(1, seen, steps=(failed,), broken=text)
    return make_document(
        make_transcript(clean, make_pass(2, changes), limits=(text,)),
        checks=(Finding(text, text, text, text, False, text, reason=text),),
        verdict=Verdict(Word.NO_GO, (text,)),
    )


@pytest.mark.parametrize("format_name", ["text", "markdown"])
def test_hostile_text_is_shown_escaped_and_steers_nothing(format_name: str) -> None:
    report = catalogue.render(hostile_document(HOSTILE), format_name)  # type: ignore[arg-type]

    assert "\\x1b[2J" in report.replace("\\[", "[").replace("\\\\", "\\")
    assert not set(report) & set("\x1b\x07\r\x9b\x00\u202e\u2028")


@given(st.text(max_size=200), st.integers(20, 200), st.booleans())
def test_any_text_can_be_reported(text: str, width: int, colour: bool) -> None:
    report = render(hostile_document(text), width=width, colour=colour)  # type: ignore[arg-type]

    stripped = re.sub(r"\x1b\[[0-9;]*m", "", report) if colour else report
    assert all(char == "\n" or visible(char) == char for char in stripped)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Mã DOT ✓ 漢字", "Mã DOT ✓ 漢字"),
        ("a\tb\nc\r", "a\\tb\\nc\\r"),
        ("\x1b[31m\x7f\x85", "\\x1b[31m\\x7f\\x85"),
        ("\u200b\u202e\u2066\U000e0041", "\\u200b\\u202e\\u2066\\U000e0041"),
    ],
)
def test_hidden_characters_are_made_visible_and_letters_are_left_alone(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.0, "0.00 ms"),
        (0.25, "0.25 ms"),
        (1.25, "1.2 ms"),
        (9.96, "10 ms"),
        (412.3, "412 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (1420.0, "1.42 s"),
        (59_996.0, "1 min 0 s"),
        (123_000.0, "2 min 3 s"),
    ],
)
def test_times_are_written_with_the_unit_that_fits(ms: float, text: str) -> None:
    assert duration_text(ms) == text


def test_counts_have_their_plural_and_thousands() -> None:
    assert [count_text(n, "table") for n in (0, 1, 2, 12_000)] == [
        "no tables",
        "1 table",
        "2 tables",
        "12,000 tables",
    ]


def test_a_single_entry_is_never_folded_away() -> None:
    assert folded(range(13), 12) == (range(13), 0)
    assert folded(range(14), 12) == (range(12), 2)


def test_an_unknown_format_is_a_usage_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match='no report format "pdf"') as caught:
        catalogue.render(make_document(), "pdf")

    assert caught.value.hint == "Formats: text, json, markdown."
