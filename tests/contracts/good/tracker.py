"""A small tracker that keeps its contract: a line of JSON for everything it is told."""

import json

from lens_core import hookimpl


@hookimpl
def make_tracker():
    return Tracker()


class Tracker:
    def __init__(self):
        self.file = None

    def start(self, run, settings, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.file = (folder / "told.jsonl").open("a", encoding="utf-8")
        self.write({"run": run, "settings": settings})

    def log(self, step, figures):
        self.write({"pass": step, **figures})

    def conclude(self, figures):
        self.write(figures)

    def close(self, status):
        if self.file is not None:
            self.write({"status": status})
            self.file.close()

    def write(self, told):
        self.file.write(json.dumps(told, ensure_ascii=False) + "\n")
