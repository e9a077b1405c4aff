"""The whole path on the real museum photos: train, export, ask every photo both ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from ai_lens_helper import Lens
from lens_core.photos.decode import decode
from lens_core.photos.layout import list_photos, scan

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def museums(lens: Run, shared: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on all 553 photos, at 160 pixels so that the test takes a minute and not five."""
    folder = tmp_path_factory.mktemp("museums")
    data = shared / "photos" / "museums"
    flags = ("--backbone", "mobilenetv2", "--weights", weights, "--img-size", "160", "--export-onnx")
    done = lens("train", "--data-root", data / "data", "--ood", data / "ood", "--save-dir", folder, *flags)
    assert done.returncode == 0, done.stderr
    return folder


def test_onnx_and_checkpoint_agree_on_every_photo(museums: Path, shared: Path) -> None:
    checkpoint, onnx = Lens(museums / "best.ckpt"), Lens(museums / "best.onnx")
    dataset = scan(shared / "photos" / "museums" / "data")
    for place in dataset.places:
        photos = [photo.path for photo in dataset.photos if photo.place == place]
        photos += list_photos(shared / "photos" / "museums" / "ood")
        for start in range(0, len(photos), 16):
            decoded = [decode(path) for path in photos[start : start + 16]]
            both = zip(checkpoint.answer(place, decoded), onnx.answer(place, decoded), strict=True)
            for one, other in both:
                assert (one.decision, one.selected_item, one.reason) == (
                    other.decision,
                    other.selected_item,
                    other.reason,
                )
                scores = [[p.score for p in answer.predictions] for answer in (one, other)]
                np.testing.assert_allclose(*scores, atol=1e-4)
                assert abs(one.distance - other.distance) < 1e-4


def test_the_figures_are_those_of_a_model_that_has_learned(museums: Path) -> None:
    figures = json.loads((museums / "metrics.json").read_text(encoding="utf-8"))
    # Far below what benchmarks/accuracy reports at full size, far above chance (1 in 14).
    assert figures["top1"]["value"] > 0.7
    assert figures["unknown"]["other_place"]["auroc"]["value"] > 0.95
    assert figures["unknown"]["ood"]["auroc"]["value"] > 0.9
    point = figures["operating_point"]
    assert point["accepted_right"] > 5 * point["accepted_wrong"]
    assert point["false_accepts"]["other_place"] < 0.05


def test_a_wall_is_refused_and_an_exhibit_named(museums: Path, shared: Path) -> None:
    lens = Lens(museums / "best.onnx", lang="en")
    dataset = scan(shared / "photos" / "museums" / "data")
    photo = dataset.photos[0]
    answer = lens.infer(photo.place, photo.path)
    assert (answer.decision, answer.selected_item) == ("accept", photo.item)
    wall = shared / "photos" / "museums" / "ood" / "wall__imagenet-sample__prison.jpg"
    answer = lens.infer(photo.place, wall)
    assert answer.decision == "recollect"
    assert answer.message
    assert answer.hints
