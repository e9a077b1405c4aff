"""How much memory there is; and freed memory stays at hand: large tensors stop costing page faults."""

import subprocess
import sys

import psutil
import pytest

from lens_core.training import memory

COUNT = """
import resource
import torch
from lens_core.training.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(64 * 2**20, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

as_usual = sum(faults() for _ in range(10))
keep_freed_memory()
for _ in range(40):
    faults()
print(as_usual, sum(faults() for _ in range(10)))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator alone is told")
def test_a_large_tensor_is_made_of_memory_that_was_freed_before():
    run = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    as_usual, kept = map(int, run.stdout.split())
    assert kept < as_usual / 10


@pytest.mark.parametrize(
    ("limit", "less"), [("1048576\n", True), ("max\n", False), ("9223372036854771712", False)]
)
def test_a_container_has_the_memory_it_is_limited_to(limit, less, tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text(limit)
    monkeypatch.setattr(memory, "_LIMITS", (tmp_path / "memory.max", tmp_path / "nowhere"))
    assert memory.total_memory() == (2**20 if less else psutil.virtual_memory().total)
