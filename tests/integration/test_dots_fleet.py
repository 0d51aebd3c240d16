"""The fleet, on real servers: every job ends once, whoever dies."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pgrehearse.clones.lifecycle import adopt
from pgrehearse.clones.throwaway import left_behind, sweep
from pgrehearse.config import Config
from pgrehearse.dots.dot import Declared, read_dot
from pgrehearse.dots.ledger import LedgerRun, RunStateError, read_runs
from pgrehearse.dots.runner import Order, run_in_sandbox
from pgrehearse.dots.store import open_store
from pgrehearse.dots.verification import verify
from pgrehearse.errors import UsageError
from pgrehearse.fleet.job import RehearsalJob
from pgrehearse.fleet.queue import enqueue_rehearsals, enqueue_run, enqueue_scripts, make_rehearsal_job
from pgrehearse.fleet.rescue import rescue_jobs
from pgrehearse.fleet.worker import Setting, perform, work
from pgrehearse.pg.target import Target, make_target
from pgrehearse.script.source import Source, make_source
from pgrehearse.server import Server

EXAMPLES = Path(__file__).parents[2] / "examples/dots"
TOOL = EXAMPLES / "coverage_scan.dot.toml"
JOBS = int(os.environ.get("PGREHEARSE_FLEET_JOBS", "40"))
WORKERS = int(os.environ.get("PGREHEARSE_FLEET_WORKERS", "4"))
KILLED = 2 if WORKERS > 2 else 0
COMMAND = "from pgrehearse.cli import main\nmain.COMMANDS.setdefault('worker', ('worker:worker', 'Work.'))\nmain.main()"
pytestmark = pytest.mark.majors(18)


@contextmanager
def clones(server: Server, number: int) -> Iterator[list[Target]]:
    targets = [make_target(server.conninfo(f"fleet_{secrets.token_hex(4)}")) for _ in range(number)]
    with psycopg.connect(server.conninfo(), autocommit=True) as session:
        for target in targets:
            session.execute(f'CREATE DATABASE "{target.dbname}"')
            with psycopg.connect(target.conninfo, autocommit=True) as inside:
                inside.execute("CREATE TABLE item (id int PRIMARY KEY)")
            adopt(target, target.dbname, config=Config())
        try:
            yield targets
        finally:
            for target in targets:
                session.execute(f'DROP DATABASE "{target.dbname}" WITH (FORCE)')


def make_jobs(number: int) -> tuple[list[RehearsalJob], list[Source]]:
    plan = '[expect.rows."public.item"]\ninserted = 1\n'
    sources = [
        make_source(f"job_{i}.sql", f"INSERT INTO item VALUES ({i});\n".encode()) for i in range(number)
    ]
    return [make_rehearsal_job(source, plan=plan, variables={}, passes=1) for source in sources], sources


def setting_for(ledger: str, clone: Target, evidence: Path | None = None) -> Setting:
    return Setting(
        ledger=ledger, clone=clone, config=Config(), tools=EXAMPLES, evidence=evidence, stall_s=3.0
    )


def runs_of(ledger: str) -> tuple[LedgerRun, ...]:
    with open_store(ledger) as store:
        assert verify(store).is_sound
        return read_runs(store)


def test_queued_rehearsals_end_with_evidence_and_leave_nothing(
    server: Server, plain_database: str, tmp_path: Path
):
    jobs, sources = make_jobs(5)
    names = enqueue_rehearsals(plain_database, jobs, sources)
    before = {run.run_id: run.state for run in runs_of(plain_database)}

    with clones(server, 1) as (clone,):
        work(setting_for(plain_database, clone, tmp_path), waits=False)
        with psycopg.connect(clone.conninfo) as session:
            left = session.execute("SELECT count(*) FROM item").fetchone()

    assert before == dict.fromkeys(names, "planned")
    assert left == (0,)
    for run in runs_of(plain_database):
        document = json.loads((tmp_path / f"{run.run_id}.json").read_text())
        assert (run.state, run.exit_status, run.evidence_digest) == ("succeeded", 0, document["digest"])


def test_a_rehearsal_that_cannot_be_made_ends_as_failed_and_says_why(server: Server, plain_database: str):
    source = make_source("bad.sql", b"INSERT INTO nowhere VALUES (1);\n")
    enqueue_scripts(plain_database, [(source, ""), (source, "unknown = 1")], variables={}, passes=1)

    with clones(server, 1) as (clone,):
        work(setting_for(plain_database, clone), waits=False)

    runs = runs_of(plain_database)
    assert [(run.state, run.exit_status) for run in runs] == [("failed", 1), ("failed", 2)]
    assert "unknown" in runs[1].reason


def test_a_queued_run_is_executed_once_however_often_the_queue_delivers_it(
    plain_database: str, estate_database: str
):
    clone = make_target(estate_database)
    adopt(clone, clone.dbname, config=Config())
    order = Order(read_dot(TOOL), clone, plain_database, Config())
    enqueue_run(order)

    work(setting_for(plain_database, clone), waits=False)
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute("UPDATE procrastinate_jobs SET status = 'todo'")
    work(setting_for(plain_database, clone), waits=False)

    (run,) = runs_of(plain_database)
    assert (run.run_id, run.state, run.term, run.place) == (order.run_id, "succeeded", 1, "sandbox")
    with pytest.raises(RunStateError, match="never started again"):
        run_in_sandbox(order)


def test_a_run_that_no_worker_can_make_is_refused_in_the_ledger(
    plain_database: str, estate_database: str, tmp_path: Path
):
    clone = make_target(estate_database)
    adopt(clone, clone.dbname, config=Config())
    enqueue_run(Order(read_dot(TOOL), clone, plain_database, Config()))

    work(replace(setting_for(plain_database, clone), tools=tmp_path), waits=False)

    (run,) = runs_of(plain_database)
    assert run.state == "refused"
    assert "no tool has the code" in run.reason


def test_a_secret_does_not_enter_the_queue(plain_database: str, tmp_path: Path):
    script = tmp_path / "coverage_scan.py"
    script.write_bytes((EXAMPLES / script.name).read_bytes())
    script.chmod(0o755)
    file = tmp_path / "tool.dot.toml"
    file.write_text(TOOL.read_text() + "\n[parameters.key]\nsecret = true\n")
    order = Order(
        read_dot(file), make_target(plain_database), plain_database, Config(), parameters={"key": "x"}
    )

    with pytest.raises(UsageError, match="is a secret"):
        enqueue_run(order)


def test_a_rehearsal_whose_worker_died_is_made_again_in_a_new_attempt(server: Server, plain_database: str):
    (job,), sources = make_jobs(1)
    enqueue_rehearsals(plain_database, [job], sources)
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        session.execute(
            "INSERT INTO pgrehearse_dots.lease VALUES (%s, 'dead', 1, now(), now(), now() + interval '1 hour')",
            (f"rehearsal {job.run_id}",),
        )
        session.execute(
            "INSERT INTO pgrehearse_dots.ledger (run_id, state, code, action, place, target, lease, holder, term,"
            " gates, reason) VALUES (%s, 'running', 'job_0.sql', 'rehearse', 'clone', '', %s, 'dead', 1, '{}', '')",
            (job.run_id, f"rehearsal {job.run_id}"),
        )
        session.execute("UPDATE pgrehearse_dots.lease SET expires_at = now()")

    assert rescue_jobs(plain_database, stall_s=3.0) == 1
    with clones(server, 1) as (clone,):
        work(setting_for(plain_database, clone), waits=False)
        perform(job, setting_for(plain_database, clone))

    assert [(run.run_id, run.state, run.term) for run in runs_of(plain_database)] == [
        (job.run_id, "lost", 1),
        (f"{job.run_id}.2", "succeeded", 2),
    ]


def test_a_run_whose_worker_was_killed_is_lost_and_never_started_again(
    plain_database: str, estate_database: str, tmp_path: Path
):
    clone = make_target(estate_database)
    adopt(clone, clone.dbname, config=Config())
    started = tmp_path / "started"
    order = Order(declare_sleeper(tmp_path, started), clone, plain_database, Config())
    enqueue_run(order)

    with worker(plain_database, clone, tools=tmp_path) as victim:
        assert wait_until(started.exists)
        victim.kill()
    with worker(plain_database, clone, tools=tmp_path):
        is_lost = wait_until(lambda: [run.state for run in runs_of(plain_database)] == ["lost"])
        is_drained = wait_until(lambda: open_jobs(plain_database) == 0)

    assert is_lost
    assert is_drained
    assert started.read_text() == "1\n"
    (left,) = left_behind(clone)
    assert sweep(clone, [left.name]) == (left.name,)


def declare_sleeper(folder: Path, started: Path) -> Declared:
    script = folder / "sleeper.sh"
    script.write_text(f"#!/bin/sh\necho $DOT_TERM >> {started}\nexec sleep 600\n")
    script.chmod(0o755)
    digest = hashlib.sha256(script.read_bytes()).hexdigest()
    file = folder / "sleeper.dot.toml"
    file.write_text(
        'code = "DOT-902"\nname = "Sleeper"\ndescription = "Sleeps, so that its worker can be killed meanwhile."\n'
        'domain = "governance"\noperation = "scan"\n[lease]\nttl_s = 2.0\n'
        f'[script]\npath = "sleeper.sh"\nsha256 = "{digest}"\n'
    )
    return read_dot(file)


def open_jobs(ledger: str) -> int:
    with psycopg.connect(ledger) as session:
        query = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        ((number,),) = session.execute(query)
        return number


def test_of_four_workers_two_are_killed_in_the_middle_and_no_rehearsal_is_lost(
    server: Server, plain_database: str
):
    jobs, sources = make_jobs(JOBS)
    enqueue_rehearsals(plain_database, jobs, sources)

    with clones(server, WORKERS) as targets, ExitStack() as stack:
        began = time.monotonic()
        workers = [stack.enter_context(worker(plain_database, target)) for target in targets]
        assert wait_until(lambda: ended(plain_database) >= JOBS // 4)
        for victim in workers[:KILLED]:
            victim.send_signal(signal.SIGKILL)
        all_ended = wait_until(lambda: ended(plain_database) >= JOBS)
        took_s = time.monotonic() - began

    runs = runs_of(plain_database)
    assert all_ended, Counter(run.state for run in runs)
    succeeded = Counter(run.code for run in runs if run.state == "succeeded")
    assert succeeded == {source.path: 1 for source in sources}
    assert {run.state for run in runs} <= {"succeeded", "lost"}
    sys.stderr.write(
        f"{JOBS} rehearsals, {WORKERS} workers, {KILLED} killed: {took_s:.1f} s, {JOBS / took_s:.1f}/s\n"
    )


@contextmanager
def worker(ledger: str, clone: Target, tools: Path = EXAMPLES) -> Iterator[subprocess.Popen[bytes]]:
    options = ["-d", clone.conninfo, "--ledger", ledger, "--stall", "3", "--tools", str(tools)]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "worker", *options],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def ended(ledger: str) -> int:
    with psycopg.connect(ledger) as session:
        query = "SELECT count(DISTINCT code) FROM pgrehearse_dots.ledger WHERE state = 'succeeded'"
        ((number,),) = session.execute(query)
        return number


def wait_until(is_so: Callable[[], bool], limit_s: float = 60.0 + JOBS) -> bool:
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
