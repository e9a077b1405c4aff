"""Models are made without what they are asked about."""

import attrs
import numpy as np
import pytest

from lens_core.errors import LayoutError, NotEnoughPhotosError, ShowsExhibitError
from lens_core.evaluation.examined import Rule, cross_fitted
from lens_core.photos.layout import scan
from lens_core.photos.strays import StrayPhoto, find_strays
from lens_core.progress import silent
from lens_core.settings import Reject
from lens_core.training import proof
from lens_core.training.experiment import Subject, ask, examine
from lens_core.training.lesson import gather
from lens_core.training.recipes import fit_on_features
from lens_core.training.split import folds


@pytest.fixture(scope="module")
def subject(tiny_settings):
    return Subject.of_settings(tiny_settings)


@pytest.fixture(scope="module")
def lesson(museum, tiny_settings, subject):
    found, _ = gather(scan(museum), (), subject.net, tiny_settings, silent)
    return found


@pytest.fixture(scope="module")
def asking(museum, subject):
    return ask(subject, scan(museum), (), held_out=("A", "B"), stage=silent)


@pytest.fixture
def strays(tmp_path, draw):
    """``strays(5)``: photos that show none of the exhibits."""

    def make(count, first_seed=500):
        folder = tmp_path / "walls"
        folder.mkdir(exist_ok=True)
        for seed in range(first_seed, first_seed + count):
            draw("nothing", "white", seed).save(folder / f"{seed}.jpg")
        return [StrayPhoto(path, path.name) for path in sorted(folder.iterdir())]

    return make


def recording(fits):
    """The usual recipe, noting which rows each model learned from."""

    def recipe(lesson, rows, seed):
        fits.append(rows)
        return fit_on_features(lesson, rows, seed)

    return recipe


def test_every_photo_is_asked_once_of_a_model_that_did_not_learn_from_it(lesson):
    fits, splits = [], list(folds(lesson.labels, lesson.shots, 5, 42))
    parts = list(proof.held_out_photos(lesson, splits, recording(fits), lambda: None))
    asked = [photo for part in parts if part.questions.kind == "exhibit" for photo in part.questions.photos]
    assert sorted(asked) == sorted(lesson.photos)
    for rows, (train, held_out) in zip(fits, splits, strict=True):
        assert rows.tolist() == train.tolist()
        assert not set(lesson.shots[rows]) & set(lesson.shots[held_out])


def test_a_photo_is_unknown_in_every_place_but_its_own(lesson):
    splits = list(folds(lesson.labels, lesson.shots, 5, 42))
    parts = list(proof.held_out_photos(lesson, splits, fit_on_features, lambda: None))
    for part in parts:
        homes = {photo.partition("/")[0] for photo in part.questions.photos}
        assert (homes == {part.place}) == (part.questions.kind == "exhibit")
        assert (part.truth >= 0).all() == (part.questions.kind == "exhibit")


def test_an_item_treated_as_unknown_is_in_no_gallery_and_no_head(lesson):
    fits = []
    parts = list(proof.look_alikes(lesson, recording(fits), lambda: None))
    assert {photo for part in parts for photo in part.questions.photos} == set(lesson.photos)
    for part in parts:
        own = {photo.split("/")[1] for photo in part.questions.photos}
        assert not own & set(part.items)
    for rows in fits:
        assert len(np.unique(lesson.labels[rows])) < len(lesson.classes)


def test_a_place_that_is_held_out_is_not_learned_from(lesson):
    fits = []
    parts = list(proof.held_out_place(lesson, "B", 5, recording(fits), lambda: None))
    assert len(fits) == 1
    assert set(lesson.homes[fits[0]]) == {"A"}
    kinds = {part.questions.kind for part in parts}
    assert kinds == {"exhibit", "other_place", "look_alike"}
    asked = [photo for part in parts if part.questions.kind == "exhibit" for photo in part.questions.photos]
    assert sorted(asked) == sorted(lesson.photos[lesson.homes == "B"])
    assert all(part.place == "B" for part in parts)


def test_enrolled_photos_recognise_items_the_network_never_saw(asking):
    exhibits = [part for part in asking.visits["B"] if part.questions.kind == "exhibit"]
    right = np.concatenate([part.cosines.argmax(axis=1) == part.truth for part in exhibits])
    assert right.mean() > 0.8


def test_every_protocol_is_measured_with_every_place_and_item(museum, subject):
    found = examine(subject, scan(museum), (), stage=silent)
    assert [(one.name, one.place) for one in found.protocols] == [
        ("folds", ""), ("holdout", "A"), ("holdout", "B"),
    ]  # fmt: skip
    main = found.protocols[0]
    assert set(main.places) == {"A", "B"}
    assert [(item.place, item.item, item.photos) for item in main.items] == [
        (place, item, 10) for place, item in scan(museum).items
    ]
    table = main.answers.judged
    for item in main.items:
        rows = table.exhibits & (table.place == item.place) & (table.item == item.item)
        assert item.recall == pytest.approx(table.best_right[rows].mean(), abs=1e-4)
        assert item.recall_low <= item.recall <= item.recall_high


