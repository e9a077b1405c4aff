"""Changed views of training photos: repeatable, whole-sized, and really changed."""

import attrs
import numpy as np
import pytest

from lens_core.contracts import Preprocess
from lens_core.photos.decode import decode
from lens_core.photos.preprocess import prepare
from lens_core.settings import Augment
from lens_core.training.augment import random_view

PREPROCESS = Preprocess(64, (0.485, 0.456, 0.406), (0.2, 0.2, 0.2))
NOTHING = Augment(random_resized_crop=False, color_jitter=0.0, horizontal_flip=False, gaussian_blur=False)


@pytest.fixture
def photo(draw):
    return decode(draw("tent", "crimson", 3, (300, 200)))


def test_the_same_seed_is_the_same_view_and_another_seed_another(photo):
    one, same, other = (random_view(photo, PREPROCESS, Augment(), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_view_does_not_disturb_other_random_numbers(photo):
    import torch

    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    random_view(photo, PREPROCESS, Augment(), 5)
    torch.testing.assert_close(torch.rand(3), expected)


@pytest.mark.parametrize("seed", range(20))
def test_every_view_is_as_large_as_the_model_wants(photo, seed):
    view = random_view(photo, PREPROCESS, Augment(), seed)
    assert view.shape == (64, 64, 3)
    assert view.dtype == np.uint8


def test_with_everything_switched_off_most_views_are_the_photo_itself(photo):
    plain = prepare(photo, PREPROCESS)
    same = [np.array_equal(random_view(photo, PREPROCESS, NOTHING, seed), plain) for seed in range(20)]
    assert sum(same) >= 15  # now and then a view is grey


@pytest.mark.parametrize(
    "change", ["random_resized_crop", "horizontal_flip", "gaussian_blur", "glare", "perspective", "jpeg"]
)
def test_each_change_can_be_switched_on_alone(photo, change):
    plain = prepare(photo, PREPROCESS)
    only = attrs.evolve(NOTHING, **{change: True})
    views = [random_view(photo, PREPROCESS, only, seed) for seed in range(30)]
    off = [random_view(photo, PREPROCESS, NOTHING, seed) for seed in range(30)]
    assert sum(not np.array_equal(v, plain) for v in views) > sum(not np.array_equal(v, plain) for v in off)


def test_switching_flips_off_keeps_left_on_the_left(photo):
    """For exhibits with writing on them."""
    from PIL import Image

    half = Image.new("RGB", (200, 200), "black")
    half.paste("white", (0, 0, 100, 200))
    for seed in range(20):
        view = random_view(decode(half), PREPROCESS, NOTHING, seed).mean(axis=(0, 2))
        assert view[:20].mean() > view[-20:].mean()


def test_a_slanted_view_leaves_its_corners_to_the_padding(photo):
    """As the padding around the photo, it says nothing to the network."""
    slanted = attrs.evolve(NOTHING, perspective=True)
    padding = [round(255 * channel) for channel in PREPROCESS.mean]
    views = [prepare(photo, PREPROCESS)]
    views += [random_view(photo, PREPROCESS, slanted, seed) for seed in range(20)]
    plain, *padded = [float((view == padding).all(axis=2).mean()) for view in views]
    assert 5 <= sum(plain < share < plain + 0.3 for share in padded) <= 15


def test_mirrored_lamps_burn_out_small_spots_of_some_views(photo):
    shining = attrs.evolve(NOTHING, glare=True)
    views = [random_view(photo, PREPROCESS, shining, seed) for seed in range(40)]
    burnt = [float((view >= 250).all(axis=2).mean()) for view in views]
    assert 4 <= sum(share > 0 for share in burnt) <= 20
    assert max(burnt) < 0.15
