"""The contracts of every exporter and its runtime (lens_core.contracts), asked of the installed plugin."""

import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from lens_core import plugins
from lens_core.errors import DamagedArtifactError, ModelLoadError

SIZE = 32
DOCUMENTS = {
    "manifest.json": '{"장소": "A"}'.encode(),
    "gallery.safetensors": bytes(range(256)) * 40,
    "empty": b"",
}


class Network(nn.Module):
    """What ai-lens exports: pixels in, normalised embeddings and class scores out."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )
        self.embed = nn.Linear(16, 8)
        self.head = nn.Linear(8, 5)

    def forward(self, images):
        pixels = images.permute(0, 3, 1, 2).float() / 255
        embeddings = nn.functional.normalize(self.embed(self.features(pixels).flatten(1)))
        return embeddings, self.head(embeddings)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network().eval()


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "모델.onnx"
    exporter = plugins.make("exporter", "onnx", {})
    exporter.export(network, torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8), DOCUMENTS, path)
    return path


def open_runtime(path, **options):
    return plugins.make("runtime", "onnx", options, path=path)


def photos(count):
    return np.random.default_rng(count).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def test_the_suffix_names_the_runtime():
    assert plugins.make("exporter", "onnx", {}).suffix == ".onnx"
    assert plugins.choose("runtime", "onnx").distribution == "ai-lens-onnx"


@pytest.mark.parametrize("count", [1, 3, 17])
def test_the_file_answers_as_the_network_does(network, exported, count):
    images = photos(count)
    embeddings, logits = open_runtime(exported).run(images)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images))
    assert embeddings.dtype == logits.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(logits, expected[1].numpy(), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


def test_a_photo_gets_the_same_answer_alone_and_in_a_batch(exported):
    runtime, images = open_runtime(exported), photos(4)
    together = runtime.run(images)[0]
    alone = np.concatenate([runtime.run(image[None])[0] for image in images])
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_the_documents_come_back_as_they_were(exported):
    assert open_runtime(exported).documents == DOCUMENTS


def test_a_file_without_documents(network, tmp_path):
    plugins.make("exporter", "onnx", {}).export(
        network, torch.zeros(1, SIZE, SIZE, 3, dtype=torch.uint8), {}, tmp_path / "x.onnx"
    )
    assert open_runtime(tmp_path / "x.onnx").documents == {}


def test_exporting_does_not_change_the_network_or_the_example(network, tmp_path):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    example = torch.full((1, SIZE, SIZE, 3), 7, dtype=torch.uint8)
    plugins.make("exporter", "onnx", {}).export(network, example, {}, tmp_path / "x.onnx")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert example.eq(7).all()
    assert not network.training


def test_the_file_ends_with_the_hash_of_all_before(exported):
    content = exported.read_bytes()
    assert content[-64:].decode() == hashlib.sha256(content[:-64]).hexdigest()


@pytest.mark.parametrize("position", [0, 1000, -100, -1])
def test_one_changed_byte_is_damage(exported, tmp_path, position):
    content = bytearray(exported.read_bytes())
    content[position] ^= 1
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(DamagedArtifactError, match=r"E210.*x\.onnx is damaged"):
        open_runtime(tmp_path / "x.onnx")


@pytest.mark.parametrize("length", [0, 1, 64, 1000])
def test_a_file_cut_short_is_damage(exported, tmp_path, length):
    (tmp_path / "x.onnx").write_bytes(exported.read_bytes()[:length])
    with pytest.raises(DamagedArtifactError):
        open_runtime(tmp_path / "x.onnx")


def test_no_such_file(tmp_path):
    with pytest.raises(ModelLoadError, match=r"E200.*none\.onnx cannot be read: No such file"):
        open_runtime(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (photos(1).astype(np.float32), r"float32\[1, 32, 32, 3\]"),
        (photos(1)[0], r"uint8\[32, 32, 3\]"),
        (photos(1)[:0], r"uint8\[0, 32, 32, 3\]"),
        (photos(1)[:, :16], r"uint8\[1, 16, 32, 3\]"),
        (photos(1).transpose(0, 3, 1, 2), r"uint8\[1, 3, 32, 32\]"),
    ],
)
def test_wrong_pixels_are_refused(exported, images, found):
    with pytest.raises(ValueError, match=rf"takes uint8\[N, 32, 32, 3\], not {found}"):
        open_runtime(exported).run(images)
