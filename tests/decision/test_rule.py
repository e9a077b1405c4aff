"""Accept or recollect: every branch of the rule, and what happens when the two opinions differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lens_core.artifacts.manifest import Thresholds
from lens_core.decision.rule import Evidence, Reason, Verdict, decide

USUAL = Thresholds(threshold=0.62, min_top1_margin=0.12, max_distance=0.65)


def verdict(p_top1, margin, d_top1, nearest="ㄱ", thresholds=USUAL):
    return decide(Evidence("ㄱ", p_top1, margin, nearest, d_top1), thresholds)


@pytest.mark.parametrize(
    ("p_top1", "margin", "d_top1", "nearest", "item", "reason"),
    [
        # the classifier is sure; the nearest photo says the same, or is too far away to say anything
        (0.93, 0.88, 0.20, "ㄱ", "ㄱ", "classifier"),
        (0.93, 0.88, 0.90, "ㄱ", "ㄱ", "classifier"),
        (0.93, 0.88, 0.90, "ㄴ", "ㄱ", "classifier"),
        # it is not sure, or two items are close: the nearest photo decides
        (0.55, 0.50, 0.20, "ㄱ", "ㄱ", "nearest_neighbour"),
        (0.70, 0.05, 0.20, "ㄱ", "ㄱ", "nearest_neighbour"),
        (0.55, 0.15, 0.20, "ㄴ", "ㄴ", "nearest_neighbour"),
        # both would accept, each something else: never silently pick one
        (0.93, 0.88, 0.20, "ㄴ", None, "disagreement"),
        # neither is sure
        (0.55, 0.15, 0.90, "ㄱ", None, "not_sure"),
        (0.70, 0.05, 0.90, "ㄱ", None, "not_sure"),
        (0.55, 0.15, 0.90, "ㄴ", None, "not_sure"),
    ],
)
def test_the_rule(p_top1, margin, d_top1, nearest, item, reason):
    assert verdict(p_top1, margin, d_top1, nearest) == Verdict(item, Reason(reason))


def test_a_photo_exactly_at_the_thresholds_is_accepted():
    assert verdict(0.62, 0.12, 2.0).reason == "classifier"
    assert verdict(0.0, 0.0, 0.65).reason == "nearest_neighbour"


@pytest.mark.parametrize(("p_top1", "margin", "d_top1"), [(0.6199, 0.12, 0.6501), (0.62, 0.1199, 0.6501)])
def test_a_photo_just_short_of_them_is_not(p_top1, margin, d_top1):
    assert verdict(p_top1, margin, d_top1).item is None


SHARES = st.floats(0, 1)
EVIDENCE = st.builds(
    Evidence, st.sampled_from("ㄱㄴ"), SHARES, SHARES, st.sampled_from("ㄱㄴ"), st.floats(0, 2)
)
THRESHOLDS = st.builds(Thresholds, SHARES, SHARES, st.floats(0, 2))


@given(EVIDENCE, THRESHOLDS)
def test_only_an_item_that_one_opinion_named_is_ever_accepted(evidence, thresholds):
    found = decide(evidence, thresholds)
    assert found.item in (None, evidence.best_item, evidence.nearest_item)
    assert (found.item is None) == (found.reason in (Reason.DISAGREEMENT, Reason.NOT_SURE))


@given(EVIDENCE, THRESHOLDS, SHARES)
def test_the_classifier_never_accepts_less_when_it_is_surer(evidence, thresholds, more):
    surer = Evidence(
        evidence.best_item,
        max(evidence.score, more),
        evidence.margin,
        evidence.nearest_item,
        evidence.d_top1,
    )
    if decide(evidence, thresholds).reason is Reason.CLASSIFIER:
        assert decide(surer, thresholds) == decide(evidence, thresholds)