def test_the_mean_average_precision_is_that_of_the_ranked_gallery(lesson):
    train, held_out = next(folds(lesson.labels, lesson.shots, 5, 42))
    fitted = fit_on_features(lesson, train, 0)
    parts = list(proof.held_out_photos(lesson, [(train, held_out)], fit_on_features, lambda: None))
    part = next(one for one in parts if one.questions.kind == "exhibit" and one.place == "A")
    fitted = fit_on_features(lesson, train, lesson.settings.seed)
    gallery = train[lesson.homes[train] == "A"]
    for row, photo in enumerate(part.questions.photos[:5]):
        query = int(np.flatnonzero(lesson.photos == photo)[0])
        order = np.argsort(-(fitted.embeddings[gallery] @ fitted.embeddings[query]), kind="stable")
        hits = (lesson.items[gallery] == lesson.items[query])[order]
        ranks = np.flatnonzero(hits) + 1
        assert part.average_precision[row] == pytest.approx(
            np.mean(np.arange(1, len(ranks) + 1) / ranks), abs=1e-3
        )


def test_an_answer_does_not_depend_on_its_own_photo_having_tuned_the_rule(asking):
    """Turn one photo's evidence upside down: other shots' rule may change, its own part's may not."""
    asked, reject = list(asking.folded), Reject()
    shots = np.unique(np.concatenate([part.questions.shots for part in asked]))
    shot = shots[0]

    def spoil(part):
        flipped = part.cosines.copy()
        flipped[part.questions.shots == shot] *= -1
        return attrs.evolve(part, cosines=flipped)

    before, after = cross_fitted(asked, reject, 42), cross_fitted([spoil(part) for part in asked], reject, 42)
    # Same order in both; questions of the same part as the spoilt shot were judged by the same rule.
    same_rule = np.isclose(before.judged.p_top1, after.judged.p_top1)
    part_of = np.random.default_rng(42).permutation(len(shots)) % 5
    own_part = {int(one) for one, part in zip(shots, part_of, strict=True) if part == part_of[0]} - {
        int(shot)
    }
    rows = np.isin(before.judged.shot, sorted(own_part))
    assert rows.any()
    assert same_rule[rows].all()


def test_where_nothing_can_be_set_aside_no_answers_are_cross_fitted(asking):
    few = [part.only(np.arange(len(part.truth)) == 0) for part in asking.folded[:2]]
    assert cross_fitted(few, Reject(), 42) is None


def test_a_rule_set_by_hand_is_kept(asking):
    rule = Rule.tuned_on(asking.folded, Reject(threshold=0.7, min_top1_margin=0.1, tune=False))
    assert (rule.thresholds.threshold, rule.thresholds.min_top1_margin) == (0.7, 0.1)


# --- photos to be refused


def test_an_exhibits_photo_among_them_is_named_and_left_out(museum, subject, strays, tmp_path):
    walls = strays(4)
    exhibit = museum / "A/ㄱ/img_003.jpg"
    (tmp_path / "walls" / "really ㄱ.jpg").write_bytes(exhibit.read_bytes())
    walls.append(StrayPhoto(tmp_path / "walls" / "really ㄱ.jpg", "walls/really ㄱ.jpg"))
    found = ask(subject, scan(museum), walls, stage=silent)
    assert len(found.lesson.strays.photos) == 4
    [warning] = found.lesson.warnings
    assert "E150: 1 of 5 photos that are to be refused show exhibits" in warning
    assert "walls/really ㄱ.jpg is A/ㄱ/img_003.jpg" in warning


def test_if_all_of_them_show_exhibits_nothing_is_measured(museum, subject):
    photo = StrayPhoto(museum / "A/ㄱ/img_003.jpg", "ood/x.jpg")
    with pytest.raises(ShowsExhibitError, match="1 of 1 photos"):
        ask(subject, scan(museum), [photo], stage=silent)


def test_untrained_exhibits_are_asked_in_their_own_place_and_walls_in_every_place(
    museum, subject, strays, build_museum, tmp_path
):
    build_museum(tmp_path / "others", {"A": {"화로": ("box", "white")}}, photos=3, first_seed=700)
    dataset = scan(museum)
    strays(4)
    found = find_strays(dataset, museum, tmp_path / "walls", tmp_path / "others")
    assert [(one.name, one.home) for one in found][-3:] == [
        (f"others/A/화로/img_{number:03}.jpg", "A") for number in range(3)
    ]
    asking = ask(subject, dataset, found, stage=silent)
    places = {
        kind: sorted(part.place for part in asking.folded if part.questions.kind == kind)
        for kind in ("untrained", "ood")
    }
    assert places == {"untrained": ["A"], "ood": ["A", "B"]}


