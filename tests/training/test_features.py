"""The cache of features: trusted only as far as it is right."""

import shutil

import attrs
import numpy as np
import pytest

from lens_core.errors import PhotoUnreadableError
from lens_core.settings import Augment
from lens_core.training import features as module
from lens_core.training.features import compute
from lens_core.training.network import LensNet, make_backbone


@pytest.fixture(scope="module")
def net(tiny_settings):
    return LensNet(make_backbone(tiny_settings), 8, 2).eval()


@pytest.fixture
def photos(draw, tmp_path, monkeypatch):
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "cache"))
    paths = [tmp_path / f"{number}.jpg" for number in range(4)]
    for number, path in enumerate(paths):
        draw("disc", "crimson", number).save(path)
    return paths


def features(paths, net, **more):
    """The features and how many of them were known before."""
    seen = []
    found = compute(paths, net, augment=Augment(), views=2, progress=lambda *now: seen.append(now), **more)
    return found.values, seen[0][0]


def test_features_are_computed_once(photos, net):
    first, known = features(photos, net)
    assert (first.shape[:2], known) == ((4, 3), 0)
    again, known = features(photos, net)
    assert known == 4
    np.testing.assert_array_equal(first, again)


def test_other_software_looks_again(photos, net, monkeypatch):
    features(photos, net)
    monkeypatch.setattr(module, "environment", lambda: {"packages": {"torch": "9"}})
    assert features(photos, net)[1] == 0


def test_a_photo_is_known_by_its_content_not_its_name(photos, net, tmp_path):
    first, _ = features(photos[:1], net)
    moved = shutil.copy(photos[0], tmp_path / "elsewhere.jpg")
    again, known = features([tmp_path / moved], net)
    assert known == 1
    np.testing.assert_array_equal(first, again)


def test_a_photo_that_changed_is_looked_at_again(photos, net, draw):
    first, _ = features(photos, net)
    draw("box", "gold", 9).save(photos[2])
    again, known = features(photos, net)
    assert known == 3
    assert not np.array_equal(first[2], again[2])
    np.testing.assert_array_equal(first[[0, 1, 3]], again[[0, 1, 3]])


def test_another_network_shares_nothing(photos, net, tiny_settings):
    features(photos, net)
    other = LensNet(make_backbone(attrs.evolve(tiny_settings, weights=None, pretrained=False)), 8, 2).eval()
    assert features(photos, other)[1] == 0


@pytest.mark.parametrize("spoil", [b"", b"nonsense", None])
def test_a_damaged_entry_is_computed_again(photos, net, tmp_path, spoil):
    first, _ = features(photos, net)
    entry = next(path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    entry.write_bytes(entry.read_bytes()[:-8] if spoil is None else spoil)
    again, known = features(photos, net)
    assert known == 3
    np.testing.assert_array_equal(first, again)


def test_copies_are_looked_at_once_and_all_counted(photos, net, tmp_path):
    shutil.copy(photos[0], tmp_path / "copy.jpg")
    values, _ = features([*photos, tmp_path / "copy.jpg"], net)
    assert len(values) == 5
    np.testing.assert_array_equal(values[0], values[4])


def test_a_photo_that_cannot_be_read_is_named(photos, net):
    photos[1].write_bytes(b"")
    with pytest.raises(PhotoUnreadableError, match=photos[1].name):
        features(photos, net)
    photos[1].unlink()
    with pytest.raises(PhotoUnreadableError, match=photos[1].name):
        features(photos, net)
