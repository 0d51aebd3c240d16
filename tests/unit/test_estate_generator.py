"""The estate's texts: their order, their versions, their scale."""

from __future__ import annotations

import re

import pytest

from pgrehearse.errors import UsageError
from pgrehearse.estate import Version, load_estate, statements


def test_the_later_version_is_the_earlier_one_and_a_patch_on_top():
    before = list(statements(Version.BEFORE_PATCH))

    after = list(statements(Version.AFTER_PATCH))

    assert after[:-1] == before
    assert after[-1][0] == "2026-06-05_birth_gateway"


def test_only_the_first_text_knows_the_scale():
    small = list(statements(Version.BEFORE_PATCH))

    large = list(statements(Version.BEFORE_PATCH, scale=1000))

    assert small[0] == ("scale", "SET estate.scale = 1;")
    assert large[0] == ("scale", "SET estate.scale = 1000;")
    assert small[1:] == large[1:]


def test_texts_are_told_before_they_run():
    story: list[str] = []

    load_estate(
        story.append,
        version=Version.BEFORE_PATCH,
        progress=story.append,
    )

    assert story == [part for pair in statements(Version.BEFORE_PATCH) for part in pair]


def test_a_scale_below_one_is_refused():
    with pytest.raises(UsageError, match="must be at least 1, not 0"):
        list(statements(Version.BEFORE_PATCH, scale=0))


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=name) for name, text in statements(Version.AFTER_PATCH)]
)
def test_no_text_needs_psql_or_opens_a_transaction(text: str):
    assert not re.search(r"^\\", text, re.MULTILINE)
    assert not re.search(r"^(BEGIN|COMMIT|ROLLBACK);", text, re.MULTILINE)


def test_stored_data_knows_neither_clock_nor_chance():
    data = [text for name, text in statements(Version.AFTER_PATCH) if re.match(r"[23]\d_", name)]

    assert data
    assert not [text for text in data if re.search(r"now\(|clock_timestamp|random|current_date", text)]
