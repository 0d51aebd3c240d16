"""Output: masked wherever a piece ends, and kept to its tail whatever the amount."""

from __future__ import annotations

import hashlib
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgrehearse.dots.output import TAIL_BYTES, Output


def collect(pieces: list[bytes], *secrets: str) -> tuple[str, Output]:
    shown: list[str] = []
    output = Output(secrets=secrets, shown=shown.append)
    for piece in pieces:
        output.add(piece)
    output.end()
    return "".join(shown), output


@given(st.lists(st.integers(0, 60), max_size=8), st.text("ab\n", max_size=30), st.text("ab\n", max_size=30))
def test_a_secret_is_masked_however_the_output_is_cut(cuts: list[int], before: str, after: str):
    data = f"{before}s3cr3t{after}".encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]

    shown, output = collect([data[a:b] for a, b in itertools.pairwise(places)], "s3cr3t")

    assert shown.removesuffix("\n") == f"{before}***{after}".removesuffix("\n")
    assert output.tail == f"{before}***{after}"
    assert output.sha256 == hashlib.sha256(data).hexdigest()


def test_a_line_without_end_is_shown_in_pieces_and_a_secret_across_them_is_masked():
    data = b"x" * 70_000 + b"s3cr3t" + b"y" * 70_000

    shown, _ = collect([data[i : i + 1000] for i in range(0, len(data), 1000)], "s3cr3t")

    assert shown.removesuffix("\n") == "x" * 70_000 + "***" + "y" * 70_000


@pytest.mark.parametrize(
    "piece", [b"x", b"a://b:", b"password='", b"token= ", b"secret", b"_", b"\xff", b"://"]
)
def test_no_output_takes_much_longer_than_its_length(piece: bytes):
    data = (piece * 200_000)[:200_000]
    began = time.process_time()

    _, output = collect([data[i : i + 8192] for i in range(0, len(data), 8192)], "s3cr3t")

    assert output.tail
    assert time.process_time() - began < 2.0


def test_only_the_tail_is_kept_and_says_so():
    _, output = collect([b"0123456789\n" * 1000] * 10)

    assert output.tail.startswith(f"[the last {TAIL_BYTES} of 110000 bytes]\n")
    assert output.tail.endswith("0123456789\n")
    assert output.byte_count == 110_000


def test_bytes_that_no_text_column_takes_are_replaced():
    shown, output = collect([b"a\x00b\xff\n"])

    assert shown == output.tail == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}\n"


def test_what_looks_like_a_secret_is_masked_unasked():
    shown, _ = collect([b"postgresql://me:pw1@h/d PGPASSWORD=pw2 password='pw 3' api_key: pw4 --token=pw5\n"])

    assert "pw" not in shown.replace("PGPASSWORD", "").replace("password", "")
