"""Put sequences back to where a pass found them, only where nobody else has moved them since.

The one write of pgrehearse outside the stage: `setval` takes effect at once, whatever becomes of its transaction. So
even this transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping

from pgrehearse.errors import ServerError
from pgrehearse.observe.sequences import Position, Standing, moved, read_positions
from pgrehearse.pg.session import Session


def put_back(
    session: Session, before: Mapping[int, Standing], after: Mapping[int, Position]
) -> tuple[str, ...]:
    """Set each sequence that moved between `before` and `after` back; give the names of those that could not be.

    Args:
        session: A session that may write, outside any transaction.
        before: Where they stood.
        after: Where the pass left them: one that stands elsewhere by now is somebody else's, and stays.
    """
    now = read_positions(session, [was.oid for was, _ in moved(before, after)])
    left = []
    session.run("BEGIN READ WRITE")
    for was, pass_end in moved(before, after):
        standing = now.get(was.oid)
        if standing is None or standing.standing != pass_end.standing:
            left.append(was.name)
            continue
        value = was.start if was.last is None else was.last
        session.run("SAVEPOINT one")
        try:
            session.fetch("SELECT setval(%s::oid::regclass, %s, %s)", (was.oid, value, was.is_called))
        except ServerError:
            session.run("ROLLBACK TO one")
            left.append(was.name)
    session.run("ROLLBACK")
    return tuple(left)
