"""Keeps a diary of each training: diary.txt in the folder of the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from lens_core import hookimpl
from lens_core.contracts import Tracker


@attrs.frozen
class DiaryOptions:
    greeting: str = "Dear diary"
    """How each training begins."""


@hookimpl
def options_type() -> type[DiaryOptions]:
    return DiaryOptions


@hookimpl
def make_tracker(options: DiaryOptions) -> Tracker:
    return Diary(options.greeting)


class Diary:
    def __init__(self, greeting: str) -> None:
        self.greeting = greeting
        self.path: Path | None = None

    def start(self, run: str, settings: Mapping[str, Any], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "diary.txt"
        self.write(f"{self.greeting}, today I began {run}, with {settings.get('backbone', 'something')}.")

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self.write(f"Pass {step}: {in_words(figures)}.")

    def conclude(self, figures: Mapping[str, float]) -> None:
        self.write(f"It is done! {in_words(figures)}.")

    def close(self, status: Literal["done", "stopped"]) -> None:
        self.write("Good night." if status == "done" else "They made me stop.")

    def write(self, line: str) -> None:
        if self.path:  # close() may come without start()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def in_words(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in figures.items()) or "nothing to report"
