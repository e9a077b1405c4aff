"""The contract of every index (lens_core.contracts.VectorIndex), asked of the installed plugin."""

import numpy as np
import pytest

from lens_core import plugins

DIM = 32


def unit_vectors(count, dim=DIM, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def index():
    return plugins.make("index", "faiss", {}, dim=DIM)


def test_a_new_index_is_empty(index):
    assert len(index) == 0


def test_rows_are_numbered_in_the_order_of_arrival(index):
    vectors = unit_vectors(20)
    index.add(vectors[:12])
    index.add(vectors[12:])
    distances, rows = index.search(vectors, 1)
    assert len(index) == 20
    assert rows[:, 0].tolist() == list(range(20))
    assert distances.max() < 1e-6


def test_distances_are_cosine_distances_nearest_first(index):
    gallery, queries = unit_vectors(50), unit_vectors(7, seed=1)
    index.add(gallery)
    distances, rows = index.search(queries, 50)
    expected = 1 - queries @ gallery.T
    assert distances.dtype == np.float32
    assert rows.dtype == np.int64
    assert rows.tolist() == np.argsort(expected, axis=1).tolist()
    np.testing.assert_allclose(distances, np.sort(expected, axis=1), atol=1e-6)


def test_distances_stay_within_0_and_2(index):
    vectors = unit_vectors(200)
    index.add(np.concatenate([vectors, -vectors]))
    distances, _ = index.search(vectors, 400)
    assert distances.min() >= 0
    assert distances.max() <= 2


def test_removed_rows_are_forgotten_and_those_behind_move_up(index):
    vectors = unit_vectors(10)
    index.add(vectors)
    index.remove(np.array([7, 0, 3], dtype=np.int64))
    kept = np.delete(vectors, [0, 3, 7], axis=0)
    assert len(index) == 7
    assert index.search(kept, 1)[1][:, 0].tolist() == list(range(7))


def test_a_saved_index_answers_as_before(index, tmp_path):
    gallery, queries = unit_vectors(50), unit_vectors(7, seed=1)
    index.add(gallery)
    index.save(tmp_path / "A.index")
    again = plugins.make("index", "faiss", {}, dim=DIM)
    again.load(tmp_path / "A.index")
    assert len(again) == 50
    for expected, found in zip(index.search(queries, 5), again.search(queries, 5), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_loaded_index_can_be_changed_and_its_file_stays(index, tmp_path):
    vectors = unit_vectors(10)
    index.add(vectors[:9])
    index.save(tmp_path / "A.index")
    written = (tmp_path / "A.index").read_bytes()
    index.load(tmp_path / "A.index")
    index.add(vectors[9:])
    index.remove(np.array([0], dtype=np.int64))
    assert index.search(vectors[1:], 1)[1][:, 0].tolist() == list(range(9))
    assert (tmp_path / "A.index").read_bytes() == written


def test_what_is_passed_in_is_not_changed(index):
    vectors = unit_vectors(10)
    before = vectors.copy()
    index.add(vectors)
    index.search(vectors, 3)
    index.remove(rows := np.array([5, 1], dtype=np.int64))
    np.testing.assert_array_equal(vectors, before)
    assert rows.tolist() == [5, 1]


def test_vectors_may_be_a_view_with_gaps(index):
    vectors = unit_vectors(10)
    index.add(np.asfortranarray(vectors))
    assert index.search(vectors[::2], 1)[1][:, 0].tolist() == [0, 2, 4, 6, 8]
