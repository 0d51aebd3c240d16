"""A clock that only goes forward, and that goes on while the machine sleeps.

Takes nothing; gives seconds from an arbitrary start, the same for all processes of one machine.
"""

from __future__ import annotations

import time

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


def steady() -> float:
    """Seconds. Linux's monotonic clock stands still while the machine sleeps, and leases expire meanwhile."""
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)
