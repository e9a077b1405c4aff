"""``--require``: figures that must be reached."""

import pytest

from lens_core.errors import BadSettingError
from lens_core.evaluation.requirements import Requirement, figures_of, unmet


def figure(value):
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


SUMMARY = {
    "protocols": [
        {"name": "folds", "photos": 3, "top1": figure(0.8), "unknown": {"ood": {"accepted": figure(0.2)}}},
        {"name": "holdout", "top1": figure(0.5), "unknown": {}},
        {"name": "holdout", "top1": figure(0.7), "unknown": {}},
    ]
}


def test_figures_go_by_their_names_with_the_ends_of_their_intervals():
    values = figures_of(SUMMARY)
    assert values["top1"] == 0.8
    assert values["top1.low"] == pytest.approx(0.7)
    assert values["ood.accepted.high"] == pytest.approx(0.3)
    assert values["holdout.top1"] == pytest.approx(0.6)
    assert "photos" not in values


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("top1>=0.8", False), ("top1 > 0.8", True), ("top1.low>=0.75", True), ("ood.accepted<=0.2", False),
        ("ood.accepted<0.2", True), ("holdout.top1>=6e-1", False), ("holdout.top1>=.61", True),
    ],
)  # fmt: skip
def test_what_falls_short_is_named(text, short):
    assert bool(unmet([Requirement.read(text)], SUMMARY)) == short


def test_the_words_name_the_figure_and_what_it_is():
    assert unmet([Requirement.read("top1>=0.9")], SUMMARY) == ["top1>=0.9 is required; it is 0.8"]


@pytest.mark.parametrize("text", ["top1", "top1>=", "top1=0.9", ">=0.9", "top1>=high", "top1>=0.9 please"])
def test_what_is_no_requirement_is_refused(text):
    with pytest.raises(BadSettingError, match="is no requirement"):
        Requirement.read(text)


def test_a_figure_that_was_not_measured_is_answered_with_those_that_were():
    with pytest.raises(
        BadSettingError, match=r"no figure 'untrained.auroc'.*Measured here: top1, ood.accepted"
    ):
        unmet([Requirement.read("untrained.auroc>=0.9")], SUMMARY)
