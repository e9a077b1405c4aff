"""Which file is recommended, and that the picture can be read."""

from itertools import combinations
from pathlib import Path

import pytest

from lens_core.bench import picture
from lens_core.bench.recommend import recommend
from lens_core.bench.row import Candidate, Failure, Latency, Measured, Row, compared


def measured(name, ms, top1=None, auroc=None, precision="fp32", lost=None, **about):
    """A candidate, and what was found of it."""
    latency = Latency(ms, 1.2 * ms)
    aurocs = {} if auroc is None else {"look_alike": auroc - 0.1, "ood": auroc + 0.1}
    return Candidate(name, Path(name), "x", **about), Measured(
        precision, 224, 13.2, 500, latency, latency, 100.0, 180.0, top1, aurocs, lost or {}
    )


def chosen(*found):
    recommended = recommend(compared(found, "best.ckpt"))
    return recommended and (recommended.row.candidate.name, recommended.why["en"])


def test_the_fastest_file_that_loses_little_is_taken():
    name, why = chosen(
        measured("best.ckpt", 30, 0.9, 0.8),
        measured("best.xml", 15, 0.9, 0.8),
        measured("best.int8.xml", 8, 0.895, 0.797, "int8", {"top1": 0.6}),
    )
    assert name == "best.int8.xml"
    assert why == (
        "Its network answers in 8 ms, that of best.ckpt in 30 ms. "
        "It loses at most 0.6 points of any figure measured; 1 is allowed."
    )


@pytest.mark.parametrize(
    "worse",
    [
        {"top1": 0.88, "auroc": 0.8},
        {"top1": 0.9, "auroc": 0.78},
        {"top1": 0.9, "auroc": 0.8, "lost": {"answered_rightly": 2.0}},
        {"lost": {"answered_rightly": 2.0}},
    ],
)
def test_a_faster_file_that_loses_more_is_named_but_not_taken(worse):
    name, why = chosen(
        measured("best.ckpt", 30, 0.9, 0.8), measured("best.int8.xml", 8, precision="int8", **worse)
    )
    assert name == "best.ckpt"
    assert "best.int8.xml is faster (8 ms), but loses 2 points." in why


def test_nobody_gains_from_a_tenth():
    found = (measured("best.onnx", 8.5), measured("best.int8.onnx", 8, precision="int8", lost={"top1": 0.5}))
    assert chosen(*found)[0] == "best.onnx"


def test_a_file_that_nobody_checked_is_not_taken():
    name, why = chosen(measured("best.ckpt", 30), measured("own.onnx", 3, precision=""))
    assert name == "best.ckpt"
    assert "own.onnx is faster (3 ms), but nobody has checked what it loses." in why
    assert chosen(measured("own.onnx", 3, precision="")) is None


def test_another_size_is_a_hint_for_training():
    name, why = chosen(
        measured("best.ckpt", 30, 0.9, 0.8),
        measured("best.ckpt at 224", 10, 0.896, 0.8, resized=True),
        measured("best.ckpt at 64", 2, 0.5, 0.6, resized=True),
    )
    assert name == "best.ckpt"
    assert "At 224 pixels best.ckpt at 224 would take 10 ms and lose 0.4 points: train with" in why
    assert "at 64" not in why


def test_what_has_to_be_made_first_is_said():
    _, why = chosen(measured("best.onnx", 5, made_by="ai-lens export --ckpt best.ckpt --to onnx"))
    assert why.endswith("Make it with: ai-lens export --ckpt best.ckpt --to onnx")


def test_without_a_checkpoint_the_first_float_file_is_compared_with():
    rows = compared(
        [
            (Candidate("best.ckpt", None, "ckpt"), Failure("E410", "needs 'torch'.")),
            measured("best.int8.onnx", 5, 0.89, 0.7, "int8"),
            measured("best.onnx", 9, 0.9, 0.75),
        ],
        "best.ckpt",
    )
    assert [(row.top1_change, row.auroc_change) for row in rows] == [(None, None), (-1.0, -5.0), (0.0, 0.0)]


# --- the picture


def drawn(*points):
    rows = [Row(*measured(f"best.{number}.onnx at 224", *point)) for number, point in enumerate(points)]
    return picture.draw(rows, "top1", None)


@pytest.mark.parametrize(
    "points",
    [
        [(8.0, 0.9)],
        [(8.0, 1.0), (16.0, 1.0)],
        [(10.0, 0.9)] * 8,
        [(10.0 + number / 5, 0.9) for number in range(8)],
        [(2.0, 0.1), (30.0, 0.9), (30.1, 0.9), (29.8, 0.9)],
        [(200.0, 0.0), (1.0, 0.001)],
    ],
)
def test_every_name_is_on_the_picture_and_covers_nothing(points):
    found = drawn(*points)
    assert len(found.dots) == len(points)
    boxes = [dot.box for dot in found.dots]
    for box in boxes:
        assert picture.LEFT <= box.left < box.right <= picture.WIDTH
        assert picture.TOP <= box.top < box.bottom <= picture.BOTTOM
    assert not any(one.meets(other) for one, other in combinations(boxes, 2))
    spots = [picture.Box.around((dot.x, dot.y)) for dot in found.dots]
    assert not any(box.meets(spot) for box in boxes for spot in spots)


def test_faster_is_further_left_and_more_accurate_further_up():
    slow, fast = sorted(drawn((20.0, 0.8), (10.0, 0.9)).dots, key=lambda dot: -dot.x)
    assert slow.x > fast.x
    assert slow.y > fast.y


def test_without_photos_there_is_nothing_to_draw():
    assert drawn((10.0, None)) is None
