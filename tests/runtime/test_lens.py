"""One photo in, one answer out: the SDK on a really trained model."""

import json
import unicodedata
from pathlib import Path

import attrs
import numpy as np
import pytest
from PIL import Image, ImageFilter

from ai_lens_helper import Lens
from lens_core import plugins
from lens_core.artifacts.manifest import Thresholds
from lens_core.errors import (
    ArtifactError,
    BadSettingError,
    DataError,
    ModelLoadError,
    NoThresholdError,
    NotInstalledError,
    UnknownPlaceError,
)

ITEMS = [("A", "ㄱ"), ("A", "ㄴ"), ("A", "ㄷ"), ("B", "ㄱ"), ("B", "주전자"), ("B", "탑")]


@pytest.fixture(scope="module")
def lens(onnx_model):
    return Lens(onnx_model)


@pytest.fixture(scope="module")
def strict(rewrite):
    """Accepts nothing: what it says of a photo is always a retake."""
    return Lens(rewrite(thresholds=Thresholds(1.1, 0.0, -1.0)))


def numbers(result):
    return [*(prediction.score for prediction in result.predictions), result.distance]


# --- recognising


@pytest.mark.parametrize(("place", "item"), ITEMS)
def test_a_visitors_photo_of_an_exhibit_is_recognised(lens, visitor, place, item):
    results = [lens.infer(place, visitor(place, item, seed)) for seed in range(9000, 9004)]
    assert [result.predictions[0].item for result in results].count(item) >= 3


def test_exhibits_are_accepted_and_strangers_are_asked_again(lens, visitor):
    """The rule works on real numbers; how well is for the benchmarks."""
    seeds = range(9000, 9004)
    exhibits = [lens.infer(place, visitor(place, item, seed)) for place, item in ITEMS for seed in seeds]
    strangers = [
        lens.infer(place, visitor("C", item, seed))
        for place in "AB"
        for item in ("화로", "향로", "거울")
        for seed in seeds
    ]
    accepted, fooled = (np.mean([result.accepted for result in results]) for results in (exhibits, strangers))
    assert accepted > 0.6
    assert fooled < accepted / 2


def test_only_items_of_the_place_are_ever_named(lens, visitor):
    for place in "AB":
        result = lens.infer(place, visitor("A", "ㄴ"), topk=10)
        assert {prediction.item for prediction in result.predictions} == {i for p, i in ITEMS if p == place}


def test_a_reference_photo_is_at_no_distance_from_itself(lens, museum):
    assert lens.infer("A", museum / "A/ㄱ/img_000.jpg").distance == pytest.approx(0, abs=1e-3)


# --- inputs


def test_a_photo_is_the_same_photo_as_path_text_bytes_image_and_array(lens, visitor):
    path = visitor("A", "ㄴ")
    with Image.open(path) as image:
        sources = [path, str(path), path.read_bytes(), image, np.asarray(image)]
        results = [lens.infer(place="A", image_path=source) for source in sources]
    assert all(result == results[0] for result in results[1:])


def test_the_model_may_be_named_by_text_as_in_the_readme(onnx_model, visitor):
    result = Lens(model_path=str(onnx_model)).infer(
        place="A", image_path=str(visitor("A", "ㄱ")), reject_threshold=0.62
    )
    assert result.decision in ("accept", "recollect")


def test_a_place_may_be_spelt_as_a_mac_spells_it(rewrite, run, visitor):
    from lens_core.artifacts import container, gallery

    documents = container.read(run.checkpoint)
    stored = gallery.from_bytes(documents[gallery.NAME])
    renamed = {"A": "가야관", "B": "나전관"}
    labels = tuple((renamed[place], item) for place, item in stored.labels)
    classes = tuple((renamed[place], item) for place, item in run.manifest.classes)
    path = rewrite(classes=classes)
    documents = container.read(path) | {
        gallery.NAME: gallery.to_bytes(gallery.Gallery.of(stored.embeddings, labels))
    }
    container.write(path, documents)
    lens, photo = Lens(path), visitor("A", "ㄱ")
    nfd = unicodedata.normalize("NFD", "가야관")
    assert nfd != "가야관"
    assert lens.infer(nfd, photo) == lens.infer("가야관", photo)
    assert lens.infer(nfd, photo).place == "가야관"


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff\xe0 broken"])
def test_what_is_no_photo_is_a_data_error(lens, content):
    with pytest.raises(DataError):
        lens.infer("A", content)


