"""The lease, on real servers: one holder a name, terms that only grow, and stale holders that can do nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pgrehearse.dots.lease import Lease, acquire, held_leases, make_holder, release, renew
from pgrehearse.dots.store import open_store
from pgrehearse.errors import ServerError
from pgrehearse.pg.session import Session

LONG_S = 60.0
EXPIRE = "UPDATE pgrehearse_dots.lease SET expires_at = clock_timestamp() - interval '1 s'"


@pytest.fixture
def store(plain_database: str) -> Iterator[Session]:
    with open_store(plain_database) as session:
        yield session


def clock() -> float:
    return 1000.0


def take(session: Session, holder: str, name: str = "scan") -> Lease | None:
    return acquire(session, name, holder, ttl_s=LONG_S, clock=clock)


def test_a_second_holder_gets_nothing_until_the_first_gives_the_lease_back(store: Session):
    first = take(store, "a")
    refused = take(store, "b")

    assert first is not None
    assert release(store, first)
    second = take(store, "b")

    assert refused is None
    assert second is not None
    assert (first.term, second.term) == (1, 2)


def test_two_processes_with_the_same_holder_name_exclude_each_other(store: Session):
    assert take(store, "same") is not None

    assert take(store, "same") is None


def test_an_expired_lease_is_taken_in_a_new_term_and_the_old_holder_can_do_nothing(store: Session):
    stale = take(store, "a")
    assert stale is not None
    store.run(EXPIRE)

    present = take(store, "b")

    assert present is not None
    assert present.term == 2
    assert renew(store, stale, clock=clock) is None
    assert not release(store, stale)
    assert [(held.holder, held.term) for held in held_leases(store)] == [("b", 2)]


def test_an_expired_lease_is_not_brought_back_by_renewing_even_where_nobody_took_it(store: Session):
    stale = take(store, "a")
    assert stale is not None
    store.run(EXPIRE)

    assert renew(store, stale, clock=clock) is None
    assert held_leases(store) == ()


def test_trust_is_counted_from_the_moment_before_the_request_was_sent(store: Session):
    times = iter([10.0, 25.0])
    lease = acquire(store, "scan", "a", ttl_s=30.0, clock=lambda: next(times))
    assert lease is not None

    renewed = renew(store, lease, clock=lambda: next(times))

    assert renewed is not None
    assert (lease.trusted_until, renewed.trusted_until) == (40.0, 55.0)
    assert renewed.term == lease.term


def test_of_many_that_ask_at_once_exactly_one_gets_the_lease(plain_database: str, store: Session):
    start = threading.Barrier(8)
    got: list[Lease | None] = []

    def ask(number: int) -> None:
        with Session(plain_database) as session:
            start.wait()
            got.append(take(session, f"holder {number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([lease for lease in got if lease is not None]) == 1
    assert len(got) == 8


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM pgrehearse_dots.lease",
        "TRUNCATE pgrehearse_dots.lease",
        "UPDATE pgrehearse_dots.lease SET term = term - 1",
        "UPDATE pgrehearse_dots.lease SET holder = 'thief'",
        "UPDATE pgrehearse_dots.lease SET name = 'other'",
    ],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_the_row_of_a_lease_stays_and_its_term_never_shrinks(store: Session, statement: str, role: str):
    lease = take(store, "a")
    assert lease is not None
    assert release(store, lease)
    assert take(store, "a") is not None
    store.run(f"SET session_replication_role = {role}")

    with pytest.raises(ServerError) as caught:
        store.run(statement)

    assert caught.value.sqlstate == "RH703"


def test_holders_of_two_starts_of_one_process_differ():
    assert make_holder() != make_holder()
    assert make_holder(host="h", pid=7, token="t") == "h:7:t"
