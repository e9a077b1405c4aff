"""What the page says, in Korean and English."""

from __future__ import annotations

KINDS: dict[str, dict[str, tuple[str, str]]] = {
    "E120": {
        "ko": ("읽을 수 없는 사진", "원본 사진(JPEG, PNG, HEIC 등)으로 바꾸거나 지우세요."),
        "en": ("Photos that cannot be read", "Replace them by the original photos, or delete them."),
    },
    "E121": {
        "ko": ("화소가 너무 적은 파일", "섬네일이 아니라 원본 사진을 넣으세요."),
        "en": ("Files with too few pixels to show anything", "Use the original photos, not thumbnails."),
    },
    "E122": {
        "ko": ("화소가 너무 많은 사진", "5천만 화소 이하로 다시 저장하세요."),
        "en": ("Photos with too many pixels", "Save them again at 50 megapixels or less."),
    },
    "too_few": {
        "ko": ("사진이 너무 적은 작품", "여러 방향과 거리에서 더 촬영하세요."),
        "en": ("Items with too few photos", "Photograph them again, from other sides and distances."),
    },
    "contradiction": {
        "ko": (
            "같은 사진이 두 작품에 있음",
            "어느 작품이 맞는지 확인하고 다른 쪽의 사진을 지우세요. 그대로 두면 두 작품을 혼동하게 됩니다.",
        ),
        "en": (
            "The same photo under two items",
            "Find out which item is right and delete the other photo: a model would confuse the two.",
        ),
    },
    "looks_like_another": {
        "ko": (
            "다른 작품처럼 보이는 사진",
            "잘못된 폴더에 있으면 옮기고, 맞는 폴더에 있으면 그대로 두세요.",
        ),
        "en": (
            "Photos that look like another item",
            "Move those that lie in the wrong folder; leave those that are right where they are.",
        ),
    },
    "twins": {
        "ko": (
            "서로 닮은 작품",
            "모델이 혼동할 수 있습니다. 두 작품이 서로 다른 부분을 가까이에서 더 촬영하세요.",
        ),
        "en": (
            "Items that look alike",
            "A model will confuse them: take more photos, from close, of what tells the two apart.",
        ),
    },
    "same_view": {
        "ko": ("한 자리에서만 찍은 작품", "둘레를 돌면서, 가까이에서도 멀리서도 촬영하세요."),
        "en": ("Items photographed from one place only", "Walk around them; step closer and back."),
    },
    "same_light": {
        "ko": ("밝기가 모두 같은 작품", "다른 시간에, 다른 조명 아래에서도 촬영하세요."),
        "en": (
            "Items photographed in one light only",
            "Photograph them at other hours too, and with other lights on.",
        ),
    },
    "imbalance": {
        "ko": (
            "사진 수가 크게 다른 작품",
            "모델은 사진이 많은 작품으로 답하기 쉽습니다. 수를 비슷하게 맞추세요.",
        ),
        "en": (
            "Items with far fewer or far more photos than others",
            "A model tends to answer with the item it saw most: bring the numbers closer together.",
        ),
    },
    "low_resolution": {
        "ko": ("사진 대부분의 해상도가 낮은 작품", "더 큰 원본 사진으로 바꾸세요."),
        "en": ("Items most of whose photos are small", "Use larger originals."),
    },
    "blur": {
        "ko": ("흐린 사진", "초점을 맞추고 흔들리지 않게 다시 촬영하거나, 다른 사진이 충분하면 지우세요."),
        "en": ("Blurred photos", "Take them again in focus, or delete them if others show the same."),
    },
    "dark": {
        "ko": ("어두운 사진", "조명을 더 켜고 다시 촬영하세요."),
        "en": ("Dark photos", "Take them again with more light."),
    },
    "bright": {
        "ko": ("너무 밝은 사진", "조명과 햇빛을 등지고 다시 촬영하세요."),
        "en": ("Photos burnt out to white", "Take them again, turned away from lamps and sunlight."),
    },
    "glare": {
        "ko": ("빛이 반사된 사진", "옆으로 조금 움직여 반사를 피해 다시 촬영하세요."),
        "en": ("Photos with reflections", "Step aside until the reflection is gone, and take them again."),
    },
    "low_contrast": {
        "ko": ("뿌연 사진", "렌즈를 닦고 김 서린 유리를 피해 다시 촬영하세요."),
        "en": ("Hazy photos", "Wipe the lens, avoid fogged glass, and take them again."),
    },
    "off_centre": {
        "ko": ("작품이 가운데에 없는 사진", "작품이 잘리지 않았으면 그대로 두어도 됩니다."),
        "en": ("Photos with the exhibit off the middle", "They may stay unless the exhibit is cut off."),
    },
    "too_small": {
        "ko": ("작품이 작게 나온 사진", "더 가까이에서 다시 촬영하세요."),
        "en": ("Photos in which the exhibit is small", "Move closer and take them again."),
    },
    "tiny": {
        "ko": ("화소가 적은 사진", "줄이거나 자르지 않은 원본 사진으로 바꾸세요."),
        "en": ("Photos with few pixels", "Replace them by the originals, neither shrunk nor cropped."),
    },
    "copy": {
        "ko": ("같은 작품 안의 같은 사진", "새로 배울 것이 없는 사진입니다. 하나만 남겨도 됩니다."),
        "en": ("Copies within one item", "They teach nothing new; one of each is enough."),
    },
    "metadata": {
        "ko": ("metadata.json에만 있는 이름", "이름을 바로잡거나 metadata.json에서 지우세요."),
        "en": ("Names that stand only in metadata.json", "Correct them, or remove them from metadata.json."),
    },
    "checker": {
        "ko": ("동작하지 않은 검사", "나머지 검사는 모두 했습니다. 그 플러그인을 업데이트하거나 제거하세요."),
        "en": ("Checks that did not work", "Everything else was checked. Update or remove that plugin."),
    },
    "how_read": {
        "ko": ("특별하게 읽은 파일", "할 일은 없습니다. 아래처럼 읽었습니다."),
        "en": ("Files that were read in a special way", "Nothing to do; this is how they were read."),
    },
}  # fmt: skip
"""By check and language: a title, and what to do. In the order of the page within one level."""

