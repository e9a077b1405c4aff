"""What many tests share: a drawn museum, a small model trained on it, the command line in this process."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest
from PIL import Image, ImageDraw

# Networks as small as those here spend most of a second thread's time waiting for it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A job in the background is deaf to Ctrl-C, and so would be every process that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).parents[1] / ".." / "shared"

# Two places that share an item name; what each item looks like.
MUSEUM = {
    "A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold"), "ㄷ": ("tent", "teal")},
    "B": {"ㄱ": ("box", "navy"), "주전자": ("disc", "lime"), "탑": ("tent", "hotpink")},
}
ELSEWHERE = {
    "C": {"화로": ("box", "white"), "향로": ("tent", "black"), "거울": ("disc", "darkorange")},
}
BACKBONE = "timm:test_resnet"


@pytest.fixture(scope="session", autouse=True)
def _own_settings_and_cache(tmp_path_factory):
    """No test reads or fills the caches and settings of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AI_LENS_")]:
            patch.delenv(name)
        patch.setenv("AI_LENS_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared():
    """Real photos and weights that lie beside the project on some machines."""
    if not (SHARED / "photos").is_dir():
        pytest.skip("the real photos and weights in ../shared are not here")
    return SHARED


def _draw(shape, colour, seed, size=(160, 120)):
    random = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(random.integers(105, 150, 3).tolist()))
    draw = ImageDraw.Draw(image)
    x, y = random.uniform(0.42, 0.58, 2) * size
    r = random.uniform(0.28, 0.38) * min(size)
    match shape:
        case "disc":
            draw.ellipse([x - r, y - r, x + r, y + r], fill=colour)
        case "box":
            draw.rectangle([x - r, y - r, x + r, y + r], fill=colour)
        case "tent":
            draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=colour)
    return image


@pytest.fixture(scope="session")
def draw():
    """``draw(shape, colour, seed)``: a photo of an exhibit; another seed is another photo of it."""
    return _draw


@pytest.fixture(scope="session")
def build_museum():
    """``build_museum(folder, plan, photos=10, first_seed=0)``: photos under folder/place/item."""

    def build(folder, plan, photos=10, first_seed=0):
        seed = first_seed
        for place, items in plan.items():
            for item, (shape, colour) in items.items():
                (folder / place / item).mkdir(parents=True)
                for number in range(photos):
                    seed += 1
                    _draw(shape, colour, seed).save(
                        folder / place / item / f"img_{number:03}.jpg", quality=92
                    )
        return folder

    return build


@pytest.fixture(scope="session")
def museum(build_museum, tmp_path_factory):
    """data/ with 2 places x 3 items x 10 photos, and a description of A/ㄱ."""
    data = build_museum(tmp_path_factory.mktemp("museum") / "data", MUSEUM)
    said = {"places": {"A": {"items": {"ㄱ": {"description": {"ko": "흰 상자", "en": "A white box"}}}}}}
    (data / "metadata.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    return data


@pytest.fixture(scope="session")
def visitor(tmp_path_factory):
    """``visitor(place, item)``: the path of a photo nobody trained on."""
    folder = tmp_path_factory.mktemp("visitor")

    def photo(place, item, seed=9000):
        path = folder / f"{place}_{item}_{seed}.jpg"
        if not path.exists():
            _draw(*(MUSEUM | ELSEWHERE)[place][item], seed).save(path, quality=92)
        return path

    return photo


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory):
    """A weights file for a tiny network. Random filters tell coloured shapes apart well enough."""
    import safetensors.torch
    import timm
    import torch

    torch.manual_seed(0)
    net = timm.create_model(BACKBONE.removeprefix("timm:"), pretrained=False, num_classes=0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    safetensors.torch.save_file(net.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def tiny_settings(random_weights):
    """Settings that train in seconds."""
    from lens_core.settings import resolve

    flags = {
        "backbone": BACKBONE,
        "weights": str(random_weights),
        "img_size": 64,
        "embedding_dim": 32,
        "loss": "ce",
        "epochs": 10,
        "finetune": "none",
    }
    return resolve(flags=flags, environ={}).settings


@pytest.fixture(scope="session")
def run(museum, tiny_settings, tmp_path_factory):
    """A finished training run: ``run.checkpoint``, ``run.manifest``, ``run.metrics``."""
    from lens_core.photos.layout import scan
    from lens_core.training.train import train

    return train(tiny_settings, scan(museum), tmp_path_factory.mktemp("runs") / "전시 1")


@pytest.fixture(scope="session")
def onnx_model(run, tmp_path_factory):
    """The same model, exported: not beside the run, which other tests copy."""
    from lens_core.training.export import export

    return export(run.checkpoint, "onnx", tmp_path_factory.mktemp("exports") / "전시 1/best.onnx").path


@pytest.fixture(scope="session")
def exported(run, museum, tmp_path_factory):
    """A folder with the checkpoint, and exports to ONNX (also int8), OpenVINO and TorchScript."""
    from lens_core.training.export import export

    folder = tmp_path_factory.mktemp("exported")
    ckpt = folder / "best.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    for name in ("onnx", "openvino", "torchscript"):
        export(ckpt, name)
    export(ckpt, "onnx", data_root=museum, quantize="int8", allowed_loss=100)
    return folder


@pytest.fixture
def device(exported, tmp_path):
    """``device("best.onnx", ...)``: a folder with these of the exported files."""

    def holding(*names):
        home = tmp_path / "device"
        home.mkdir()
        for name in names:
            shutil.copyfile(exported / name, home / name)
        return home

    return holding


@pytest.fixture(scope="session")
def rewrite(run, tmp_path_factory):
    """``rewrite(thresholds=None)``: a copy of the trained checkpoint whose manifest says something else."""
    from lens_core.artifacts import container, manifest

    folder = tmp_path_factory.mktemp("rewritten")

    def changed(**changes):
        documents = container.read(run.checkpoint)
        about = attrs.evolve(manifest.from_documents(documents, run.checkpoint), **changes)
        path = folder / f"{len(list(folder.iterdir()))}.ckpt"
        container.write(path, {**documents, manifest.NAME: manifest.to_bytes(about)})
        return path

    return changed


@attrs.frozen
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str

    def failed(self, status, code):
        """A user's mistake: one line on stderr that starts with the code, nothing on stdout."""
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith(f"ai-lens: {code}: "), self.err
        assert self.status == status
        return self.err


@pytest.fixture
def ai_lens(monkeypatch, capsys):
    """``ai_lens("infer", "--model", ...)``: the command line, run in this process."""
    from lens_core.cli import main

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["ai-lens", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return call


@pytest.fixture
def install(tmp_path, monkeypatch):
    """``install("ai-lens-x", code, "ai_lens.indexes", "x")``: a throw-away distribution; returns its folder.

    Found in this process until the test ends; for another process put the folder on PYTHONPATH.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def make(distribution, code, group, *names, version="1.0", requires=(), module=None):
        module = module or distribution.replace("-", "_")
        if code is not None:
            (site / f"{module}.py").write_text(code, encoding="utf-8")
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {name}\n" for name in requires)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{needs}", encoding="utf-8"
        )
        entries = "".join(f"{name} = {module}\n" for name in names)
        (info / "entry_points.txt").write_text(f"[{group}]\n{entries}", encoding="utf-8")
        return site

    yield make
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(site)):
            del sys.modules[name]
