"""The program as the shell sees it: start-up, pipes, consoles, signals. Each test starts real processes."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

AI_LENS = Path(sys.executable).with_name("ai-lens")
HEAVY = {"torch", "torchvision", "timm", "numpy", "PIL", "faiss", "onnxruntime", "sklearn", "scipy"}
COMMANDS = [
    "validate-data",
    "train",
    "build-index",
    "infer",
    "infer-batch",
    "export",
    "bench",
    "config",
    "demo",
    "plugins",
]

BATCH = "infer-batch --model {model} --place A"
needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it has /dev/full")

pytestmark = pytest.mark.skipif(not AI_LENS.exists(), reason="ai-lens is not installed beside this Python")


def start(*arguments, stdin=None, **environment):
    environ = {**os.environ, **environment}
    return subprocess.run(
        [AI_LENS, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environ,
        timeout=60,
        check=False,
    )


def imported_by(*arguments):
    """The heavy libraries a command imports, and its exit status."""
    code = (
        "import sys, lens_core.cli\n"
        "try: lens_core.cli.main()\n"
        "except SystemExit as end: status = end.code or 0\n"
        "else: status = 0\n"
        f"print(status, *sorted({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["plugins"], ["plugins", "list", "--json"], ["config"]]
)
def test_what_should_be_instant_imports_no_heavy_library(arguments):
    assert imported_by(*arguments) == "0"


def test_the_help_of_every_command_imports_no_heavy_library():
    found = {command: imported_by(command, "--help") for command in COMMANDS}
    assert found == dict.fromkeys(COMMANDS, "0")


def test_the_help_names_every_command():
    done = start("--help", COLUMNS="200")
    assert done.returncode == 0
    assert all(f" {command} " in done.stdout.decode() for command in COMMANDS)


def test_answering_from_an_export_imports_no_pytorch(onnx_model, visitor):
    found = imported_by(
        "infer", "--model", str(onnx_model), "--place", "A", "--image", str(visitor("A", "ㄱ"))
    )
    assert found.split()[0] == "0"
    assert "onnxruntime" in found
    assert not {"torch", "timm", "sklearn", "scipy"} & set(found.split())


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "LANG": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "cp949"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "tr_TR.UTF-8"},
    ],
    ids=lambda environment: " ".join(f"{name}={value}" for name, value in environment.items()),
)
def test_the_answer_is_the_same_bytes_on_every_console(onnx_model, visitor, environment):
    asked = ["infer", "--model", onnx_model, "--place", "B", "--image", visitor("B", "주전자")]
    usual, here = start(*asked, LC_ALL="C.UTF-8"), start(*asked, **environment)
    assert (here.returncode, here.stdout) == (usual.returncode, usual.stdout)
    assert "주전자" in here.stdout.decode("utf-8")


def test_a_photo_is_read_from_standard_input(onnx_model, visitor):
    path = visitor("A", "ㄷ")
    asked = ["infer", "--model", onnx_model, "--place", "A", "--image"]
    piped, named = start(*asked, "-", stdin=path.read_bytes()), start(*asked, path)
    assert piped.returncode == 0
    assert piped.stdout == named.stdout


def piped_into_nobody(*arguments):
    """Run a command whose reader goes away at once, as `| head -1` does when it has seen enough."""
    reader, writer = os.pipe()
    process = subprocess.Popen([AI_LENS, *map(str, arguments)], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    os.close(reader)
    _, said = process.communicate(timeout=60)
    return process.returncode, said.decode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_reader_that_has_seen_enough_ends_a_listing_quietly():
    assert piped_into_nobody("config") == (0, "")
    assert piped_into_nobody("plugins") == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_reader_that_has_seen_enough_ends_a_batch_quietly(onnx_model, museum):
    asked = ["infer-batch", "--model", onnx_model, "--place", "A", "--input-dir", museum / "A" / "ㄱ"]
    assert piped_into_nobody("--quiet", *asked) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_ends_with_130_and_no_traceback(onnx_model):
    process = subprocess.Popen(
        [AI_LENS, "infer", "--model", onnx_model, "--place", "A", "--image", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    waiting = Path(f"/proc/{process.pid}/wchan")
    for _ in range(100):  # until it waits for the photo, or a while where that cannot be seen
        if waiting.exists() and "pipe" in waiting.read_text():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize(("sent", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_while_a_plugin_is_at_work_is_no_fault_of_the_plugin(
    install, onnx_model, visitor, sent, status
):
    code = (
        "import os, signal\nfrom lens_core import hookimpl\n"
        f"@hookimpl\ndef check_photo(photo): os.kill(os.getpid(), signal.{sent})\n"
    )
    folder = install("ai-lens-long", code, "ai_lens.quality", "long")
    asked = ["infer", "--model", onnx_model, "--place", "A", "--image", visitor("A", "ㄱ")]
    done = start(*asked, "--reject-threshold", "1", PYTHONPATH=str(folder))
    assert (done.returncode, done.stdout) == (status, b"")
    assert b"E420" not in done.stderr


def test_debug_prints_the_traceback(onnx_model, visitor):
    asked = ["infer", "--model", onnx_model, "--place", "Z", "--image", visitor("A", "ㄱ")]
    plain, debug, variable = start(*asked), start(*asked, "--debug"), start(*asked, AI_LENS_DEBUG="1")
    assert b"Traceback" not in plain.stderr
    for done in (debug, variable):
        assert b"Traceback" in done.stderr
        assert b"UnknownPlaceError" in done.stderr
        assert done.stdout == b""


def test_a_broken_plugin_hurts_no_listing_and_no_other_choice(install, onnx_model, visitor):
    site = install("ai-lens-rude", "import sys; print('rude'); sys.exit(9)\n", "ai_lens.indexes", "rude")
    environ = {"PYTHONPATH": str(site)}
    listed = start("plugins", "list", "--json", **environ)
    assert "rude" in {row["name"] for row in json.loads(listed.stdout)}
    asked = ["infer", "--model", onnx_model, "--place", "A", "--image", visitor("A", "ㄱ")]
    assert start(*asked, **environ).returncode == 0
    chosen = start(*asked, "--index", "rude", **environ)
    assert chosen.returncode == 5
    assert (
        chosen.stderr.decode()
        .splitlines()[-1]
        .startswith("ai-lens: E420: index 'rude' (ai-lens-rude 1.0) failed while it was")
    )
    assert chosen.stdout == b""


def test_nothing_is_coloured_where_nobody_is_looking(onnx_model, museum, tmp_path):
    saved = tmp_path / "A.index"
    done = start("build-index", "--model", onnx_model, "--data-root", museum, "--place", "A", "--save", saved)
    assert done.returncode == 0
    assert b"\x1b" not in done.stderr + done.stdout


def shell(command, **more):
    words = {"ai_lens": AI_LENS, **more}
    quoted = {name: shlex.quote(str(word)) for name, word in words.items()}
    return subprocess.run(
        ["/bin/bash", "-c", command.format(**quoted)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@needs_linux
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_stream_that_is_closed_is_no_bug(onnx_model, visitor, closed):
    asked = "{ai_lens} infer --model {model} --place A --image {photo} " + closed
    done = shell(asked, model=onnx_model, photo=visitor("A", "ㄱ"))
    assert (done.returncode, "bug" in done.stderr) == (0, False)


@needs_linux
def test_nothing_to_read_is_no_photo(onnx_model):
    done = shell("{ai_lens} infer --model {model} --place A --image - <&-", model=onnx_model)
    assert (done.returncode, done.stderr.split()[1]) == (3, "E120:")


@needs_linux
@pytest.mark.parametrize("asked", ["infer --model {model} --place A --image -", BATCH + " --input-list -"])
def test_what_is_piped_in_and_never_ends_is_refused(onnx_model, asked):
    limited = "ulimit -v 12000000; {ai_lens} " + asked + " </dev/zero"
    done = shell(limited, model=onnx_model)
    assert done.returncode == 3
    assert done.stderr.split()[1] in ("E122:", "E100:")


@needs_linux
def test_a_full_disk_behind_a_pipe_is_one_line_and_e700(onnx_model, visitor):
    asked = "{ai_lens} infer --model {model} --place A --image {photo} >/dev/full"
    done = shell(asked, model=onnx_model, photo=visitor("A", "ㄱ"))
    assert (done.returncode, done.stderr.count("\n"), done.stderr.split()[1]) == (7, 1, "E700:")
