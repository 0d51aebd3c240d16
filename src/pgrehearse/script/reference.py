"""The table of meta-commands as the documentation prints it.

Takes the table; gives a page of Markdown: `python -m pgrehearse.script.reference > docs/reference/meta-commands.md`.
"""

from __future__ import annotations

import sys

from pgrehearse.script.metacommands import RULES, MetaRule, Treatment

INTRODUCTION = """\
# Meta-commands

What becomes of every backslash command of psql 18 in a rehearsal. This page is generated from the table in
`src/pgrehearse/script/metacommands.py`; a command that is not listed is refused.

- *Honoured*: does what it does in psql, as far as a rehearsal can see it.
- *Ignored*: changes what psql prints, not what is sent to the server.
- *Refused*: named by `pgrehearse plan`, and a script that reaches one for certain is not run at all.

An argument in backticks, which psql gives to a shell, is refused with any command. `\\set` of `SINGLELINE` or
`SINGLESTEP` is refused. `\\d`, `\\l`, `\\z`, `\\lo_list`, `\\sf` and `\\sv` stand for all their
variants (`\\dt+`, `\\lx`, …).
"""


def to_markdown() -> str:
    """The whole page."""
    sections = [INTRODUCTION]
    for treatment in Treatment:
        rows = [row_of(rule) for rule in RULES if rule.treatment is treatment]
        head = f"## {treatment.value.capitalize()}\n\n| command | what happens |\n| --- | --- |\n"
        sections.append(head + "".join(rows))
    return "\n".join(sections)


def row_of(rule: MetaRule) -> str:
    """One row of the table."""
    command = f"\\{rule.name} {rule.usage}".strip().replace("|", "\\|")
    return f"| `{command}` | {rule.reason} |\n"


if __name__ == "__main__":
    sys.stdout.write(to_markdown())
