"""What is particular to timm: names, pinned weights, local files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from lens_core import plugins
from lens_core.errors import (
    BadSettingError,
    ModelLoadError,
    UnknownPluginError,
    WeightsUnavailableError,
)

SHARED = Path(__file__).parents[4] / "../shared/weights"
MOBILENETV2 = SHARED / "mobilenetv2_100.onnxzoo-mobilenetv2-7.nohead.safetensors"
MOBILENETV3 = SHARED / "tf_mobilenetv3_small_100.tflite-uint8.safetensors"


def make(name, **options):
    return plugins.make("backbone", name, options)


def network(classifier=True):
    """A small transformer, the same at every call."""
    torch.manual_seed(0)
    made = timm.create_model("test_vit").eval()
    if not classifier:
        made.reset_classifier(0)
    return made


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "가중치.safetensors"
    safetensors.torch.save_file(network().state_dict(), path)
    return path


@pytest.mark.parametrize(
    ("alias", "architecture", "size"),
    [
        ("vit_b16", "vit_base_patch16_224", 224),
        ("resnet50", "resnet50", 288),
        ("efficientnet_b3", "efficientnet_b3", 320),
        ("convnext_tiny", "convnext_tiny", 288),
        ("mobilenetv2", "mobilenetv2_100", 448),
    ],
)
def test_an_alias_and_the_size_it_is_best_at(alias, architecture, size):
    backbone = make(alias, pretrained=False)
    assert backbone.full_name == f"{architecture} (no weights)"
    assert backbone.preprocess.size == size


def test_an_alias_stands_for_weights_that_timm_publishes():
    from ai_lens_timm.names import ALIASES

    published = timm.list_pretrained()
    assert [choice.timm_name for choice in ALIASES.values() if choice.timm_name not in published] == []


def test_another_name_takes_the_size_timm_recommends():
    assert make("timm:resnet18.a1_in1k", pretrained=False).preprocess.size == 288


def test_a_size_the_network_was_not_made_for_keeps_its_weights(weights):
    backbone = make("timm:test_vit", weights=str(weights), img_size=224)
    expected = network(classifier=False)
    expected.set_input_size((224, 224))
    photo = torch.randn(1, 3, 224, 224)
    torch.testing.assert_close(backbone(photo), expected(photo))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "timm:mobilnetv2_100",
            r"E400: timm has no model 'mobilnetv2_100'\. Did you mean timm:mobilenetv2_100",
        ),
        ("timm:resnet18.a1_in2k", r"Did you mean timm:resnet18\.a1_in1k or"),
        ("timm:hf-hub:someone/model", r"timm has no model 'hf-hub:someone/model'\. List them: python -c"),
        ("timm", r"backbone 'timm' needs the name of a model\. For example: timm:resnet18\.a1_in1k"),
        ("timm:", "needs the name of a model"),
    ],
)
def test_a_name_timm_does_not_know(name, message):
    with pytest.raises(UnknownPluginError, match=message):
        make(name)


def test_a_size_that_does_not_fit():
    with pytest.raises(BadSettingError, match=r"'timm:coatnet_nano_cc_224' cannot take photos of 100 x 100"):
        make("timm:coatnet_nano_cc_224", pretrained=False, img_size=100)


def test_local_weights_with_a_classifier(weights):
    backbone = make("timm:test_vit", weights=str(weights))
    photo = torch.randn(1, 3, 160, 160)
    torch.testing.assert_close(backbone(photo), network(classifier=False)(photo))
    assert backbone.licence == "unknown"


def test_local_weights_without_a_classifier(tmp_path):
    safetensors.torch.save_file(network(classifier=False).state_dict(), tmp_path / "x.safetensors")
    backbone = make("timm:test_vit", weights=str(tmp_path / "x.safetensors"))
    photo = torch.randn(1, 3, 160, 160)
    torch.testing.assert_close(backbone(photo), network(classifier=False)(photo))


def test_local_weights_are_recorded_by_name_and_hash(weights):
    import hashlib

    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
    full_name = make("timm:test_vit", weights=str(weights)).full_name
    assert full_name == f"test_vit (weights: 가중치.safetensors, sha256 {digest})"


def test_local_weights_need_no_pretrained_flag_and_no_network(weights, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("something was asked of the network"))
    assert make("timm:test_vit", weights=str(weights), pretrained=True).dim == 64


@pytest.mark.skipif(not MOBILENETV2.exists(), reason="the real weights in ../shared/weights are not here")
def test_real_mobilenetv2_weights_without_a_classifier():
    backbone = make("mobilenetv2", weights=str(MOBILENETV2))
    assert backbone.full_name.startswith(f"mobilenetv2_100 (weights: {MOBILENETV2.name}, sha256 ")
    assert (backbone.dim, backbone.preprocess.size) == (1280, 448)


@pytest.mark.skipif(not MOBILENETV3.exists(), reason="the real weights in ../shared/weights are not here")
def test_real_mobilenetv3_weights_with_a_classifier():
    backbone = make("timm:tf_mobilenetv3_small_100", weights=str(MOBILENETV3))
    assert backbone.dim == 1024
    assert backbone.preprocess.mean == (0.5, 0.5, 0.5)
    assert backbone.preprocess.interpolation == "bilinear"


def test_weights_with_missing_and_unexpected_tensors(tmp_path, weights):
    tensors = safetensors.torch.load_file(weights)
    del tensors["norm.weight"]
    tensors["another"] = torch.zeros(1)
    safetensors.torch.save_file(tensors, tmp_path / "x.safetensors")
    message = (
        r"E200.*x\.safetensors does not fit this backbone: 1 missing tensors \(norm\.weight\); "
        r"1 unexpected tensors \(another\)\. Pass the model\.safetensors"
    )
    with pytest.raises(ModelLoadError, match=message):
        make("timm:test_vit", weights=str(tmp_path / "x.safetensors"))


def test_weights_of_another_size(tmp_path, weights):
    tensors = safetensors.torch.load_file(weights)
    tensors["norm.weight"] = torch.zeros(7)
    safetensors.torch.save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(ModelLoadError, match=r"does not fit this backbone: size mismatch for norm\.weight"):
        make("timm:test_vit", weights=str(tmp_path / "x.safetensors"))


def test_a_pickle_is_not_opened(tmp_path):
    torch.save(network().state_dict(), tmp_path / "x.pth")
    with pytest.raises(ModelLoadError, match=r"E200.*x\.pth is not a safetensors file"):
        make("timm:test_vit", weights=str(tmp_path / "x.pth"))


def test_no_such_weights(tmp_path):
    with pytest.raises(ModelLoadError, match=r"none\.safetensors cannot be read: No such file.*--weights"):
        make("timm:test_vit", weights=str(tmp_path / "none.safetensors"))


def test_a_model_without_published_weights():
    with pytest.raises(WeightsUnavailableError, match="publishes no safetensors weights of gcvit_xxtiny"):
        make("timm:gcvit_xxtiny")


def test_importing_the_plugin_imports_neither_torch_nor_timm():
    code = "import sys, ai_lens_timm; print({'torch', 'timm', 'huggingface_hub'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def in_a_new_process(code, cache, **environment):
    """Run ``code`` with the hub's settings, which huggingface_hub reads once, when it is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "HF_HOME": str(cache), **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


