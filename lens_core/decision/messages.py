"""What a visitor reads, in Korean and English. Tested word for word."""

from collections.abc import Sequence

from lens_core.contracts import Finding

RECOLLECT = {
    "ko": "전시품이 아닐 가능성이 높습니다. 초점/구도/조명 개선 후 재촬영 해주세요.",
    "en": "This is probably not an exhibit. Please improve focus, framing or light and take the photo again.",
}

# When nothing was found wrong with the photo itself, these help most often.
USUAL_HINTS = {
    "ko": ("작품이 프레임 중앙에 오도록", "더 가까이 촬영"),
    "en": ("Put the exhibit in the middle of the frame", "Move closer"),
}


def hints(findings: Sequence[Finding], lang: str) -> list[str]:
    """What to do better, worst finding first; the usual advice when the photo itself is fine."""
    ordered = sorted(findings, key=lambda finding: -finding.severity)
    texts = [text for finding in ordered if (text := _text(finding, lang))]
    return list(dict.fromkeys(texts)) or list(USUAL_HINTS[lang])


def _text(finding: Finding, lang: str) -> str | None:
    """A checker that does not speak the language is shown in English rather than not at all."""
    return finding.hints.get(lang) or finding.hints.get("en")
