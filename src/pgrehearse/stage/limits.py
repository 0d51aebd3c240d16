"""The bounds of a rehearsal: how long it may wait, run and stay idle. Set before the first step."""

from __future__ import annotations

from dataclasses import dataclass

from pgrehearse.plan.planfile import Policy

IDLE_TIMEOUT_S = 120
"""After which the server itself ends a stage whose tool does not come back."""

CHECK_CLIENT_S = 1
"""How often the server looks, while a statement runs, whether the tool is still there."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in seconds; 0 is none."""

    lock_timeout_s: float
    statement_timeout_s: float
    deadline_s: float

    @staticmethod
    def of(policy: Policy) -> Limits:
        """The bounds that `policy` sets."""
        return Limits(policy.lock_timeout_s, policy.statement_timeout_s, policy.deadline_s)

    @property
    def longest_s(self) -> float:
        """After which no rehearsal is at work any more: two passes and a proof; 0 where there is no bound."""
        return 2 * self.deadline_s + IDLE_TIMEOUT_S if self.deadline_s else 0

    def settings(self) -> list[tuple[str, str]]:
        """The bounds as parameters of the session, with the read-only default that `transaction` relies on."""
        return [
            ("default_transaction_read_only", "on"),
            ("lock_timeout", f"{round(self.lock_timeout_s * 1000)}ms"),
            ("statement_timeout", f"{round(self.statement_timeout_s * 1000)}ms"),
            ("idle_in_transaction_session_timeout", f"{IDLE_TIMEOUT_S}s"),
            ("client_connection_check_interval", f"{CHECK_CLIENT_S}s"),
        ]
