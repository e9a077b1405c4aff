"""A model of a few kilobytes in every format, so that it can be damaged a hundred thousand times."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KEPT = Path(__file__).parent / "kept"
INDEXES = ("exact", "faiss")


@pytest.fixture(scope="session", autouse=True)
def _kept_backbone():
    """The backbone ``kept`` is installed, here and in the processes that the tests start."""
    site = str(KEPT / "backbone")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("PYTHONPATH", site, prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def start():
    """``start("infer", "--model", ...)``: the command line in a process of its own."""

    def run(*arguments, **more):
        return subprocess.run(
            [Path(sys.executable).with_name("ai-lens"), *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, **more},
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def photos(build_museum, tmp_path_factory):
    """data/ with two places and three items."""
    look = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("tent", "teal")}}
    return build_museum(tmp_path_factory.mktemp("photos") / "data", look)


@pytest.fixture(scope="session")
def models(photos, tmp_path_factory):
    """By suffix: a checkpoint that has just been trained and, beside it, what each exporter makes of it."""
    from lens_core import plugins
    from lens_core.photos.layout import scan
    from lens_core.settings import resolve
    from lens_core.training.export import export
    from lens_core.training.train import train

    flags = {"backbone": "kept", "img_size": 32, "embedding_dim": 16, "loss": "ce", "finetune": "none"}
    folder = tmp_path_factory.mktemp("models") / "모형"
    ckpt = train(resolve(flags=flags, environ={}).settings, scan(photos), folder).checkpoint
    exports = [export(ckpt, exporter.name).path for exporter in plugins.find("exporter")]
    return {path.suffix: path for path in [ckpt, *exports]}


@pytest.fixture(scope="session")
def galleries(models, photos, start, tmp_path_factory):
    """By index: what ``ai-lens build-index`` writes about place A."""
    folder = tmp_path_factory.mktemp("galleries")
    files = {index: folder / f"{index}.index" for index in INDEXES}
    for index, path in files.items():
        flags = ("--model", models[".onnx"], "--data-root", photos, "--place", "A", "--save", path)
        done = start("build-index", "--index", index, *flags)
        assert done.returncode == 0, done.stderr
    return files
