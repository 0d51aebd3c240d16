"""Draw `demo.svg` from what `pgrehearse demo` prints.

Run it (`python docs/images/demo_picture.py`) after a change of the report: the picture is never drawn by hand.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pgrehearse.evidence.saved import read_document
from pgrehearse.report import terminal

WIDTH = 88
KEPT_LINES = 62


def main() -> None:
    """Run the demonstration once, and draw its report."""
    command = [sys.executable, "-m", "pgrehearse", "demo", "--format", "json"]
    ended = subprocess.run(command, capture_output=True, check=True)
    report = terminal.render(read_document(ended.stdout), width=WIDTH, colour=True)
    notes = ended.stderr.decode().rstrip()
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ pgrehearse demo", style="bold"))
    console.print(Text(notes, style="dim"))
    console.print()
    lines = report.splitlines()[:KEPT_LINES]
    console.print(Text.from_ansi("\n".join(lines)))
    console.print(Text("…", style="dim"))
    svg = console.export_svg(title="pgrehearse demo", unique_id="demo")
    # No page of this project fetches anything: the reader's own monospaced font is used.
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    svg = "\n".join(line.rstrip() for line in svg.splitlines() if line.strip())
    Path(__file__).with_name("demo.svg").write_text(svg + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
