"""All attempts, by topic."""

from __future__ import annotations

from attempt import Attempt
from attempts_escape import ESCAPE
from attempts_guard import GUARD
from attempts_session import SESSION
from attempts_transaction import TRANSACTION

ATTEMPTS: tuple[Attempt, ...] = (*TRANSACTION, *GUARD, *ESCAPE, *SESSION)
