"""Small distributions made by hand, so that pip can really install them without building anything."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def write_wheel(
    folder: Path,
    distribution: str,
    module: str,
    groups: Mapping[str, Iterable[str]],
    requires: Iterable[str] = (),
) -> Path:
    """A wheel with one module, whose source is ``module``, offered under the names of each group."""
    package = distribution.replace("-", "_")
    info = f"{package}-1.0.dist-info"
    entries = "".join(
        f"[{group}]\n" + "".join(f"{name} = {package}\n" for name in names) for group, names in groups.items()
    )
    files = {
        f"{package}.py": module,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        + "".join(f"Requires-Dist: {name}\n" for name in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": entries,
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return path


def make_environment(folder: Path) -> Path:
    """A virtual environment that also sees all that is installed here; the path of its ``ai-lens``."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    here = [path for path in sys.path if path.endswith("site-packages")]
    # addsitedir, unlike a bare path in a .pth file, also reads the .pth files there: editable installs.
    lines = [f"import site; site.addsitedir({path!r})\n" for path in here]
    (Path(site) / "all_of_the_other.pth").write_text("".join(lines), encoding="utf-8")
    command = folder / "bin" / "ai-lens"
    command.write_text(f"#!{python}\nfrom lens_core.cli import main\nmain()\n", encoding="utf-8")
    command.chmod(0o755)
    return command


def pip_install(command: Path, *what: object) -> None:
    """Install into the environment of ``command``: offline, without its dependencies, without isolation."""
    pip = [sys.executable, "-m", "pip", "--python", command.with_name("python"), "install", "--quiet"]
    flags = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-compile"]
    done = subprocess.run([*pip, *flags, *map(str, what)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
