import numpy as np
import safetensors.numpy

from lens_core.artifacts import container
from lens_core.testing import RuntimeContract


class TestRuntime(RuntimeContract):
    name = "$name"

    def make_file(self, folder):
        random = np.random.default_rng(0)
        embed = random.standard_normal((8, self.size * self.size * 3)).astype(np.float32)
        directions = np.eye(8, dtype=np.float32)[:5]
        matrices = safetensors.numpy.save({"embed": embed, "directions": directions})
        path = folder / "best.$name"
        container.write(path, {"linear.safetensors": matrices, "manifest.json": b"{}"})
        return path
