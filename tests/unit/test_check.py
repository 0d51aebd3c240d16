"""Checks and the verdict: each check broken once, each held once, and the order of words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgrehearse.check.catalogue import BUILT_IN
from pgrehearse.check.check import Case
from pgrehearse.check.finding import Finding, Word
from pgrehearse.check.results_table import script_findings
from pgrehearse.check.verdict import decide, run_checks
from pgrehearse.observe.observation import MessageReceived, Notified, RowsCounted, SequenceAdvanced
from pgrehearse.pg.result import Column, ServerMessage
from pgrehearse.plan.planfile import (
    Expectations,
    ExpectedMessage,
    ExpectedNotification,
    ExpectedRows,
    ExpectedValue,
    PlanFile,
    Policy,
)
from pgrehearse.stage.transcript import (
    UNREACHABLE,
    PassRecord,
    Residue,
    ResultSet,
    StepState,
    Transcript,
)

from .evidence_builders import (
    CLEAN,
    PROBED,
    make_failed_step,
    make_pass,
    make_rollback,
    make_seed_transcript,
    make_step,
    make_transcript,
)

SERVER_ERROR = ServerMessage("ERROR", "23503", "insert or update violates foreign key constraint")


def failed(transcript: Transcript, plan: PlanFile | None = None) -> dict[str, Word]:
    findings = run_checks(Case(transcript, plan or PlanFile()))
    return {finding.id: finding.word for finding in findings if not finding.passed}


def with_table(*columns: str, rows: tuple[tuple[str | None, ...], ...]) -> Transcript:
    result_set = ResultSet(tuple(Column(name, 25) for name in columns), rows)
    step = make_step(1, result_sets=(result_set,))
    return make_transcript(make_pass(1, (), steps=(step,)))


# Built-in checks -----------------------------------------------------------------------------------------------------


def test_a_sound_rehearsal_passes_every_check_and_is_go() -> None:
    findings = run_checks(Case(make_seed_transcript(), PlanFile()))

    assert [f.id for f in findings if f.source == "built-in"] == [check.id for check in BUILT_IN]
    assert decide(findings).word is Word.GO
    assert decide(findings).reasons == ()


@pytest.mark.parametrize(
    ("record", "check", "word"),
    [
        (make_pass(1, (), steps=(make_failed_step(1),)), "every-statement-ran", Word.NO_GO),
        (
            make_pass(1, (), refused_at_commit=((7, SERVER_ERROR),)),
            "commit-would-be-accepted",
            Word.NO_GO,
        ),
        (
            make_pass(1, (), steps=(make_step(1, state=StepState.CANNOT, reason="VACUUM cannot"),)),
            "everything-was-rehearsed",
            Word.INCONCLUSIVE,
        ),
        (
            make_pass(1, (), steps=(make_step(1, state=StepState.REFUSED, reason="dblink"),)),
            "everything-was-rehearsed",
            Word.INCONCLUSIVE,
        ),
        (make_pass(1, (), broken="the server was lost"), "rehearsal-came-to-its-end", Word.INCONCLUSIVE),
        (
            make_pass(1, (), rollback=make_rollback(xid_status="committed")),
            "rollback-is-proved",
            Word.RESIDUE,
        ),
        (
            make_pass(1, (), rollback=make_rollback(fingerprint_after="cd" * 32)),
            "rollback-is-proved",
            Word.RESIDUE,
        ),
        (make_pass(1, (), rollback=None), "rollback-is-proved", Word.RESIDUE),
        (
            make_pass(1, (), rollback=make_rollback(xid_status=UNREACHABLE)),
            "rollback-is-proved",
            Word.INCONCLUSIVE,
        ),
        (
            make_pass(1, (), rollback=make_rollback(residue=(Residue("role", "eve", "appeared"),))),
            "nothing-stayed",
            Word.RESIDUE,
        ),
    ],
)
def test_what_breaks_a_built_in_check_fails_it_with_its_word(
    record: PassRecord, check: str, word: Word
) -> None:
    assert failed(make_transcript(record))[check] is word


def test_without_any_pass_the_rollback_is_not_proved() -> None:
    assert failed(make_transcript())["rollback-is-proved"] is Word.RESIDUE


def test_residue_that_the_policy_allows_is_told_and_harmless() -> None:
    record = make_pass(1, (), rollback=make_rollback(residue=(Residue("role", "eve", "appeared"),)))
    plan = PlanFile(policy=Policy(allow_residue=("role",)))

    assert failed(make_transcript(record), plan) == {}


@pytest.mark.parametrize(
    "second",
    [
        make_pass(2, (RowsCounted("public.t", 2, 0, 0, 2),)),
        make_pass(2, (RowsCounted("public.t", 1, 0, 0, 2), RowsCounted("public.u", 1, 0, 0, 2))),
        make_pass(2, (RowsCounted("public.t", 1, 0, 0, 2),), steps=(make_step(1),)),
        make_pass(
            2,
            (RowsCounted("public.t", 1, 0, 0, 2),),
            steps=tuple(make_step(n, tag="SELECT 2") for n in range(1, 9)),
        ),
    ],
    ids=["another count", "another table", "fewer steps", "another tag"],
)
def test_passes_that_differ_are_inconclusive(second: PassRecord) -> None:
    first = make_pass(1, (RowsCounted("public.t", 1, 0, 0, 2),))

    assert failed(make_transcript(first, second)) == {"passes-agree": Word.INCONCLUSIVE}


# The script's own result tables --------------------------------------------------------------------------------------


def test_a_row_of_a_result_table_is_a_check_with_its_id_and_both_sides() -> None:
    transcript = with_table(
        "seq", "check_name", "expected", "actual", "verdict",
        rows=(("1", "D1 insert accepted", "accepted", "REJECTED: no", "FAIL"),),
    )  # fmt: skip

    (finding,) = script_findings(transcript)

    assert (finding.id, finding.name, finding.passed) == ("D1", "insert accepted", False)
    assert (finding.expected, finding.actual, finding.word) == ("accepted", "REJECTED: no", Word.NO_GO)


@pytest.mark.parametrize("answer", ["PASS", "t", "true", "ok", "passed", " Pass "])
def test_an_answer_that_says_yes_passes(answer: str) -> None:
    (finding,) = script_findings(with_table("check", "pass", rows=(("C1 x", answer),)))

    assert finding.passed


@pytest.mark.parametrize("answer", ["FAIL", "f", "", None, "PASSABLE", "not ok", "2"])
def test_any_other_answer_fails(answer: str | None) -> None:
    (finding,) = script_findings(with_table("check", "pass", rows=(("C1 x", answer),)))

    assert not finding.passed


def test_a_failed_row_is_no_go_whatever_the_summary_says() -> None:
    rows = ResultSet((Column("check_name", 25), Column("pass", 16)), (("A1 first", "f"),))
    summary = ResultSet(
        (Column("passed", 20), Column("failed", 20), Column("verdict", 25)), (("1", "0", "PASS"),)
    )
    step = make_step(1, result_sets=(rows, summary))

    assert failed(make_transcript(make_pass(1, (), steps=(step,)))) == {"A1": Word.NO_GO}


@pytest.mark.parametrize("row", [("3", "1", "PASS"), ("3", "0", "REHEARSAL FAIL"), ("3", None, "PASS")])
def test_a_summary_that_counts_a_failure_is_no_go_where_no_row_tells_it(row: tuple[str | None, ...]) -> None:
    transcript = with_table("passed", "failed", "verdict", rows=(row,))

    assert list(failed(transcript).values()) == [Word.NO_GO]


def test_a_result_table_that_was_cut_off_is_not_taken_for_whole() -> None:
    table = ResultSet((Column("check", 25), Column("pass", 16)), (("A1 x", "t"),), truncated=True)
    transcript = make_transcript(make_pass(1, (), steps=(make_step(1, result_sets=(table,)),)))

    assert list(failed(transcript).values()) == [Word.NO_GO]


# The plan file's expectations ----------------------------------------------------------------------------------------

ALL_ROWS = {
    "public.dot_tools": ExpectedRows(inserted=1),
    "public.birth_registry": ExpectedRows(
        inserted=5, split={"collection_name": {"dot_tools": 1, "entity_labels": 4}}
    ),
    "public.entity_labels": ExpectedRows(inserted=4),
    "public.meta_catalog": ExpectedRows(updated=2),
    "public.v_registry_counts": ExpectedRows(inserted=152, deleted=152),
}


def test_exact_expectations_that_hold_pass() -> None:
    plan = PlanFile(
        expect=Expectations(
            rows=ALL_ROWS,
            messages=(ExpectedMessage(matches="birth gate"),),
            notifications=(),
            sequences={"public.dot_tools_id_seq": 1, "public.birth_registry_id_seq": 6},
            values=(ExpectedValue(name="CAT-DOT", sql="-", before=307, inside="308", after=307),),
            everything_else="unchanged",
        )
    )

    assert failed(make_seed_transcript(), plan) == {}


def test_a_table_that_no_expectation_names_fails_where_all_else_is_to_be_unchanged() -> None:
    rows = {table: expected for table, expected in ALL_ROWS.items() if table != "public.meta_catalog"}
    plan = PlanFile(expect=Expectations(rows=rows, everything_else="unchanged"))

    found = failed(make_transcript(make_pass(1, ()), make_pass(2, PROBED)), plan)

    assert found == {"rows:else": Word.NO_GO}


def test_where_all_else_is_to_be_unchanged_sequences_and_warnings_count_too() -> None:
    plan = PlanFile(expect=Expectations(rows=ALL_ROWS, everything_else="unchanged"))

    assert set(failed(make_seed_transcript(), plan)) == {"sequence:else", "message:else"}


def test_another_split_fails() -> None:
    rows = {"public.birth_registry": ExpectedRows(inserted=5, split={"collection_name": {"dot_tools": 5}})}

    assert list(failed(make_seed_transcript(), PlanFile(expect=Expectations(rows=rows)))) == [
        "rows:public.birth_registry:collection_name"
    ]


def test_a_split_that_a_single_pass_cannot_tell_is_inconclusive() -> None:
    counted = make_transcript(make_pass(1, (RowsCounted("public.birth_registry", 5, 0, 0, 2),)))
    rows = {"public.birth_registry": ALL_ROWS["public.birth_registry"]}

    assert list(failed(counted, PlanFile(expect=Expectations(rows=rows))).values()) == [Word.INCONCLUSIVE]


@pytest.mark.parametrize(
    ("expect", "check"),
    [
        (Expectations(rows={"public.dot_tools": ExpectedRows(inserted=2)}), "rows:public.dot_tools"),
        (Expectations(rows={"public.nowhere": ExpectedRows(inserted=1)}), "rows:public.nowhere"),
        (
            Expectations(
                messages=(),
                sequences={"public.dot_tools_id_seq": 1, "public.birth_registry_id_seq": 6},
                everything_else="unchanged",
                rows=ALL_ROWS,
            ),
            "message:else",
        ),
        (Expectations(messages=(ExpectedMessage(text="another"),)), "message:1"),
        (Expectations(notifications=(ExpectedNotification(channel="c"),)), "notify:c"),
        (Expectations(sequences={"public.dot_tools_id_seq": 2}), "sequence:public.dot_tools_id_seq"),
        (
            Expectations(values=(ExpectedValue(name="CAT-DOT", sql="-", inside=309),)),
            "value:CAT-DOT:inside",
        ),
    ],
)
def test_an_expectation_that_does_not_hold_fails(expect: Expectations, check: str) -> None:
    assert failed(make_seed_transcript(), PlanFile(expect=expect)) == {check: Word.NO_GO}


def test_a_value_that_was_not_read_is_inconclusive() -> None:
    plan = PlanFile(expect=Expectations(values=(ExpectedValue(name="x", sql="-", after=1),)))

    assert failed(make_seed_transcript(), plan) == {"value:x:after": Word.INCONCLUSIVE}


def test_a_notification_in_a_segment_that_failed_is_not_counted() -> None:
    notified = Notified("c", None, 5, segment=9)
    plan = PlanFile(expect=Expectations(notifications=()))

    assert failed(make_transcript(make_pass(1, (*CLEAN, notified)), make_pass(2, PROBED)), plan) == {}


# The verdict ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ((), Word.GO),
        ((Word.INCONCLUSIVE,), Word.INCONCLUSIVE),
        ((Word.INCONCLUSIVE, Word.NO_GO), Word.NO_GO),
        ((Word.NO_GO, Word.RESIDUE), Word.RESIDUE),
        ((Word.RESIDUE, Word.REFUSED, Word.NO_GO), Word.REFUSED),
    ],
)
def test_the_gravest_word_wins(words: tuple[Word, ...], verdict: Word) -> None:
    findings = [
        Finding(str(i), "n", "a", "b", passed=False, source="plan", word=word, reason=str(i))
        for i, word in enumerate(words)
    ]

    assert decide(findings).word is verdict
    assert len(decide(findings).reasons) == len(words)


def test_every_built_in_check_explains_itself() -> None:
    assert len({check.id for check in BUILT_IN}) == len(BUILT_IN)
    for check in BUILT_IN:
        assert all(text.endswith(".") for text in (check.condition, check.effect, check.remedy)), check.id


def test_messages_and_sequences_are_taken_from_the_clean_pass() -> None:
    second = make_pass(
        2, (*PROBED, MessageReceived("WARNING", "01000", "twice", 5, 2), SequenceAdvanced("s", 1))
    )
    transcript = replace(make_seed_transcript(), passes=(make_pass(1, ()), second))
    plan = PlanFile(
        expect=Expectations(rows=ALL_ROWS, messages=(), sequences={}, everything_else="unchanged")
    )

    assert failed(transcript, plan) == {}
