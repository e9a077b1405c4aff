"""Galleries: stored whole, with any names, and honest means."""

import json
import unicodedata

import numpy as np
import pytest
import safetensors.numpy

from lens_core.artifacts.gallery import Gallery, from_bytes, normalise, to_bytes
from lens_core.errors import ModelLoadError

LABELS = (("가야관", "ㄱ"), ("가야관", "ㄱ"), ("가야관", '금관 "신라"'), ("B", "ㄱ"), ("B", "🏺 병/항아리"))


def photos(count, dim=8):
    return normalise(np.random.default_rng(0).standard_normal((count, dim)).astype(np.float32))


@pytest.fixture
def gallery():
    said = {"B": {"ㄱ": {"ko": "흰 병"}}, "가야관": {"ㄱ": {"ko": "금관"}}}
    phashes = np.random.default_rng(1).integers(0, 2, (len(LABELS), 64)).astype(np.uint8)
    return Gallery.of(photos(len(LABELS)), LABELS, said, phashes)


def test_a_gallery_comes_back_as_it_was(gallery):
    again = from_bytes(to_bytes(gallery))
    np.testing.assert_array_equal(again.embeddings, gallery.embeddings)
    np.testing.assert_array_equal(again.phashes, gallery.phashes)
    assert again.labels == gallery.labels
    assert again.descriptions == gallery.descriptions


def test_the_same_gallery_makes_the_same_bytes(gallery):
    assert to_bytes(from_bytes(to_bytes(gallery))) == to_bytes(gallery)


def test_any_reader_of_safetensors_opens_it(gallery):
    arrays = safetensors.numpy.load(to_bytes(gallery))
    np.testing.assert_array_equal(arrays["embeddings"], gallery.embeddings)
    np.testing.assert_array_equal(np.unpackbits(arrays["phashes"], axis=1), gallery.phashes)


def test_it_is_opened_without_a_copy(gallery):
    content = np.frombuffer(to_bytes(gallery), np.uint8)
    again = from_bytes(content)
    for array in (again.embeddings, again.means, again.packed_phashes):
        assert np.shares_memory(array, content)


def test_photos_of_an_exhibit_stand_together_whatever_order_they_came_in(gallery):
    order = [4, 1, 3, 2, 0]
    shuffled = Gallery.of(photos(len(LABELS))[order], [LABELS[row] for row in order], None, None)
    assert shuffled.labels == gallery.labels == tuple(sorted(LABELS))
    assert shuffled.items == tuple(sorted(set(LABELS)))
    for label in shuffled.items:
        found, expected = (
            {tuple(row) for row, own in zip(one, labels, strict=True) if own == label}
            for one, labels in ((shuffled.embeddings, shuffled.labels), (photos(len(LABELS)), LABELS))
        )
        assert found == expected


def test_photos_that_stand_together_already_are_not_copied():
    vectors = photos(4)
    assert np.shares_memory(Gallery.of(vectors, [("A", "ㄱ")] * 3 + [("A", "ㄴ")]).embeddings, vectors)


def test_hashes_stay_with_their_photos(gallery):
    given = np.random.default_rng(1).integers(0, 2, (len(LABELS), 64)).astype(np.uint8)
    row = gallery.labels.index(("B", "🏺 병/항아리"))
    np.testing.assert_array_equal(gallery.phashes[row], given[4])


def test_one_place_has_its_own_items_only(gallery):
    assert gallery.places == ("B", "가야관")
    alone = gallery.of_place("B")
    np.testing.assert_array_equal(alone.embeddings, photos(len(LABELS))[3:])
    np.testing.assert_array_equal(alone.phashes, gallery.phashes[:2])
    assert alone.labels == LABELS[3:]
    assert alone.descriptions == {"B": {"ㄱ": {"ko": "흰 병"}}}
    other = gallery.of_place("가야관")
    assert other.labels == tuple(sorted(LABELS[:3]))
    assert [other.items[number] for number in other.numbers_of(np.arange(3))] == list(other.labels)


def test_a_place_is_looked_at_where_it_lies(gallery):
    for place in gallery.places:
        alone = gallery.of_place(place)
        assert np.shares_memory(alone.embeddings, gallery.embeddings)
        assert np.shares_memory(alone.means, gallery.means)


