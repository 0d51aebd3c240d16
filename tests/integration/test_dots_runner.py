"""Runs of tools, on real servers: in sandboxes only, alone, ended whatever they do, and always in the ledger."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from pgrehearse.clones.lifecycle import adopt
from pgrehearse.clones.mark import declare_production
from pgrehearse.config import Config
from pgrehearse.dots.dot import Declared, read_dot
from pgrehearse.dots.lease import acquire, held_leases
from pgrehearse.dots.ledger import LedgerRun, mark_lost, read_runs
from pgrehearse.dots.registry import Registry, registration_sql
from pgrehearse.dots.runner import Order, execute, run_in_sandbox
from pgrehearse.dots.store import open_store
from pgrehearse.dots.verification import verify
from pgrehearse.errors import CloneError, DotError, RefusedError, ServerError, UsageError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target, make_target
from pgrehearse.server import Server, shared_server, stop_shared_servers

EXAMPLE = Path(__file__).parents[2] / "examples/dots/coverage_scan.dot.toml"
GATE = "iu_core.operator_runtime_enabled"
pytestmark = pytest.mark.majors(18)

Declare = Callable[..., Declared]


@dataclass
class Place:
    clone: Target
    ledger: str

    def order(self, declared: Declared, **more: object) -> Order:
        return replace(Order(declared, self.clone, self.ledger, Config()), **more)

    def runs(self) -> tuple[LedgerRun, ...]:
        with open_store(self.ledger) as store:
            return read_runs(store)

    def leases(self) -> int:
        with open_store(self.ledger) as store:
            return len(held_leases(store))


@pytest.fixture
def place(estate_database: str, plain_database: str) -> Place:
    target = make_target(estate_database)
    adopt(target, target.dbname, config=Config())
    return Place(target, plain_database)


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    def make(script: str, *, interpreter: str = "/bin/sh", more: str = "") -> Declared:
        path = tmp_path / "tool"
        path.write_text(f"#!{interpreter}\n{textwrap.dedent(script)}")
        path.chmod(0o755)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        file = tmp_path / "tool.dot.toml"
        file.write_text(
            'code = "DOT-901"\nname = "Tool"\ndescription = "A tool of the tests, which does what a test asks of it."\n'
            'domain = "governance"\noperation = "scan"\ntier = "A"\n'
            f"{more}\n[script]\npath = 'tool'\nsha256 = '{digest}'\n"
        )
        return read_dot(file)

    return make


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.conninfo()) as session:
        return {name for (name,) in session.execute("SELECT datname FROM pg_database")}


def test_the_coverage_scanner_is_registered_and_run_in_a_sandbox_that_is_gone_afterwards(
    server: Server, place: Place
):
    before = databases(server)
    lines: list[str] = []

    result = run_in_sandbox(place.order(read_dot(EXAMPLE), shown=lines.append))

    assert (result.state, result.term, result.exit_status) == ("succeeded", 1, 0)
    assert b'"required": 11' in bytes(result.result or b"")
    assert "of 11 duties met" in lines[0]
    assert "".join(lines) == result.output_tail
    assert databases(server) == before
    assert place.leases() == 0
    with Session(place.clone.conninfo) as session:
        assert session.fetch("SELECT count(*) FROM dot_tools")[0][0] == 309
    with open_store(place.ledger) as store:
        assert verify(store, anchors=[result.anchor] if result.anchor else []).is_sound
    (run,) = place.runs()
    assert (run.state, run.place, run.term, run.exit_status) == ("succeeded", "sandbox", 1, 0)
    assert f'"{GATE}": false' in run.gates


def test_execution_on_the_clone_is_no_go_and_on_a_production_forbidden_and_both_stand_in_the_ledger(
    place: Place, production_estate_database: str
):
    declared = read_dot(EXAMPLE)
    with Session(production_estate_database) as session:
        declare_production(session)
    production = make_target(production_estate_database)

    with pytest.raises(RefusedError, match=r"^NO-GO: execute in clone"):
        execute(place.order(declared))
    for attempt in (execute, run_in_sandbox):
        with pytest.raises(RefusedError, match=r"^FORBIDDEN: execute in production"):
            attempt(place.order(declared, target=production))

    assert [(run.state, run.place, run.term) for run in place.runs()] == [
        ("refused", "clone", None),
        ("refused", "production", None),
        ("refused", "production", None),
    ]


def test_an_unknown_place_is_refused(server: Server, place: Place, declare: Declare):
    with pytest.raises(RefusedError, match=r"^REFUSED: execute in unknown"):
        run_in_sandbox(place.order(declare("exit 0"), target=make_target(server.conninfo())))

    assert [(run.state, run.place) for run in place.runs()] == [("refused", "unknown")]


def test_a_changed_script_is_refused_and_nothing_ran(place: Place, declare: Declare, tmp_path: Path):
    declared = declare("exit 0")
    declared.script_path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")

    with pytest.raises(DotError, match="has changed"):
        run_in_sandbox(place.order(declared))

    assert not (tmp_path / "ran").exists()
    assert [run.state for run in place.runs()] == ["refused"]


def test_a_missing_script_and_one_that_is_not_executable_are_refused(place: Place, declare: Declare):
    declared = declare("exit 0")
    declared.script_path.chmod(0o644)
    with pytest.raises(DotError, match="is not executable"):
        run_in_sandbox(place.order(declared))

    declared.script_path.unlink()
    with pytest.raises(DotError, match="cannot be read"):
        run_in_sandbox(place.order(declared))

    assert [run.state for run in place.runs()] == ["refused", "refused"]


def test_a_script_without_an_interpreter_fails_and_says_so(place: Place, declare: Declare):
    result = run_in_sandbox(place.order(declare("exit 0", interpreter="/nowhere/interpreter")))

    assert (result.state, result.exit_status) == ("failed", None)
    assert "could not be started: No such file" in result.reason


def test_a_script_that_fails_is_recorded_with_its_status_and_what_it_said(place: Place, declare: Declare):
    result = run_in_sandbox(place.order(declare("echo no >&2; exit 7")))

    assert (result.state, result.exit_status, result.output_tail) == ("failed", 7, "no\n")
    (run,) = place.runs()
    assert (run.state, run.exit_status, run.output_tail) == ("failed", 7, "no\n")
    assert run.reason == "exit status 7"


def test_a_child_that_ignores_sigterm_and_forks_is_ended_with_all_that_it_started(
    place: Place, declare: Declare, tmp_path: Path
):
    pids = tmp_path / "pids"
    script = f"""
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for generation in range(3):
            if os.fork() == 0 and generation:
                os.setsid()
        with open({str(pids)!r}, "a") as file:
            file.write(f"{{os.getpid()}}\\n")
        print("here", flush=True)
        time.sleep(600)
    """
    declared = declare(script, interpreter=sys.executable, more="[limits]\ntimeout_s = 1.5\ngrace_s = 0.2")

    began = time.monotonic()
    result = run_in_sandbox(place.order(declared))

    assert (result.state, result.reason) == ("failed", "time is up")
    assert time.monotonic() - began < 10
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 8
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_what_a_script_leaves_running_is_ended_and_counted(place: Place, declare: Declare):
    result = run_in_sandbox(place.order(declare("setsid sleep 600 & sleep 0.2; exit 0")))

    assert result.state == "succeeded"
    assert result.evidence["left_running"] == 1


def test_an_endless_output_ends_the_run_and_only_its_tail_is_kept(place: Place, declare: Declare):
    result = run_in_sandbox(place.order(declare("exec yes 0123456789", more="[limits]\noutput_mb = 20")))

    assert (result.state, result.reason) == ("failed", "it wrote more than 20 MB")
    assert len(result.output_tail) < 20_000
    assert "0123456789" in result.output_tail


def test_secrets_are_masked_in_what_is_shown_and_in_what_is_kept(place: Place, declare: Declare):
    lines: list[str] = []
    more = '[parameters.key]\nsecret = true\n[parameters.word]\ndefault = "plain"'
    declared = declare("cat; echo; echo postgresql://me:hunter2@host/db", more=more)

    result = run_in_sandbox(place.order(declared, parameters={"key": "s3cr3t"}, shown=lines.append))

    assert "plain" in result.output_tail
    for text in ("".join(lines), result.output_tail, repr(place.runs()), repr(result.evidence)):
        assert "s3cr3t" not in text
        assert "hunter2" not in text


def test_parameters_that_do_not_fit_are_refused(place: Place, declare: Declare):
    declared = declare("exit 0", more='[parameters.n]\ntype = "integer"')

    for given in ({}, {"n": "many"}, {"n": "1", "m": "2"}):
        with pytest.raises(UsageError):
            run_in_sandbox(place.order(declared, parameters=given))

    assert [run.state for run in place.runs()] == ["refused"] * 3


def test_the_environment_of_a_tool_holds_nothing_of_the_runners_own(
    place: Place, declare: Declare, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the runner")

    result = run_in_sandbox(place.order(declare("env | cut -d= -f1 | sort | tr '\\n' ' '")))

    known = "DOT_CODE DOT_CONNINFO DOT_LEASE DOT_RUN_ID DOT_TERM HOME LANG PATH PGAPPNAME PGDATABASE PGHOST PGPORT PGUSER"
    assert result.output_tail.split() == [*known.split(), "PWD", "TMPDIR", "TZ"]


def test_a_second_run_of_a_tool_is_refused_while_the_first_holds_the_lease(place: Place, declare: Declare):
    declared = declare("exit 0")
    with open_store(place.ledger) as store:
        assert acquire(store, "DOT-901", "somebody", ttl_s=60.0, clock=time.monotonic) is not None

    with pytest.raises(DotError, match='lease "DOT-901" is held'):
        run_in_sandbox(place.order(declared))

    assert [(run.state, run.term) for run in place.runs()] == [("refused", None)]


def test_gates_are_open_while_the_tool_runs_and_only_then(place: Place, declare: Declare):
    declared = declare(
        f"psql() {{ {sys.executable} -c 'import psycopg,sys; print(psycopg.connect().execute(sys.argv[1]).fetchone())'"
        f' "$@"; }}; psql "SELECT value FROM dot_config WHERE key = \'{GATE}\'"',
        more=f'gates = ["{GATE}"]',
    )

    result = run_in_sandbox(place.order(declared))

    assert (result.state, result.output_tail) == ("succeeded", "(True,)\n")


@pytest.mark.parametrize(
    ("script", "state"), [("exit 0", "succeeded"), ("exit 1", "failed"), ("kill -9 $$", "failed")]
)
def test_gates_are_shut_again_however_the_tool_ends(place: Place, declare: Declare, script: str, state: str):
    declared = declare(script, more=f'gates = ["{GATE}"]')
    adopt(place.clone, place.clone.dbname, config=Config(), kind="sandbox")
    with Session(place.clone.conninfo) as session:
        session.run(registration_sql(declared, Registry()))

    result = execute(place.order(declared))

    assert result.state == state
    with Session(place.clone.conninfo) as session:
        assert session.fetch("SELECT value FROM dot_config WHERE key = %s", (GATE,)) == [(False,)]


@pytest.mark.parametrize(("value", "found"), [("true", "is open already"), ("null", "holds None")])
def test_a_gate_that_is_not_shut_refuses_the_run(place: Place, declare: Declare, value: str, found: str):
    with Session(place.clone.conninfo) as session:
        session.fetch("UPDATE dot_config SET value = %s::jsonb WHERE key = %s", (value, GATE))

    with pytest.raises(DotError, match=found):
        run_in_sandbox(place.order(declare("exit 0", more=f'gates = ["{GATE}"]')))

    assert [(run.state, run.term) for run in place.runs()] == [("refused", 1)]
    assert place.leases() == 0


def test_an_estate_without_gates_refuses_a_tool_that_needs_one(place: Place, declare: Declare):
    declared = declare("exit 0", more=f'gates = ["{GATE}"]')
    registry = Registry(config_table="public.nowhere")

    with pytest.raises(ServerError, match="nowhere"):
        run_in_sandbox(place.order(declared, registry=registry))

    assert [(run.state, run.term) for run in place.runs()] == [("refused", 1)]
    assert place.leases() == 0


def test_a_run_that_loses_its_lease_is_stopped_and_marked_lost(place: Place, declare: Declare):
    started = threading.Event()
    declared = declare("echo started; exec sleep 600", more="[lease]\nttl_s = 3.0")

    def take_away(_line: str) -> None:
        with open_store(place.ledger) as store:
            store.run("UPDATE pgrehearse_dots.lease SET expires_at = clock_timestamp() - interval '1 s'")
            assert acquire(store, "DOT-901", "thief", ttl_s=60.0, clock=time.monotonic) is not None
        started.set()

    result = run_in_sandbox(place.order(declared, shown=take_away))

    assert started.is_set()
    assert result.state == "lost"
    assert [(run.state, run.term) for run in place.runs()] == [("lost", 1)]


def test_after_kill_9_of_the_runner_the_tool_is_gone_and_the_run_is_marked_lost(
    place: Place, declare: Declare, tmp_path: Path
):
    pid_file = tmp_path / "pid"
    declared = declare(f"echo $$ > {pid_file}; echo started; sleep 600", more="[lease]\nttl_s = 1.0")
    runner = subprocess.Popen(
        [sys.executable, "-c", RUN, str(declared.file), place.clone.conninfo, place.ledger],
        stdout=subprocess.PIPE,
    )
    assert runner.stdout is not None
    assert runner.stdout.readline() == b"started\n"

    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    runner.stdout.close()
    gone = wait_until(lambda: not Path(f"/proc/{pid_file.read_text().strip()}").exists())
    with open_store(place.ledger) as store:
        assert wait_until(lambda: mark_lost(store) != ())

    assert gone
    assert [(run.state, run.reason) for run in place.runs()] == [("lost", "its holder was gone")]


def test_a_runner_that_is_stopped_for_longer_than_its_lease_does_not_keep_its_tool_alive(
    place: Place, declare: Declare, tmp_path: Path
):
    pid_file = tmp_path / "pid"
    declared = declare(f"echo $$ > {pid_file}; echo started; sleep 600", more="[lease]\nttl_s = 1.0")
    runner = subprocess.Popen(
        [sys.executable, "-c", RUN, str(declared.file), place.clone.conninfo, place.ledger],
        stdout=subprocess.PIPE,
    )
    assert runner.stdout is not None
    assert runner.stdout.readline() == b"started\n"

    os.kill(runner.pid, signal.SIGSTOP)
    gone = wait_until(lambda: not Path(f"/proc/{pid_file.read_text().strip()}").exists())
    expired = wait_until(lambda: place.leases() == 0)
    os.kill(runner.pid, signal.SIGCONT)
    said, _ = runner.communicate()

    assert gone
    assert expired
    assert said == b"lost\n"
    assert [run.state for run in place.runs()] == ["lost"]


def test_no_sandbox_is_made_while_somebody_is_connected_to_the_clone(place: Place, declare: Declare):
    with Session(place.clone.conninfo), pytest.raises(CloneError, match="others are connected"):
        run_in_sandbox(place.order(declare("exit 0")))

    assert [run.state for run in place.runs()] == ["refused"]


def wait_until(is_so: Callable[[], bool], limit_s: float = 15.0) -> bool:
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


RUN = """
import sys
import tempfile
from pathlib import Path
from pgrehearse.config import Config
from pgrehearse.dots.dot import read_dot
from pgrehearse.dots.runner import Order, run_in_sandbox
from pgrehearse.pg.target import make_target

