"""Observe the messages that psql would have shown, and the notifications that the server traces.

`trace_notify` makes the server say `Async_Notify(channel)` at level DEBUG1, with the PL/pgSQL context of the caller,
before any commit. So the client's level is lowered for the stage, and what the script's own level would have hidden is
dropped here again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pgrehearse.observe.observation import MessageReceived, Notified, Observation
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.observe.payloads import payload_of
from pgrehearse.pg.result import ServerMessage
from pgrehearse.pg.session import Session

LEVELS = ("DEBUG5", "DEBUG4", "DEBUG3", "DEBUG2", "DEBUG1", "LOG", "NOTICE", "WARNING", "ERROR")
"""client_min_messages, lowest first; INFO is always sent."""

SCRIPTS_LEVEL = "pgrehearse.level"
"""Where the level that the script has set is kept: on the server, where what undoes the one undoes the other."""

_LEVELS = f"""
SELECT upper(current_setting('client_min_messages')), upper(current_setting('{SCRIPTS_LEVEL}', true))
"""

_TRACED = re.compile(r"Async_Notify\((.*)\)\Z", re.DOTALL)
_TOUCHES_LEVEL = re.compile(r"client_min_messages|trace_notify", re.IGNORECASE)
_RESETS = ("RESET", "DISCARD ALL", "ROLLBACK")


class MessageObserver(Quiet):
    """Gives `MessageReceived` and `Notified`; keeps the trace of notifications switched on."""

    def __init__(self) -> None:
        self._first = self._level = "NOTICE"
        self._must_follow = False

    def begin(self, moment: Moment) -> None:
        """Remember the level the script would have had, then lower it."""
        self._first = self._level = _levels(moment.session)[0]
        _switch_trace_on(moment.session)

    def before(self, moment: Moment) -> None:
        """See what a rollback has made of the script's own level."""
        if self._must_follow:
            self._level = _levels(moment.session)[1] or self._first

    def after(self, moment: Moment) -> Iterable[Observation]:
        """Tell notifications from messages, and see that the script did not switch the trace off."""
        yield from self._observed(moment)
        touches = _TOUCHES_LEVEL.search(moment.text) is not None
        self._must_follow |= touches
        if moment.is_usable and (touches or moment.tag in _RESETS):
            self._follow(moment.session)

    def _follow(self, session: Session) -> None:
        """Take the level that the script has set; the server itself keeps it, so that a rollback takes it back."""
        shown, kept = _levels(session)
        if shown != "DEBUG1":
            session.run(f"SET LOCAL {SCRIPTS_LEVEL} = {shown}")
        _switch_trace_on(session)
        self._level = shown if shown != "DEBUG1" else kept or self._first

    def end_segment(self, moment: Moment) -> Iterable[Observation]:
        """What a fake commit's deferred triggers said belongs to the segment."""
        yield from self._observed(moment)

    def _observed(self, moment: Moment) -> Iterator[Observation]:
        for message in moment.messages:
            traced = _TRACED.match(message.text) if message.severity == "DEBUG" else None
            if traced:
                payload = payload_of(traced[1], moment.text, message.context)
                yield Notified(traced[1], payload, moment.step, moment.segment, message.context)
            elif self._is_shown(message):
                yield MessageReceived(
                    message.severity, message.sqlstate, message.text, moment.step, moment.segment,
                    message.detail, message.hint, message.context,
                )  # fmt: skip

    def _is_shown(self, message: ServerMessage) -> bool:
        severity = "DEBUG1" if message.severity == "DEBUG" else message.severity
        return (
            severity == "INFO"
            or severity not in LEVELS
            or LEVELS.index(severity) >= LEVELS.index(self._level)
        )


def _levels(session: Session) -> tuple[str, str]:
    """The level as it is set now, and the one that the script has set, where it has."""
    shown, kept = session.fetch(_LEVELS)[0]
    return ("DEBUG2" if shown == "DEBUG" else str(shown)), kept or ""


def _switch_trace_on(session: Session) -> None:
    session.run("SET LOCAL client_min_messages = debug1; SET LOCAL trace_notify = on")
