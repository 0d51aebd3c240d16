"""Nothing kept the server from telling what it ran."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word
from pgrehearse.observe.escape_names import UNSEEN
from pgrehearse.observe.observation import EscapeFound


def _examine(case: Case) -> Iterator[str]:
    told = set()
    for record in case.transcript.passes:
        for o in record.observations:
            if not isinstance(o, EscapeFound) or o.kind != UNSEEN:
                continue
            is_new = (o.step, o.object) not in told
            told.add((o.step, o.object))
            if is_new and not case.plan.policy.allowance_for(o.kind, o.object):
                yield f"step {o.step}: {o.object}: {o.detail}"


CHECK = Check(
    id="everything-was-seen",
    title="Nothing kept the server from telling what it ran",
    word=Word.INCONCLUSIVE,
    condition="A function changed client_min_messages, or may have, or met the commit guard and caught its error.",
    effect="What ran under the changed setting, or in place of the error, is not what psql would have seen.",
    remedy="Take it out of the function; or allow the escape kind `unseen` in the plan, and say why.",
    examine=_examine,
)