def show(line):
    sys.stdout.write(line)
    sys.stdout.flush()

order = Order(read_dot(Path(sys.argv[1])), make_target(sys.argv[2]), sys.argv[3], Config(), shown=show)
print(run_in_sandbox(order).state)
"""


def test_a_run_survives_a_crash_of_the_server_that_is_back_before_its_lease_ends(
    declare: Declare, tmp_path: Path
):
    declared = declare("echo started; sleep 2", more="[lease]\nttl_s = 20.0")
    with tempfile.TemporaryDirectory(prefix="pgr-dots-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        server = shared_server(wanted_major=18, home=home)
        try:
            place = make_small_place(server)

            def crash(_text: str) -> None:
                server.stop("immediate")
                shared_server(wanted_major=18, home=home)

            result = run_in_sandbox(place.order(declared, shown=crash))

            assert (result.state, result.term) == ("succeeded", 1)
            assert [(run.state, run.term) for run in place.runs()] == [("succeeded", 1)]
            assert place.leases() == 0
            assert databases(server) == {"postgres", "template0", "template1", "clone", "ledger"}
        finally:
            stop_shared_servers(home=home)


def make_small_place(server: Server) -> Place:
    """A clone with the bare registry, and a ledger."""
    with Session(server.conninfo()) as session:
        session.run("CREATE DATABASE clone")
        session.run("CREATE DATABASE ledger")
    columns = ", ".join(f"{column} text" for column in Registry().columns.values())
    with Session(server.conninfo("clone")) as session:
        session.run(f"CREATE TABLE dot_tools ({columns})")
    clone = make_target(server.conninfo("clone"))
    adopt(clone, "clone", config=Config())
    return Place(clone, server.conninfo("ledger"))
