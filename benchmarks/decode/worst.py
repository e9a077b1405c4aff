"""The largest and most crowded files: seconds and peak memory, each in a fresh process.

Honest ones are noisy 50-megapixel photos of every format; hostile ones are built to make their reader work.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile import HOSTILE
from large import LARGE
from shared import report

from lens_core.errors import DataError
from lens_core.photos.decode import decode

HERE = str(Path(__file__))


def make(name: str, file: Path) -> dict[str, Any]:
    file.write_bytes((LARGE | HOSTILE)[name]())
    return {"bytes": file.stat().st_size}


def read(file: Path) -> dict[str, Any]:
    """What became of the file; its bytes are in memory already, as they are at a server."""
    encoded = file.read_bytes()
    before, start = _peak(), time.perf_counter()
    try:
        outcome = "a photo" if decode(encoded) else ""
    except DataError as error:
        outcome = error.code
    return {"outcome": outcome, "s": time.perf_counter() - start, "peak": _peak(), "before": before}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_a_process(*task: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, HERE, *task], capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        return {"outcome": f"the process dies ({done.returncode}): {last}", "s": 0, "peak": 0, "before": 0}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    if sys.argv[1:2] == ["make"]:
        print(json.dumps(make(sys.argv[2], Path(sys.argv[3]))))
    elif sys.argv[1:2] == ["read"]:
        print(json.dumps(read(Path(sys.argv[2]))))
    else:
        tell(
            [
                name
                for name in LARGE | HOSTILE
                if not sys.argv[1:] or any(part in name for part in sys.argv[1:])
            ]
        )


def tell(names: list[str]) -> None:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            file = Path(folder) / "photo"
            made = in_a_process("make", name, str(file))
            if "bytes" not in made:
                sys.exit(f"{name}: {made}")
            found.append({"file": name, **made, **in_a_process("read", str(file))})
            print(found[-1], file=sys.stderr)
    rows = [
        (
            row["file"],
            f"{row['bytes'] / 1e6:.1f}",
            row["outcome"],
            f"{row['s']:.2f}",
            f"{row['peak'] >> 20}",
        )
        for row in found
    ]
    head = ("file", "MB", "what becomes of it", "s", "peak MiB, file and Python included")
    report(HERE, "The worst files, each in a fresh process", head, rows, found, name="worst")


if __name__ == "__main__":
    main()
