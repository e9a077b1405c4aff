"""A million damaged photos: each must be a photo or an error that says so, within two seconds and one GiB.

``fuzz.py --input 4711 FILE`` writes input 4711 to a file, to look at it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from mutate import REAL, damaged, whole_photos
from shared import need_shared, report

from lens_core.errors import DataError
from lens_core.photos.decode import decode

SEED = 4
PORTION = 1000
ADDRESS_SPACE = 6 << 30
"""Above what any input may use, so that one which asks for more is seen; below what hurts the machine."""
HANGS_S = 30.0


def try_one(number: int, content: bytes) -> dict[str, Any]:
    before, start = _peak(), time.perf_counter()
    try:
        decode(content)
        outcome = "photo"
    except DataError as error:
        outcome = "out of memory" if isinstance(error.__cause__, MemoryError) else error.code
    except Exception as error:  # noqa: BLE001 - what is looked for
        outcome = f"uncaught {type(error).__name__}: {error}"
    seconds, peak = time.perf_counter() - start, _peak()
    return {"number": number, "outcome": outcome, "seconds": seconds, "peak": peak, "grew": peak - before}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def worker(numbers: range, wholes: list[bytes], now: Synchronized[int], answers: Connection) -> None:
    """Try a portion; what is native and prints to stderr is not listened to."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    portion: list[dict[str, Any]] = []
    for number in numbers:
        now.value = number
        portion.append(try_one(number, damaged(number, wholes, SEED)))
        if len(portion) == PORTION:
            answers.send(portion)
            portion = []
    answers.send(portion)
    answers.send(None)


def lane(numbers: range, wholes: list[bytes]) -> Iterator[list[dict[str, Any]]]:
    """What became of the inputs, in portions; () while nothing new is known. Whoever dies is succeeded."""
    while numbers:
        now = multiprocessing.Value("q", -1)
        answers, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=worker, args=(numbers, wholes, now, theirs), daemon=True)
        process.start()
        theirs.close()
        done, since = numbers.start, (-1, time.monotonic())
        with contextlib.suppress(EOFError):
            while True:
                if answers.poll(0.05):
                    if (portion := answers.recv()) is None:
                        return
                    done = numbers.start if not portion else portion[-1]["number"] + numbers.step
                    yield portion
                elif now.value != since[0]:
                    since = (now.value, time.monotonic())
                elif now.value >= 0 and time.monotonic() - since[1] > HANGS_S:
                    process.kill()
                yield []
        process.join()
        last = now.value
        how = "hangs" if process.exitcode == -9 else f"crash (exit {process.exitcode})"
        yield [{"number": last, "outcome": how, "seconds": 0.0, "peak": 0, "grew": 0}]
        if last > done:  # the portion that died with its process, tried again up to that input
            numbers_again = range(done, last, numbers.step)
            yield from lane(numbers_again, wholes)
        numbers = range(last + numbers.step, numbers.stop, numbers.step)


class Tally:
    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.bad: list[dict[str, Any]] = []
        self.slowest: list[dict[str, Any]] = []
        self.largest: dict[str, Any] = {"peak": 0}

    def add(self, portion: list[dict[str, Any]]) -> None:
        for found in portion:
            kind = found["outcome"].split(":")[0]
            self.outcomes[kind] += 1
            if kind not in ("photo", "E120", "E121", "E122"):
                self.bad.append(found)
            if found["peak"] > self.largest["peak"]:
                self.largest = found
        self.slowest = sorted(self.slowest + portion, key=lambda found: -found["seconds"])[:10]

    @property
    def count(self) -> int:
        return sum(self.outcomes.values())


def run(inputs: int, first: int, processes: int, wholes: list[bytes]) -> Tally:
    tally, said = Tally(), time.monotonic()
    lanes = [lane(range(first + one, first + inputs, processes), wholes) for one in range(processes)]
    while lanes:
        for one in list(lanes):
            try:
                tally.add(next(one))
            except StopIteration:
                lanes.remove(one)
        if time.monotonic() - said > 20:
            said = time.monotonic()
            slow = tally.slowest[0]["seconds"] if tally.slowest else 0
            print(
                f"{tally.count:,} tried, {len(tally.bad)} bad, slowest {slow:.2f} s, "
                f"peak {tally.largest['peak'] >> 20} MiB",
                file=sys.stderr,
            )
    return tally


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--inputs", type=int, default=1_000_000)
    ask.add_argument("--first", type=int, default=0, help="the number of the first input")
    ask.add_argument("--input", nargs=2, metavar=("NUMBER", "FILE"), help="only write this input to a file")
    asked = ask.parse_args()
    need_shared(REAL)
    wholes = whole_photos()
    if asked.input:
        Path(asked.input[1]).write_bytes(damaged(int(asked.input[0]), wholes, SEED))
        return
    start, processes = time.monotonic(), os.cpu_count() or 1
    tally = run(asked.inputs, asked.first, processes, wholes)
    tell(tally, wholes, time.monotonic() - start, processes)


def tell(tally: Tally, wholes: list[bytes], seconds: float, processes: int) -> None:
    uncaught = sum(n for kind, n in tally.outcomes.items() if kind.startswith("uncaught"))
    crashes = sum(n for kind, n in tally.outcomes.items() if kind.startswith(("crash", "hangs")))
    slowest = tally.slowest[0]
    rows = [
        ("inputs tried", f"{tally.count:,} from {len(wholes)} whole photos, in {seconds / 60:.0f} minutes"),
        ("were a photo", f"{tally.outcomes['photo']:,}"),
        (
            "were refused",
            ", ".join(f"{code}: {n:,}" for code, n in sorted(tally.outcomes.items()) if code[0] == "E"),
        ),
        ("uncaught exceptions", f"{uncaught}"),
        ("crashes and hangs of the process", f"{crashes}"),
        ("out of memory", f"{tally.outcomes['out of memory']}"),
        ("slowest input", f"{slowest['seconds']:.2f} s (input {slowest['number']})"),
        ("peak memory of a process", f"{tally.largest['peak'] >> 20} MiB (input {tally.largest['number']})"),
    ]
    title = f"Damaged photos: a photo or a clear error ({processes} processes, seed {SEED})"
    data = {
        "outcomes": tally.outcomes,
        "bad": tally.bad[:100],
        "slowest": tally.slowest,
        "largest": tally.largest,
    }
    report(__file__, title, ("what", "found"), rows, data | {"seconds": seconds}, name="fuzz")


if __name__ == "__main__":
    main()