MAKE = """
from lens_core import plugins
from lens_core.errors import LensError
def make(name):
    try:
        backbone = plugins.make("backbone", name, {})
        print(backbone.full_name, backbone.licence, f"{next(backbone.parameters()).sum():.4f}")
    except LensError as error:
        print(error)
"""


def test_published_weights_are_downloaded_once_and_only_as_safetensors(tmp_path, weights):
    """Against a hub of our own: the real one cannot be reached from everywhere tests run."""
    code = (
        MAKE + HUB + "make('timm:test_vit'); make('timm:test_resnet'); hub.shutdown(); make('timm:test_vit')"
    )
    lines = in_a_new_process(code, tmp_path / "hf", HUB_FILE=str(weights)).splitlines()
    total = next(network().parameters()).sum()
    assert lines[0] == f"test_vit.r160_in1k apache-2.0 {total:.4f}"
    assert lines[1] == (
        "E450: huggingface.co/timm/test_resnet.r160_in1k offers the weights of test_resnet.r160_in1k only as "
        "a pickle, which could run code. Choose another backbone, or pass a local file: "
        "--weights FILE.safetensors."
    )
    assert lines[2] == lines[0]


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "Connection refused"),
        ({"HF_HUB_OFFLINE": "1"}, "offline mode is enabled"),
    ],
)
def test_without_a_network(tmp_path, environment, reason):
    said = in_a_new_process(MAKE + "make('mobilenetv2')", tmp_path, **environment)
    assert said.startswith("E450: The weights of mobilenetv2_100.ra_in1k could not be downloaded")
    assert reason in said
    assert said.endswith("Connect to the internet once, or pass a local file: --weights FILE.safetensors.\n")


HUB = '''
import hashlib, http.server, json, os, pathlib, threading
content = pathlib.Path(os.environ["HUB_FILE"]).read_bytes()

class Hub(http.server.BaseHTTPRequestHandler):
    """The two questions huggingface_hub asks: which files a model has, and one file."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "/api/models/" in self.path:
            name = "model.safetensors" if "test_vit" in self.path else "pytorch_model.bin"
            answer = {"id": self.path[12:], "siblings": [{"rfilename": name}]}
            self.answer(json.dumps(answer).encode(), "application/json")
        else:
            self.answer(content, "application/octet-stream")

    do_HEAD = do_GET

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", hashlib.sha256(body).hexdigest())
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass

hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=hub.serve_forever, daemon=True).start()
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{hub.server_port}"
'''
