"""Galleries built apart from the model: other places, other indexes, other machines."""

import attrs
import numpy as np
import pytest

from ai_lens_helper import Lens
from lens_core.artifacts import gallery as galleries
from lens_core.artifacts.manifest import Thresholds
from lens_core.errors import DamagedArtifactError, ModelLoadError, UnknownPlaceError, WrongGalleryError
from lens_core.photos.layout import find_place, scan
from lens_core.runtime.enroll import build_gallery
from lens_core.runtime.search import to_file

ELSEWHERE = {"C": {"화로": ("box", "white"), "향로": ("tent", "black"), "거울": ("disc", "darkorange")}}


@pytest.fixture(scope="module")
def lens(onnx_model):
    return Lens(onnx_model)


@pytest.fixture(scope="module")
def elsewhere(build_museum, tmp_path_factory):
    """Photos of a place the model was never trained on."""
    return build_museum(tmp_path_factory.mktemp("elsewhere") / "data", ELSEWHERE, photos=6, first_seed=700)


@pytest.fixture(scope="module")
def gallery_of_c(lens, elsewhere):
    return build_gallery(lens, find_place(elsewhere, "C"))


@pytest.fixture
def save(tmp_path, lens):
    """``save(gallery, "faiss")``: a gallery file of this model."""

    def write(gallery, index="exact", options=None):
        path = tmp_path / f"{index}.index"
        to_file(gallery, lens.manifest.embedding_id, index, options or {}).write(path)
        return path

    return write


def test_a_place_that_was_never_trained_is_answered_from_its_photos(onnx_model, gallery_of_c, save, visitor):
    lens = Lens(onnx_model, index_file=save(gallery_of_c))
    asked = [
        (item, lens.infer("C", visitor("C", item, seed))) for item in ELSEWHERE["C"] for seed in (9000, 9001)
    ]
    right = [result.predictions[0].item == item for item, result in asked]
    assert np.mean(right) >= 5 / 6


def test_a_gallery_of_one_mean_per_item_answers_too(onnx_model, gallery_of_c, save, visitor):
    prototypes = gallery_of_c.prototypes()
    assert len(prototypes.labels) == 3
    few, many = (Lens(onnx_model, index_file=save(gallery)) for gallery in (prototypes, gallery_of_c))
    for item in ELSEWHERE["C"]:
        one, other = (which.infer("C", visitor("C", item)) for which in (few, many))
        assert [p.item for p in one.predictions] == [p.item for p in other.predictions]
        np.testing.assert_allclose(
            [p.score for p in one.predictions], [p.score for p in other.predictions], atol=1e-4
        )


def test_a_new_item_in_a_trained_place_is_found_beside_the_old_ones(
    onnx_model, lens, gallery_of_c, save, visitor
):
    old = lens.gallery.of_place("A")
    new = attrs.evolve(gallery_of_c, labels=tuple(("A", item) for _, item in gallery_of_c.labels))
    both = galleries.Gallery(np.concatenate([old.embeddings, new.embeddings]), old.labels + new.labels)
    wider = Lens(onnx_model, index_file=save(both))
    assert wider.infer("A", visitor("C", "거울"), topk=9).predictions[0].item == "거울"
    assert wider.infer("A", visitor("A", "ㄴ"), topk=9).predictions[0].item == "ㄴ"
    assert len(wider.infer("A", visitor("A", "ㄴ"), topk=9).predictions) == 6


@pytest.mark.parametrize("index", ["exact", "faiss"])
def test_a_gallery_built_apart_answers_as_the_one_inside_the_model(
    index, onnx_model, lens, museum, save, visitor
):
    path = save(build_gallery(lens, find_place(museum, "A")), index)
    apart = Lens(onnx_model, index_file=path)
    for item in "ㄱㄴㄷ":
        one, other = (which.infer("A", visitor("A", item)) for which in (lens, apart))
        assert (one.decision, one.selected_item) == (other.decision, other.selected_item)
        assert one.distance == pytest.approx(other.distance, abs=1e-4)
        assert one.predictions == other.predictions


def test_faiss_finds_what_the_exact_index_finds(onnx_model, lens, visitor):
    faiss = Lens(onnx_model, index="faiss")
    for place, item in (("A", "ㄱ"), ("A", "ㄷ"), ("B", "탑")):
        one, other = (which.infer(place, visitor(place, item)) for which in (lens, faiss))
        assert one.predictions == other.predictions
        assert one.reason == other.reason
        assert one.distance == pytest.approx(other.distance, abs=1e-5)


