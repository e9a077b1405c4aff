"""What each item is taken for, place by place; only what happened is drawn, so 500 items fit."""

from __future__ import annotations

from collections import Counter

from attrs import frozen

from lens_core.evaluation.answers import Answers


@frozen
class Cell:
    """Photos of one item that were named as another, or as itself."""

    row: int
    """The item that they show."""
    column: int
    """The item that they were named as."""
    photos: int
    share: float
    """Of the item's photos."""


@frozen
class Matrix:
    """One place."""

    place: str
    items: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def confusions(self) -> list[Cell]:
        """What is off the diagonal, the most photos first."""
        wrong = [cell for cell in self.cells if cell.row != cell.column]
        return sorted(wrong, key=lambda cell: -cell.photos)


def matrices(answers: Answers) -> list[Matrix]:
    """Of each place with its items in order."""
    table = answers.judged
    found = []
    for place in dict.fromkeys(table.place[table.exhibits].tolist()):
        here = table.exhibits & (table.place == place)
        shown, named = table.item[here].tolist(), table.best_item[here].tolist()
        items = sorted({*shown, *named})
        numbers = {item: number for number, item in enumerate(items)}
        of_item = Counter(shown)
        cells = [
            Cell(numbers[item], numbers[other], count, count / of_item[item])
            for (item, other), count in sorted(Counter(zip(shown, named, strict=True)).items())
        ]
        found.append(Matrix(place, tuple(items), tuple(cells)))
    return found
