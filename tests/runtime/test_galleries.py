"""Galleries built apart from the model: other places, other indexes, other machines."""

import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import attrs
import numpy as np
import pytest

from ai_lens_helper import Lens
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.gallery_file import GalleryFile, SavedIndex, read_file
from lens_core.artifacts.manifest import Thresholds
from lens_core.errors import (
    BrokenPluginError,
    DamagedArtifactError,
    ModelLoadError,
    UnknownPlaceError,
    WrongGalleryError,
)
from lens_core.photos.layout import find_place, scan
from lens_core.runtime import indexes
from lens_core.runtime.enroll import build_gallery
from lens_core.runtime.search import GallerySearch

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
        indexes.write_file(path, gallery, lens.manifest.embedding_id, index, options or {})
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
    moved = tuple(("A", item) for _, item in gallery_of_c.labels)
    both = Gallery.of(np.concatenate([gallery_of_c.embeddings, old.embeddings]), moved + old.labels)
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


def test_an_index_with_options_can_be_searched_by_one_that_has_none(onnx_model, gallery_of_c, save, visitor):
    path = save(gallery_of_c, "faiss", {"kind": "hnsw"})
    stored, other = Lens(onnx_model, index_file=path), Lens(onnx_model, index_file=path, index="exact")
    assert stored.infer("C", visitor("C", "화로")) == other.infer("C", visitor("C", "화로"))


def test_an_option_completes_those_the_gallery_was_stored_with(onnx_model, gallery_of_c, save, visitor):
    path = save(gallery_of_c, "faiss", {"kind": "hnsw"})
    stored = Lens(onnx_model, index_file=path)
    wider = Lens(onnx_model, index_file=path, index_options={"ef_search": 16})
    assert stored.infer("C", visitor("C", "화로")) == wider.infer("C", visitor("C", "화로"))
    assert stored.warnings == ()
    (warning,) = wider.warnings
    assert warning == (
        "The stored faiss index has other options, so it is made again from the gallery. "
        "Store it with these: ai-lens build-index."
    )


def test_a_cache_that_cannot_be_read_or_written_costs_no_answer(
    onnx_model, gallery_of_c, save, visitor, tmp_path, monkeypatch
):
    path = save(gallery_of_c, "faiss")
    before = Lens(onnx_model, index_file=path).infer("C", visitor("C", "화로"))
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "cache"))
    Lens(onnx_model, index_file=path).warm_up()
    (cached,) = (tmp_path / "cache" / "index").iterdir()
    cached.unlink()
    cached.mkdir()
    lens = Lens(onnx_model, index_file=path)
    assert lens.infer("C", visitor("C", "화로")) == before
    assert "is made again from the gallery" in lens.warnings[0]


def test_no_photos_get_no_answers(lens):
    assert lens.answer("A", []) == []


def test_a_gallery_of_several_places_answers_each(onnx_model, lens, museum, save, visitor):
    path = save(build_gallery(lens, scan(museum).photos), "faiss")
    both = Lens(onnx_model, index_file=path)
    for place, item in (("A", "ㄱ"), ("B", "ㄱ")):
        one, other = (which.infer(place, visitor(place, item)) for which in (lens, both))
        assert one.predictions == other.predictions
        assert one.distance == pytest.approx(other.distance, abs=1e-4)


def test_a_file_of_several_places_holds_an_index_of_each_and_opens_it_when_asked(
    onnx_model, lens, museum, save, visitor, tmp_path, monkeypatch
):
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "cache"))
    path = save(build_gallery(lens, scan(museum).photos), "faiss")
    stored = read_file(path).indexes
    assert set(stored) == {"A", "B"}
    both = Lens(onnx_model, index_file=path)
    both.infer("B", visitor("B", "탑"))
    opened = tmp_path / "cache" / "index"
    assert [file.name for file in opened.iterdir()] == [stored["B"].sha256]
    both.warm_up()
    assert {file.name for file in opened.iterdir()} == {index.sha256 for index in stored.values()}
    assert both.warnings == ()


