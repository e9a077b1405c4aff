"""Nothing of a file is parsed before its seal was checked, and what is then parsed is what was checked."""

import json
import os
import resource
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from lens_core.errors import ModelLoadError
from lens_core.runtime.lens import Lens

KEPT = Path(__file__).parent / "kept" / "0.1"
PARSERS = {
    ".ckpt": "torch",
    ".onnx": "onnxruntime",
    ".ort": "onnxruntime",
    ".xml": "openvino",
    ".pt": "torch",
}
SUFFIXES = (*PARSERS, ".mlpackage")
ENDLESS = 50 << 30
"""Bytes of a file of zeros, of which the disk stores none; no machine here has as much memory."""
MEMORY = 4 << 30
"""Bytes that a process may take to refuse a file."""

REFUSE = """
import json, sys
from lens_core.errors import LensError
from lens_core.runtime.lens import Lens
told = {}
for path in sys.argv[2:]:
    try:
        Lens(sys.argv[1], index_file=path) if path.endswith(".index") else Lens(path)
        told[path] = "opened"
    except LensError as error:
        told[path] = str(error)
libraries = {"coremltools", "faiss", "onnx", "onnxruntime", "openvino", "torch"}
print(json.dumps([told, sorted(libraries & set(sys.modules))]))
"""


def ask(code, *arguments, **more):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        **more,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(paths, model=""):
    """Open these files in a process that may not take much memory: the libraries that it has loaded then.

    Each must be refused with E200 or E210.
    """
    told, libraries = ask(
        REFUSE, model, *paths, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    )
    wrong = {path: said for path, said in told.items() if not said.startswith(("E200: ", "E210: "))}
    assert wrong == {}
    return libraries


# --- payloads, well-formed for the library that would parse them, under a seal that is not theirs


def seal_of(path):
    return path.read_bytes()[-64:]


def write_onnx(path, models):
    """A network whose weights are in a file of the user's."""
    import onnx

    model = onnx.load(models[".onnx"])
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="private.bin")
    (path.parent / "private.bin").write_bytes(bytes(100_000))
    path.write_bytes(model.SerializeToString() + seal_of(models[".onnx"]))


def write_ort(path, models):
    """Another network."""
    path.write_bytes((KEPT / "best.ort").read_bytes()[:-64] + seal_of(models[".ort"]))


def write_xml(path, models):
    """XML whose entities grow to gigabytes when they are read."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 20}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE net [<!ENTITY l0 "ha">{laughs}]><net name="&l8;"/>\n'
    seal = models[".xml"].read_text(encoding="utf-8").rpartition("<!--")
    path.write_text(bomb + seal[1] + seal[2], encoding="utf-8")
    shutil.copy(models[".xml"].with_suffix(".bin"), path.with_suffix(".bin"))


def write_pair(path, models):
    """A good .xml beside the weights of another model."""
    shutil.copy(models[".xml"], path)
    shutil.copy(KEPT / "best.bin", path.with_suffix(".bin"))


def write_bomb(path, models):
    """A zip that unpacks to a thousand times its size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("gallery.safetensors", "w", force_zip64=True) as member:
            for _ in range(12):
                member.write(bytes(1 << 24))
        archive.comment = b"ai-lens sha256:" + seal_of(models[".ckpt"])


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def write_pickle(path, models):
    """What torch.save makes, with a surprise in it."""
    import torch

    torch.save({"state_dict": Trap(path.parent / "sprung")}, path)
    path.write_bytes(path.read_bytes() + seal_of(models[".ckpt"]))


def write_script(path, models):
    """A TorchScript of somebody else."""
    import torch

    torch.jit.save(torch.jit.script(torch.nn.ReLU()), path)
    path.write_bytes(path.read_bytes() + seal_of(models[".pt"]))


def write_package(path, models):
    """The files of one Core ML package under the seal of another."""
    shutil.copytree(KEPT / "best.mlpackage", path)
    shutil.copy(models[".mlpackage"] / "ai-lens.sha256", path)


HOSTILE = [
    ("external.onnx", write_onnx),
    ("other.ort", write_ort),
    ("laughs.xml", write_xml),
    ("pair.xml", write_pair),
    ("bomb.ckpt", write_bomb),
    ("bomb.pt", write_bomb),
    ("pickle.ckpt", write_pickle),
    ("pickle.pt", write_pickle),
    ("script.pt", write_script),
    ("other.mlpackage", write_package),
]


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_hostile_files_are_refused_before_their_library_is_even_loaded(models, tmp_path):
    for name, write in HOSTILE:
        write(tmp_path / name, models)
    assert refused([tmp_path / name for name, _ in HOSTILE]) == []
    assert not (tmp_path / "sprung").exists()


def test_hostile_gallery_files_are_refused_before_the_library_of_their_index_is_loaded(
    models, galleries, tmp_path
):
    write_bomb(tmp_path / "bomb.index", models)
    content = bytearray(galleries["faiss"].read_bytes())
    content[content.index(b"IxF")] ^= 1  # the four letters by which FAISS knows its kinds of index
    (tmp_path / "faiss.index").write_bytes(content)
    paths = [tmp_path / "bomb.index", tmp_path / "faiss.index"]
    assert refused(paths, models[".onnx"]) == ["onnxruntime"]


