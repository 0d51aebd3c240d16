#!/usr/bin/env python3
"""The coverage scanner: which duties of coverage are met by the registry, and which are not.

Reads dot_coverage_required and dot_tools of the database that the PG* variables name, and writes to no table. A duty
(domain, operation, tier) is met where a tool in use has the same three. Parameters come as JSON on standard input.
Findings go to standard output for people, and to result.json for programs. Exit status 1: less is covered than asked.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

DUTIES = """
SELECT required.domain, required.operation, required.tier, required.description,
       count(tool.code) FILTER (WHERE tool.tier = required.tier)::int AS met_by,
       count(tool.code) FILTER (WHERE tool.tier IS DISTINCT FROM required.tier)::int AS of_another_tier
FROM dot_coverage_required AS required
LEFT JOIN dot_tools AS tool
       ON tool.domain = required.domain
      AND tool.operation = required.operation
      AND tool.status IN ('active', 'published')
GROUP BY required.domain, required.operation, required.tier, required.description
ORDER BY required.domain, required.operation
"""
TOOLS = "SELECT count(*)::int FROM dot_tools WHERE status IN ('active', 'published')"
FIELDS = ("domain", "operation", "tier", "description", "met_by", "of_another_tier")

Duty = dict[str, Any]


def share(duties: list[Duty]) -> dict[str, int]:
    """How many duties are met, of how many."""
    met = sum(1 for duty in duties if duty["met_by"])
    return {"required": len(duties), "met": met, "percent": 100 * met // len(duties) if duties else 100}


def share_by(duties: list[Duty], field: str) -> dict[str, dict[str, int]]:
    """The same for each value of a field."""
    groups = defaultdict(list)
    for duty in duties:
        groups[duty[field]].append(duty)
    return {name: share(group) for name, group in sorted(groups.items())}


def scan() -> dict[str, Any]:
    """Read duties and tools; give the findings."""
    with psycopg.connect() as connection:
        connection.read_only = True
        duties = [dict(zip(FIELDS, row, strict=True)) for row in connection.execute(DUTIES)]
        ((tools,),) = connection.execute(TOOLS)
    return {
        "tools": tools,
        **share(duties),
        **{f"by_{field}": share_by(duties, field) for field in ("domain", "operation", "tier")},
        "gaps": [duty for duty in duties if not duty["met_by"]],
    }


def to_lines(findings: dict[str, Any]) -> Iterator[str]:
    """The findings for people."""
    yield "{met} of {required} duties met ({percent} %), {tools} tools in use".format(**findings)
    for field in ("domain", "operation", "tier"):
        for name, met in findings[f"by_{field}"].items():
            yield f"  {field:<10}{name:<24}{met['met']} of {met['required']}"
    for gap in findings["gaps"]:
        other = f"; {gap['of_another_tier']} of another tier" if gap["of_another_tier"] else ""
        yield "  gap       {domain} {operation} (tier {tier}): {description}".format(**gap) + other


def main() -> int:
    """Scan, tell, and judge."""
    parameters = json.load(sys.stdin)
    findings = scan()
    sys.stdout.writelines(f"{line}\n" for line in to_lines(findings))
    Path("result.json").write_text(json.dumps(findings, indent=2) + "\n", encoding="utf-8")
    return 1 if findings["percent"] < parameters["fail_under"] else 0


if __name__ == "__main__":
    sys.exit(main())
