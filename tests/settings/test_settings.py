"""Where a setting comes from, and what is said when one is wrong."""

import json
import math

import pytest

from lens_core.errors import BadSettingError
from lens_core.settings import Settings, flatten, keys, loss_terms, resolve


@pytest.fixture
def file(tmp_path):
    """``file("lr: 1")``: a settings file."""

    def write(text):
        path = tmp_path / "settings.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def settled(file=None, flags=None, environ=None):
    return resolve(file, flags, environ or {}).settings


def error_of(file=None, flags=None, environ=None):
    with pytest.raises(BadSettingError) as refused:
        resolve(file, flags, environ or {})
    assert "\n" not in str(refused.value)
    return str(refused.value)


# --- precedence


def test_nothing_set_means_the_documented_defaults():
    settings = settled()
    assert (settings.seed, settings.backbone, settings.embedding_dim, settings.lr) == (
        42,
        "vit_b16",
        512,
        3e-4,
    )
    reject = settings.reject
    assert (reject.threshold, reject.min_top1_margin, reject.max_distance) == (0.62, 0.12, 0.0)


def test_a_file_wins_over_defaults_the_environment_over_the_file_and_a_flag_over_all(file):
    path = file("seed: 1\nlr: 0.1\nloss: ce\n")
    environ = {"AI_LENS_SEED": "2", "AI_LENS_LR": "0.2"}
    resolved = resolve(path, {"seed": 3}, environ)
    settings = resolved.settings
    assert (settings.seed, settings.lr, settings.loss, settings.batch_size) == (3, 0.2, "ce", 32)
    origins = {key: resolved.origins[key] for key in ("seed", "lr", "loss", "batch_size")}
    assert origins == {
        "seed": "flag --seed",
        "lr": "environment AI_LENS_LR",
        "loss": f"{path} line 3",
        "batch_size": "default",
    }


def test_a_flag_that_was_not_given_changes_nothing(file):
    assert settled(file("seed: 1"), {"seed": None}).seed == 1


def test_every_setting_has_an_origin():
    resolved = resolve(environ={})
    assert list(resolved.origins) == list(flatten(resolved.settings)) == [key for key, _ in keys()]


def test_one_value_of_a_group_leaves_the_others_alone(file):
    settings = settled(
        file("reject:\n  threshold: 0.7\naugment: {color_jitter: 0}\n"),
        {"reject.max_distance": 0.3},
        {"AI_LENS_REJECT__MIN_TOP1_MARGIN": "0.2"},
    )
    reject = settings.reject
    assert (reject.threshold, reject.min_top1_margin, reject.max_distance) == (0.7, 0.2, 0.3)
    assert settings.augment.color_jitter == 0
    assert settings.augment.horizontal_flip is True


def test_an_empty_file_sets_nothing(file):
    assert settled(file("# all as it is\n")) == Settings()


def test_the_settings_file_of_the_product_page_is_understood(file):
    settings = settled(
        file(
            """\
seed: 42
img_size: 224
backbone: vit_b16
optimizer: adamw
lr: 3e-4              # a number, not a string
weight_decay: 0.05
scheduler: cosine
loss: arcface
embedding_dim: 512
augment: {random_resized_crop: true, color_jitter: 0.2, horizontal_flip: true, gaussian_blur: true}
reject: {threshold: 0.62, min_top1_margin: 0.12}
export: {onnx: true, opset: 17}
"""
        )
    )
    assert (settings.img_size, settings.lr, settings.loss, settings.export.opset) == (
        224,
        3e-4,
        "arcface",
        17,
    )


def test_options_of_an_index_stay_with_the_index_they_were_written_for(file):
    path = file("index: faiss\nindex_options: {kind: hnsw}\n")
    assert settled(path).index_options == settled(path, {"index": "faiss"}).index_options == {"kind": "hnsw"}
    other = resolve(path, {"index": "exact"})
    assert (other.settings.index_options, other.origins["index_options"]) == ({}, "default")
    assert settled(path, {"index": "usearch", "index_options": {"dtype": "i8"}}).index_options == {
        "dtype": "i8"
    }
    assert settled(file("index_options: {kind: hnsw}"), {"index": "faiss"}).index_options == {"kind": "hnsw"}


def test_options_complete_those_of_the_layers_below(file):
    path = file("index_options: {kind: hnsw, m: 8}\nloss_options: {arcface: {margin: 0.2, scale: 30}}\n")
    flags = {"index_options": {"m": 16}, "loss_options": {"arcface": {"margin": 0.4}}}
    settings = settled(path, flags)
    assert settings.index_options == {"kind": "hnsw", "m": 16}
    assert settings.loss_options == {"arcface": {"margin": 0.4, "scale": 30}}


