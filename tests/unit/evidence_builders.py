"""Transcripts and documents to test with: the seed's rehearsal, and variations of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pgrehearse.check.finding import Finding, Verdict, Word
from pgrehearse.evidence.assemble import RehearsalFacts, ScriptFacts, assemble
from pgrehearse.evidence.document import Document
from pgrehearse.observe.observation import (
    FunctionCalled,
    LockTaken,
    MessageReceived,
    Notified,
    Observation,
    RowsChanged,
    SequenceAdvanced,
    TriggerFired,
    ValueRead,
)
from pgrehearse.pg.result import ServerMessage
from pgrehearse.script.statement import Location
from pgrehearse.stage.transcript import (
    PassRecord,
    Residue,
    Rollback,
    Segment,
    SegmentEnd,
    StepResult,
    StepState,
    TargetFacts,
    Transcript,
)

SCRIPT = "examples/dot_register/D_dot_register_rehearsal_rollback_only_clone.sql"
BIRTH = (
    "public.dot_tools: INSERT",
    "trigger birth_trigger_dot_tools",
    "function public.fn_birth_registry_auto",
)
LABEL = (
    "public.dot_tools: INSERT",
    "trigger trg_label_assign_dot_tools",
    "function public.fn_auto_label_assignment",
)

CLEAN: tuple[Observation, ...] = (
    FunctionCalled("public.fn_birth_registry_auto", 6, 1.25, 2),
    FunctionCalled("public.fn_birth_gate", 1, 0.5, 2),
    LockTaken("public.dot_tools", "RowExclusiveLock", 5, 2),
    LockTaken("public.dot_tools", "AccessShareLock", 3, 2),
    LockTaken("public.v_registry_counts", "AccessExclusiveLock", 5, 2),
    SequenceAdvanced("public.dot_tools_id_seq", 1),
    SequenceAdvanced("public.birth_registry_id_seq", 6),
    MessageReceived(
        "WARNING",
        "01000",
        "birth gate: code DOT-CLONE-TEST-COVSCAN has not the form DOT-NNN",
        5,
        2,
        hint="Use DOT-NNN.",
    ),
    ValueRead("CAT-DOT", "before", "307"),
    ValueRead("CAT-DOT", "inside", "308"),
    ValueRead("CAT-DOT", "after", "307"),
)

PROBED: tuple[Observation, ...] = (
    RowsChanged("public.dot_tools", "INSERT", 1, 5, 2),
    RowsChanged("public.birth_registry", "INSERT", 1, 5, 2, BIRTH, (("dot_tools", 1),)),
    RowsChanged("public.birth_registry", "INSERT", 4, 5, 2, LABEL, (("entity_labels", 4),)),
    RowsChanged("public.entity_labels", "INSERT", 4, 5, 2, LABEL),
    RowsChanged(
        "public.meta_catalog",
        "UPDATE",
        2,
        5,
        2,
        ("public.dot_tools: INSERT", "trigger trg_refresh_dot_count"),
    ),
    RowsChanged("public.v_registry_counts", "TRUNCATE", 152, 5, 2),
    RowsChanged("public.v_registry_counts", "INSERT", 152, 5, 2),
    TriggerFired("public.dot_tools", "birth_trigger_dot_tools", "public.fn_birth_registry_auto", 1, 2),
)

SEGMENTS = (
    Segment(1, 1, 2, SegmentEnd.COMMITTED, explicit=False),
    Segment(2, 3, 7, SegmentEnd.ROLLED_BACK, explicit=True),
    Segment(3, 8, 8, SegmentEnd.COMMITTED, explicit=False),
)

FINDINGS = (
    Finding(
        "D1", "D1 dry DOT registration accepted (warning-mode gate)", "accepted", "accepted", True, "script"
    ),
    Finding("D2", "D2 dot_tools +1 inside txn", "310", "310", True, "script"),
    Finding("D3", "D3 birth_registry side-effect observed (>= entry)", ">= 1200", "1205", True, "script"),
)


def make_step(n: int, *, line: int = 0, **fields: object) -> StepResult:
    base = StepResult(
        n=n,
        kind="sql",
        text="SELECT 1",
        location=Location(SCRIPT, line or 10 * n, 1),
        state=StepState.OK,
        segment=2,
        tag="SELECT 1",
        duration_ms=0.25 * n,
    )
    return replace(base, **fields)


def make_failed_step(n: int) -> StepResult:
    error = ServerMessage(
        "ERROR",
        "23505",
        'duplicate key value violates unique constraint "birth_registry_code_key"',
        detail="Key (entity_code)=(DOT-119) already exists.",
        context="\n".join(f"PL/pgSQL function fn_{i}() line {i} at SQL statement" for i in range(8)),
        position=10,
    )
    return make_step(n, text="INSERT\nINTO\nt VALUES (1)", state=StepState.FAILED, tag="", error=error)


def make_rollback(**fields: object) -> Rollback:
    base = Rollback(
        xid="771",
        xid_status="aborted",
        residue=(Residue("sequence", "public.dot_tools_id_seq", "advanced by 1"),),
        fingerprint_before="ab" * 32,
        fingerprint_after="ab" * 32,
        fingerprint_of=(
            "public.birth_registry: definition and content",
            "public.dot_tools: definition and content",
        ),
        foreign_commits=0,
        status_during="in progress",
    )
    return replace(base, **fields)


def make_pass(number: int, observations: tuple[Observation, ...], **fields: object) -> PassRecord:
    base = PassRecord(
        number=number,
        steps=tuple(make_step(n) for n in range(1, 9)),
        segments=SEGMENTS,
        observations=observations,
        rollback=make_rollback(xid=str(770 + number)),
    )
    return replace(base, **fields)


def make_transcript(*passes: PassRecord, limits: tuple[str, ...] = ()) -> Transcript:
    target = TargetFacts(
        database="directus_gov_test_20260602",
        server_version="18.4",
        system_identifier="7412345678901234567",
        kind="clone",
        proof=("The database carries the mark of a clone.", 'Its name is like "directus_gov_test_%".'),
    )
    return Transcript(target, passes, limits)


def make_seed_transcript() -> Transcript:
    return make_transcript(
        make_pass(1, CLEAN), make_pass(2, PROBED), limits=("Effects beyond the database are not seen.",)
    )


def make_document(transcript: Transcript | None = None, **parts: object) -> Document:
    given: dict[str, object] = {
        "transcript": transcript or make_seed_transcript(),
        "checks": FINDINGS,
        "verdict": Verdict(Word.GO),
        "script": ScriptFacts(SCRIPT, "082115f9" + "0" * 56, 9),
        "rehearsal": RehearsalFacts("r-1", datetime(2026, 6, 2, 10, 30, tzinfo=UTC), 412.3, "rollback", 2),
        "split_by": {"public.birth_registry": "collection_name"},
    }
    return assemble(**(given | parts))


def make_refused_document() -> Document:
    verdict = Verdict(Word.REFUSED, ('"directus" is declared production',))
    return make_document(make_transcript(), checks=(), verdict=verdict)


def make_notified(step: int, payload: str | None = None) -> Notified:
    return Notified("context_pack_event", payload, step, 2, "PL/pgSQL function fn_context_pack() line 9")
