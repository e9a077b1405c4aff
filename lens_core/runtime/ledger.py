"""The answers of a batch that is not finished: what a killed process leaves, and the next one goes on from.

Beside ``answers.jsonl`` lies ``answers.jsonl.part``. Its first line says what the answers depend on, each
further one is an answer, written at once. When all are there they become ``answers.jsonl``, whole or not at
all.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from attrs import define

from lens_core.artifacts.atomic import atomic_path, check_replaces, check_writable, only_writer
from lens_core.errors import CannotWriteError, OtherBatchError
from lens_core.runtime.batch import to_line

_HEAD = "ai_lens_batch"


@define
class Ledger:
    """An open ``.part`` file."""

    path: Path
    failed: int
    """How many of its lines are errors."""
    _begun: Counter[str]
    """What the photos are called whose answers an earlier process has left."""
    _file: BinaryIO

    def missing(self, photos: Sequence[Path], called: Callable[[Path], str]) -> list[Path]:
        """The photos that are still to be answered; ``called`` tells their names in the ledger.

        Raises OtherBatchError (E610) where there is an answer to a photo that is not among them.
        """
        there = self._begun.copy()
        missing = []
        for photo in photos:
            name = called(photo)
            if there[name]:
                there[name] -= 1
            else:
                missing.append(photo)
        stranger = next(there.elements(), None)
        if stranger is not None:
            raise OtherBatchError(f"{self.path} holds an answer to {stranger}, which is not asked about now.")
        return missing

    def write(self, answer: Mapping[str, Any]) -> None:
        """Keep an answer, whatever becomes of this process. Raises CannotWriteError (E700)."""
        try:
            self._file.write(to_line(answer).encode())
            self._file.flush()
        except OSError as error:
            raise CannotWriteError(f"{self.path} cannot be written: {error.strerror or error}.") from error
        self.failed += "error" in answer


@contextmanager
def ledger_of(output: Path, about: Mapping[str, Any]) -> Iterator[Ledger]:
    """The ledger of the answers that become ``output`` when the block ends well.

    ``about``: all that the answers depend on besides the photos. Raises OtherBatchError (E610) when answers
    were begun that depend on something else, BusyError (E710) while another process writes them, or
    CannotWriteError (E700).
    """
    about = json.loads(json.dumps(about))  # as it is read back
    check_writable(output)
    check_replaces(output, "answers", _holds_answers)
    path, lock = (output.with_name(output.name + end) for end in (".part", ".part.lock"))
    check_writable(path)
    with only_writer(output, lock):
        path.touch()
        with path.open("r+b") as file:
            yield _opened(path, file, about)
            with atomic_path(output) as whole, whole.open("wb") as target:
                file.seek(0)
                file.readline()
                shutil.copyfileobj(file, target)
        path.unlink()
        with suppress(OSError):  # Windows keeps it while it is locked
            lock.unlink()


def _holds_answers(begin: bytes) -> bool:
    return begin.startswith(b'{"image": ')


def _opened(path: Path, file: BinaryIO, about: Mapping[str, Any]) -> Ledger:
    """Behind the last whole line; what a process wrote when it was killed is cut off."""
    begun: Counter[str] = Counter()
    failed = 0
    head, found = to_line({_HEAD: about}).encode(), file.readline()
    if head.startswith(found) and found != head:  # nothing, or not even that line was finished
        file.seek(0)
        file.write(head)
    else:
        _refuse_other(path, _entry(found, _HEAD), about)
    end = file.tell()
    for line in file:
        answer = _entry(line, "image")
        if answer is None:
            break
        begun[answer["image"]] += 1
        failed += "error" in answer
        end += len(line)
    file.seek(end)
    file.truncate()
    return Ledger(path, failed, begun, file)


def _entry(line: bytes, key: str) -> dict[str, Any] | None:
    """What stands in a line; None where it is torn, or something else."""
    try:
        entry = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and key in entry else None


def _refuse_other(path: Path, head: Mapping[str, Any] | None, about: Mapping[str, Any]) -> None:
    if head is None:
        raise OtherBatchError(f"{path} is in the way: it holds no answers of ai-lens.", "Move it elsewhere.")
    begun = head[_HEAD]
    keys = [key for key in {**begun, **about} if begun.get(key) != about.get(key)]
    if keys:
        differ = ", ".join(f"{key} was {begun.get(key)}, is now {about.get(key)}" for key in keys)
        raise OtherBatchError(f"{path} holds answers that were begun otherwise: {differ}.")
