"""Which exhibit stands in which room of the demo museum."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from lens_core.demo import ceramics, crown, mask, metalwork, sculptures
from lens_core.demo.shapes import Colour, Solid


@attrs.frozen
class Place:
    """A room of the museum: its house colours and its exhibits."""

    wall: Colour
    stand: Colour
    items: dict[str, Callable[[], Solid]]


PLACES: dict[str, Place] = {
    "도자실": Place(
        wall=(0.33, 0.34, 0.36),
        stand=(0.50, 0.49, 0.46),
        items={
            "청자 상감 매병": ceramics.maebyeong,
            "청자 참외모양 병": ceramics.melon_bottle,
            "백자 달항아리": ceramics.moon_jar,
            "청화백자 매화무늬 항아리": ceramics.plum_jar,
        },
    ),
    "조각실": Place(
        wall=(0.34, 0.30, 0.25),
        stand=(0.28, 0.20, 0.14),
        items={
            "오층 석탑": sculptures.pagoda,
            "석등": sculptures.lantern,
            "돌하르방": sculptures.grandfather,
            "하회탈": mask.mask,
        },
    ),
    "금속실": Place(
        wall=(0.14, 0.17, 0.22),
        stand=(0.10, 0.10, 0.11),
        items={
            "청동 범종": metalwork.bell,
            "금동 대향로": metalwork.burner,
            "청동 거울": metalwork.mirror,
            "금관": crown.crown,
        },
    ),
}
