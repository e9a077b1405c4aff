"""What the documentation says is what the code does."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from lens_core import errors, plugins
from lens_core.artifacts import container
from lens_core.contracts import Photo
from lens_core.decision.rule import Reason
from lens_core.runtime.lens import open_runtime
from lens_core.runtime.result import Prediction, Result
from lens_core.settings import Settings, flatten, resolve

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PLUGIN_PAGES = sorted((DOCS / "plugins").glob("[!R]*.md"))
READMES = [ROOT / "README.md", ROOT / "README.ko.md"]


@pytest.fixture
def generate(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("generate")


@pytest.fixture
def claims(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("claims")


# --- the reference ---


def test_the_reference_is_current_and_no_page_names_what_does_not_exist():
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stale_page_is_noticed(generate, tmp_path):
    page = tmp_path / "errors.md"
    assert generate.stale(page, "new")
    page.write_text("old")
    assert generate.stale(page, "new")


def test_every_error_has_a_section():
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    missing = [error.code for error in errors.all_errors() if f"\n### {error.code}\n" not in page]
    assert missing == []


def test_every_switch_of_the_environment_is_explained(generate):
    assert set(generate.SWITCHES) == set(generate.settings.NOT_SETTINGS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[a](nowhere.md)", "there is no nowhere.md to link to"),
        ("`--no-such-flag`", "there is no flag --no-such-flag"),
        ("```bash\nai-lens paint --thick\n```", "`ai-lens paint --thick`: there is no command paint"),
        (
            "```bash\nai-lens infer --model a.onnx \\\n  --colour blue\n```",
            "`ai-lens infer --model a.onnx    --colour blue`: there is no flag --colour",
        ),
        ("`ai-lens plugins list --json`, `ai-lens --index faiss train --lr 1e-4`, [a](page.md)", None),
    ],
)
def test_dead_links_and_unknown_commands_and_flags_are_noticed(claims, tmp_path, text, complaint):
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    assert list(claims.complaints(page)) == ([complaint] if complaint else [])


# --- settings file ---


def test_the_default_settings_file_says_what_is_built_in():
    written = resolve(ROOT / "configs" / "default.yaml", environ={})
    assert flatten(written.settings) == {**flatten(Settings()), "img_size": 224}
    assert "default" not in written.origins.values(), "every key is in the file"


# --- README ---


def answer(accepted):
    both = {"place": "A", "predictions": (Prediction("x", 0.9),), "distance": 0.3, "model_version": "1.0.0"}
    if accepted:
        more = {"decision": "accept", "reason": Reason.CLASSIFIER, "selected_item": "x", "confidence": 0.9}
    else:
        more = {"decision": "recollect", "reason": Reason.NOT_SURE, "message": "again", "hints": ("closer",)}
    return Result(**both, **more).to_dict()


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readme_shows_answers_as_they_are(readme):
    shown = [json.loads(block) for block in blocks(readme, "json")]
    assert [list(one) for one in shown] == [list(answer(accepted=True)), list(answer(accepted=False))]
    assert [one["reason"] for one in shown] == [Reason.CLASSIFIER, Reason.NOT_SURE]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readme_names_every_reason(readme):
    text = readme.read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"`{reason}`" not in text] == []


# --- plugins ---


def blocks(page, language):
    """The fenced blocks of a language on a page."""
    found = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    assert found, f"{page.name} has no {language} block"
    return found


def test_every_hook_has_a_page_with_its_live_signature(generate):
    pages = [page.read_text(encoding="utf-8") for page in (DOCS / "plugins").glob("*.md")]
    for name, hook in generate.hooks().items():
        assert any(f"\n{generate.signature(hook)}\n" in page for page in pages), name


def test_every_family_has_a_page():
    assert {page.stem for page in PLUGIN_PAGES} == set(plugins.FAMILIES)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs the plugin printed on a page of docs/plugins, as its pyproject.toml describes it."""

    def install(family):
        page = DOCS / "plugins" / f"{family}.md"
        project = tomllib.loads(blocks(page, "toml")[0])["project"]
        module = project["name"].replace("-", "_")
        (tmp_path / f"{module}.py").write_text(blocks(page, "python")[1], encoding="utf-8")
        about = tmp_path / f"{module}-{project['version']}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
        groups = project["entry-points"].items()
        lines = [f"[{group}]\n{name} = {value}" for group, names in groups for name, value in names.items()]
        (about / "entry_points.txt").write_text("\n".join(lines))
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    for name in [name for name, module in sys.modules.items() if _lies_in(module, tmp_path)]:
        del sys.modules[name]