# --- questions that cannot be answered


def test_an_unknown_place_is_answered_with_the_places_there_are(lens, visitor, onnx_model):
    with pytest.raises(UnknownPlaceError) as refused:
        lens.infer("C", visitor("A", "ㄱ"))
    assert str(refused.value) == (
        f"E320: There is no place 'C' in {onnx_model}; it has A, B. "
        "Use one of the places named above, or pass --index-file with a gallery of this place."
    )


def test_a_question_that_cannot_be_answered_is_refused_before_the_photo_is_opened(lens):
    with pytest.raises(UnknownPlaceError):
        lens.infer("C", "no such photo.jpg")


def test_a_model_without_thresholds_asks_for_one(rewrite, visitor):
    lens = Lens(rewrite(thresholds=None, operating_point=None))
    with pytest.raises(NoThresholdError, match=r"E310: .* Pass --reject-threshold"):
        lens.infer("A", visitor("A", "ㄱ"))
    result = lens.infer("A", visitor("A", "ㄱ"), reject_threshold=0.0)
    assert result.decision in ("accept", "recollect")


# --- the answer


def test_an_accepted_answer_has_the_fields_of_the_contract_in_order(rewrite, visitor):
    result = Lens(rewrite(thresholds=Thresholds(0.0, 0.0, -1.0))).infer("A", visitor("A", "ㄱ"))
    said = json.loads(result.to_json())
    assert list(said)[:5] == ["place", "predictions", "decision", "selected_item", "confidence"]
    assert {"reason", "distance", "model_version"} <= set(said)
    assert (said["decision"], said["reason"], said["place"]) == ("accept", "classifier", "A")
    assert list(said["predictions"][0]) == ["item", "score"]
    assert said["selected_item"] == said["predictions"][0]["item"]
    assert said["confidence"] == said["predictions"][0]["score"]
    assert not {"message", "hints"} & set(said)
    assert result.accepted


def test_a_retake_has_the_fields_of_the_contract_in_order(strict, visitor):
    result = strict.infer("A", visitor("A", "ㄱ"))
    said = json.loads(result.to_json())
    assert list(said)[:5] == ["place", "predictions", "decision", "message", "hints"]
    assert {"reason", "distance"} <= set(said)
    assert (said["decision"], said["reason"]) == ("recollect", "not_sure")
    assert said["message"] == "전시품이 아닐 가능성이 높습니다. 초점/구도/조명 개선 후 재촬영 해주세요."
    assert not {"selected_item", "confidence"} & set(said)
    assert (result.selected_item, result.confidence, result.accepted) == (None, None, False)


def test_korean_is_readable_in_the_json(strict, visitor):
    text = strict.infer("B", visitor("B", "주전자")).to_json()
    assert "주전자" in text
    assert "\\u" not in text
    assert "\n" not in text


def test_predictions_are_the_best_first_and_as_many_as_asked_for(lens, visitor):
    path = visitor("A", "ㄱ")
    scores = [prediction.score for prediction in lens.infer("A", path, topk=3).predictions]
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1 + 1e-6
    assert [len(lens.infer("A", path, topk=k).predictions) for k in (1, 2, 3, 50)] == [1, 2, 3, 3]


def test_topk_does_not_change_the_decision(lens, visitor):
    for place, item in ITEMS:
        one, three = (lens.infer(place, visitor(place, item), topk=k) for k in (1, 3))
        assert (one.decision, one.selected_item, one.reason) == (
            three.decision,
            three.selected_item,
            three.reason,
        )


