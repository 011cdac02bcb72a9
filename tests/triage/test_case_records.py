"""Records of a case: rules of the values, and JSON that gives back exactly what was written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qana_desktop.system.json_reads import BadJson
from qana_desktop.triage.case import (
    KIND_OF,
    PARENTS,
    TYPES,
    Abcd,
    Action,
    CaptureFacts,
    CaseImage,
    ClinicalAssessment,
    Finding,
    Kind,
    ProofSource,
    ProvenOutcome,
    SevenPoint,
    SkinTone,
    SkinToneScale,
    Tags,
)
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.record_json import record_from_json, record_to_json
from tests.support.stores import REFUSED, reading

FINITE = st.floats(allow_nan=False, allow_infinity=False)
FINDINGS = st.sampled_from([Finding(diagnosis) for diagnosis in Diagnosis] + [Finding(words="\u0161 \U0001f9ec \x00")])
SCORES = st.builds(
    Abcd,
    asymmetry=st.integers(0, 2),
    border=st.integers(0, 8),
    colours=st.integers(1, 6),
    structures=st.integers(1, 5),
)
st.register_type_strategy(float, FINITE)
st.register_type_strategy(Finding, FINDINGS)
st.register_type_strategy(Abcd, SCORES)
SPECIAL = {
    Kind.TAGS: st.sets(st.text("abc ", min_size=1).filter(str.strip)).map(lambda s: Tags(tuple(sorted(s)))),
    Kind.SKIN_TONE: st.builds(SkinTone, value=st.integers(1, 6)),
    Kind.IMAGE: st.builds(
        CaseImage,
        sha256=st.just("a" * 64),
        width=st.integers(1, 9000),
        height=st.integers(1, 9000),
        facts=st.builds(CaptureFacts, mm_per_pixel=st.none() | st.floats(1e-6, 10)),
        thumbnail_sha256=st.none() | st.just("b" * 64),
    ),
    Kind.READING: st.sampled_from([reading(), reading("c" * 64, REFUSED)]),
}


def _values(kind: Kind):
    special = SPECIAL.get(kind)
    return special if special is not None else st.from_type(TYPES[kind])


@pytest.mark.parametrize("kind", [k for k in Kind if k not in {Kind.LESION, Kind.OUTCOME, Kind.PATIENT, Kind.USER}])
def test_what_is_written_is_read_back_the_same(kind):
    @given(st.data())
    @settings(max_examples=25)
    def check(data):
        value = data.draw(_values(kind))
        assert record_from_json(kind, record_to_json(value)) == value

    check()


def test_a_refusal_and_an_answer_are_read_back_as_what_they_were():
    for value in (reading(), reading("c" * 64, REFUSED)):
        assert record_from_json(Kind.READING, record_to_json(value)) == value


def test_equal_values_are_equal_text():
    assert record_to_json(reading()) == record_to_json(reading())


@pytest.mark.parametrize(
    ("kind", "text", "place"),
    [
        (Kind.PATIENT, "{", "not JSON"),
        (Kind.PATIENT, '{"pseudonym": 3}', "pseudonym"),
        (Kind.PATIENT, '{"pseudonym": "P", "shoe_size": 44}', "shoe_size"),
        (Kind.PATIENT, '{"pseudonym": " "}', "breaks a rule"),
        (Kind.PATIENT, "{}", "pseudonym"),
        (Kind.SKIN_TONE, '{"scale": "fitzpatrick", "value": 7}', "from 1 to 6"),
        (Kind.SKIN_TONE, '{"scale": "fitzpatrick", "value": true}', "value"),
        (Kind.TAGS, '{"labels": ["b", "a"]}', "sorted"),
    ],
)
def test_a_record_that_breaks_a_rule_is_refused_with_its_place(kind, text, place):
    with pytest.raises(BadJson, match=place):
        record_from_json(kind, text)


def test_a_reading_whose_answer_has_no_type_is_refused():
    plain = json.loads(record_to_json(reading()))
    del plain["outcome"]["type"]
    with pytest.raises(BadJson, match="outcome"):
        record_from_json(Kind.READING, json.dumps(plain))


def test_a_field_that_an_older_record_lacks_is_read_as_its_default():
    assert record_from_json(Kind.PATIENT, '{"pseudonym": "P"}').name is None


def test_scores_are_those_of_the_published_rules():
    assert Abcd(asymmetry=2, border=8, colours=6, structures=5).total == pytest.approx(8.9)
    assert Abcd(asymmetry=0, border=0, colours=1, structures=1).total == pytest.approx(1.0)
    assert SevenPoint(atypical_network=True, irregular_dots=True).total == 3
    everything = SevenPoint(*[True] * 7)
    assert everything.total == 10


def test_a_finding_names_a_class_or_says_it_in_words():
    assert Finding(words="squamous cell carcinoma").diagnosis is None
    with pytest.raises(ValueError, match="finding"):
        Finding()


def test_a_proven_outcome_has_a_source_and_a_day():
    with pytest.raises(ValueError, match="day"):
        ProvenOutcome(Finding(Diagnosis.MEL), ProofSource.HISTOLOGY, "last week")


def test_monk_has_ten_tones_and_fitzpatrick_six():
    assert SkinTone(SkinToneScale.MONK, 10).value == 10
    with pytest.raises(ValueError, match="1 to 6"):
        SkinTone(SkinToneScale.FITZPATRICK, 10)


def test_a_scale_is_never_zero():
    with pytest.raises(ValueError, match="scale"):
        CaptureFacts(mm_per_pixel=0.0)


def test_every_kind_has_a_type_and_a_place():
    assert set(TYPES) == set(PARENTS) == set(Kind)
    assert {KIND_OF[value] for value in TYPES.values()} == set(Kind)


def test_an_opinion_keeps_its_scores():
    value = ClinicalAssessment(Finding(Diagnosis.MEL), Action.EXCISE, abcd=Abcd(1, 2, 3, 4), seven_point=SevenPoint())
    assert record_from_json(Kind.ASSESSMENT, record_to_json(value)) == value
