"""What is particular to Annoy: mapped files without a header, trees that are built once, one seed."""

import os
from pathlib import Path

import numpy as np
import pytest
from annoy import AnnoyIndex

from lens_core import plugins
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    CannotDoError,
    CannotWriteError,
    DamagedArtifactError,
    ModelLoadError,
    WrongGalleryError,
)


def random_vectors(count, dim, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def built(vectors, **options):
    index = plugins.make("index", "annoy", options, dim=vectors.shape[1])
    index.build(vectors)
    return index


@pytest.fixture
def index():
    return built(random_vectors(5, 8))


@pytest.fixture
def saved(index, tmp_path):
    path = tmp_path / "전시실 A.index"
    index.save(path)
    return path


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux shows what is mapped")
def test_a_loaded_index_stays_on_disk(saved):
    index = plugins.make("index", "annoy", {}, dim=8)
    index.load(saved)
    assert str(saved) in Path("/proc/self/maps").read_text()


def test_it_says_why_it_cannot_be_changed_and_what_to_do_instead(index):
    with pytest.raises(CannotDoError, match=r"E460: Annoy cannot add vectors to an index once.*build-index"):
        index.add(random_vectors(1, 8))
    with pytest.raises(CannotDoError, match=r"cannot remove vectors from .*--index usearch, faiss or exact"):
        index.remove(np.array([0], np.int64))
    assert len(index) == 5


def test_annoy_itself_opens_the_file(saved):
    library = AnnoyIndex(8, "angular")
    library.load(str(saved))
    assert library.get_nns_by_vector(random_vectors(5, 8)[3].tolist(), 1) == [3]


def test_the_same_vectors_make_the_same_file(tmp_path):
    for name in ("A", "B"):
        built(random_vectors(2000, 16)).save(tmp_path / name)
    assert (tmp_path / "A").read_bytes() == (tmp_path / "B").read_bytes()


def test_more_weighed_vectors_find_more_and_what_is_not_found_is_minus_one():
    vectors, queries = random_vectors(3000, 48), random_vectors(50, 48, seed=1)
    nearest = np.argsort(1 - queries @ vectors.T, axis=1)[:, :10]
    found = []
    for options in ({"search_k": 10, "trees": 1}, {}):
        rows = built(vectors, **options).search(queries, 10)[1]
        found.append(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows, nearest, strict=True)]))
    assert found[0] < 0.5 < 0.95 < found[1]
    distances, rows = built(vectors, search_k=1, trees=20).search(queries, 1000)
    assert (rows == -1).any()
    assert (distances[rows == -1] == 2).all()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 100, 1000])
@pytest.mark.parametrize("dim", [1, 3, 8, 33, 512])
def test_any_size_is_recognised(tmp_path, count, dim):
    built(random_vectors(count, dim), trees=3).save(tmp_path / "A")
    index = plugins.make("index", "annoy", {}, dim=dim)
    index.load(tmp_path / "A")
    assert len(index) == count


@pytest.mark.parametrize("count", [1, 2, 40, 300])
def test_a_file_whose_size_would_fit_vectors_of_another_length(tmp_path, count):
    """Annoy opens it: two nodes of 8 numbers are as long as one of 19."""
    built(random_vectors(count, 8), trees=4).save(tmp_path / "A")
    size = (tmp_path / "A").stat().st_size
    others = [dim for dim in range(1, 500) if size % (12 + 4 * dim) == 0 and dim != 8]
    assert others
    for other in others:
        with pytest.raises(WrongGalleryError, match=f"vectors of 8 numbers, but this model makes {other}"):
            plugins.make("index", "annoy", {}, dim=other).load(tmp_path / "A")


@pytest.mark.parametrize("count", [0, 1, 5, 300])
def test_nodes_cut_off_are_damage(tmp_path, count):
    """Annoy opens it: what is left has only fewer trees."""
    index = built(random_vectors(count, 8), trees=4)
    index.save(tmp_path / "A")
    content = (tmp_path / "A").read_bytes()
    for nodes in range(len(content) // 44):
        (tmp_path / "A").write_bytes(content[: 44 * nodes])
        with pytest.raises(DamagedArtifactError, match=r"is empty|is not an Annoy index"):
            index.load(tmp_path / "A")
    assert len(index) == count


def test_no_such_file(index, tmp_path):
    with pytest.raises(ModelLoadError, match=r"E200.*none\.index cannot be read: No such file"):
        index.load(tmp_path / "none.index")


def test_a_failed_save_leaves_the_old_file_and_the_index(index, saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CannotWriteError, match="No space left on device"):
        index.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
    assert index.search(random_vectors(5, 8), 1)[1][:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("k", [0, 6])
def test_more_neighbours_than_vectors(index, k):
    with pytest.raises(BrokenPluginError, match=f"k is {k}; it must be between 1 and the 5 vectors"):
        index.search(random_vectors(1, 8), k)


@pytest.mark.parametrize("options", [{"trees": 0}, {"search_k": 0}, {"trees": "many"}])
def test_options_that_make_no_sense(options):
    with pytest.raises(BadSettingError, match="cannot use its options"):
        plugins.make("index", "annoy", options, dim=8)
