"""What an earlier version wrote still answers, and what a later one writes says what to do.

``kept/<version>/`` holds models as that version wrote them; ``kept/make.py`` says when there are new ones.
"""

import json
from pathlib import Path

import pytest

from lens_core import __version__
from lens_core.artifacts import container
from lens_core.errors import CannotRunHereError, ModelLoadError
from lens_core.runtime.lens import Lens

KEPT = Path(__file__).parent / "kept"
PLACE = "가야관"
MODELS = sorted(path for path in KEPT.glob("[0-9]*/best.*") if path.suffix != ".bin")
GALLERIES = sorted(KEPT.glob("[0-9]*/*.index"))
SCORES = 1e-3
"""How far scores and distances may be from those of the machine they were made on."""


def opened(path, **more):
    try:
        return Lens(path, quality=[], **more)
    except CannotRunHereError as error:
        pytest.skip(f"this format cannot run on this machine: {error.message}")


def scores(answer):
    found = {prediction["item"]: prediction["score"] for prediction in answer["predictions"]}
    return {**found, "distance": answer["distance"]}


def words(answer):
    return {name: answer.get(name) for name in ("place", "decision", "reason", "selected_item")}


def answers_as_it_did(lens, folder):
    for photo, expected in json.loads((folder / "expected.json").read_text("utf-8")).items():
        answer = lens.infer(PLACE, folder / photo).to_dict()
        assert words(answer) == words(expected), photo
        assert scores(answer) == pytest.approx(scores(expected), abs=SCORES), photo


@pytest.mark.parametrize("model", MODELS, ids=lambda path: f"{path.parent.name}{path.suffix}")
def test_a_kept_model_answers_as_it_did(model):
    answers_as_it_did(opened(model), model.parent)


@pytest.mark.parametrize("gallery", GALLERIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_kept_gallery_answers_as_it_did(gallery):
    """With its stored index, or with one made again where the library no longer reads that."""
    answers_as_it_did(opened(gallery.with_name("best.onnx"), index_file=gallery), gallery.parent)


def test_every_version_is_kept_in_every_format():
    folders = [path for path in KEPT.glob("[0-9]*") if path.is_dir()]
    assert folders
    for folder in folders:
        found = {path.suffix for path in (*MODELS, *GALLERIES) if path.parent == folder}
        assert found == {".ckpt", ".onnx", ".ort", ".xml", ".pt", ".mlpackage", ".index"}


# --- what other versions write

NEWER = "was made by a newer ai-lens"
UPDATE = "Update with: pip install --upgrade ai-lens-helper"
AGAIN = {
    "manifest.json": "Train the model again, or export it again from its checkpoint.",
    "about.json": "Build the gallery again with this model: ai-lens build-index",
}
documents = pytest.mark.parametrize("document", AGAIN)


@pytest.fixture
def other(models, galleries, tmp_path):
    """``other("manifest.json", change)``: a sealed file whose document is what ``change`` makes of it."""

    def write(document, change):
        source = models[".ckpt"] if document == "manifest.json" else galleries["exact"]
        inside = container.read(source)
        path = tmp_path / f"other{source.suffix}"
        changed = change(json.loads(inside[document]))
        content = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        container.write(path, {**inside, document: content})
        return path

    return write


@pytest.fixture
def open_it(models):
    """Open what ``other`` has written, as ``infer`` does."""

    def opened(path):
        return Lens(path) if path.suffix == ".ckpt" else Lens(models[".onnx"], index_file=path)

    return opened


@documents
@pytest.mark.parametrize(
    "change",
    [
        lambda stored: {**stored, "format": 2},
        lambda stored: {"format": 2, "everything": "new"},
        lambda stored: {"format": 10**30},
        lambda stored: {**stored, "format": 2, "made_by": ["no text"]},
    ],
    ids=["all else the same", "other keys", "far newer", "made by a list"],
)
def test_a_newer_format_says_to_update_whatever_else_it_holds(other, open_it, document, change):
    with pytest.raises(ModelLoadError, match=rf"^E200: .*other\.\w+ {NEWER}.* {UPDATE}$"):
        open_it(other(document, change))


@documents
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda stored: {**stored, "format": 0}, "of format 0, which this ai-lens does not read"),
        (lambda stored: {**stored, "format": -1}, "of format -1, which this ai-lens does not read"),
        (lambda stored: {**stored, "format": "1"}, "expected a whole number, got '1'"),
        (lambda stored: {**stored, "format": 1.5}, "expected a whole number, got 1.5"),
        (lambda stored: {**stored, "format": True}, "expected a whole number, got True"),
        (lambda stored: {**stored, "format": float("inf")}, "expected a whole number, got inf"),
        (lambda stored: {key: stored[key] for key in stored if key != "format"}, "'format' is missing"),
        (lambda stored: {key: stored[key] for key in stored if key != "embedding_id"}, "embedding_id"),
        (lambda stored: {**stored, "embedding_id": None}, "expected text, got None"),
        (lambda stored: [stored], "that is not understood"),
        (lambda stored: b"\xff\xfe", "that is not understood"),
        (lambda stored: b"[" * 100_000, "that is not understood"),
    ],
)
def test_what_is_not_understood_says_so_and_how_to_make_it_again(other, open_it, document, change, said):
    with pytest.raises(ModelLoadError) as refused:
        open_it(other(document, change))
    message = str(refused.value)
    assert said in message
    assert document in message
    assert AGAIN[document] in message


@documents
def test_what_a_version_of_this_format_has_added_is_skipped(other, open_it, models, photos, document):
    photo = next((photos / "A" / "ㄱ").iterdir())
    lens = open_it(other(document, lambda stored: {**stored, "since_0_2": {"a": 1}}))
    usual = Lens(models[".ckpt"]).infer("A", photo).to_dict()
    assert scores(lens.infer("A", photo).to_dict()) == pytest.approx(scores(usual), abs=SCORES)


def test_a_newer_gallery_file_laid_out_otherwise_says_to_update(tmp_path, models):
    container.write(tmp_path / "a.index", {"about.json": b'{"format": 2}', "vectors": b""})
    with pytest.raises(ModelLoadError, match=NEWER):
        Lens(models[".onnx"], index_file=tmp_path / "a.index")


def test_the_command_line_says_it_in_one_line(other, start, photos):
    newer = other("manifest.json", lambda stored: {**stored, "format": 2})
    done = start("infer", "--model", newer, "--place", "A", "--image", next(photos.rglob("*.jpg")))
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == f"ai-lens: E200: {newer} {NEWER} (ai-lens-helper {__version__}). {UPDATE}\n"
