"""One attempt to commit or to escape, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass

GO, NO_GO, REFUSED, RESIDUE, INCONCLUSIVE = "GO", "NO-GO", "REFUSED", "RESIDUE", "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A script and its verdict.

    Attributes:
        name: What is tried, a sentence without its full stop.
        script: The script, as psql would read it.
        verdict: The word that it must end with.
        says: What the reasons of the verdict, or the limits, must say.
        sequences: Sequences that may have advanced, because the evidence names them.
        majors: The versions it makes sense on.
        contrib: Extensions that it needs.
        policy: The plan's policy, as TOML.
        leaves: Whether a comparison with the state before makes no sense: something was allowed to escape.
    """

    name: str
    script: str
    verdict: str
    says: str = ""
    sequences: tuple[str, ...] = ()
    majors: tuple[int, ...] = (15, 16, 18)
    contrib: tuple[str, ...] = ()
    policy: str = ""
    leaves: bool = False
