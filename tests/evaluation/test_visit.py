"""A finished model, asked about a new visit's photos."""

import itertools
import shutil

import numpy as np
import pytest
from PIL import Image

from lens_core.errors import NotEnoughPhotosError, NoThresholdError
from lens_core.evaluation.visit import SAME, visit
from lens_core.photos.decode import decode
from lens_core.photos.duplicates import phash
from lens_core.photos.layout import scan
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import silent
from lens_core.runtime.lens import Lens
from lens_core.training.export import export

NEW = {
    "A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold"), "화로": ("tent", "white")},
    "B": {"ㄱ": ("box", "navy")},
}


@pytest.fixture(scope="module")
def visited(draw, run, tmp_path_factory):
    """New photos of known items, and of one that the model does not know.

    The drawings are so plain that some hash like a reference photo; those are drawn anew.
    """
    known, folder = Lens(run.checkpoint).gallery.phashes, tmp_path_factory.mktemp("visit") / "data"
    seeds = itertools.count(3000)
    for place, items in NEW.items():
        for item, (shape, colour) in items.items():
            (folder / place / item).mkdir(parents=True)
            for number in range(4):
                path = folder / place / item / f"img_{number:03}.jpg"
                while not path.exists() or (phash(decode(path)) != known).sum(axis=1).min() <= SAME:
                    draw(shape, colour, next(seeds)).save(path, quality=92)
    return folder


def test_new_photos_are_asked_of_the_model_as_it_is(run, visited):
    lens = Lens(run.checkpoint)
    found = visit(lens, scan(visited), (), 42, silent)
    table = found.protocol.answers.judged
    assert found.protocol.name == "new_photos"
    assert {kind: int((table.kind == kind).sum()) for kind in np.unique(table.kind)} == {
        "exhibit": 12, "untrained": 4, "other_place": 12,
    }  # fmt: skip
    for row in np.flatnonzero(table.exhibits):
        answer = lens.infer(str(table.place[row]), visited / str(table.photo[row]))
        assert (answer.selected_item or "") == found.protocol.answers.selected[row]
        assert answer.reason == found.protocol.answers.reason[row]
        assert answer.distance == pytest.approx(table.d_top1[row], abs=1e-5)


def test_an_export_answers_as_its_checkpoint(run, onnx_model, visited):
    one, other = (visit(Lens(path), scan(visited), (), 42, silent) for path in (run.checkpoint, onnx_model))
    assert one.protocol.answers.selected.tolist() == other.protocol.answers.selected.tolist()
    assert one.protocol.figures["top1"] == other.protocol.figures["top1"]
    assert one.asking.warnings == other.asking.warnings == ()


def test_items_the_model_does_not_know_are_untrained_exhibits(run, visited):
    table = visit(Lens(run.checkpoint), scan(visited), (), 42, silent).protocol.answers.judged
    untrained = table.kind == "untrained"
    assert {photo.split("/")[1] for photo in table.photo[untrained]} == {"화로"}
    assert set(table.place[untrained]) == {"A"}


def test_reference_photos_are_left_out_and_counted(run, visited, museum, tmp_path):
    mixed = shutil.copytree(visited, tmp_path / "mixed")
    for number in range(3):
        shutil.copy(museum / f"A/ㄱ/img_00{number}.jpg", mixed / f"A/ㄱ/old {number}.jpg")
    found = visit(Lens(run.checkpoint), scan(mixed), (), 42, silent)
    assert not [photo for photo in found.protocol.answers.judged.photo if "old" in photo]
    assert found.asking.warnings == ("3 photos are reference photos of the model; they are left out.",)


def test_reference_photos_are_known_again_by_an_int8_export_and_however_they_were_saved(
    run, visited, museum, tmp_path
):
    mixed = shutil.copytree(visited, tmp_path / "mixed")
    for number in range(3):
        photo = Image.open(museum / f"A/ㄱ/img_00{number}.jpg").resize((120, 90))
        photo.save(mixed / f"A/ㄱ/old {number}.jpg", quality=60)
    target = tmp_path / "int8.onnx"
    int8 = export(run.checkpoint, "onnx", target, data_root=museum, quantize="int8", allowed_loss=100.0).path
    for path in (run.checkpoint, int8):
        found = visit(Lens(path), scan(mixed), (), 42, silent)
        assert not [photo for photo in found.protocol.answers.judged.photo if "old" in photo]


def test_the_training_photos_alone_are_refused_with_what_to_do(run, museum):
    with pytest.raises(NotEnoughPhotosError, match=r"no new photo .* Evaluate without --model"):
        visit(Lens(run.checkpoint), scan(museum), (), 42, silent)


def test_a_wall_that_is_an_exhibit_is_named(run, visited, tmp_path):
    wall = tmp_path / "wall.jpg"
    shutil.copy(visited / "A/ㄱ/img_000.jpg", wall)
    other = tmp_path / "other.jpg"
    rough = np.random.default_rng(0).integers(60, 200, (12, 16, 3), np.uint8)
    from PIL import Image

    Image.fromarray(rough).resize((160, 120)).save(other)
    strays = [StrayPhoto(wall, "walls/wall.jpg"), StrayPhoto(other, "walls/other.jpg")]
    found = visit(Lens(run.checkpoint), scan(visited), strays, 42, silent)
    [warning] = found.asking.warnings
    assert "E150: 1 of 2" in warning
    assert "walls/wall.jpg is A/ㄱ/img_000.jpg" in warning
    assert set(found.protocol.answers.judged.photo[found.protocol.answers.judged.kind == "ood"]) == {
        "walls/other.jpg"
    }


def test_a_model_without_thresholds_decides_nothing(rewrite, visited):
    lens = Lens(rewrite(thresholds=None, operating_point=None))
    with pytest.raises(NoThresholdError):
        visit(lens, scan(visited), (), 42, silent)


def test_the_command_asks_an_export_about_new_photos(onnx_model, visited, tmp_path, ai_lens):
    asked = ("--model", onnx_model, "--data-root", visited, "--save-dir", tmp_path, "--lang", "en")
    done = ai_lens("evaluate", *asked)
    assert done.status == 0, done.err
    assert "Measured on photos it has never seen" in done.out
    assert (tmp_path / "report.html").is_file()


def test_an_export_of_the_very_photos_is_pointed_to_its_checkpoint(onnx_model, museum, tmp_path, ai_lens):
    done = ai_lens("evaluate", "--model", onnx_model, "--data-root", museum, "--save-dir", tmp_path)
    assert done.status == 2
    assert "Evaluate the checkpoint (.ckpt)" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        (("--holdout-place", "Z"), 3, "E100"),
        (("--require", "top1"), 2, "is no requirement"),
        (("--require", "nonsense>=1"), 2, "There is no figure 'nonsense'"),
        (("--require", "top1>1"), 9, "top1>1 is required; it is"),
        (("--ood", "nowhere"), 3, "There is no folder nowhere"),
    ],
)
def test_mistakes_and_unmet_requirements_have_their_status(
    run, museum, tmp_path, ai_lens, flags, status, said
):
    asked = ("--model", run.checkpoint, "--data-root", museum, "--save-dir", tmp_path)
    done = ai_lens("evaluate", *asked, *flags)
    assert (done.status, said in done.err) == (status, True), done.err


def test_a_mistyped_folder_leaves_nothing_behind(tmp_path, ai_lens, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = ai_lens("evaluate", "--data-root", "nowhere")
    assert (done.status, "E100" in done.err) == (3, True)
    assert list(tmp_path.iterdir()) == []
