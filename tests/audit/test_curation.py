"""``validate-data --suggest``: what is proposed for known faults, and that training follows it."""

import json
import unicodedata

import attrs
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from ai_lens_helper import Lens
from lens_core.audit.audit import audit, check_counts
from lens_core.audit.curation import suggest, write_suggestion
from lens_core.errors import PHOTOS_HAVE_WARNINGS, BadSettingError, CannotWriteError, TooFewPhotosError
from lens_core.photos.curated import scan_curated
from lens_core.photos.layout import scan
from lens_core.settings import Curation, Removal, Settings, resolve
from lens_core.training.train import train

MEIPING, MELON = "도자실/청자 상감 매병", "도자실/청자 참외모양 병"
CROWN, MIRROR = "금속실/금관", "금속실/청동 거울"


def proposed(small, **changes):
    settings = attrs.evolve(Settings(min_images=4), **changes)
    dataset = scan(small)
    return suggest(audit(dataset, settings.min_images), dataset, settings)


def removed(small, **changes):
    return {entry.photo: entry.reason for entry in proposed(small, **changes).settings.curation.remove}


def retaken(small, **changes):
    """(how, reason) of every entry, by what it is about."""
    found = {}
    for entry in proposed(small, **changes).settings.curation.retake:
        found.setdefault(entry.what, []).append((entry.how, entry.reason))
    return found


def recompress(photo, to, quality=60):
    Image.open(photo).save(to, quality=quality)


# --- what to remove


def test_of_clean_photos_none_is_removed(small):
    assert removed(small) == {}


