"""Freed memory stays at hand: tensors of many megabytes stop costing page faults."""

import subprocess
import sys

import pytest

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