def test_a_good_file_does_load_its_library(models, galleries, photos):
    """Otherwise the tests above would prove nothing."""
    photo = next((photos / "A").rglob("*.jpg"))
    code = "import json, sys; from lens_core.runtime.lens import Lens\n"
    code += "lens = Lens(sys.argv[1], index_file=sys.argv[2] or None); lens.infer('A', sys.argv[3])\n"
    code += "print(json.dumps(sys.argv[4] in sys.modules))"
    for suffix, library in PARSERS.items():
        assert ask(code, models[suffix], "", photo, library), suffix
    assert ask(code, models[".onnx"], galleries["faiss"], photo, "faiss")


# --- what is no file, or never ends


def stand_ins(folder, name):
    """Things of this name that are no files to read, and a file that is too large for any memory."""
    ways = {
        "folder": Path.mkdir,
        "pipe": os.mkfifo,
        "device": lambda path: path.symlink_to("/dev/zero"),
        "nowhere": lambda path: path.symlink_to("nothing"),
        "itself": lambda path: path.symlink_to(path.name),
        "zeros": lambda path: path.touch(),
    }
    for way, make in ways.items():
        path = folder / way / name
        path.parent.mkdir()
        make(path)
        if way == "zeros":
            os.truncate(path, ENDLESS)
        yield path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path, suffix):
    assert refused(stand_ins(tmp_path, f"best{suffix}")) == []


def test_what_is_no_gallery_file_is_refused_and_never_waited_for(tmp_path, models):
    assert refused(stand_ins(tmp_path, "A.index"), models[".onnx"]) == ["onnxruntime"]


def test_what_stands_for_the_weights_is_refused_and_never_waited_for(tmp_path, models):
    paths = []
    for weights in stand_ins(tmp_path, "best.bin"):
        paths.append(shutil.copy(models[".xml"], weights.with_suffix(".xml")))
    assert refused(paths) == []


def test_what_stands_for_a_file_of_a_package_is_refused_and_never_waited_for(tmp_path, models):
    paths = []
    for seal in stand_ins(tmp_path, "ai-lens.sha256"):
        paths.append(shutil.copytree(models[".mlpackage"], seal.with_name("a.mlpackage")))
        (paths[-1] / seal.name).unlink()
        seal.rename(paths[-1] / seal.name)
    weights = "Data/com.apple.CoreML/weights/weight.bin"
    for way, make in (("pipe", os.mkfifo), ("device", lambda path: path.symlink_to("/dev/zero"))):
        paths.append(shutil.copytree(models[".mlpackage"], tmp_path / f"{way}.mlpackage"))
        (paths[-1] / weights).unlink()
        make(paths[-1] / weights)
    assert refused(paths) == []


def test_a_name_that_no_disk_takes_is_refused(tmp_path):
    assert refused([tmp_path / f"{'가' * 300}.onnx", tmp_path / "a.onnx" / "b.onnx"]) == []


@contextmanager
def nobody():
    """Root, who may read anything, is nobody for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("suffix", PARSERS)
def test_a_file_that_may_not_be_read_says_so(models, suffix):
    Lens(models[suffix])  # nobody may not read the libraries either
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        closed = Path(folder) / "closed"
        closed.mkdir()
        paths = [Path(shutil.copy(models[suffix], place)) for place in (folder, closed)]
        paths[0].chmod(0)
        closed.chmod(0)
        for path in (*paths, closed):
            with nobody(), pytest.raises(ModelLoadError, match=f"{path} cannot be read: Permission denied"):
                Lens(path)
        closed.chmod(0o755)


# --- good files under other names


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("suffix", PARSERS)
def test_a_name_in_any_spelling_and_a_link_open_as_usual(models, photos, tmp_path, suffix, form):
    usual = models[suffix]
    folder = tmp_path / unicodedata.normalize(form, "가야관의 모형")
    folder.mkdir()
    named = folder / unicodedata.normalize(form, f"청자 ②{suffix}")
    for part in usual.parent.glob(f"{usual.stem}.*"):
        if part.suffix in (suffix, ".bin"):
            shutil.copy(part, named.with_suffix(part.suffix))
            named.with_suffix(part.suffix).with_stem("link").symlink_to(named.with_suffix(part.suffix).name)
    photo = next((photos / "A").rglob("*.jpg"))
    for path in (named, named.with_stem("link")):
        assert Lens(path).infer("A", photo) == Lens(usual).infer("A", photo)


# --- what is parsed is what was checked

CHANGE = """
import sys
from pathlib import Path
library, model, photo, *files = sys.argv[1:]
def spoil(event, arguments):
    if event == "import" and arguments[0] == library:
        for file in map(Path, files):
            file.write_bytes(bytes(file.stat().st_size))
sys.addaudithook(spoil)
from lens_core.runtime.lens import Lens
print(Lens(model).infer("A", photo).to_json())
"""


@pytest.mark.parametrize("suffix", PARSERS)
def test_a_file_that_changes_after_it_was_checked_changes_no_answer(models, photos, tmp_path, suffix):
    """Neither read a second time nor mapped: it is overwritten when its library begins to be loaded."""
    usual = models[suffix]
    files = [
        shutil.copy(part, tmp_path)
        for part in usual.parent.glob(f"{usual.stem}.*")
        if part.suffix == suffix or (suffix, part.suffix) == (".xml", ".bin")
    ]
    photo = next((photos / "A").rglob("*.jpg"))
    model = tmp_path / usual.name
    answer = ask(CHANGE, PARSERS[suffix], model, photo, *files)
    assert answer == json.loads(Lens(usual).infer("A", photo).to_json())
    assert not np.fromfile(model, np.uint8).any()
