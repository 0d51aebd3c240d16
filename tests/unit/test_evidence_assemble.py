"""Transcripts become documents: what counts, what is summed, what is sorted, what is taken out."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from pgrehearse.check.finding import Verdict, Word
from pgrehearse.evidence import document as doc
from pgrehearse.observe.observation import (
    EscapeFound,
    LockTaken,
    MessageReceived,
    Notified,
    RowsChanged,
    RowsCounted,
    SchemaChanged,
)
from pgrehearse.stage.transcript import Residue, Segment, SegmentEnd, StepState

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


def rows_of(document: doc.Document) -> dict[str, tuple[int, int, int, bool]]:
    return {r.table: (r.inserted, r.updated, r.deleted, r.truncated) for r in document.effects.rows}


def test_the_seed_shows_every_table_with_its_net_rows_sorted() -> None:
    document = make_document()

    assert list(rows_of(document).items()) == [
        ("public.birth_registry", (5, 0, 0, False)),
        ("public.dot_tools", (1, 0, 0, False)),
        ("public.entity_labels", (4, 0, 0, False)),
        ("public.meta_catalog", (0, 2, 0, False)),
        ("public.v_registry_counts", (152, 0, 152, True)),
    ]


def test_births_are_split_by_the_column_that_the_plan_names() -> None:
    births = make_document().effects.rows[0]

    assert births.split_by == "collection_name"
    assert births.split == (doc.Share("INSERT", "dot_tools", 1), doc.Share("INSERT", "entity_labels", 4))


def test_a_null_value_and_several_operations_keep_their_shares() -> None:
    changes = (
        RowsChanged("public.t", "INSERT", 3, 1, 2, groups=((None, 1), ("a", 2))),
        RowsChanged("public.t", "DELETE", 2, 2, 2, groups=(("a", 2),)),
    )

    (row,) = make_document(make_transcript(make_pass(1, ()), make_pass(2, changes))).effects.rows

    assert row.split_by == ""
    assert row.split == (
        doc.Share("DELETE", "a", 2),
        doc.Share("INSERT", None, 1),
        doc.Share("INSERT", "a", 2),
    )


def test_causes_of_one_path_and_step_are_one_entry_and_the_statement_itself_has_no_path() -> None:
    path = ("public.a: INSERT", "trigger t", "function public.f")
    changes = (
        RowsChanged("public.b", "INSERT", 1, 5, 2, path),
        RowsChanged("public.b", "INSERT", 2, 5, 2, path),
        RowsChanged("public.b", "INSERT", 4, 6, 2, path),
        RowsChanged("public.a", "INSERT", 1, 5, 2),
        RowsChanged("public.a", "UPDATE", 0, 5, 2),
    )

    document = make_document(make_transcript(make_pass(1, ()), make_pass(2, changes)))

    assert document.effects.causes == (
        doc.Cause("public.a", "INSERT", 1, 5, ()),
        doc.Cause("public.b", "INSERT", 3, 5, path),
        doc.Cause("public.b", "INSERT", 4, 6, path),
    )


def test_a_truncate_of_an_empty_table_is_a_change() -> None:
    changes = (
        RowsChanged("public.empty", "TRUNCATE", 0, 5, 2),
        RowsChanged("public.same", "UPDATE", 0, 5, 2),
    )

    document = make_document(make_transcript(make_pass(1, ()), make_pass(2, changes)))

    assert rows_of(document) == {"public.empty": (0, 0, 0, True)}


def test_without_a_probed_pass_the_counters_tell_the_rows_and_a_limit_says_so() -> None:
    counts = (
        RowsCounted("public.t", 2, 0, 1, 2),
        RowsCounted("public.t", 1, 0, 0, 2),
        RowsCounted("public.untouched", 0, 0, 0, 2),
    )

    document = make_document(make_transcript(make_pass(1, counts)))

    assert rows_of(document) == {"public.t": (3, 0, 1, False)}
    assert document.effects.causes == ()
    assert any("attempted" in limit for limit in document.limits)


def test_a_probed_pass_that_broke_is_not_counted_from() -> None:
    clean = make_pass(1, (RowsCounted("public.t", 2, 0, 0, 2),))
    probed = make_pass(2, PROBED, broken="the server closed the connection", rollback=None)

    document = make_document(make_transcript(clean, probed))

    assert rows_of(document) == {"public.t": (2, 0, 0, False)}


def test_the_probed_pass_has_the_last_word_where_everything_was_undone() -> None:
    clean = make_pass(1, (RowsCounted("public.t", 76, 0, 0, 2),))

    document = make_document(make_transcript(clean, make_pass(2, ())))

    assert document.effects.rows == ()
    assert not any("attempted" in limit for limit in document.limits)


def test_what_a_script_commits_counts_and_what_it_rolls_back_beside_it_does_not() -> None:
    segments = (
        Segment(1, 1, 2, SegmentEnd.COMMITTED, explicit=True),
        Segment(2, 3, 4, SegmentEnd.ROLLED_BACK, explicit=True),
    )
    notified = tuple(Notified("c", None, step, segment) for step, segment in ((1, 1), (3, 2)))
    clean = make_pass(1, (*notified, SchemaChanged("create", "table", "public.x", 3, 2)), segments=segments)
    changes = (RowsChanged("public.kept", "INSERT", 1, 1, 1), RowsChanged("public.undone", "INSERT", 1, 3, 2))

    document = make_document(make_transcript(clean, make_pass(2, changes, segments=segments)))

    assert rows_of(document) == {"public.kept": (1, 0, 0, False)}
    assert document.effects.notifications == (doc.Notification("c", None, 1, 1),)
    assert document.effects.schema == ()
    assert document.rehearsal.counted == "The effects count segment 1, which the script commits."


def test_where_a_script_commits_no_change_its_own_rollback_counts_and_the_document_says_so() -> None:
    document = make_document()

    assert document.rehearsal.counted == (
        "The effects count segment 2 as it stood when the script's own ROLLBACK undid it; "
        "the script commits no change."
    )
    assert document.rehearsal.segments[1] == doc.SegmentSpan(2, 3, 7, "rolled back", explicit=True)


def test_where_every_segment_failed_nothing_counts() -> None:
    failed = (Segment(1, 1, 8, SegmentEnd.FAILED, explicit=False),)
    changes = (RowsChanged("public.t", "INSERT", 1, 1, 1),)

    document = make_document(
        make_transcript(make_pass(1, (), segments=failed), make_pass(2, changes, segments=failed))
    )

    assert document.effects.rows == ()
    assert document.rehearsal.counted.startswith("The effects count nothing")


def test_messages_and_locks_count_in_every_segment() -> None:
    failed = (Segment(1, 1, 8, SegmentEnd.FAILED, explicit=False),)
    seen = (MessageReceived("NOTICE", "00000", "hello", 1, 1), LockTaken("public.t", "ShareLock", 1, 1))

    document = make_document(make_transcript(make_pass(1, seen, segments=failed)))

    assert [message.text for message in document.effects.messages] == ["hello"]
    assert [lock.relation for lock in document.effects.locks] == ["public.t"]


def test_notifications_are_one_entry_a_channel_payload_and_step_with_their_calls() -> None:
    seen = (make_notified(5), make_notified(5), make_notified(5, "x"), make_notified(6))

    document = make_document(make_transcript(make_pass(1, (*CLEAN, *seen)), make_pass(2, PROBED)))

    assert [(n.payload, n.step, n.count) for n in document.effects.notifications] == [
        (None, 5, 2),
        (None, 6, 1),
        ("x", 5, 1),
    ]
    assert document.effects.notifications[0].contexts == ("PL/pgSQL function fn_context_pack() line 9",)


def test_a_lock_is_listed_once_a_mode_at_its_first_step() -> None:
    seen = tuple(
        LockTaken("public.t", "ShareLock", step, 2, held_ms) for step, held_ms in ((4, 1.5), (3, 2.5))
    )

    document = make_document(make_transcript(make_pass(1, seen)))

    blocked = ("INSERT", "UPDATE", "DELETE", "VACUUM", "DDL")
    assert document.effects.locks == (doc.Lock("public.t", "ShareLock", 3, 2.5, blocked),)


def test_a_lock_on_no_relation_blocks_no_work_on_relations() -> None:
    seen = (
        LockTaken("advisory 43/2", "ExclusiveLock", 3, 2),
        LockTaken('public."my table"', "ShareLock", 3, 2),
    )

    locks = make_document(make_transcript(make_pass(1, seen))).effects.locks

    assert {lock.relation: bool(lock.blocks) for lock in locks} == {
        "advisory 43/2": False,
        'public."my table"': True,
    }


def test_locks_that_come_and_go_within_a_statement_stand_beside_the_effects() -> None:
    lasting = LockTaken("public.t", "ShareLock", 3, 2)
    brief = (replace(lasting, is_brief=True), replace(lasting, relation="public.u", is_brief=True))

    without = make_document(make_transcript(make_pass(1, (lasting,))))
    document = make_document(make_transcript(make_pass(1, (lasting, *brief))))

    assert [lock.relation for lock in document.brief_locks] == ["public.u"]
    assert document.effects_digest == without.effects_digest


def test_values_of_the_plan_stand_at_their_three_moments() -> None:
    assert make_document().effects.values == (doc.ValueEffect("CAT-DOT", "307", "308", "307"),)


def test_escapes_of_every_pass_are_listed_once() -> None:
    escape = EscapeFound("dblink", "public.f", 5)

    document = make_document(make_transcript(make_pass(1, (escape,)), make_pass(2, (escape,))))

    assert document.effects.escapes == (doc.Escape("dblink", "public.f", 5),)


def test_a_failed_step_carries_its_error_and_the_line_that_the_server_points_at() -> None:
    failed = make_failed_step(2)
    document = make_document(make_transcript(make_pass(1, (), steps=(failed,))))

    (step,) = document.steps
    assert (step.state, step.sqlstate, step.line) == ("failed", "23505", 20)
    assert step.error is not None
    assert (step.error.line, step.error.detail) == (21, "Key (entity_code)=(DOT-119) already exists.")


def test_a_step_of_an_included_script_names_its_file() -> None:
    included = make_step(1)
    included = replace(included, location=replace(included.location, path="more.sql"))

    document = make_document(make_transcript(make_pass(1, (), steps=(included, make_step(2)))))

    assert [step.path for step in document.steps] == ["more.sql", ""]


def test_rollback_is_proved_only_where_every_pass_proved_it() -> None:
    unproved = make_pass(2, PROBED, rollback=make_rollback(xid="772", xid_status="in progress"))

    rollback = make_document(make_transcript(make_pass(1, CLEAN), unproved)).rollback

    assert (rollback.proved, rollback.xid, rollback.xid_status) == (False, "772", "in progress")
    assert [(proof.number, proof.proved) for proof in rollback.passes] == [(1, True), (2, False)]


def test_the_proof_of_a_pass_says_what_another_session_saw_before_the_rollback() -> None:
    unasked = make_pass(2, PROBED, rollback=make_rollback(status_during=""))

    rollback = make_document(make_transcript(make_pass(1, CLEAN), unasked)).rollback

    assert [proof.status_during for proof in rollback.passes] == ["in progress", ""]


def test_a_pass_without_a_rollback_proves_nothing() -> None:
    lost = make_pass(1, CLEAN, rollback=None, broken="the server went away")

    rollback = make_document(make_transcript(lost)).rollback

    assert (rollback.proved, rollback.xid, rollback.xid_status) == (False, None, "unknown")
    assert rollback.passes[0].broken == "the server went away"


def test_equal_residue_of_both_passes_is_one_entry_that_names_them() -> None:
    other = make_rollback(residue=(Residue("sequence", "public.a", "advanced by 2"),))
    passes = (make_pass(1, CLEAN), make_pass(2, PROBED), make_pass(3, (), rollback=other))

    residue = make_document(make_transcript(*passes)).rollback.residue

    assert residue == (
        doc.Residue("sequence", "public.a", "advanced by 2", (3,)),
        doc.Residue("sequence", "public.dot_tools_id_seq", "advanced by 1", (1, 2)),
    )


def test_a_refused_rehearsal_has_a_document_too() -> None:
    document = make_refused_document()

    assert (document.verdict.word, document.verdict.exit_status) == ("REFUSED", 3)
    assert document.steps == ()
    assert (document.rollback.proved, document.rollback.xid_status) == (False, "not begun")


def test_the_reason_of_a_check_stands_only_where_it_failed() -> None:
    findings = (replace(FINDINGS[0], reason="why"), replace(FINDINGS[1], reason="why", passed=False))

    document = make_document(checks=findings, verdict=Verdict(Word.NO_GO, ("why",)))

    assert [check.reason for check in document.checks] == ["", "why"]


@pytest.mark.parametrize(
    "secret",
    [
        "could not connect: host=db password=hunter2 user=x",
        "could not connect: password = 'hunter2 \\' hunter2'",
        "dblink('host=db password=''hunter2 hunter2''')",
        "postgresql://alice:hunter2@db/app?sslmode=require",
        "postgresql://alice:hu/nter2@hunter2@db/app",
        "postgresql://db/app?user=a&password=hunter2&x=1",
        "SQL statement \"ALTER ROLE r PASSWORD 'hunter2'\"",
        "PGPASSWORD=hunter2 psql",
        "sslpassword=hunter2",
    ],
)
def test_a_password_stands_nowhere_in_the_document(secret: str) -> None:
    seen = (MessageReceived("NOTICE", "00000", secret, 1, 2, secret, secret, secret),)
    record = make_pass(1, seen, steps=(make_step(1, output=secret, reason=secret),), broken=secret)

    document = make_document(make_transcript(record, limits=(secret,)), verdict=Verdict(Word.GO, (secret,)))

    written = msgspec.json.encode(document).decode()
    assert "hunter2" not in written
    assert "nter2" not in written
    assert "***" in written


def test_a_file_name_that_is_no_utf_8_becomes_an_escape() -> None:
    seen = (MessageReceived("NOTICE", "00000", "bad \udcff byte", 1, 2),)

    document = make_document(make_transcript(make_pass(1, seen)))

    assert document.effects.messages[0].text == "bad \\udcff byte"


def test_the_contract_s_fields_stand_in_the_contract_s_order() -> None:
    written = msgspec.json.decode(msgspec.json.encode(make_document()))

    assert ", ".join(written) == (
        "format, tool, rehearsal, script, target, verdict, checks, steps, effects, rollback, limits, "
        "brief_locks, samples, columns, effects_digest, digest"
    )
    assert ", ".join(written["effects"]).startswith(
        "rows, causes, triggers, functions, notifications, locks, sequences, schema, messages, escapes"
    )
    assert written["format"] == "pgrehearse-evidence/1"
    assert written["script"]["path"] == SCRIPT
    assert written["rehearsal"]["started_at"] == "2026-06-02T10:30:00.000Z"
    assert written["steps"][0] == {
        "n": 1,
        "line": 10,
        "kind": "sql",
        "tag": "SELECT 1",
        "state": StepState.OK.value,
        "sqlstate": None,
        "duration_ms": 0.25,
    }
