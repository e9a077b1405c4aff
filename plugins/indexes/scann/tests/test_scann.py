"""What is particular to ScaNN: short codes and partitions, a folder in one file, no TensorFlow."""

import json
import subprocess
import sys

import numpy as np
import pytest

from lens_core import plugins
from lens_core.artifacts import container
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    CannotDoError,
    DamagedArtifactError,
    ModelLoadError,
    NotInstalledError,
    WrongGalleryError,
)

pytest.importorskip("scann", reason="ScaNN is published for Linux only")


def random_vectors(count, dim, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def clustered_vectors(count, dim, seed=0):
    centres = random_vectors(600, dim)
    members = centres[np.arange(count) % len(centres)] + 0.4 * random_vectors(count, dim, seed + 1)
    return members / np.linalg.norm(members, axis=1, keepdims=True)


def built(vectors, **options):
    index = plugins.make("index", "scann", options, dim=vectors.shape[1])
    index.build(vectors)
    return index


def share_found(rows, nearest):
    return np.mean(
        [len(set(a) & set(b)) / len(b) for a, b in zip(rows.tolist(), nearest.tolist(), strict=True)]
    )


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "전시실 A.index"
    built(random_vectors(5, 8)).save(path)
    return path


@pytest.fixture(scope="module")
def many():
    """(6,000 vectors, questions, their 10 nearest): enough for codes and partitions."""
    vectors, queries = clustered_vectors(6000, 32), clustered_vectors(100, 32, seed=1)
    return vectors, queries, np.argsort(1 - queries @ vectors.T, axis=1)[:, :10]


def test_short_codes_find_the_nearest_with_true_distances(many, tmp_path):
    vectors, queries, nearest = many
    index = built(vectors)
    distances, rows = index.search(queries, 10)
    assert share_found(rows, nearest) > 0.95
    true = 1 - np.einsum("qkd,qd->qk", vectors[rows], queries)
    np.testing.assert_allclose(distances, true, atol=1e-5)
    index.save(tmp_path / "A")
    assert "hashed_dataset.npy" in container.read(tmp_path / "A")


def test_fewer_candidates_compared_in_full_find_less(many):
    vectors, queries, nearest = many
    shares = [share_found(built(vectors, reorder=n).search(queries, 10)[1], nearest) for n in (1, 200)]
    assert shares[0] < shares[1]


def test_partitions_survive_saving_and_what_is_not_found_is_minus_one(many, tmp_path):
    vectors, queries, nearest = many
    index = built(vectors, leaves=60, leaves_to_search=20)
    index.save(tmp_path / "A")
    assert "serialized_partitioner.pb" in container.read(tmp_path / "A")
    index.load(tmp_path / "A")
    assert share_found(index.search(queries, 10)[1], nearest) > 0.9
    distances, rows = index.search(queries[:3], 6000)
    assert (rows[:, -1] == -1).all()
    assert (distances[rows == -1] == 2).all()
    assert (rows[rows >= 0] < 6000).all()
    assert len(set(rows[0][rows[0] >= 0].tolist())) == (rows[0] >= 0).sum()


def test_more_partitions_than_can_be_filled(many):
    vectors, queries, nearest = many
    assert share_found(built(vectors, leaves=100_000).search(queries, 10)[1], nearest) > 0.5


def test_partitions_of_a_small_gallery_do_not_matter():
    vectors = random_vectors(7, 8)
    index = built(vectors, leaves=100, leaves_to_search=1)
    assert index.search(vectors, 7)[1].min() == 0


def test_an_empty_index_is_saved_and_loaded(tmp_path):
    index = built(random_vectors(0, 8))
    index.save(tmp_path / "empty.index")
    index.load(tmp_path / "empty.index")
    assert len(index) == 0


def test_no_questions_no_answers():
    distances, rows = built(random_vectors(5, 8)).search(random_vectors(0, 8), 3)
    assert distances.shape == rows.shape == (0, 3)


def test_it_says_why_it_cannot_be_changed_and_what_to_do_instead():
    index = built(random_vectors(5, 8))
    with pytest.raises(CannotDoError, match=r"E460: .*cannot add vectors to it.*`ai-lens build-index`"):
        index.add(random_vectors(1, 8))
    with pytest.raises(
        CannotDoError, match=r"cannot remove vectors from it.*--index usearch, faiss or exact"
    ):
        index.remove(np.array([0], np.int64))
    assert len(index) == 5


@pytest.mark.parametrize("position", [0, 100, -1])
def test_one_changed_byte_is_damage(saved, position):
    content = bytearray(saved.read_bytes())
    content[position] ^= 1
    saved.write_bytes(content)
    with pytest.raises(DamagedArtifactError, match=r"전시실 A.index is damaged"):
        plugins.make("index", "scann", {}, dim=8).load(saved)


def test_an_index_of_another_model(saved):
    with pytest.raises(WrongGalleryError, match="holds vectors of 8 numbers, but this model makes 16"):
        plugins.make("index", "scann", {}, dim=16).load(saved)


@pytest.mark.parametrize(
    "change",
    [
        {"../outside.npy": b""},
        {"/outside.npy": b""},
        {"scann_docids.pkl": b"\x80\x04K\x01."},
        {"scann_assets.pbtxt": b'assets { asset_type: DATASET_NPY asset_path: "/etc/passwd" }'},
        {"scann_assets.pbtxt": b'assets { asset_type: DATASET_NPY asset_path: "other.npy" }'},
        {"scann_assets.pbtxt": b"assets {\n  asset_type: DATASET_NPY\n  asset_path: '/etc/passwd'\n}\n"},
        {"scann_assets.pbtxt": b"not what ScaNN writes"},
        {"index.json": b"{}"},
        {"index.json": json.dumps({"dim": 8, "vectors": 6}).encode()},
    ],
    ids=[
        "outside",
        "absolute",
        "pickle",
        "asset outside",
        "asset missing",
        "asset quoted",
        "no text",
        "no size",
        "count",
    ],
)
def test_a_sealed_file_that_ai_lens_would_not_write(saved, change):
    container.write(saved, {**container.read(saved), **change})
    with pytest.raises(ModelLoadError):
        plugins.make("index", "scann", {}, dim=8).load(saved)
    assert not (saved.parent.parent / "outside.npy").exists()


def test_tensorflow_is_left_alone(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from lens_core import plugins; "
    code += "plugins.make('index', 'scann', {}, dim=8); print('made'); import tensorflow"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    # Only by the import at the end, which shows that others still can.
    assert (done.stdout.strip(), done.stderr.strip()) == ("made", "TensorFlow was imported")


def test_a_machine_without_scann(monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == "scann"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "scann", None)
    with pytest.raises(
        NotInstalledError, match=r"E410: index 'scann' needs 'scann.*elsewhere use --index usearch"
    ):
        plugins.make("index", "scann", {}, dim=8)


def test_building_and_searching_print_nothing_to_stdout(many, capfd):
    vectors, queries, _ = many
    built(vectors, leaves=60).search(queries, 10)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("k", [0, 6])
def test_more_neighbours_than_vectors(k):
    with pytest.raises(BrokenPluginError, match=f"k is {k}; it must be between 1 and the 5 vectors"):
        built(random_vectors(5, 8)).search(random_vectors(1, 8), k)


@pytest.mark.parametrize("options", [{"leaves": 0}, {"reorder": 0}, {"leaves_to_search": "all"}])
def test_options_that_make_no_sense(options):
    with pytest.raises(BadSettingError, match="cannot use its options"):
        plugins.make("index", "scann", options, dim=8)
