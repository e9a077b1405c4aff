"""All good and all broken plugins, asked their contracts once in a process of their own.

``good/*.py`` are whole plugins. ``broken/*.txt`` say what to change in them, one fault each: a heading
``# name: test`` (part of the name of the test that is to notice it), then lines to take out (-) and those to
put in their place (+).
``good/*.txt`` do the same for changes that are no faults.
"""

import json
import os
import string
import subprocess
import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import attrs
import pytest

from lens_core.plugins import FAMILIES

HERE = Path(__file__).parent
TEMPLATES = HERE.parents[1] / "lens_core" / "plugin_templates"
# Those that come with ai-lens or lie in this repository.
INSTALLED = [
    ("index", "exact", {}),
    ("index", "faiss", {}),
    ("exporter", "onnx", {}),
    ("runtime", "onnx", {}),
    ("backbone", "timm:test_resnet", {"img_size": 64}),
    ("loss", "ce", {}),
    ("loss", "arcface", {}),
    ("loss", "triplet", {}),
    ("quality", "photo", {}),
    ("tracker", "tensorboard", {}),
]
# Each takes long, or nothing else depends on it; asked of the good plugins, and where they should notice.
SLOW = (
    "test_it_is_found_by_the_name_that_is_typed",
    "test_several_threads_may_search_at_once",
    "test_several_threads_may_ask_at_once",
    "test_the_example_may_hold_several_photos",
    "test_making_int8_leaves_the_full_precision_network_as_it_was",
    "test_importing_it_imports_no_heavy_library",
    "test_importing_it_prints_nothing",
    "test_garbage_is_refused_without_a_crash",
    "test_damage_is_noticed",
    "test_any_number_of_vectors",
    "test_made_up_photos_of_any_shape",
)


@attrs.frozen
class Variant:
    """A good plugin with something changed."""

    family: str
    name: str
    about: str
    """Of a broken one: part of the name of the test that notices."""
    code: str


@pytest.fixture(scope="session")
def faults():
    """Every broken plugin."""
    return _variants("broken")


@pytest.fixture(scope="session")
def outcomes(faults, tmp_path_factory):
    """{"good" or "broken": {(family, name): {test: (outcome, what pytest said)}}}."""
    site = tmp_path_factory.mktemp("contracts")
    good = [_install(site, variant) for variant in (*_own_good(), *_variants("good"), *_templates())]
    asked = [("good", *plugin, ()) for plugin in (*INSTALLED, *((*plugin, {}) for plugin in good))]
    for fault in faults:
        needless = [test for test in SLOW if fault.about not in test]
        asked.append(("broken", *_install(site, fault), {}, needless))
    found = {"good": {}, "broken": {}}
    for (kind, family, name, *_), outcome in zip(asked, _ask(site, asked), strict=True):
        found[kind][family, name] = outcome
    return found


def _ask(site, asked):
    """Every plugin's outcomes, from one run of pytest."""
    (site / "pytest.ini").write_text("[pytest]\n")
    (site / "asked.json").write_text(json.dumps(asked))
    done = subprocess.run(
        [sys.executable, HERE / "ask_all.py", site],
        cwd=site,
        # One thread: networks this small only wait for each other. And as CI servers do it: there pytest
        # shows in full how two values differ, which must not take it minutes.
        env={
            **os.environ,
            "PYTHONPATH": str(site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "CI": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads((site / "outcomes.json").read_text(encoding="utf-8"))


def _own_good():
    for family in FAMILIES:
        yield Variant(family, f"good_{family}", "", _source(family))


def _templates():
    """What ``ai-lens plugins new`` writes; a runtime's file is its own business."""
    for family in set(FAMILIES) - {"runtime"}:
        code = (TEMPLATES / family / "src" / "package" / "__init__.py").read_text(encoding="utf-8")
        name = f"new_{family}"
        yield Variant(family, name, "", string.Template(code).safe_substitute(name=name))


def _source(family):
    return (HERE / "good" / f"{family}.py").read_text(encoding="utf-8")


def _variants(folder):
    """The plugins that the files of a folder describe."""
    return [
        Variant(path.stem, name, about, _changed(_source(path.stem), lines, name))
        for path in sorted((HERE / folder).glob("*.txt"))
        for name, about, lines in _parts(path.read_text(encoding="utf-8"))
    ]


def _parts(text):
    """(name, about, lines of change) of each part of a file."""
    for part in f"\n{text}".split("\n# ")[1:]:
        heading, *lines = part.splitlines()
        name, _, about = heading.partition(": ")
        yield name, about, [line for line in lines if line]


def _changed(code, lines, name):
    """Each run of ``-`` lines, which must stand there once, becomes the run of ``+`` lines below it."""
    for old, new in _hunks(lines):
        assert code.count(old) == 1, f"{name}: the good plugin has {code.count(old)} times:\n{old}"
        code = code.replace(old, new)
    return code


def _hunks(lines):
    runs = [(sign, "".join(f"{line[1:]}\n" for line in run)) for sign, run in groupby(lines, itemgetter(0))]
    assert [sign for sign, _ in runs] == ["-", "+"] * (len(runs) // 2)
    return [(old, new) for (_, old), (_, new) in zip(runs[::2], runs[1::2], strict=True)]


def _install(site, variant):
    """A throw-away distribution with one module; exporters bring their runtime along."""
    module = f"{variant.family}_{variant.name}"
    (site / f"{module}.py").write_text(variant.code, encoding="utf-8")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    families = ("exporter", "runtime") if variant.family == "exporter" else (variant.family,)
    entries = "".join(f"[{FAMILIES[family].group}]\n{variant.name} = {module}\n" for family in families)
    (info / "entry_points.txt").write_text(entries)
    return variant.family, variant.name
