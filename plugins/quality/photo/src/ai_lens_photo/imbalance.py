"""Items with far fewer, or far more, photos than the other items of their place.

A model sees the many more often than the few, and learns to answer with them.
"""

from collections.abc import Iterator
from statistics import median

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from lens_core.contracts import Finding
from lens_core.photos.layout import Dataset

WORST = 4
"""Times the noticeable factor at which it is as bad as it gets."""


def imbalance(dataset: Dataset, options: PhotoOptions) -> Iterator[Finding]:
    """A finding for every item that is ``options.imbalance_factor`` times off its place's median."""
    counts = dataset.counts()
    for place in dataset.places:
        of_place = {item: count for (of, item), count in counts.items() if of == place}
        usual = median(of_place.values())
        for item, count in of_place.items():
            factor = max(usual / count, count / usual)
            if factor > options.imbalance_factor:
                worst = WORST * options.imbalance_factor
                worse = severity(factor, options.imbalance_factor, worst)
                yield Finding(
                    "imbalance", worse, _hints(count, usual), round(factor, 1), where=f"{place}/{item}"
                )


def _hints(count: int, usual: float) -> dict[str, str]:
    ko = "사진을 더 모으세요" if count < usual else "다른 작품의 사진을 더 모으거나 이 작품의 사진을 줄이세요"
    en = "add photos" if count < usual else "add photos of the other items, or keep fewer of this one"
    return {
        "ko": f"사진 {count}장, 이 장소의 작품은 보통 {usual:g}장: {ko}",
        "en": f"{count} photos, where the items of this place usually have {usual:g}: {en}",
    }
