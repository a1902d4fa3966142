"""Where two documents differ, told by path."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_gateway.evidence.canonical import canonical_text
from nuan_gateway.evidence.differences import differences

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("$.a[1].b", "says 2, recomputed 3")]),
        ({"a": 1}, {}, [("$.a", "has no meaning here")]),
        ({}, {"a": 1}, [("$.a", "is missing")]),
        ([1], [1, 2], [("$", "has 1 items, recomputed 2")]),
        (1, True, [("$", "says 1, recomputed True")]),
        (None, {}, [("$", "says None, recomputed {}")]),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, [
            ("$.a", "says 1, recomputed 2"), ("$.b", "says 1, recomputed 2"),
        ]),
    ],
)  # fmt: skip
def test_places_are_named(found: object, expected: object, told: list[tuple[str, str]]) -> None:
    assert list(differences(found, expected, "$")) == told


def test_long_values_are_cut() -> None:
    ((_, detail),) = differences("x" * 1000, "y", "$")
    assert len(detail) < 120


@given(documents)
def test_a_document_equals_its_copy(document: Any) -> None:
    assert list(differences(document, copy.deepcopy(document), "$")) == []


@given(documents, documents)
def test_two_documents_differ_when_their_canonical_texts_do(one: Any, other: Any) -> None:
    differ = canonical_text(one) != canonical_text(other)
    assert bool(list(differences(one, other, "$"))) == differ