def test_a_threshold_given_by_hand_replaces_only_t(rewrite, visitor):
    lens = Lens(rewrite(thresholds=Thresholds(0.0, 0.0, -1.0)))
    assert lens.infer("A", visitor("A", "ㄱ")).accepted
    assert not lens.infer("A", visitor("A", "ㄱ"), reject_threshold=1.0).accepted
    with_neighbour = Lens(rewrite(thresholds=Thresholds(0.0, 0.0, 2.0)))
    result = with_neighbour.infer("A", visitor("A", "ㄱ"), reject_threshold=1.0)
    assert (result.accepted, str(result.reason)) == (True, "nearest_neighbour")


def test_when_the_neighbour_decides_the_confidence_is_that_of_its_item(rewrite, museum):
    lens = Lens(rewrite(thresholds=Thresholds(1.1, 0.0, 2.0)))
    result = lens.infer("A", museum / "A/ㄴ/img_003.jpg", topk=3)
    scores = {prediction.item: prediction.score for prediction in result.predictions}
    assert result.selected_item == "ㄴ"
    assert result.confidence == scores["ㄴ"]


def test_hints_say_what_is_wrong_with_this_photo(strict, draw):
    sharp = draw("disc", "crimson", 1, (800, 600))
    blurred = strict.infer("A", sharp.filter(ImageFilter.GaussianBlur(12)))
    dark = strict.infer("A", sharp.point(lambda level: level // 8))
    assert blurred.hints[0] != dark.hints[0]
    assert dark.hints[0] == "더 밝은 곳에서, 그림자를 피해서"


def test_messages_and_hints_are_english_when_asked_for(rewrite, draw):
    lens = Lens(rewrite(thresholds=Thresholds(1.1, 0.0, -1.0)), lang="en")
    result = lens.infer("A", draw("disc", "crimson", 1, (800, 600)))
    assert result.message == (
        "This is probably not an exhibit. Please improve focus, framing or light and take the photo again."
    )
    assert result.hints
    assert all(hint.isascii() for hint in result.hints)


def test_a_language_nobody_speaks_is_refused_at_once(onnx_model):
    with pytest.raises(BadSettingError, match="'ko' or 'en'"):
        Lens(onnx_model, lang="fr")


# --- formats


def test_the_checkpoint_and_its_export_give_the_same_answers(lens, run, visitor):
    checkpoint = Lens(run.checkpoint)
    for place, item in ITEMS:
        one, other = (which.infer(place, visitor(place, item)) for which in (checkpoint, lens))
        assert [p.item for p in one.predictions] == [p.item for p in other.predictions]
        assert (one.decision, one.reason) == (other.decision, other.reason)
        np.testing.assert_allclose(numbers(one), numbers(other), atol=1e-4)


def test_the_export_carries_all_that_the_checkpoint_says_of_itself(lens, run):
    assert attrs.evolve(lens.manifest, certificate=None) == Lens(run.checkpoint).manifest == run.manifest
    assert lens.gallery.labels == Lens(run.checkpoint).gallery.labels


def test_several_photos_at_once_are_answered_as_one_by_one(lens, visitor):
    from lens_core.photos.decode import decode

    paths = [visitor("A", item) for item in "ㄱㄴㄷ"]
    together = lens.answer("A", [decode(path) for path in paths])
    for path, result in zip(paths, together, strict=True):
        alone = lens.infer("A", path)
        assert (result.decision, result.selected_item) == (alone.decision, alone.selected_item)
        np.testing.assert_allclose(numbers(result), numbers(alone), atol=1e-4)


def test_an_answer_is_the_same_every_time(onnx_model, visitor):
    path = visitor("B", "탑")
    assert Lens(onnx_model).infer("B", path) == Lens(onnx_model).infer("B", path)


# --- models that cannot be opened


def test_a_missing_model_and_a_nameless_one_say_so(tmp_path):
    with pytest.raises(ModelLoadError, match=r"E200: There is no model file .*best\.onnx"):
        Lens(tmp_path / "best.onnx")
    (tmp_path / "best").touch()
    with pytest.raises(ModelLoadError, match="has no suffix, so its format is not known"):
        Lens(tmp_path / "best")


def test_a_format_whose_plugin_is_not_installed_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(plugins.metadata, "entry_points", lambda **_: [])
    (tmp_path / "best.xml").touch()
    with pytest.raises(
        NotInstalledError, match=r"runtime 'xml' is not installed\. Try: pip install ai-lens-openvino"
    ):
        Lens(tmp_path / "best.xml")


@pytest.mark.parametrize("which", ["checkpoint", "export"])
def test_a_damaged_model_is_an_error_wherever_it_is_damaged(which, run, onnx_model, tmp_path):
    original = run.checkpoint if which == "checkpoint" else onnx_model
    content, path = original.read_bytes(), tmp_path / original.name
    for position in np.linspace(0, len(content) - 1, 12).astype(int):
        changed = bytearray(content)
        changed[position] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(ArtifactError):
            Lens(path)
    for length in (0, 1, 63, 64, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ArtifactError):
            Lens(path)


def test_a_torch_pickle_named_ckpt_is_refused(tmp_path):
    import torch

    torch.save({"model": torch.zeros(2)}, tmp_path / "foreign.ckpt")
    with pytest.raises(ModelLoadError, match=r"E200: .*foreign\.ckpt is a Python pickle"):
        Lens(tmp_path / "foreign.ckpt")


@pytest.mark.parametrize(("source", "suffix"), [("checkpoint", ".onnx"), ("export", ".ckpt")])
def test_a_renamed_model_is_refused_not_misread(source, suffix, run, onnx_model, tmp_path):
    path = tmp_path / f"renamed{suffix}"
    path.write_bytes((run.checkpoint if source == "checkpoint" else onnx_model).read_bytes())
    with pytest.raises(ModelLoadError):
        Lens(path)


def test_a_model_can_be_moved_anywhere(onnx_model, tmp_path, visitor):
    moved = tmp_path / "다른 곳" / "모형.onnx"
    moved.parent.mkdir()
    moved.write_bytes(onnx_model.read_bytes())
    assert Lens(moved).infer("A", visitor("A", "ㄱ")) == Lens(onnx_model).infer("A", visitor("A", "ㄱ"))
    assert {path.name for path in Path(moved.parent).iterdir()} == {"모형.onnx"}


# --- descriptions


def described(lens, photo):
    return {one.item: one.description for one in lens.infer("A", photo).predictions}


def test_descriptions_of_exhibits_come_when_they_are_asked_for(onnx_model, run, visitor):
    photo = visitor("A", "ㄱ")
    assert set(described(Lens(onnx_model), photo).values()) == {None}
    for model in (onnx_model, run.checkpoint):
        korean = described(Lens(model, describe=True), photo)
        assert (korean.pop("ㄱ"), set(korean.values())) == ("흰 상자", {None})
        assert described(Lens(model, describe=True, lang="en"), photo)["ㄱ"] == "A white box"


def test_descriptions_are_in_the_answer_on_the_command_line(ai_lens, onnx_model, visitor):
    asked = ("infer", "--model", onnx_model, "--place", "A", "--image", visitor("A", "ㄱ"))
    assert '"description"' not in ai_lens(*asked).out
    answer = json.loads(ai_lens(*asked, "--describe", "--lang", "en").out)
    texts = {one["item"]: one.get("description") for one in answer["predictions"]}
    assert texts["ㄱ"] == "A white box"
    assert sorted(texts.values(), key=str) == ["A white box", None, None]


def test_a_gallery_built_apart_carries_its_descriptions(ai_lens, onnx_model, museum, visitor, tmp_path):
    path = tmp_path / "A.index"
    for root in (museum, museum / "A"):
        asked = ("--model", onnx_model, "--place", "A", "--data-root", root, "--save", path)
        assert ai_lens("build-index", *asked).status == 0
        lens = Lens(onnx_model, index_file=path, describe=True)
        assert described(lens, visitor("A", "ㄱ"))["ㄱ"] == "흰 상자"