def test_of_two_copies_the_larger_stays(small):
    photo = Image.open(small / CROWN / "photo_01.jpg")
    photo.resize((photo.width // 2, photo.height // 2)).save(small / CROWN / "a_small.jpg")
    reason = f"the same shot as {CROWN}/photo_01.jpg, which is no smaller"
    assert removed(small) == {f"{CROWN}/a_small.jpg": reason}


def test_of_many_copies_one_stays(small):
    for number in range(3):
        recompress(small / CROWN / "photo_01.jpg", small / CROWN / f"again_{number}.jpg", 50 - number)
    assert sorted(removed(small)) == [f"{CROWN}/again_{number}.jpg" for number in range(3)]


def test_copies_stay_where_an_item_has_too_few_photos_and_new_ones_are_asked_for(small):
    recompress(small / CROWN / "photo_01.jpg", small / CROWN / "again.jpg")
    assert removed(small, min_images=9) == {}
    how = [how for how, reason in retaken(small, min_images=9)[CROWN] if "are one shot" in reason]
    assert how == ["replace the copies (1), which stay only because there are so few photos"]


def test_a_photo_that_cannot_be_read_is_removed_and_replaced(small):
    whole = (small / CROWN / "photo_01.jpg").read_bytes()
    (small / CROWN / "photo_01.jpg").write_bytes(whole[: len(whole) // 2])
    assert list(removed(small, min_images=8)) == [f"{CROWN}/photo_01.jpg"]
    ((how, reason),) = [entry for entry in retaken(small, min_images=8)[CROWN] if "least" in entry[1]]
    assert how.startswith("add at least 1: walk around it")
    assert reason == "7 usable photos; 8 are the least"


def test_an_item_of_which_no_photo_can_be_read_is_not_emptied(small):
    for photo in (small / CROWN).iterdir():
        photo.write_bytes(b"")
    assert len(removed(small)) == 7


def test_a_photo_in_the_wrong_folder_is_removed_there(small):
    recompress(small / MIRROR / "photo_03.jpg", small / MEIPING / "zz.jpg")
    reason = f"the same shot as {MIRROR}/photo_03.jpg, and it looks more like that item"
    assert removed(small) == {f"{MEIPING}/zz.jpg": reason}


def test_mirror_images_of_two_items_are_left_to_the_curator_and_flipping_is_switched_off(small):
    ImageOps.mirror(Image.open(small / CROWN / "photo_01.jpg")).save(small / MIRROR / "zz.jpg")
    suggestion = proposed(small)
    assert suggestion.settings.curation.remove == []
    ((how, _),) = [entry for what, entry in _pairs(suggestion) if what == f"{CROWN}/photo_01.jpg"]
    assert how.startswith("decide which item it shows")
    assert suggestion.settings.augment.horizontal_flip is False
    assert "mirror image" in suggestion.reasons["augment.horizontal_flip"]


def _pairs(suggestion):
    return [(entry.what, (entry.how, entry.reason)) for entry in suggestion.settings.curation.retake]


def test_a_hopelessly_blurred_photo_goes_where_enough_are_left_and_is_taken_again_where_not(small):
    photo = small / CROWN / "photo_01.jpg"
    Image.open(photo).filter(ImageFilter.GaussianBlur(10)).save(photo, quality=95)
    assert removed(small)[f"{CROWN}/photo_01.jpg"].startswith("blur: ")
    assert removed(small, min_images=8) == {}
    hows = [how for how, _ in retaken(small, min_images=8)[f"{CROWN}/photo_01.jpg"]]
    assert any("tap the exhibit to focus" in how for how in hows)


# --- how to train


def test_an_item_with_a_third_of_the_photos_of_another_is_shown_as_often(small):
    for number in range(3, 9):
        (small / CROWN / f"photo_0{number}.jpg").unlink()
    suggestion = proposed(small, min_images=2)
    assert suggestion.settings.balance == "items"
    assert f"{CROWN} has 2" in suggestion.reasons["balance"]


def test_photos_in_one_light_get_stronger_changes_of_light(small):
    for photo in small.rglob("*.jpg"):
        pixels = Image.open(photo).convert("RGB")
        mean = sum(pixels.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))) / 3
        pixels.point(lambda value, gain=110 / mean: min(255, value * gain)).save(photo)
    suggestion = proposed(small)
    assert suggestion.settings.augment.color_jitter == 0.4
    assert "which is little" in suggestion.reasons["augment.color_jitter"]
    assert proposed(small, augment=attrs.evolve(Settings().augment, color_jitter=0.6)).settings.augment == (
        attrs.evolve(suggestion.settings.augment, color_jitter=0.6)
    )


def test_photos_full_of_mirrored_lamps_are_answered_by_advice_and_by_changed_views(small):
    for photo in [*(small / CROWN).iterdir(), *(small / MIRROR).iterdir()]:
        _mirror_a_lamp(photo)
    suggestion = proposed(small)
    assert suggestion.settings.augment.glare is True
    asked = dict(_pairs(suggestion))["금속실"]
    assert "polarising filter" in asked[0]
    assert "of its 16 photos" in asked[1]


def _mirror_a_lamp(path):
    photo = Image.open(path).convert("RGB").point(lambda value: value * 0.6)
    light = Image.new("L", photo.size)
    x, y, r = photo.width * 0.5, photo.height * 0.4, photo.width * 0.035
    ImageDraw.Draw(light).ellipse([x - r, y - r, x + r, y + r], fill=255)
    photo.paste("white", mask=light.filter(ImageFilter.GaussianBlur(r / 5)))
    photo.save(path, quality=95)


# --- the file


@pytest.fixture
def faulty(small):
    """A museum with a copy, a misfiled photo and a truncated file."""
    recompress(small / CROWN / "photo_02.jpg", small / CROWN / "나중에.jpg")
    recompress(small / MIRROR / "photo_03.jpg", small / MEIPING / "zz.jpg")
    whole = (small / MELON / "photo_01.jpg").read_bytes()
    (small / MELON / "photo_01.jpg").write_bytes(whole[: len(whole) // 2])
    return small


FAULTS = {f"{CROWN}/나중에.jpg", f"{MEIPING}/zz.jpg", f"{MELON}/photo_01.jpg"}


@pytest.fixture
def file(faulty, tmp_path, tiny_settings):
    """What is suggested for it, written."""
    settings = attrs.evolve(tiny_settings, min_images=4, lr=1e-5)
    path = tmp_path / "curation.yaml"
    dataset = scan(faulty)
    write_suggestion(audit(dataset, 4), dataset, settings, path)
    return path


def test_the_file_says_the_same_when_it_is_read_back(file, faulty, tiny_settings):
    dataset, settings = scan(faulty), attrs.evolve(tiny_settings, min_images=4, lr=1e-5)
    assert resolve(file, environ={}).settings == suggest(audit(dataset, 4), dataset, settings).settings


def test_every_setting_in_the_file_has_its_reason_above_it(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    keys = [line.split(":")[0].strip() for line in lines if line.endswith((":", "[]"))]
    assert keys[-4:] == ["curation", "remove", "retake", "augment"]
    for key in (*attrs.asdict(Settings().augment), "balance"):
        (row,) = [row for row, line in enumerate(lines) if line.strip().startswith(f"{key}:")]
        assert lines[row - 1].strip().startswith("# ")


def test_training_with_the_file_leaves_out_what_is_removed_and_the_model_answers(file, faulty, tmp_path):
    settings = resolve(file, environ={}).settings
    assert {entry.photo for entry in settings.curation.remove} == FAULTS
    dataset = scan_curated(faulty, settings.curation)
    run = train(settings, dataset, tmp_path / "run")
    used = json.loads((tmp_path / "run" / "photos.sha256.json").read_text(encoding="utf-8"))
    assert len(used) == 31
    assert not FAULTS & used.keys()
    asked = Lens(run.checkpoint).infer("금속실", faulty / CROWN / "photo_04.jpg", reject_threshold=0.5)
    assert {prediction.item for prediction in asked.predictions} == {"금관", "청동 거울"}


def test_what_was_removed_is_no_longer_found_and_stays_in_the_next_suggestion(file, faulty):
    settings = resolve(file, environ={}).settings
    dataset = scan_curated(faulty, settings.curation)
    found = audit(dataset, 4)
    assert found.unreadable == ()
    assert [remark for remark in found.remarks if remark.check in ("copy", "contradiction")] == []
    assert suggest(found, dataset, settings).settings.curation.remove == settings.curation.remove


def test_the_file_may_be_edited_by_hand(file, faulty):
    text = file.read_text(encoding="utf-8").replace("horizontal_flip: true", "horizontal_flip: false")
    head, _, rest = text.partition("  remove:\n")
    _, _, rest = rest.partition("  retake:")
    by_hand = f"  remove:\n    - photo: {unicodedata.normalize('NFD', MELON)}/photo_01.jpg\n  retake:"
    file.write_text(head + by_hand + rest, encoding="utf-8")
    settings = resolve(file, environ={}).settings
    assert settings.augment.horizontal_flip is False
    left = {photo.path for photo in scan_curated(faulty, settings.curation).photos}
    assert {photo.path for photo in scan(faulty).photos} - left == {faulty / MELON / "photo_01.jpg"}


def test_names_with_signs_that_mean_something_in_yaml_come_back(small, tmp_path):
    odd = small / "금속실" / "- 'a' [b] # c 🏺"
    (small / CROWN).rename(odd)
    recompress(odd / "photo_02.jpg", odd / "{x}: y, *z.jpg")
    dataset, settings = scan(small), Settings(min_images=4)
    write_suggestion(audit(dataset, 4), dataset, settings, tmp_path / "c.yaml")
    (entry,) = resolve(tmp_path / "c.yaml", environ={}).settings.curation.remove
    assert entry.photo == f"금속실/{odd.name}/{{x}}: y, *z.jpg"
    assert len(scan_curated(small, Curation([entry])).photos) == 32


def test_no_personal_path_is_written_when_none_may_be(small, tmp_path):
    settings = Settings(strip_pii=True, weights="/home/kim/tiny.safetensors", min_images=4)
    dataset = scan(small)
    write_suggestion(audit(dataset, 4), dataset, settings, tmp_path / "c.yaml")
    assert resolve(tmp_path / "c.yaml", environ={}).settings.weights == "tiny.safetensors"


def test_a_file_that_cannot_be_written_is_e700(small, tmp_path):
    dataset = scan(small)
    with pytest.raises(CannotWriteError):
        write_suggestion(audit(dataset, 4), dataset, Settings(), tmp_path)


# --- what is left


def removing(*photos):
    return Curation([Removal(photo) for photo in photos])


def test_a_removed_photo_that_is_not_there_is_named(small):
    with pytest.raises(BadSettingError) as refused:
        scan_curated(small, removing(f"{CROWN}/photo_99.jpg"))
    assert str(refused.value) == (
        f"E600: curation.remove: {small} has no photo {CROWN}/photo_99.jpg. "
        "Write place/item/file as it lies in the data folder, or take the entry out."
    )


def test_removals_of_places_that_are_not_asked_for_do_not_matter(small):
    left = scan_curated(small, removing(f"{CROWN}/photo_01.jpg", f"{MELON}/photo_01.jpg"), ["도자실"])
    assert len(left.photos) == 15


def test_an_item_cannot_be_removed_photo_by_photo(small):
    all_of_it = removing(*(f"{CROWN}/photo_0{number}.jpg" for number in range(1, 9)))
    with pytest.raises(BadSettingError, match=f"no photo of {CROWN} would be left"):
        scan_curated(small, all_of_it)


def test_the_least_number_of_photos_counts_what_is_left(small):
    left = scan_curated(small, removing(f"{CROWN}/photo_01.jpg"))
    with pytest.raises(TooFewPhotosError, match=rf"Fewer than 8 photos: {CROWN} \(7\)"):
        check_counts(left, 8)


def test_metadata_of_a_removed_photo_is_no_mistake(small):
    said = {"places": {"금속실": {"items": {"금관": {"photos": {"photo_01.jpg": {"device": "a phone"}}}}}}}
    (small / "metadata.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    found = audit(scan_curated(small, removing(f"{CROWN}/photo_01.jpg")), 1)
    assert [remark for remark in found.remarks if remark.check == "metadata"] == []


# --- on the command line


@pytest.fixture
def config(tmp_path, random_weights):
    """``config(photo, ...)``: a settings file that removes these photos and trains in a second."""

    def write(*photos):
        path = tmp_path / "ours.yaml"
        lines = [f"    - photo: {photo}" for photo in photos]
        usual = f"weights: {random_weights}\nbackbone: timm:test_resnet\nimg_size: 64\nembedding_dim: 8\n"
        rest = "loss: ce\nepochs: 2\nmin_images: 7\nbalance: items\nexport: {onnx: false}\n"
        path.write_text("\n".join(["curation:", "  remove:", *lines, usual + rest]), encoding="utf-8")
        return path

    return write


def used_by(run):
    return json.loads((run / "photos.sha256.json").read_text(encoding="utf-8")).keys()


def test_every_command_that_reads_the_photos_leaves_the_removed_ones_alone(ai_lens, config, small, tmp_path):
    (small / CROWN / "photo_01.jpg").write_bytes(b"no photo")
    front = ("--config", config(f"{CROWN}/photo_01.jpg"), "--data-root", small)
    run = tmp_path / "run"
    assert ai_lens(*front, "validate-data").status in (0, PHOTOS_HAVE_WARNINGS)
    assert ai_lens(*front, "train", "--save-dir", run).status == 0
    assert len(used_by(run)) == 31
    whole = tmp_path / "whole"
    assert ai_lens(*front, "--save-dir", whole).status == 0
    assert used_by(whole) == used_by(run)
    index = ("build-index", "--model", run / "best.ckpt", "--place", "금속실", "--save", tmp_path / "a.index")
    done = ai_lens(*front, *index)
    assert (done.status, "15 vectors of 2 items" in done.err) == (0, True)


def test_a_removed_photo_that_is_not_there_stops_training_at_once(ai_lens, config, small, tmp_path):
    done = ai_lens(
        "--config", config("금속실/x.jpg"), "train", "--data-root", small, "--save-dir", tmp_path / "r"
    )
    assert done.status == 2
    assert "curation.remove" in done.err
    assert "has no photo 금속실/x.jpg" in done.err


def test_a_resumed_run_leaves_out_what_it_left_out_before(ai_lens, config, small, tmp_path, monkeypatch):
    from lens_core.training import train as module

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    run, removed_photo = tmp_path / "run", f"{CROWN}/photo_01.jpg"
    with monkeypatch.context() as patch:
        patch.setattr(module, "learn", interrupt)
        front = ("--config", config(removed_photo), "train", "--data-root", small, "--save-dir", run)
        assert ai_lens(*front).status == 130
    assert ai_lens("train", "--resume", run).status == 0
    assert removed_photo not in used_by(run)