def test_a_stored_index_can_be_searched_with_another_one(onnx_model, lens, gallery_of_c, save, visitor):
    path = save(gallery_of_c, "faiss")
    stored, other = Lens(onnx_model, index_file=path), Lens(onnx_model, index_file=path, index="exact")
    result, again = (which.infer("C", visitor("C", "화로")) for which in (stored, other))
    assert result.distance == pytest.approx(again.distance, abs=1e-5)
    assert result.predictions == again.predictions


def test_a_gallery_of_several_places_answers_each(onnx_model, lens, museum, save, visitor):
    path = save(build_gallery(lens, scan(museum).photos), "faiss")
    both = Lens(onnx_model, index_file=path)
    for place, item in (("A", "ㄱ"), ("B", "ㄱ")):
        one, other = (which.infer(place, visitor(place, item)) for which in (lens, both))
        assert one.predictions == other.predictions
        assert one.distance == pytest.approx(other.distance, abs=1e-4)


def test_a_gallery_of_one_place_knows_no_other(onnx_model, gallery_of_c, save, visitor):
    with pytest.raises(UnknownPlaceError, match="it has C"):
        Lens(onnx_model, index_file=save(gallery_of_c)).infer("A", visitor("A", "ㄱ"))


def test_a_gallery_of_another_model_is_refused(onnx_model, gallery_of_c, tmp_path):
    path = tmp_path / "other.index"
    to_file(gallery_of_c, "another model", "exact", {}).write(path)
    with pytest.raises(WrongGalleryError) as refused:
        Lens(onnx_model, index_file=path)
    assert str(refused.value).startswith(f"E220: {path} was built with another model than {onnx_model}.")
    assert "ai-lens build-index" in refused.value.advice


def test_models_of_other_weights_do_not_share_galleries(run, tmp_path, tiny_settings, museum):
    """The identity that E220 goes by changes with what was learned, and only then."""
    from lens_core.training import checkpoint

    net, _ = checkpoint.load(run.checkpoint)
    assert checkpoint.embedding_id(checkpoint.weights_of(net)) == run.manifest.embedding_id
    net.embed.bias.data[0] += 1e-3
    assert checkpoint.embedding_id(checkpoint.weights_of(net)) != run.manifest.embedding_id


def test_a_model_is_no_gallery_and_a_gallery_no_model(run, onnx_model, gallery_of_c, save, tmp_path):
    with pytest.raises(ModelLoadError, match="is not a gallery made by `ai-lens build-index`"):
        Lens(onnx_model, index_file=run.checkpoint)
    disguised = tmp_path / "gallery.ckpt"
    disguised.write_bytes(save(gallery_of_c).read_bytes())
    with pytest.raises(ModelLoadError):
        Lens(disguised)


@pytest.mark.parametrize("index", ["exact", "faiss"])
def test_a_damaged_gallery_file_is_an_error_wherever_it_is_damaged(index, onnx_model, gallery_of_c, save):
    path = save(gallery_of_c, index)
    content = path.read_bytes()
    for position in np.linspace(0, len(content) - 1, 25).astype(int):
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(DamagedArtifactError):
            Lens(onnx_model, index_file=path)


def test_a_damaged_cache_is_made_again_not_believed(
    onnx_model, gallery_of_c, save, visitor, tmp_path, monkeypatch
):
    cache = tmp_path / "cache"
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(cache))
    path = save(gallery_of_c, "exact")
    before = Lens(onnx_model, index_file=path).infer("C", visitor("C", "화로"))
    (cached,) = (cache / "index").iterdir()
    content = bytearray(cached.read_bytes())
    content[-200:] = bytes(200)
    cached.write_bytes(content)
    assert Lens(onnx_model, index_file=path).infer("C", visitor("C", "화로")) == before


def test_a_model_without_tuned_thresholds_can_still_answer_for_a_new_place(
    rewrite, gallery_of_c, save, visitor
):
    lens = Lens(rewrite(thresholds=Thresholds(0.0, 0.0, -1.0)), index_file=save(gallery_of_c))
    result = lens.infer("C", visitor("C", "향로"))
    assert (result.accepted, result.selected_item) == (True, "향로")
