"""The built-in checks, in the order in which they are told."""

from __future__ import annotations

from pgrehearse.check.check import Check
from pgrehearse.check.rules import (
    commit_would_be_accepted,
    every_statement_ran,
    everything_was_rehearsed,
    everything_was_seen,
    nothing_escaped,
    nothing_stayed,
    passes_agree,
    rehearsal_came_to_its_end,
    rollback_is_proved,
)

BUILT_IN: tuple[Check, ...] = (
    every_statement_ran.CHECK,
    commit_would_be_accepted.CHECK,
    everything_was_rehearsed.CHECK,
    rehearsal_came_to_its_end.CHECK,
    passes_agree.CHECK,
    rollback_is_proved.CHECK,
    nothing_escaped.CHECK,
    everything_was_seen.CHECK,
    nothing_stayed.CHECK,
)
