"""`python -m pgrehearse` is `pgrehearse`."""

from __future__ import annotations

from pgrehearse.cli.main import main

main()
