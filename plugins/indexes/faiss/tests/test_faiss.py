"""What is particular to FAISS: its kinds and their options, mapped files, messages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest

from lens_core import plugins
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    CannotDoError,
    CannotWriteError,
    ModelLoadError,
    WrongGalleryError,
)

DIM = 16
IVFPQ = {"kind": "ivfpq", "pq_bits": 4, "pq_m": 8}
"""Codes of 4 bits can be learnt from 39 * 16 = 624 vectors."""
KINDS = {"flat": {"kind": "flat"}, "hnsw": {"kind": "hnsw"}, "ivfpq": IVFPQ}
ENOUGH = 800
maps_are_shown = pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="only Linux shows what is mapped"
)


def make(options, dim=DIM):
    return plugins.make("index", "faiss", options, dim=dim)


def built(options, count=ENOUGH):
    index = make(options)
    index.build(photos(count))
    return index


def photos(count, dim=DIM):
    """Twenty of each exhibit, near one another."""
    random = np.random.default_rng(0)
    exhibits = random.standard_normal((count // 20 + 1, dim))
    vectors = exhibits[np.arange(count) // 20] + 0.3 * random.standard_normal((count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(params=KINDS)
def options(request):
    return KINDS[request.param]


@pytest.fixture
def saved(options, tmp_path):
    path = tmp_path / "전시실 A.index"
    built(options).save(path)
    return path


# --- kinds


@pytest.mark.parametrize(("kind", "least"), [("flat", 1.0), ("hnsw", 0.99), ("ivfpq", 0.9)])
def test_the_nearest_photo_is_among_the_ten_found(kind, least):
    vectors = photos(ENOUGH)
    distances, rows = built(KINDS[kind]).search(vectors, 10)
    assert (rows == np.arange(ENOUGH)[:, None]).any(axis=1).mean() >= least
    assert 0 <= distances.min() <= distances.max() <= 2


def test_codes_are_a_fraction_of_the_vectors(tmp_path):
    sizes = {}
    for kind, options in KINDS.items():
        built(options).save(tmp_path / kind)
        sizes[kind] = (tmp_path / kind).stat().st_size
    assert sizes["ivfpq"] < sizes["flat"] / 2


def test_too_few_vectors_to_train_on_are_kept_flat_and_found_exactly():
    vectors = photos(623)
    distances, rows = built(IVFPQ, 623).search(vectors, 1)
    assert rows[:, 0].tolist() == list(range(623))
    assert distances.max() < 1e-6


def test_once_there_are_enough_vectors_they_are_trained_on(tmp_path):
    grown, at_once = make(IVFPQ), built(IVFPQ)
    grown.build(photos(ENOUGH)[:600])
    grown.add(photos(ENOUGH)[600:])
    answers = grown.search(photos(30), 5), at_once.search(photos(30), 5)
    assert answers[0][1][:, 0].tolist() == answers[1][1][:, 0].tolist()
    grown.save(tmp_path / "grown")
    at_once.save(tmp_path / "at once")
    assert (tmp_path / "grown").stat().st_size == (tmp_path / "at once").stat().st_size


def test_after_training_more_can_be_added():
    index = built(IVFPQ)
    index.add(photos(30))
    assert len(index) == ENOUGH + 30
    assert index.search(photos(30), 4)[1].max() >= ENOUGH


def test_lists_close_their_ranks_when_rows_are_removed():
    vectors, unwanted = photos(ENOUGH), np.array([799, 0, 5, 5, 400], np.int64)
    index = built(IVFPQ | {"nprobe": 100})
    index.remove(unwanted)
    kept = np.delete(vectors, unwanted, axis=0)
    assert len(index) == len(kept) == 796
    rows = index.search(kept, 10)[1]
    assert (rows == np.arange(796)[:, None]).any(axis=1).mean() > 0.9
    assert sorted(index.search(kept[:1], 796)[1][0].tolist()) == list(range(796))


def test_looking_at_more_lists_finds_more():
    found = [
        (built(IVFPQ | {"nlist": 20, "nprobe": nprobe}).search(photos(ENOUGH), 100)[1] >= 0).sum()
        for nprobe in (1, 20)
    ]
    assert found[0] < found[1] == ENOUGH * 100


def test_where_too_few_are_found_the_rest_is_row_minus_1_at_distance_2():
    distances, rows = built(IVFPQ | {"nlist": 20, "nprobe": 1}).search(photos(5), 400)
    assert (rows == -1).any()
    assert (distances[rows == -1] == 2).all()
    assert (distances[rows >= 0] < 2).all()


def test_more_lists_than_vectors_can_fill(capfd):
    assert len(built(IVFPQ | {"nlist": 5000})) == ENOUGH
    assert capfd.readouterr().err == ""


def test_a_graph_cannot_forget_and_says_what_to_do():
    index = built(KINDS["hnsw"])
    with pytest.raises(CannotDoError) as caught:
        index.remove(np.array([3], np.int64))
    assert str(caught.value) == (
        "E460: FAISS cannot remove vectors from an hnsw index. "
        "Use --index-option kind=flat, or make it again from the gallery: ai-lens build-index ..."
    )
    assert len(index) == ENOUGH


def test_how_widely_to_search_may_be_chosen_anew_for_a_saved_index(tmp_path):
    built(IVFPQ | {"nlist": 20, "nprobe": 20}).save(tmp_path / "A.index")
    index = make(IVFPQ | {"nprobe": 1})
    index.load(tmp_path / "A.index")
    assert (index.search(photos(5), 400)[1] == -1).any()


# --- options


def test_an_option_that_is_not_there():
    with pytest.raises(BadSettingError, match=r"has no option 'nprobes'\..*Did you mean 'nprobe'\?"):
        make({"nprobes": 8})


def test_a_kind_that_is_not_there():
    with pytest.raises(BadSettingError, match=r"E600.*'kind' must be in.*'flat', 'hnsw', 'ivfpq'"):
        make({"kind": "ivf"})


def test_an_option_of_another_kind_is_not_ignored():
    with pytest.raises(BadSettingError) as caught:
        make({"nprobe": 8})
    assert str(caught.value) == (
        "E600: faiss: nprobe is an option of kind=ivfpq, and the kind is flat. "
        "Choose it, too: --index-option kind=ivfpq"
    )


def test_pieces_that_do_not_divide_the_vectors():
    with pytest.raises(BadSettingError) as caught:
        make({"kind": "ivfpq", "pq_m": 5})
    assert str(caught.value) == (
        "E600: faiss cannot cut vectors of 16 numbers into 5 equal pieces. Set pq_m to one of 1, 2, 4, 8, 16."
    )


def test_vectors_of_an_odd_length():
    index = make({"kind": "ivfpq", "pq_bits": 4}, dim=13)
    index.build(photos(ENOUGH, 13))
    assert len(index) == ENOUGH


# --- files


@maps_are_shown
def test_a_loaded_index_stays_on_disk_until_it_is_changed(options, saved):
    index = make(options)
    index.load(saved)
    assert str(saved) in Path("/proc/self/maps").read_text()
    index.add(photos(1))
    assert len(index) == ENOUGH + 1
    assert str(saved) not in Path("/proc/self/maps").read_text()


@maps_are_shown
@pytest.mark.parametrize("kind", KINDS)
def test_loading_takes_next_to_no_memory_of_its_own(kind, tmp_path):
    index = make(KINDS[kind], dim=1024)
    index.build(photos(20_000 if kind == "flat" else 3_000, 1024))
    path = tmp_path / "A.index"
    index.save(path)
    code = (
        "import re, sys; from pathlib import Path; from lens_core import plugins\n"
        f"index = plugins.make('index', 'faiss', {KINDS[kind]!r}, dim=1024)\n"
        "own = lambda: int(re.search(r'RssAnon:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "before = own(); index.load(Path(sys.argv[1])); print(own() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < path.stat().st_size / 2


def test_saving_over_the_file_that_is_open(options, saved):
    index = make(options)
    index.load(saved)
    expected = index.search(photos(5), 3)[1].tolist()
    index.save(saved)
    index.load(saved)
    assert index.search(photos(5), 3)[1].tolist() == expected


def test_an_empty_index_is_saved_and_loaded(options, tmp_path):
    index = make(options)
    index.save(tmp_path / "empty.index")
    index.load(tmp_path / "empty.index")
    index.add(photos(2))
    assert len(index) == 2


def test_the_file_is_one_that_faiss_opens(options, saved):
    assert faiss.read_index(str(saved)).ntotal == ENOUGH


def test_after_a_failed_load_the_index_still_answers(options, saved):
    index = make(options)
    index.load(saved)
    broken = saved.with_name("broken.index")
    broken.write_bytes(b"")
    with pytest.raises(ModelLoadError, match=r"broken\.index is empty"):
        index.load(broken)
    assert len(index) == len(index.search(photos(3), ENOUGH)[1][0]) == ENOUGH


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.99])
def test_a_file_cut_short(options, saved, kept):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ModelLoadError, match=r"E200.*전시실 A\.index is not a FAISS index"):
        make(options).load(saved)


def test_a_file_that_is_no_index(tmp_path):
    (tmp_path / "x.index").write_bytes(b"something else")
    with pytest.raises(ModelLoadError, match=r"E200.*x\.index is not a FAISS index"):
        make({}).load(tmp_path / "x.index")


@pytest.mark.parametrize("other", KINDS)
def test_an_index_of_another_kind(options, saved, other):
    if other == options["kind"]:
        make(KINDS[other]).load(saved)
    else:
        with pytest.raises(ModelLoadError, match=rf"holds another kind of FAISS index \(.*\), not {other}\."):
            make(KINDS[other]).load(saved)


def test_an_index_that_compares_otherwise(tmp_path):
    faiss.write_index(faiss.IndexFlatL2(DIM), str(tmp_path / "x.index"))
    with pytest.raises(ModelLoadError, match=r"another kind of FAISS index \(IndexFlatL2\)"):
        make({}).load(tmp_path / "x.index")


def test_no_such_file(tmp_path):
    with pytest.raises(ModelLoadError, match=r"E200.*none\.index cannot be read: No such file"):
        make({}).load(tmp_path / "none.index")


def test_an_index_of_another_model(options, saved):
    index = make(options, dim=32)
    with pytest.raises(WrongGalleryError, match="holds vectors of 16 numbers, but this model makes 32"):
        index.load(saved)


def test_a_folder_that_cannot_be_made(saved):
    with pytest.raises(CannotWriteError, match=r"E700.*B\.index cannot be written"):
        built({}).save(saved / "B.index")


def test_a_failed_save_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CannotWriteError, match="No space left on device"):
        built({}, 5).save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


# --- mistakes of calling code


@pytest.mark.parametrize("k", [0, 6])
def test_more_neighbours_than_vectors(k):
    with pytest.raises(BrokenPluginError, match=f"k is {k}; it must be between 1 and the 5 vectors"):
        built({}, 5).search(photos(1), k)


@pytest.mark.parametrize("row", [-1, 5])
def test_removing_a_row_that_is_not_there(row):
    index = built({}, 5)
    with pytest.raises(BrokenPluginError, match=re.escape(f"rows {sorted([0, row])} are not all among")):
        index.remove(np.array([0, row], np.int64))
    assert len(index) == 5


def test_importing_the_plugin_does_not_import_faiss():
    code = "import sys, ai_lens_faiss; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