WORDS: dict[str, dict[str, str]] = {
    "ko": {
        "title": "사진 점검 결과",
        "error": "아직 학습할 수 없습니다. 오류를 먼저 해결하세요.",
        "warning": "학습할 수 있습니다. 먼저 경고를 확인하세요.",
        "note": "학습할 준비가 되었습니다.",
        "counts": "{places}의 {items}, {photos}에서 {errors}, {warnings}",
        "to_do": "할 일",
        "items": "작품",
        "photo": "사진",
        "photos": "사진 수",
        "item": "작품",
        "readiness": "준비도",
        "readiness_is": "준비도(0–100)는 관람객의 사진을 알아볼 비율을 학습 전에 추정한 값입니다.",
        "unknown": "알 수 없음",
        "shots": "중복 제외 {}",
        "findings": "확인할 사진",
        "notes": "참고",
        "same_item": "같은 작품의 다른 사진",
        "other_item": "닮은 작품",
        "unreadable": "읽을 수 없음",
        "more": "외 {}건",
        "exact": "같은 파일",
        "copy": "같은 사진(크기, 자르기, 회전, 압축만 다름)",
        "near": "거의 같은 사진",
    },
    "en": {
        "title": "Photo check",
        "error": "Not ready to train: mend the errors first.",
        "warning": "Ready to train; look at the warnings first.",
        "note": "Ready to train.",
        "counts": "{errors} and {warnings} over {photos} of {items} in {places}",
        "to_do": "What to do",
        "items": "Items",
        "photo": "Photo",
        "photos": "Photos",
        "item": "Item",
        "readiness": "Readiness",
        "readiness_is": "Readiness (0–100) guesses, before training, what share of visitors’ photos will be "
        "recognised.",
        "unknown": "unknown",
        "shots": "{} without copies",
        "findings": "Photos to look at",
        "notes": "Good to know",
        "same_item": "Other photos of its item",
        "other_item": "Looks like",
        "unreadable": "cannot be read",
        "more": "and {} more",
        "exact": "the same file",
        "copy": "the same shot: resized, cropped, turned or recompressed",
        "near": "nearly the same photo",
    },
}

_COUNTED = {
    "ko": {
        "errors": ("오류 {}건", "오류 {}건"),
        "warnings": ("경고 {}건", "경고 {}건"),
        "photos": ("사진 {}장", "사진 {}장"),
        "items": ("작품 {}점", "작품 {}점"),
        "places": ("장소 {}곳", "장소 {}곳"),
    },
    "en": {
        "errors": ("{} error", "{} errors"),
        "warnings": ("{} warning", "{} warnings"),
        "photos": ("{} photo", "{} photos"),
        "items": ("{} item", "{} items"),
        "places": ("{} place", "{} places"),
    },
}


def counted(what: str, number: int, lang: str) -> str:
    """``3 photos``, ``1 photo``."""
    one, several = _COUNTED[lang][what]
    return (one if number == 1 else several).format(f"{number:,}")


def kind(check: str, lang: str) -> tuple[str, str]:
    """Title and advice; of a check of somebody else's plugin only the name is known."""
    return KINDS[check][lang] if check in KINDS else (check, "")


def in_language(texts: dict[str, str], lang: str) -> str:
    """The text in a language, else in the first there is."""
    return texts.get(lang) or next(iter(texts.values()), "")