def test_untrained_exhibits_must_be_of_a_known_place_and_unknown(museum, build_museum, tmp_path):
    build_museum(tmp_path / "elsewhere", {"Z": {"화로": ("box", "white")}}, photos=1)
    build_museum(tmp_path / "known", {"A": {"ㄱ": ("box", "white")}}, photos=1)
    with pytest.raises(LayoutError, match="has a place 'Z' that the data folder does not have"):
        find_strays(scan(museum), museum, None, tmp_path / "elsewhere")
    with pytest.raises(LayoutError, match=r"A/ㄱ in .* is an item of the data folder"):
        find_strays(scan(museum), museum, None, tmp_path / "known")


# --- too little to measure


def test_one_item_alone_cannot_be_measured(build_museum, subject, tmp_path):
    data = build_museum(tmp_path / "data", {"A": {"ㄱ": ("disc", "crimson")}})
    with pytest.raises(NotEnoughPhotosError, match="one item only"):
        examine(subject, scan(data), (), stage=silent)


def test_one_item_and_photos_that_show_none_can(build_museum, subject, strays, tmp_path):
    data = build_museum(tmp_path / "data", {"A": {"ㄱ": ("disc", "crimson")}})
    found = examine(subject, scan(data), strays(5), stage=silent)
    assert set(found.protocols[0].figures["unknown"]) == {"ood"}


def test_two_photos_of_an_item_are_each_asked_of_a_model_that_has_the_other(build_museum, subject, tmp_path):
    plan = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}}
    found = examine(subject, scan(build_museum(tmp_path / "data", plan, photos=2)), (), stage=silent)
    assert found.protocols[0].figures["photos"] == 4


def test_copies_of_one_shot_cannot_be_held_out(build_museum, subject, tmp_path):
    plan = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}}
    data = build_museum(tmp_path / "data", plan, photos=1)
    for item in ("ㄱ", "ㄴ"):
        original = data / "A" / item / "img_000.jpg"
        (data / "A" / item / "copy.jpg").write_bytes(original.read_bytes())
    with pytest.raises(NotEnoughPhotosError, match="one shot each, or copies of one"):
        examine(subject, scan(data), (), stage=silent)


def test_a_place_that_does_not_exist_cannot_be_held_out(museum, subject):
    with pytest.raises(LayoutError, match=r"no place 'Z' to hold out.*It has A, B"):
        examine(subject, scan(museum), (), places=["Z"], stage=silent)


def test_the_only_place_cannot_be_held_out(museum, subject):
    with pytest.raises(NotEnoughPhotosError, match="one place only"):
        examine(subject, scan(museum, ["A"]), (), places=["A"], stage=silent)


# --- fine-tuning


def test_a_network_that_is_fine_tuned_is_trained_anew_without_each_part(
    tiny_settings, build_museum, tmp_path
):
    plan = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("box", "navy")}}
    settings = attrs.evolve(tiny_settings, finetune="all", epochs=1, embedding_dim=8)
    titles = []

    def stage(title):
        titles.append(title)
        return lambda done, total: None

    data = scan(build_museum(tmp_path / "data", plan, photos=4))
    found = examine(Subject.of_settings(settings), data, (), fold_count=2, places=["B"], stage=stage)
    assert [one.name for one in found.protocols] == ["folds", "holdout"]
    # One of all photos, two folds, three items in turn, one place.
    assert titles.count("Fine-tuning") == 1 + 2 + 3 + 1


def test_heads_are_fitted_as_training_would_fit_them(tiny_settings, museum, monkeypatch):
    """``auto`` that ends frozen: the passes that were asked for are those of the heads."""
    monkeypatch.setattr("lens_core.training.cost.LONGEST", 0)
    undecided = attrs.evolve(tiny_settings, finetune="auto", epochs=3)
    decided = attrs.evolve(tiny_settings, finetune="none", epochs=3)
    fits = [
        ask(Subject.of_settings(settings), scan(museum), (), stage=silent).fitted.heads.directions
        for settings in (undecided, decided)
    ]
    np.testing.assert_array_equal(*fits)


def test_of_a_fine_tuned_model_only_photos_it_has_not_learned_from_are_asked(
    tiny_settings, build_museum, tmp_path
):
    from lens_core.training.train import train

    plan = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}}
    data = scan(build_museum(tmp_path / "data", plan, photos=5))
    settings = attrs.evolve(tiny_settings, finetune="all", epochs=1, embedding_dim=8)
    run = train(settings, data, tmp_path / "run")
    subject = Subject.of_checkpoint(run.checkpoint)
    asking = ask(subject, data, (), stage=silent)
    asked = {
        photo for part in asking.folded if part.questions.kind == "exhibit" for photo in part.questions.photos
    }
    unseen = {
        data.inside(photo)
        for photo, one in zip(data.photos, asking.hashes, strict=True)
        if one in subject.unseen
    }
    assert asked == unseen
    assert 2 <= len(unseen) <= 3
    with pytest.raises(NotEnoughPhotosError, match="one place only"):
        examine(subject, data, (), places=["A"], stage=silent)