@pytest.mark.parametrize("place", ["", "A", "Bb", "나", "힣"])
def test_a_place_that_is_not_there_has_nothing(gallery, place):
    nothing = gallery.of_place(place)
    assert (len(nothing), nothing.items, nothing.labels, nothing.places) == (0, (), (), ())


def test_names_spelt_as_a_mac_spells_them_are_the_same_names():
    spelt = [unicodedata.normalize(form, "가야관") for form in ("NFC", "NFD", "NFC")]
    assert len(set(spelt)) == 2
    gallery = Gallery.of(photos(3), [(place, "관") for place in spelt])
    assert gallery.items == (("가야관", "관"),)
    assert len(gallery.of_place("가야관")) == 3


def test_a_prototype_is_the_direction_of_the_mean_photo(gallery):
    prototypes = gallery.prototypes()
    assert prototypes.labels == prototypes.items == gallery.items
    row = prototypes.labels.index(("가야관", "ㄱ"))
    mean = photos(len(LABELS))[:2].mean(axis=0)
    np.testing.assert_allclose(prototypes.embeddings[row], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(prototypes.embeddings, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(from_bytes(to_bytes(prototypes)).embeddings, prototypes.embeddings)


def test_the_same_item_name_in_two_places_is_two_items(gallery):
    prototypes = gallery.prototypes()
    here, there = (prototypes.labels.index((place, "ㄱ")) for place in ("가야관", "B"))
    assert not np.allclose(prototypes.embeddings[here], prototypes.embeddings[there])


def test_a_vector_of_zeros_stays_zeros():
    assert normalise(np.zeros((1, 4), np.float32)).tolist() == [[0, 0, 0, 0]]


def saved(photos=None, embeddings=(2, 4), means=(1, 4), dtype=np.float32, **more):
    """A file as no gallery makes it: of one item and two photos, but for what is asked."""
    about = {"photos": json.dumps(photos or {"A": {"ㄱ": 2}}), "descriptions": "{}"}
    arrays = {"embeddings": np.zeros(embeddings, dtype), "means": np.zeros(means, dtype), **more}
    return safetensors.numpy.save(arrays, about)


def test_the_smallest_gallery_is_one():
    assert from_bytes(saved()).labels == (("A", "ㄱ"),) * 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        safetensors.numpy.save({"embeddings": np.zeros((1, 2), np.float32)}),
        safetensors.numpy.save({"other": np.zeros(1)}, {"photos": "{}", "descriptions": "{}"}),
        safetensors.numpy.save({"embeddings": np.zeros((1, 2), np.float32)}, {"photos": "{"}),
        saved(photos={"A": 2}),
        saved(photos={"A": {"ㄱ": "2"}}),
        saved(photos={"A": {"ㄱ": 1}}),
        saved(photos={"A": {"ㄱ": 3}}),
        saved(photos={"A": {"ㄱ": 2, "ㄴ": 0}}, means=(2, 4)),
        saved(photos={"A": {"ㄴ": 1, "ㄱ": 1}}, means=(2, 4)),
        saved(photos={"A": {"ㄱ": 2, "ㄴ": 0}}),
        saved(means=(1, 3)),
        saved(embeddings=(8,)),
        saved(embeddings=(0, 4)),
        saved(dtype=np.float64),
        saved(dtype=np.uint8),
        saved(phashes=np.zeros((1, 8), np.uint8)),
        saved(means=(1, 4))[:-1],
    ],
    ids=[
        "empty",
        "nonsense",
        "nothing beside it",
        "no embeddings",
        "no JSON",
        "no items",
        "no number",
        "a label too few",
        "a label too many",
        "an item without photos",
        "not sorted",
        "an item without mean",
        "means of another length",
        "one dimension",
        "no photos",
        "float64",
        "uint8",
        "a hash too few",
        "cut short",
    ],
)
def test_bytes_that_are_no_gallery_are_an_error(content):
    with pytest.raises(ModelLoadError, match="The file holds a gallery that is not understood: "):
        from_bytes(content)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_embeddings_that_are_no_numbers_are_an_error(number):
    vectors = photos(40)
    vectors[23, 5] = number
    with np.errstate(all="ignore"):
        content = to_bytes(Gallery.of(vectors, [("A", str(row // 10)) for row in range(40)]))
    with pytest.raises(ModelLoadError, match="it holds no numbers"):
        from_bytes(content)