def _lies_in(module, folder):
    file = getattr(module, "__file__", None)
    return bool(file) and folder in Path(file).parents


def test_the_backbone_page_works(installed):
    installed("backbone")
    backbone = plugins.make("backbone", "colours", {"pretrained": False, "img_size": 32})
    assert backbone(torch.rand(2, 3, 32, 32)).shape == (2, backbone.dim)
    assert backbone.preprocess.size == 32


def test_the_loss_page_works(installed):
    installed("loss")
    loss = plugins.make("loss", "huddle", {"margin": 0.3}, embedding_dim=4, class_count=2)
    assert loss(torch.randn(6, 4), torch.tensor([0, 0, 0, 1, 1, 1])).isfinite()


def test_the_index_page_works(installed, tmp_path):
    installed("index")
    index, loaded = (plugins.make("index", "half", {}, dim=3) for _ in range(2))
    index.add(np.eye(3, dtype=np.float32))
    index.remove(np.array([0]))
    index.save(tmp_path / "half.index")
    loaded.load(tmp_path / "half.index")
    distances, rows = loaded.search(np.array([[0, 0, 1]], np.float32), 2)
    assert distances.dtype == np.float32
    assert (rows.tolist(), distances.tolist(), len(loaded)) == ([[1, 0]], [[0, 1]], 2)


class Flat(torch.nn.Module):
    def forward(self, images):
        flat = images.float().flatten(1)
        return flat, flat / 255


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_the_exporter_page_works(installed, tmp_path):
    installed("exporter")
    exporter, path = plugins.make("exporter", "boxed", {}), tmp_path / "best.boxed"
    photos = torch.randint(0, 256, (2, 4, 4, 3), dtype=torch.uint8)
    exporter.write(exporter.convert(Flat(), photos[:1]), {"manifest.json": b"{}"}, path)
    runtime = open_runtime(path, {})
    embeddings, logits = runtime.run(photos.numpy())
    assert runtime.documents["manifest.json"] == b"{}"
    assert np.array_equal(embeddings, photos.flatten(1).numpy())
    assert np.array_equal(logits, embeddings / 255)


def test_the_runtime_page_works(installed, tmp_path):
    from safetensors.numpy import save

    installed("runtime")
    eye = np.eye(48, dtype=np.float32)
    tensors = save({"embed": eye, "directions": eye[:2]})
    container.write(tmp_path / "best.linear", {"linear.safetensors": tensors, "manifest.json": b"{}"})
    embeddings, logits = open_runtime(tmp_path / "best.linear", {}).run(np.ones((2, 4, 4, 3), np.uint8))
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(1)
    assert logits.shape == (2, 2)


def test_the_quality_page_works(installed):
    installed("quality")
    driver = plugins.load("quality", "shape")
    wide = Photo(np.zeros((100, 500, 3), np.uint8), 500, 100)
    ((finding,),) = driver.call("check_photo", photo=wide, options=driver.options({}))
    assert (finding.check, finding.severity) == ("panorama", 1)


def test_the_tracker_page_works(installed, tmp_path):
    installed("tracker")
    tracker = plugins.make("tracker", "diary", {"greeting": "Dear Kitty"})
    tracker.start("first", {"backbone": "vit_b16"}, tmp_path / "run")
    tracker.log(1, {"loss": 0.5})
    tracker.conclude({})
    tracker.close("done")
    assert (tmp_path / "run" / "diary.txt").read_text(encoding="utf-8").splitlines() == [
        "Dear Kitty, today I began first, with vit_b16.",
        "Pass 1: loss 0.5.",
        "It is done! nothing to report.",
        "Good night.",
    ]