def test_a_gallery_file_is_looked_at_where_it_lies(onnx_model, gallery_of_c, save, visitor):
    path = save(gallery_of_c)
    lens = Lens(onnx_model, index_file=path)
    expected = lens.infer("C", visitor("C", "향로"))
    assert not lens.gallery.embeddings.flags.owndata
    assert not lens.gallery.embeddings.flags.writeable
    save(gallery_of_c.prototypes())  # another file in its place
    assert lens.infer("C", visitor("C", "향로")) == expected


def test_the_exact_index_searches_the_gallery_and_stores_no_vector_twice(gallery_of_c, save):
    path = save(gallery_of_c)
    assert read_file(path).indexes == {}
    one = gallery_of_c.embeddings.tobytes()[:64]
    assert path.read_bytes().count(one) == 1
    assert save(gallery_of_c, "faiss").read_bytes().count(one) == 2


def test_an_index_that_is_not_stored_is_built_without_a_word(
    onnx_model, gallery_of_c, save, install, visitor
):
    options = "import attrs\n@attrs.frozen\nclass Options:\n    size: int = 1\n"
    options += "@hookimpl\ndef options_type():\n    return Options\n"
    install("ai-lens-light", COARSE.format(change="") + options, "ai_lens.indexes", "light")
    path, exact = save(gallery_of_c, "light"), Lens(onnx_model, index_file=save(gallery_of_c))
    assert read_file(path).indexes == {}
    for given in ({}, {"size": 2}):
        lens = Lens(onnx_model, index_file=path, index_options=given)
        assert lens.infer("C", visitor("C", "화로")) == exact.infer("C", visitor("C", "화로"))
        assert lens.warnings == ()


def test_names_of_a_gallery_may_be_spelt_as_a_mac_spells_them(onnx_model, gallery_of_c, save, visitor):
    def as_a_mac(name):
        return unicodedata.normalize("NFD", name)

    labels = [(as_a_mac("나전관"), as_a_mac(item)) for _, item in gallery_of_c.labels]
    lens = Lens(onnx_model, index_file=save(Gallery.of(gallery_of_c.embeddings, labels)))
    photo = visitor("C", "거울")
    result = lens.infer("나전관", photo)
    assert result == lens.infer(as_a_mac("나전관"), photo)
    assert result.place == "나전관"
    assert {prediction.item for prediction in result.predictions} == {"화로", "향로", "거울"}


def test_a_gallery_of_one_place_knows_no_other(onnx_model, gallery_of_c, save, visitor):
    with pytest.raises(UnknownPlaceError, match="it has C"):
        Lens(onnx_model, index_file=save(gallery_of_c)).infer("A", visitor("A", "ㄱ"))


def test_a_gallery_of_another_model_is_refused(onnx_model, gallery_of_c, tmp_path):
    path = tmp_path / "other.index"
    indexes.write_file(path, gallery_of_c, "another model", "exact", {})
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
    path = save(gallery_of_c, "faiss")
    before = Lens(onnx_model, index_file=path).infer("C", visitor("C", "화로"))
    (cached,) = (cache / "index").iterdir()
    whole = cached.read_bytes()
    for changed in (whole[:-200] + bytes(200), whole + b"more", whole[:-1], b""):
        cached.write_bytes(changed)
        lens = Lens(onnx_model, index_file=path)
        assert lens.infer("C", visitor("C", "화로")) == before
        assert lens.warnings == ()
        assert cached.read_bytes() == whole


