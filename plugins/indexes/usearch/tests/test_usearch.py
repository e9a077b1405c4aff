"""What is particular to USearch: mapped files, stored precision, removal, living beside other libraries."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lens_core import plugins
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    CannotWriteError,
    DamagedArtifactError,
    ModelLoadError,
    WrongGalleryError,
)


def random_vectors(count, dim, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def made(dim=8, **options):
    return plugins.make("index", "usearch", options, dim=dim)


@pytest.fixture
def index():
    index = made()
    index.build(random_vectors(5, 8))
    return index


@pytest.fixture
def saved(index, tmp_path):
    path = tmp_path / "전시실 A.index"
    index.save(path)
    return path


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux shows what is mapped")
def test_a_loaded_index_stays_on_disk_until_it_is_changed(index, saved):
    index.load(saved)
    index.search(random_vectors(2, 8), 1)
    assert str(saved) in Path("/proc/self/maps").read_text()
    index.remove(np.array([0], np.int64))
    assert str(saved) not in Path("/proc/self/maps").read_text()


def test_saving_over_the_file_that_is_open(index, saved):
    index.load(saved)
    index.save(saved)
    index.load(saved)
    assert index.search(random_vectors(5, 8), 1)[1][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_an_empty_index_is_saved_and_loaded(tmp_path):
    index = made()
    index.save(tmp_path / "empty.index")
    index.load(tmp_path / "empty.index")
    assert len(index) == 0
    index.add(random_vectors(2, 8))
    assert len(index) == 2


def test_rows_after_removal_survive_saving(tmp_path):
    vectors = random_vectors(30, 8)
    index = made()
    index.build(vectors)
    index.remove(np.array([29, 3, 0, 3], np.int64))
    index.save(tmp_path / "A.index")
    again = made()
    again.load(tmp_path / "A.index")
    assert again.search(vectors[[1, 2, 4, 28]], 1)[1][:, 0].tolist() == [0, 1, 2, 26]
    again.add(vectors[:1])
    assert again.search(vectors[:1], 1)[1].tolist() == [[27]]


def test_everything_can_be_removed_and_added_anew(index):
    index.remove(np.arange(5))
    assert len(index) == 0
    index.add(random_vectors(3, 8, seed=1))
    assert index.search(random_vectors(3, 8, seed=1), 1)[1][:, 0].tolist() == [0, 1, 2]


def test_any_order_of_adding_removing_and_saving_answers_as_a_list_would(tmp_path):
    change = st.one_of(
        st.tuples(st.just("add"), st.integers(1, 9)),
        st.tuples(st.just("remove"), st.sets(st.integers(0, 40), min_size=1, max_size=6)),
        st.tuples(st.just("save and load"), st.none()),
    )

    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @given(changes=st.lists(change, max_size=12))
    def ask(changes):
        index, kept = made(), random_vectors(0, 8)
        for seed, (what, how) in enumerate(changes):
            if what == "add":
                more = random_vectors(how, 8, seed)
                index.add(more)
                kept = np.concatenate([kept, more])
            elif what == "remove":
                rows = np.array([row for row in how if row < len(kept)], np.int64)
                index.remove(rows)
                kept = np.delete(kept, rows, axis=0)
            else:
                index.save(tmp_path / "A.index")
                index.load(tmp_path / "A.index")
        assert len(index) == len(kept)
        if len(kept):
            assert index.search(kept, 1)[1][:, 0].tolist() == list(range(len(kept)))
            assert set(index.search(kept[:1], len(kept))[1][0].tolist()) <= set(range(len(kept)))

    ask()


def test_the_same_vectors_make_the_same_file(tmp_path):
    for name in ("A", "B"):
        index = made(dim=64)
        index.build(random_vectors(2000, 64))
        index.save(tmp_path / name)
    assert (tmp_path / "A").read_bytes() == (tmp_path / "B").read_bytes()


def test_fewer_bits_make_a_smaller_file_and_coarser_distances(tmp_path):
    sizes, errors = [], []
    vectors = random_vectors(200, 256)
    for dtype in ("f32", "f16", "i8"):
        index = made(dim=256, dtype=dtype)
        index.build(vectors)
        index.save(tmp_path / dtype)
        sizes.append((tmp_path / dtype).stat().st_size)
        distances, rows = index.search(vectors[:20], 5)
        errors.append(np.abs(distances - (1 - np.einsum("qkd,qd->qk", vectors[rows], vectors[:20]))).max())
    assert sizes[0] > 1.5 * sizes[1] > 2 * sizes[2]
    assert errors[0] < 1e-6 < errors[1] < 2e-3 < errors[2] < 0.05


def test_a_larger_graph_finds_more():
    vectors, queries = random_vectors(3000, 48), random_vectors(100, 48, seed=1)
    nearest = np.argsort(1 - queries @ vectors.T, axis=1)[:, :10]
    found = []
    for expansion in (10, 400):
        index = made(dim=48, expansion_search=expansion)
        index.build(vectors)
        rows = index.search(queries, 10)[1]
        found.append(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows, nearest, strict=True)]))
    assert found[0] < 0.95 < found[1]


@pytest.mark.parametrize("length", [0, 1, 63, 100, -1])
def test_a_file_cut_short_is_damage(index, saved, length):
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(DamagedArtifactError, match=r"전시실 A\.index"):
        index.load(saved)
    assert len(index) == 5


def test_bytes_behind_the_index_are_damage(index, saved):
    saved.write_bytes(saved.read_bytes() + b"more")
    with pytest.raises(DamagedArtifactError, match="it should have"):
        index.load(saved)


def test_another_kind_of_usearch_index(index, tmp_path):
    from usearch.index import Index  # not above: the plugin must be the first to import it

    other = Index(ndim=8, metric="l2sq", dtype="f32")
    other.add(np.arange(3), random_vectors(3, 8))
    other.save(tmp_path / "x.index")
    with pytest.raises(ModelLoadError, match=r"another kind of USearch index \(.*L2sq"):
        index.load(tmp_path / "x.index")


def test_no_such_file(index, tmp_path):
    with pytest.raises(ModelLoadError, match=r"E200.*none\.index cannot be read: No such file"):
        index.load(tmp_path / "none.index")


def test_an_index_of_another_model(saved):
    with pytest.raises(WrongGalleryError, match="holds vectors of 8 numbers, but this model makes 16"):
        made(dim=16).load(saved)


def test_a_failed_save_leaves_the_old_file(index, saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CannotWriteError, match="No space left on device"):
        index.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("k", [0, 6])
def test_more_neighbours_than_vectors(index, k):
    with pytest.raises(BrokenPluginError, match=f"k is {k}; it must be between 1 and the 5 vectors"):
        index.search(random_vectors(1, 8), k)


@pytest.mark.parametrize("row", [-1, 5])
def test_removing_a_row_that_is_not_there(index, row):
    with pytest.raises(BrokenPluginError, match="not all among the 5 rows"):
        index.remove(np.array([0, row], np.int64))
    assert len(index) == 5


def test_a_precision_that_there_is_not():
    with pytest.raises(BadSettingError, match=r"f32.*f16.*i8"):
        made(dtype="f64")


LATER = {
    "faiss": "import faiss; faiss.index_factory(16, 'IVF4,SQ8')",
    "onnxruntime": "import onnxruntime",
    "scann": "p.make('index', 'scann', {}, dim=8); i = p.make('index', 'scann', {}, dim=8); i.build(v); "
    "i.save(pathlib.Path(sys.argv[1])); i.load(pathlib.Path(sys.argv[1]))",
}


@pytest.mark.parametrize("library", LATER)
def test_other_libraries_may_come_after_usearch(library, tmp_path):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    code = (
        "import pathlib, sys, numpy as np; from lens_core import plugins as p; "
        "v = np.eye(8, dtype=np.float32); "
        "u = p.make('index', 'usearch', {}, dim=8); u.build(v); "
        f"{LATER[library]}; sys.exit(int(u.search(v[3:], 1)[1][0, 0]) - 3)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr[-500:]
