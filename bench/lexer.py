"""How fast scripts are read, beside psql for the same file.

    python bench/lexer.py [--megabytes N]

Makes three scripts (a dump with COPY, a dump with INSERT, functions and queries) and reads each to its end. psql gets
the last two inside `\\if false … \\endif`: it reads and skips them, so its reading alone is timed. The COPY it
really sends, to a server that throws the rows away (`WHERE false`). Memory is the most that reading a tenth of the
script takes beside the script itself.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from pgrehearse.plan.classify import Disposition, classify
from pgrehearse.script.reader import Reader
from pgrehearse.script.source import make_source
from pgrehearse.script.statement import Query
from pgrehearse.script.variables import Variables
from pgrehearse.server import private_server

COPY_ROW = (
    '{n}\tDOT-{n:06d}\tCoverage scanner {n}\t2026-06-02 10:{m:02d}:00+00\t\\N\t{{"kind": "governance"}}\n'
)
INSERT = (
    "INSERT INTO public.birth_registry (id, code, name, collection, born_at, payload) VALUES ({n}, 'DOT-{n:06d}', "
    "'Coverage scanner ''{n}''', 'dot_tools', '2026-06-02 10:{m:02d}:00+00', '{{\"kind\": \"governance; none\"}}');\n"
)
FUNCTION = """-- Counts what was born; called by the trigger below.
CREATE OR REPLACE FUNCTION public.fn_count_{n}(p_collection text DEFAULT 'dot_tools') RETURNS bigint
    LANGUAGE plpgsql STABLE AS $function$
DECLARE
    v_count bigint := 0;  -- the result; nothing else
BEGIN
    SELECT count(*) INTO v_count FROM public.birth_registry WHERE collection = p_collection AND id > {n};
    IF v_count > 100 THEN RAISE NOTICE 'many: %', v_count; END IF;
    RETURN v_count;
END;
$function$;

UPDATE public.meta_catalog SET total = total + 1, note = E'line\\n{n}' WHERE code IN ('CAT-DOT', 'CAT-{n}');
SELECT t.code, b.id::bigint FROM dot_tools t JOIN birth_registry b ON (b.code = t.code) WHERE t.id = {n} /* one */;

"""


COPY = b"""CREATE TEMP TABLE birth_registry (id text, code text, name text, born_at text, x text, payload text);
COPY birth_registry (id, code, name, born_at, x, payload) FROM stdin WHERE false;
"""


def repeated(template: str, size: int) -> bytes:
    parts, length, n = [], 0, 0
    while length < size:
        part = template.format(n=n, m=n % 60)
        parts.append(part)
        length += len(part)
        n += 1
    return "".join(parts).encode()


def make_scripts(size: int) -> Iterator[tuple[str, bytes]]:
    rows = repeated(COPY_ROW, size)
    yield "dump with COPY", COPY + rows + b"\\.\n"
    yield "dump with INSERT", repeated(INSERT, size)
    yield "functions and queries", repeated(FUNCTION, size)


def read_all(data: bytes) -> int:
    count = 0
    reader = Reader(make_source("bench.sql", data), Variables())
    for item in reader:
        count += 1
        if (
            isinstance(item, Query)
            and "COPY" in item.text[:10]
            and classify(item.text).disposition is Disposition.COPY_IN
        ):
            for _ in reader.copy_data():
                pass
    return count


def time_psql(psql: Path, conninfo: str, data: bytes) -> float:
    script = data if data.startswith(COPY) else b"\\if false\n" + data + b"\n\\endif\n"
    with tempfile.NamedTemporaryFile(suffix=".sql") as file:
        file.write(script)
        file.flush()
        start = time.perf_counter()
        subprocess.run([psql, "-X", "-q", "-d", conninfo, "-f", file.name], check=True, capture_output=True)
        return time.perf_counter() - start


def peak_megabytes(data: bytes) -> float:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    read_all(data)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=50)
    size = parser.parse_args().megabytes * 1_000_000
    print("| script | MB | items | reader s | MB/s | memory MB | psql s | MB/s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with private_server(wanted_major=18) as server:
        for (name, data), (_, tenth) in zip(make_scripts(size), make_scripts(size // 10), strict=True):
            start = time.perf_counter()
            items = read_all(data)
            took = time.perf_counter() - start
            by_psql = time_psql(server.binaries.program("psql"), server.conninfo(), data)
            megabytes = len(data) / 1e6
            print(
                f"| {name} | {megabytes:.0f} | {items:,} | {took:.2f} | {megabytes / took:.0f} "
                f"| {peak_megabytes(tenth):.1f} | {by_psql:.2f} | {megabytes / by_psql:.0f} |"
            )


if __name__ == "__main__":
    main()
