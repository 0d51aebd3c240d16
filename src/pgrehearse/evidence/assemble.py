"""A transcript, its findings and its verdict become one document.

Takes the records of a rehearsal; gives a sealed document, every list sorted, every secret taken out. This
file puts the parts together; what the observations amount to stands in `effects`, the proof in `proof`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec

from pgrehearse.check.finding import Finding
from pgrehearse.check.finding import Verdict as Judgement
from pgrehearse.evidence import document as doc
from pgrehearse.evidence.costs import costs_of, limits_of_costs
from pgrehearse.evidence.digest import sealed
from pgrehearse.evidence.effects import brief_locks_of, columns_of, effects_of, samples_of
from pgrehearse.evidence.proof import rollback_of
from pgrehearse.evidence.redact import redacted_all
from pgrehearse.pg.result import ServerMessage
from pgrehearse.stage.net import counted_segments, net_pass
from pgrehearse.stage.transcript import PassRecord, Segment, SegmentEnd, StepResult, TargetFacts, Transcript

NO_SPLIT: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """What was rehearsed: as the user named it, SHA-256 (hex) of its bytes, its number of SQL statements."""

    path: str
    sha256: str
    statements: int


@dataclass(frozen=True, slots=True)
class RehearsalFacts:
    """The rehearsal itself: `started_at` with its zone, `mode` rollback or sandbox, the passes asked for."""

    id: str
    started_at: datetime
    duration_ms: float
    mode: str
    passes: int


def assemble(
    *,
    transcript: Transcript,
    checks: tuple[Finding, ...],
    verdict: Judgement,
    script: ScriptFacts,
    rehearsal: RehearsalFacts,
    split_by: Mapping[str, str] = NO_SPLIT,
) -> doc.Document:
    """Return the sealed document of one rehearsal.

    Args:
        transcript: What happened; without passes where the rehearsal was refused.
        checks: The findings, in the order in which they are to be shown.
        verdict: The word and its reasons.
        script: What was rehearsed.
        rehearsal: When and how.
        split_by: Per table the column that the plan splits its rows by, to name it in the document.
    """
    effects, blind_spots = effects_of(transcript.passes, split_by=split_by)
    clean = transcript.passes[0] if transcript.passes else None
    costs = costs_of(clean) if clean else {}
    whole = doc.Document(
        tool=doc.Tool(name="pgrehearse", version=version("pgrehearse")),
        rehearsal=_rehearsal(rehearsal, transcript.passes),
        script=doc.Script(path=script.path, sha256=script.sha256, statements=script.statements),
        target=_target(transcript.target),
        verdict=doc.Verdict(verdict.word.value, verdict.word.exit_status, verdict.reasons),
        checks=tuple(map(_check, checks)),
        steps=tuple(_step(step, script.path, costs.get(step.n)) for step in clean.steps) if clean else (),
        effects=effects,
        rollback=rollback_of(transcript.passes),
        limits=tuple(sorted({*transcript.limits, *blind_spots, *limits_of_costs(clean)})),
        brief_locks=brief_locks_of(transcript.passes),
        samples=samples_of(transcript.passes),
        columns=columns_of(transcript.passes),
    )
    return sealed(msgspec.convert(redacted_all(msgspec.to_builtins(whole)), doc.Document))


def _rehearsal(facts: RehearsalFacts, passes: tuple[PassRecord, ...]) -> doc.Rehearsal:
    started_at = facts.started_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return doc.Rehearsal(
        id=facts.id,
        started_at=started_at,
        duration_ms=round(facts.duration_ms, 3),
        mode=facts.mode,
        passes=facts.passes,
        counted=_counted(passes),
        segments=tuple(map(_segment, passes[0].segments)) if passes else (),
    )


def _segment(segment: Segment) -> doc.SegmentSpan:
    return doc.SegmentSpan(
        segment.n, segment.first_step, segment.last_step, segment.end.value, explicit=segment.explicit
    )


def _counted(passes: tuple[PassRecord, ...]) -> str:
    record, numbers = net_pass(passes), counted_segments(passes)
    if record is None:
        return "Nothing was run."
    counted = [segment for segment in record.segments if segment.n in numbers]
    undone = [segment.n for segment in counted if segment.end is SegmentEnd.ROLLED_BACK]
    if undone:
        return (
            f"The effects count {_numbered(undone)} as it stood when the script's own ROLLBACK undid it; "
            "the script commits no change."
        )
    if counted:
        return f"The effects count {_numbered([s.n for s in counted])}, which the script commits."
    return "The effects count nothing: no segment of the script came to its end."


def _numbered(numbers: list[int]) -> str:
    """Name segments: `segment 2`, or `segments 1 to 3, 5`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    names = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
    return f"{'segment' if len(numbers) == 1 else 'each of the segments'} {names}"


def _target(facts: TargetFacts) -> doc.Target:
    return doc.Target(
        database=facts.database,
        server_version=facts.server_version,
        system_identifier=facts.system_identifier,
        identity=doc.Identity(kind=facts.kind, proof=facts.proof),
    )


def _check(finding: Finding) -> doc.Check:
    return doc.Check(
        id=finding.id,
        name=finding.name,
        expected=finding.expected,
        actual=finding.actual,
        passed=finding.passed,
        source=finding.source,
        reason="" if finding.passed else finding.reason,
    )


def _step(step: StepResult, script_path: str, cost: doc.Cost | None) -> doc.Step:
    return doc.Step(
        n=step.n,
        line=step.location.line,
        kind=step.kind,
        tag=step.tag,
        state=step.state.value,
        sqlstate=step.error.sqlstate if step.error else None,
        duration_ms=round(step.duration_ms, 3),
        reason=step.reason,
        error=_error(step.error, step) if step.error else None,
        output=step.output,
        path=step.location.path if step.location.path != script_path else "",
        cost=cost,
    )


def _error(error: ServerMessage, step: StepResult) -> doc.StepError:
    into = step.text[: error.position - 1].count("\n") if error.position else None
    return doc.StepError(
        sqlstate=error.sqlstate,
        message=error.text,
        detail=error.detail,
        hint=error.hint,
        context=error.context,
        line=0 if into is None else step.location.line + into,
    )
