"""A folder in place of a file: the fastest file that this machine opens answers, and the choice is kept."""

import shutil

import pytest

from ai_lens_helper import Lens
from lens_core.errors import DamagedArtifactError, ModelLoadError, NotInstalledError


@pytest.fixture
def folder(device, tmp_path, monkeypatch):
    """``folder("best.onnx", ...)``: a folder with these of the files, and a cache of its own."""
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "cache"))
    return device


@pytest.fixture
def several(folder):
    """ONNX and OpenVINO: two that answer without PyTorch."""
    return folder("best.onnx", "best.xml", "best.bin", "best.ckpt")


def damage(path):
    """Change a byte in the middle; the seal at the end stays."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def opened(folder, **options):
    """(the name of the file that answers, what was told)."""
    told = []
    return Lens(folder, tell=told.append, **options).path.name, told


def test_the_folder_answers_as_its_file_does(several, visitor):
    lens = Lens(several)
    assert lens.path.name in ("best.onnx", "best.xml")
    assert lens.infer("A", visitor("A", "ㄱ")) == Lens(lens.path).infer("A", visitor("A", "ㄱ"))


def test_what_was_measured_is_told_and_the_fastest_taken(several):
    name, (before, after) = opened(several)
    assert before == f"Measuring which file of {several} answers fastest here ..."
    assert after.startswith(f"{name} answers in ")
    assert after.endswith(f" ms: taking {name}")
    taken, other = (float(part.split(" in ")[1].split()[0]) for part in after.split(","))
    assert taken <= other


def test_the_choice_is_kept_and_no_other_file_is_opened_again(several):
    name, _ = opened(several)
    damage(several / {"best.onnx": "best.xml", "best.xml": "best.onnx"}[name])
    assert opened(several) == (name, [])
    assert Lens(several).warnings == ()


def test_the_choice_goes_with_the_files_wherever_they_are_copied(several, tmp_path):
    name, _ = opened(several)
    shutil.copytree(several, tmp_path / "copy")
    assert opened(tmp_path / "copy") == (name, [])


def test_other_options_are_measured_apart(several):
    opened(several)
    assert len(opened(several, runtime_options={"threads": 1})[1]) == 2
    assert opened(several, runtime_options={"threads": 1})[1] == []


def test_another_file_is_another_choice(several, exported):
    opened(several)
    (several / "best.onnx").unlink()
    assert opened(several) == ("best.xml", [])
    shutil.copyfile(exported / "best.onnx", several / "best.onnx")
    assert opened(several)[1] == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"chosen": "none.onnx"}', b"\xff"])
def test_a_damaged_cache_is_measured_again_and_mended(several, tmp_path, content):
    opened(several)
    (kept,) = (tmp_path / "cache" / "fastest").iterdir()
    kept.write_bytes(content)
    assert len(opened(several)[1]) == 2
    assert opened(several)[1] == []


def test_a_choice_that_no_longer_opens_is_made_again(several):
    name, _ = opened(several)
    damage(several / name)
    lens = Lens(several)
    assert lens.path.name in {"best.onnx", "best.xml"} - {name}
    assert [warning.split()[0] for warning in lens.warnings] == [name]


def test_where_nothing_can_be_kept_it_is_measured_every_time(several, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert len(opened(several)[1]) == len(opened(several)[1]) == 2


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("best.onnx",), "best.onnx"),
        (("best.onnx", "best.pt", "best.ckpt"), "best.onnx"),  # PyTorch only where nothing else answers
        (("best.ckpt",), "best.ckpt"),
        (("best.onnx", "best.int8.onnx"), "best.onnx"),
    ],
)
def test_where_one_file_is_left_nothing_is_measured(folder, names, taken):
    assert opened(folder(*names)) == (taken, [])


def test_pytorch_files_are_compared_with_each_other_alone(folder):
    name, told = opened(folder("best.pt", "best.ckpt"))
    assert name in ("best.pt", "best.ckpt")
    assert len(told) == 2


def test_only_best_counts_in_the_folder_of_a_run(folder, rewrite):
    home = folder("best.onnx", "best.ckpt")
    shutil.copyfile(rewrite(embedding_id="another"), home / "last.ckpt")
    assert opened(home) == ("best.onnx", [])


def test_files_of_any_name_will_do_where_none_is_called_best(folder):
    home = folder("best.onnx", "best.ckpt")
    (home / "best.onnx").rename(home / "kiosk.onnx")
    (home / "best.ckpt").rename(home / "kiosk.ckpt")
    assert opened(home) == ("kiosk.onnx", [])


def test_int8_is_taken_only_when_it_is_named(folder):
    home = folder("best.int8.onnx")
    with pytest.raises(ModelLoadError, match=r"best\.int8\.onnx would be taken, but may answer otherwise"):
        Lens(home)
    assert Lens(home / "best.int8.onnx").manifest.certificate.precision == "int8"


def test_an_export_of_a_model_before_is_refused_and_both_are_named(folder, rewrite):
    home = folder("best.onnx")
    shutil.copyfile(rewrite(model_version="1.1.0"), home / "best.ckpt")
    both = r"different models: best\.ckpt \(version 1\.1\.0 .*, best\.onnx \(version 1\.0\.0 .* Name the file"
    with pytest.raises(ModelLoadError, match=both):
        Lens(home)
    assert Lens(home / "best.onnx").path.name == "best.onnx"


def test_a_damaged_file_is_passed_over_and_named_until_it_is_put_right(several, exported):
    damage(several / "best.onnx")
    for _ in range(2):
        lens = Lens(several)
        assert lens.path.name == "best.xml"
        (warning,) = lens.warnings
        assert warning.startswith("best.onnx is passed over: ")
        assert "is damaged" in warning
    shutil.copyfile(exported / "best.onnx", several / "best.onnx")
    assert Lens(several).warnings == ()


def test_a_damaged_file_that_is_alone_is_the_error(folder):
    home = folder("best.onnx")
    damage(home / "best.onnx")
    with pytest.raises(DamagedArtifactError, match=r"best\.onnx is damaged"):
        Lens(home)


def test_a_runtime_that_may_not_load_is_passed_over(several, monkeypatch):
    monkeypatch.setenv("AI_LENS_PLUGINS", "ai-lens-openvino")
    assert opened(several) == ("best.xml", [])
    assert Lens(several).warnings == ()


def test_a_runtime_without_the_options_is_passed_over(several):
    assert opened(several, runtime_options={"providers": ["CPUExecutionProvider"]}) == ("best.onnx", [])


def test_what_could_be_installed_is_the_advice_where_nothing_opens(folder, monkeypatch):
    from lens_core import plugins

    find = plugins.find
    monkeypatch.setattr(plugins, "find", lambda family: [one for one in find(family) if one.name == "ckpt"])
    with pytest.raises(NotInstalledError, match="pip install ai-lens-onnx"):
        Lens(folder("best.onnx"))


def test_a_folder_without_a_model_says_what_was_looked_for(tmp_path):
    with pytest.raises(ModelLoadError, match=r"holds no model: no file in it ends in \.ckpt, .*\.onnx"):
        Lens(tmp_path)


# --- the command line


def test_the_commands_take_a_folder_and_say_once_what_they_took(several, ai_lens, museum, visitor, tmp_path):
    asked = ["infer", "--model", several, "--place", "A", "--image", visitor("A", "ㄱ")]
    first, second = ai_lens(*asked), ai_lens(*asked)
    assert first.status == second.status == 0
    assert first.out == second.out
    assert ": taking best." in first.err
    assert second.err == ""
    saved = tmp_path / "A.index"
    flags = ["--data-root", museum, "--place", "A", "--save", saved]
    assert ai_lens("build-index", "--model", several, *flags).status == 0
    batch = ["--place", "A", "--input-dir", museum / "A" / "ㄱ", "--index-file", saved]
    assert ai_lens("infer-batch", "--model", several, *batch).status == 0


def test_the_command_warns_of_a_damaged_file(several, ai_lens, visitor):
    damage(several / "best.onnx")
    done = ai_lens("infer", "--model", several, "--place", "A", "--image", visitor("A", "ㄱ"))
    assert done.status == 0
    assert done.err.startswith("warning: best.onnx is passed over: ")


def test_a_run_is_evaluated_and_tuned_by_its_folder(several, ai_lens, museum):
    evaluated = ai_lens("evaluate", "--model", several, "--data-root", museum, "--folds", 2)
    assert evaluated.status == 0, evaluated.err
    assert (several / "report.html").exists()
    tuned = ai_lens("tune", "--model", several, "--data-root", museum)
    assert tuned.status == 0, tuned.err
    assert f"{several / 'best.ckpt'}: version" in tuned.err
    stale = ai_lens("infer", "--model", several, "--place", "A", "--image", museum / "A/ㄱ/img_000.jpg")
    assert (stale.status, stale.err[:15]) == (4, "ai-lens: E200: ")