@pytest.mark.parametrize(
    ("stored", "reason"),
    [({}, "The file holds none"), ({"C": b"no index at all"}, "is not a FAISS index")],
    ids=["missing", "damaged"],
)
def test_an_index_that_cannot_be_used_is_made_again_with_a_word_about_it(
    stored, reason, onnx_model, gallery_of_c, save, visitor, ai_lens, tmp_path
):
    whole, path = save(gallery_of_c, "faiss"), tmp_path / "C.index"
    before = Lens(onnx_model, index_file=whole).infer("C", visitor("C", "화로"))
    indexes = {place: SavedIndex.of(np.frombuffer(content, np.uint8)) for place, content in stored.items()}
    attrs.evolve(read_file(whole), indexes=indexes).write(path)
    lens = Lens(onnx_model, index_file=path)
    assert lens.infer("C", visitor("C", "화로")) == before
    (warning,) = lens.warnings
    assert warning.startswith("The stored faiss index of C is not used and is made again from the gallery: ")
    assert re.search(reason, warning)
    assert "ai-lens build-index" in warning
    photo = visitor("C", "화로")
    done = ai_lens("infer", "--model", onnx_model, "--place", "C", "--index-file", path, "--image", photo)
    assert done.status == 0
    assert f"warning: {warning}" in done.err


def test_an_index_with_fewer_vectors_than_the_gallery_is_not_believed(
    onnx_model, gallery_of_c, save, tmp_path, visitor
):
    few = save(Gallery.of(gallery_of_c.embeddings[:3], gallery_of_c.labels[:3]), "faiss")
    small, identity, path = read_file(few), Lens(onnx_model).manifest.embedding_id, tmp_path / "C.index"
    GalleryFile(gallery_of_c, identity, "faiss", {}, small.indexes).write(path)
    lens = Lens(onnx_model, index_file=path)
    lens.infer("C", visitor("C", "화로"))
    assert "It has 3 vectors, the gallery 18" in lens.warnings[0]


COARSE = """
import numpy as np
from lens_core import hookimpl
from lens_core.runtime.exact_index import ExactIndex

class Coarse(ExactIndex):
    def search(self, queries, k):
        distances, rows = super().search(queries, k)
        {change}
        return distances, rows

@hookimpl
def make_index(dim):
    return Coarse(dim)
"""


def test_distances_come_from_the_gallery_however_coarse_the_index(onnx_model, lens, install, visitor):
    change = "distances, rows = distances[:, ::-1] * 0.3, rows[:, ::-1].copy(); rows[:, 0] = -1"
    install("ai-lens-coarse", COARSE.format(change=change), "ai_lens.indexes", "coarse")
    coarse = Lens(onnx_model, index="coarse")
    for item in "ㄱㄴㄷ":
        photo = visitor("A", item)
        assert coarse.infer("A", photo) == lens.infer("A", photo)


@pytest.mark.parametrize("change", ["rows = rows + 99", "rows = rows[0]", "rows = rows - 2"])
def test_an_index_that_answers_rows_that_are_not_there_is_told_so(onnx_model, install, visitor, change):
    install("ai-lens-lost", COARSE.format(change=change), "ai_lens.indexes", "lost")
    with pytest.raises(
        BrokenPluginError, match=r"index 'lost' answered .* no rows of the 30 reference photos"
    ):
        Lens(onnx_model, index="lost").infer("A", visitor("A", "ㄱ"))


def test_warming_up_changes_no_answer(onnx_model, lens, visitor):
    warm = Lens(onnx_model)
    warm.warm_up()
    assert warm.infer("A", visitor("A", "ㄱ")) == lens.infer("A", visitor("A", "ㄱ"))


def test_a_model_without_tuned_thresholds_can_still_answer_for_a_new_place(
    rewrite, gallery_of_c, save, visitor
):
    lens = Lens(rewrite(thresholds=Thresholds(0.0, 0.0, -1.0)), index_file=save(gallery_of_c))
    result = lens.infer("C", visitor("C", "향로"))
    assert (result.accepted, result.selected_item) == (True, "향로")


def test_threads_that_ask_a_place_at_once_share_one_index(lens):
    """Building an index may take minutes, and each one takes memory."""
    search = GallerySearch(lens.gallery, "faiss", {"kind": "hnsw"})
    together = Barrier(4)

    def ask(_):
        together.wait(60)
        return search.of_place("A")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert all(one is found[0] for one in found)
