"""What a visitor reads, word for word."""

from lens_core.contracts import Finding
from lens_core.decision.messages import RECOLLECT, hints

BLUR = Finding("blur", 0.4, {"ko": "흔들리지 않게", "en": "Hold still"})
DARK = Finding("dark", 0.9, {"ko": "더 밝은 곳에서", "en": "Find more light"})
ENGLISH_ONLY = Finding("tilt", 0.1, {"en": "Hold it level"})
MUTE = Finding("odd", 1.0, {})


def test_the_message_in_both_languages():
    assert RECOLLECT == {
        "ko": "전시품이 아닐 가능성이 높습니다. 초점/구도/조명 개선 후 재촬영 해주세요.",
        "en": "This is probably not an exhibit. "
        "Please improve focus, framing or light and take the photo again.",
    }


def test_the_worst_comes_first():
    assert hints([BLUR, DARK], "ko") == ["더 밝은 곳에서", "흔들리지 않게"]
    assert hints([DARK, BLUR], "en") == ["Find more light", "Hold still"]


def test_the_same_advice_is_given_once():
    assert hints([BLUR, DARK, BLUR], "ko") == ["더 밝은 곳에서", "흔들리지 않게"]


def test_a_checker_that_speaks_no_korean_is_shown_in_english():
    assert hints([ENGLISH_ONLY], "ko") == ["Hold it level"]


def test_a_good_photo_gets_the_usual_advice():
    assert hints([], "ko") == ["작품이 프레임 중앙에 오도록", "더 가까이 촬영"]
    assert hints([], "en") == ["Put the exhibit in the middle of the frame", "Move closer"]


def test_a_finding_without_words_leaves_the_usual_advice():
    assert hints([MUTE], "en") == hints([], "en")
    assert hints([MUTE, BLUR], "en") == ["Hold still"]
