"""psql 18 knows the very commands that the table knows."""

from __future__ import annotations

import itertools
import re
import subprocess

from pgrehearse.script.metacommands import RULES, find_rule

BRANCHING = {"if", "elif", "else", "endif", "restrict", "unrestrict"}
INVALID = re.compile(r"invalid command \\(\S+)")
LETTERS = "abcdefgilmnoprstuvwxyzACDEFLOPRSTX+"
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!?+"
FAMILIES = ["l", "list", "z", "sf", "sv", "x", "t", "g", "gset", "conninfo", "bind", "i", "ir", "H", "ef"]


def unknown_to_psql(oracle, lines: list[str]) -> set[str]:
    script = oracle.folder / "names.sql"
    script.write_text("\n".join(lines) + "\n")
    command = [
        oracle.server.binaries.program("psql"),
        "-X",
        "-q",
        "-d",
        oracle.server.conninfo(),
        "-f",
        str(script),
    ]
    return set(INVALID.findall(subprocess.run(command, capture_output=True, text=True, check=False).stderr))


def test_psql_knows_the_same_commands_as_the_table(oracle) -> None:
    names = (
        {rule.name for rule in RULES}
        | set(ALPHABET)
        | {"".join(pair) for pair in itertools.product(ALPHABET, repeat=2)}
    )
    names |= {
        f + "".join(rest) for f in FAMILIES for n in (1, 2, 3) for rest in itertools.product("x+S", repeat=n)
    }
    names = {name for name in names if name[0] != "d" and name[:3] != "lo_"} - BRANCHING
    # Nothing is run: psql looks commands up in a branch that is not taken, too.
    lines = ["\\if false", *(f"\\{name}" for name in sorted(names)), "\\endif"]
    assert {name for name in names if find_rule(name) is None} == unknown_to_psql(oracle, lines)


def test_psql_knows_the_same_describe_commands_as_the_table(oracle) -> None:
    names = {"d" + "".join(rest) for n in (0, 1, 2) for rest in itertools.product(LETTERS, repeat=n)}
    names |= {f"d{a}{b}{c}" for a, b, c in itertools.product("fAFPrRetD", "acefinpstuwxS+gd", "asx+")}
    lines = [f"\\{name} nothing_has_this_name" for name in sorted(names)]
    assert {name for name in names if find_rule(name) is None} == unknown_to_psql(oracle, lines)
