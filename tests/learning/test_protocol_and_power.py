"""The protocol reads back as written and refuses what is not one; the power statement is exact."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.learning.power import binomial, is_loss, mcnemar, power_statement, refusal_rate
from qana_desktop.learning.protocol import Protocol, protocol_from_json, protocol_to_json
from qana_desktop.system.json_reads import BadJson


def test_a_protocol_reads_back_as_written() -> None:
    assert protocol_from_json(protocol_to_json(Protocol())) == Protocol()


@pytest.mark.parametrize("name", [field.name for field in fields(Protocol)])
def test_a_protocol_without_one_of_its_lines_is_refused(name: str) -> None:
    document = json.loads(protocol_to_json(Protocol()))
    del document[name]
    with pytest.raises(BadJson, match=name):
        protocol_from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("name", "value"),
    [("alpha", 0), ("flips", 2.0), ("malignant_loss", -0.1), ("looks", 0), ("fewest_malignant", 0.5), ("extra", 1)],
)
def test_a_line_out_of_range_or_unknown_is_refused(name: str, value: float) -> None:
    document = {"schema": "1.0", **asdict(Protocol()), name: value}
    with pytest.raises(BadJson, match=name):
        protocol_from_json(json.dumps(document))


def test_another_major_version_and_impossible_shares_are_refused() -> None:
    with pytest.raises(BadJson, match="another version"):
        protocol_from_json(protocol_to_json(Protocol()).replace('"1.0"', '"2.0"'))
    with pytest.raises(BadJson, match="more than all cases"):
        protocol_from_json(protocol_to_json(replace(Protocol(), shown_loss=0.5, churn=0.4)))


def test_mcnemar_equals_values_worked_by_hand() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 0) == 1 / 32
    assert mcnemar(4, 1) == 6 / 32
    assert mcnemar(600, 400) < 1e-9


@given(st.integers(1, 200), st.floats(0.001, 0.999))
def test_probabilities_of_all_counts_add_up(n: int, share: float) -> None:
    assert math.fsum(chance for _, chance in binomial(n, share)) == pytest.approx(1.0, abs=1e-9)


def test_the_refusal_rate_equals_a_count_of_all_outcomes() -> None:
    """Every fate of six cases (lost, gained, same), with its probability."""
    protocol = replace(Protocol(), churn=0.1, alpha=0.1)
    losing, gaining = 0.4, 0.1
    expected = 0.0
    for fates in itertools.product("lgs", repeat=6):
        lost, gained = fates.count("l"), fates.count("g")
        chance = losing**lost * gaining**gained * (1 - losing - gaining) ** (6 - lost - gained)
        expected += chance * is_loss(lost, gained, 6, allowed=0.01, alpha=0.1)
    assert refusal_rate(6, 0.3, protocol) == pytest.approx(expected)


def test_more_cases_see_a_loss_more_often() -> None:
    rates = [refusal_rate(n, 0.05, replace(Protocol(), malignant_loss=0.5)) for n in (50, 200, 800)]
    assert rates == sorted(rates)
    assert rates[0] < 0.2
    assert rates[2] > 0.95


def test_without_change_nothing_is_refused_and_the_statement_says_its_numbers() -> None:
    assert refusal_rate(100, 0.0, replace(Protocol(), churn=0.0)) == 0.0
    assert "With 371 malignant cases" in power_statement(371, Protocol())
    assert "no malignant case" in power_statement(0, Protocol())


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 400))
def test_one_loss_more_is_never_less_of_a_loss(lost: int, gained: int, n: int) -> None:
    if is_loss(lost, gained, n, allowed=0.01, alpha=0.05):
        assert is_loss(lost + 1, gained, n, allowed=0.01, alpha=0.05)