def test_flags_complete_the_options_a_run_began_with():
    begun_with = {"tracker_options": {"mlflow": {"experiment": "a"}}, "seed": 7, "patience": None}
    flags = {"tracker_options": {"mlflow": {"tracking_uri": "b"}}}
    settings = resolve(flags=flags, environ={}, begun_with=begun_with).settings
    assert settings.tracker_options == {"mlflow": {"experiment": "a", "tracking_uri": "b"}}
    assert (settings.seed, settings.patience) == (7, None)


def test_options_that_are_no_pairs_are_an_error(file):
    assert error_of(file("index_options: 5\n")).startswith(
        "E600: index_options: expected `key: value` pairs, got 5 ("
    )


# --- types


@pytest.mark.parametrize("written", ["3e-4", "3.0e-4", "0.0003", "3E-4"])
def test_a_small_number_is_a_number_however_it_is_written(file, written):
    assert math.isclose(settled(file(f"lr: {written}")).lr, 3e-4)
    assert math.isclose(settled(environ={"AI_LENS_LR": written}).lr, 3e-4)


def test_a_whole_number_may_stand_for_a_number(file):
    lr = settled(file("lr: 1")).lr
    assert (lr, type(lr)) == (1.0, float)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("lr: fast", "lr: expected a number, got 'fast'"),
        ("lr: '3e-4'", "lr: expected a number, got '3e-4'"),
        ("lr:", "lr: expected a number, got None"),
        ("seed: 1.5", "seed: expected a whole number, got 1.5"),
        ("seed: true", "seed: expected a whole number, got True"),
        ("finetune: 1", "finetune: expected 'auto' or 'none' or 'last' or 'all', got 1"),
        ("pretrained: 1", "pretrained: expected true or false, got 1"),
        ("backbone: 50", "backbone: expected text, got 50"),
        ("lang: fr", "lang: expected 'ko' or 'en', got 'fr'"),
        ("optimizer: sgd", "optimizer: expected 'adamw', got 'sgd'"),
        ("epochs: many", "epochs: expected a whole number, got 'many'"),
    ],
)
def test_a_wrong_type_names_the_key_the_line_and_what_was_expected(file, line, what):
    path = file(f"# ours\n\n{line}\n")
    assert error_of(path).startswith(f"E600: {what} ({path} line 3).")


def test_a_group_needs_indented_settings(file):
    path = file("reject: 0.7\n")
    assert f"reject: expected indented settings, got 0.7 ({path} line 1)." in error_of(path)


def test_null_means_the_programs_choice_where_there_is_one(file):
    assert settled(file("img_size: null\nepochs:\n")).img_size is None


def test_a_wrong_type_in_the_environment_names_the_variable():
    said = error_of(environ={"AI_LENS_BATCH_SIZE": "big"})
    assert said.startswith(
        "E600: batch_size: expected a whole number, got 'big' (environment AI_LENS_BATCH_SIZE)."
    )


@pytest.mark.parametrize("value", ["[", "{", "a: b: c", "'", "!!python/none x"])
def test_a_value_in_the_environment_that_is_no_yaml_is_an_error_not_a_crash(value):
    assert "AI_LENS_LR" in error_of(environ={"AI_LENS_LR": value})


def test_text_in_the_environment_is_taken_as_it_is():
    settings = settled(environ={"AI_LENS_BACKBONE": "timm:test_vit", "AI_LENS_WEIGHTS": "123"})
    assert (settings.backbone, settings.weights) == ("timm:test_vit", "123")


def test_the_language_can_be_set_as_the_product_page_says():
    assert settled(environ={"AI_LENS_LANG": "en"}).lang == "en"


@pytest.mark.parametrize("name", ["DEBUG", "TRACE", "PLUGINS", "CACHE_DIR"])
def test_variables_that_steer_the_program_are_no_settings(name):
    assert settled(environ={f"AI_LENS_{name}": "1", "PATH": "/bin"}) == Settings()


# --- unknown keys


@pytest.mark.parametrize(
    ("text", "line", "key", "nearest"),
    [
        ("seed: 1\nbackbon: vit_b16\n", 2, "backbon", "backbone"),
        (
            "reject:\n  threshold: 0.6\n  min_top1_margn: 0.1\n",
            3,
            "reject.min_top1_margn",
            "reject.min_top1_margin",
        ),
        ("rejct: {threshold: 0.5}\n", 1, "rejct", "reject"),
        ("export:\n\n  opsett: 17\n", 3, "export.opsett", "export.opset"),
    ],
)
def test_an_unknown_key_names_the_line_and_the_nearest_key(file, text, line, key, nearest):
    path = file(text)
    assert error_of(path) == (
        f"E600: {key}: there is no such setting ({path} line {line}). Did you mean '{nearest}'?"
    )


