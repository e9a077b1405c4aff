"""Galleries: stored whole, with any names, and honest means."""

import json

import numpy as np
import pytest
import safetensors.numpy

from lens_core.artifacts import container
from lens_core.artifacts.gallery import Gallery, GalleryFile, from_bytes, normalise, read_file, to_bytes
from lens_core.errors import ArtifactError, ModelLoadError

LABELS = (("가야관", "ㄱ"), ("가야관", "ㄱ"), ("가야관", '금관 "신라"'), ("B", "ㄱ"), ("B", "🏺 병/항아리"))


@pytest.fixture
def gallery():
    vectors = np.random.default_rng(0).standard_normal((len(LABELS), 8)).astype(np.float32)
    return Gallery(normalise(vectors), LABELS)


def test_a_gallery_comes_back_as_it_was(gallery):
    again = from_bytes(to_bytes(gallery))
    np.testing.assert_array_equal(again.embeddings, gallery.embeddings)
    assert again.labels == LABELS


def test_a_gallery_file_comes_back_as_it_was(gallery, tmp_path):
    path = tmp_path / "가야관.index"
    GalleryFile(gallery, "0123", "faiss", {"nprobe": 8, "이름": True}, b"index").write(path)
    again = read_file(path)
    assert again.gallery.labels == LABELS
    assert (again.embedding_id, again.index, again.index_options, again.index_bytes) == (
        "0123",
        "faiss",
        {"nprobe": 8, "이름": True},
        b"index",
    )


def test_one_place_has_its_own_items_only(gallery):
    assert gallery.places == ("B", "가야관")
    alone = gallery.of_place("B")
    np.testing.assert_array_equal(alone.embeddings, gallery.embeddings[3:])
    assert alone.labels == LABELS[3:]


def test_a_prototype_is_the_direction_of_the_mean_photo(gallery):
    prototypes = gallery.prototypes()
    assert len(prototypes.labels) == 4
    row = prototypes.labels.index(("가야관", "ㄱ"))
    mean = (gallery.embeddings[0] + gallery.embeddings[1]) / 2
    np.testing.assert_allclose(prototypes.embeddings[row], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(prototypes.embeddings, axis=1), 1, atol=1e-6)


def test_the_same_item_name_in_two_places_is_two_items(gallery):
    prototypes = gallery.prototypes()
    here, there = (prototypes.labels.index((place, "ㄱ")) for place in ("가야관", "B"))
    assert not np.allclose(prototypes.embeddings[here], prototypes.embeddings[there])


def test_a_vector_of_zeros_stays_zeros():
    assert normalise(np.zeros((1, 4), np.float32)).tolist() == [[0, 0, 0, 0]]


def test_a_model_is_not_a_gallery_file(tmp_path):
    container.write(tmp_path / "a.ckpt", {"manifest.json": b"{}"})
    with pytest.raises(ModelLoadError, match="is not a gallery made by `ai-lens build-index`"):
        read_file(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        safetensors.numpy.save({"embeddings": np.zeros((1, 2), np.float32)}),
        safetensors.numpy.save({"other": np.zeros(1)}, {"labels": "[]"}),
        safetensors.numpy.save({"embeddings": np.zeros((1, 2), np.float32)}, {"labels": "[1]"}),
        safetensors.numpy.save({"embeddings": np.zeros((1, 2), np.float32)}, {"labels": "{"}),
        safetensors.numpy.save({"embeddings": np.zeros((2, 2), np.float32)}, {"labels": '[["A", "ㄱ"]]'}),
    ],
    ids=["empty", "nonsense", "no labels", "no embeddings", "wrong labels", "no JSON", "a label too few"],
)
def test_bytes_that_are_no_gallery_are_an_error(content):
    with pytest.raises(ModelLoadError):
        from_bytes(content)


@pytest.mark.parametrize("about", [b"", b"nonsense", b"[]", b"{}", json.dumps({"index": "exact"}).encode()])
def test_a_sealed_gallery_file_that_is_not_understood_is_an_error(gallery, tmp_path, about):
    path = tmp_path / "a.index"
    container.write(path, {"about.json": about, "gallery.safetensors": to_bytes(gallery)})
    with pytest.raises(ArtifactError):
        read_file(path)