def test_an_unknown_key_far_from_all_others_says_where_to_look(file):
    said = error_of(file("zzzzzz: 1\n"))
    assert said.endswith("See `ai-lens config` for every setting, its value and where it came from.")


def test_an_unknown_variable_is_an_error_with_the_nearest_key():
    assert error_of(environ={"AI_LENS_BACKBON": "x"}) == (
        "E600: backbon: there is no such setting (environment AI_LENS_BACKBON). Did you mean 'backbone'?"
    )


def test_a_group_without_its_key_is_not_answered_with_itself():
    said = error_of(environ={"AI_LENS_REJECT": "0.5"})
    assert "environment AI_LENS_REJECT" in said
    assert "Did you mean 'reject'?" not in said


# --- files that are no settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 1\nseed: 2\n", "is not YAML"),
        ("seed: [1\n", "is not YAML"),
        ("- seed\n", "must hold `key: value` lines"),
        ("seed\n", "must hold `key: value` lines"),
    ],
)
def test_a_file_that_is_no_settings_file_is_one_line_of_error(file, text, said):
    assert said in error_of(file(text))


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    assert "No such file" in error_of(tmp_path / "none.yaml")
    assert "cannot be read" in error_of(tmp_path)


def test_a_file_in_another_encoding_is_an_error(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_bytes("lang: ko  # 한국어".encode("cp949"))
    assert "cannot be read" in error_of(path)


def test_a_file_cannot_run_code(file, tmp_path):
    said = error_of(file(f"seed: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n"))
    assert not (tmp_path / "made").exists()
    assert "seed" in said


# --- what a run records


# --- losses and their weights


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ce", {"ce": 1.0}),
        ("ce+arcface", {"ce": 1.0, "arcface": 1.0}),
        ("ce+0.5*arcface", {"ce": 1.0, "arcface": 0.5}),
        (" 2 * ce + 1e-1*triplet ", {"ce": 2.0, "triplet": 0.1}),
    ],
)
def test_losses_are_written_as_a_sum(written, meant):
    assert loss_terms(written) == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "a name is missing in ''"),
        ("ce+", "a name is missing in 'ce+'"),
        ("0.5*", "a name is missing"),
        ("ce+ce", "'ce' is named twice"),
        ("much*ce", "'much' in 'much*ce' is no weight"),
        ("0*ce", "is no weight"),
        ("-1*ce", "is no weight"),
        ("inf*ce", "is no weight"),
        ("*ce", "'' in '*ce' is no weight"),
    ],
)
def test_a_sum_that_makes_no_sense_is_e600_with_an_example(written, said):
    with pytest.raises(BadSettingError) as refused:
        loss_terms(written)
    assert said in str(refused.value)
    assert "ce+0.5*arcface" in str(refused.value)


def test_options_by_plugin_are_nested_in_the_file(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "loss_options:\n  arcface: {margin: 0.2}\nquality: [photo]\n"
        "quality_options: {photo: {blur_radius: 2}}\n"
    )
    settings = resolve(file, environ={}).settings
    assert settings.loss_options == {"arcface": {"margin": 0.2}}
    assert type(settings.loss_options["arcface"]) is dict
    assert (settings.quality, settings.quality_options) == (["photo"], {"photo": {"blur_radius": 2}})


# --- what a curator decided


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("  remove:\n    - photo: A/b/c.jpg\n    - foto: A/b/d.jpg\n", 4, "there is no 'foto' here"),
        ("  remove:\n    - photo: A/b/c.jpg\n    - reason: blurred\n", 4, "'photo' is missing, at photo"),
        ("  remove:\n    - photo: 3\n", 3, "expected text, got 3, at photo"),
        ("  remove:\n    - A/b/c.jpg\n", 3, "expected `key: value` pairs, got 'A/b/c.jpg'"),
        ("  remove: A/b/c.jpg\n", 2, "expected a list, got 'A/b/c.jpg'"),
        ("  retake:\n    - what: A/b\n", 3, "'how' is missing, at how"),
    ],
)
def test_a_mistake_in_a_list_names_the_line_of_the_entry(file, text, line, what):
    path = file(f"curation:\n{text}")
    said = error_of(path)
    assert what in said
    assert f"({path} line {line})" in said


def test_a_list_whose_last_entry_was_taken_out_is_empty(file):
    assert settled(file("curation:\n  remove:\n  retake:\n")) == Settings()


def test_what_a_run_notes_of_its_settings_gives_the_same_settings(file):
    settings = settled(file("curation:\n  remove:\n    - photo: A/b/c.jpg\nbalance: items\n"))
    noted = json.loads(json.dumps(flatten(settings)))
    assert settled(flags=noted) == settings
