"""Distributions that do what plugins have been seen to do. Each offers an index of its own name."""

from __future__ import annotations

from attrs import field, frozen

INDEX, QUALITY, RUNTIME = "ai_lens.indexes", "ai_lens.quality", "ai_lens.runtimes"

HOOK = "from lens_core import hookimpl\n"
WORKS = (
    HOOK
    + """
from lens_core.contracts import Finding
from lens_core.runtime.exact_index import ExactIndex

@hookimpl
def make_index(dim):
    return ExactIndex(dim)

@hookimpl
def check_photo(photo):
    return []
"""
)
CRASHES = (
    HOOK
    + """
from lens_core.runtime.exact_index import ExactIndex

class Crashing(ExactIndex):
    def search(self, queries, k):
        raise ZeroDivisionError("nobody is near")

@hookimpl
def make_index(dim):
    return Crashing(dim)

@hookimpl
def check_photo(photo):
    raise ZeroDivisionError("no light")
"""
)


ANSWERS_NOTHING = CRASHES.replace('raise ZeroDivisionError("nobody is near")', "return None")


@frozen
class Hostile:
    """A distribution, and what the user who chooses it is to read."""

    name: str
    source: str
    code: str = "E420"
    cause: str = ""
    remedy: str = "run again with AI_LENS_DEBUG=1 to see where it failed."
    groups: tuple[str, ...] = (INDEX, QUALITY)
    requires: tuple[str, ...] = field(default=())

    @property
    def distribution(self) -> str:
        return f"ai-lens-{self.name}"


BREAKING = (
    Hostile(
        "import-error",
        "raise ImportError('libmagic.so.9: cannot open shared object file')\n",
        cause="failed while it was imported: ImportError: libmagic.so.9: cannot open shared object file",
    ),
    Hostile(
        "syntax-error",
        "def make_index(dim:\n",
        cause="failed while it was imported: SyntaxError: '(' was never closed",
    ),
    Hostile("leaves", "import sys\nsys.exit(0)\n", cause="failed while it was imported: SystemExit: 0"),
    Hostile(
        "missing-library",
        "import a_library_nobody_has\n",
        code="E410",
        cause="needs 'a_library_nobody_has'.",
        remedy="Try: pip install a-library-nobody-has",
        requires=("a-library-nobody-has>=2", "numpy"),
    ),
    Hostile(
        "wrong-type",
        HOOK
        + "@hookimpl\ndef make_index(dim): return []\n@hookimpl\ndef check_photo(photo): return 'fine'\n",
        cause="made a list, which is no VectorIndex: it has no add, build, search.",
    ),
    Hostile(
        "old-hook",
        HOOK + "@hookimpl\ndef make_index(name, dimension): ...\n@hookimpl\ndef check_photo(image): ...\n",
        cause="does not fit the hooks: PluginValidationError",
        remedy="its author finds the names of hooks and arguments in lens_core/hookspecs.py.",
    ),
    Hostile("empty", "", cause="implements no make_index; is the function marked @hookimpl?"),
    Hostile(
        "not-a-function",
        "make_index = check_photo = 'see the manual'\n",
        cause="implements no make_index; is the function marked @hookimpl?",
    ),
    Hostile("crashes-in-use", CRASHES, cause="failed in search: ZeroDivisionError: nobody is near"),
)
"""Choosing one of these fails."""

NOISY = Hostile("noisy", f"print('Thank you for installing noisy!')\n{WORKS}")
SLOW = Hostile("slow", f"import time\ntime.sleep(5)\n{WORKS}", groups=(INDEX,))
"""Choosing these works, without a word on stdout."""

TWIN = Hostile(
    "twin",
    WORKS,
    code="E430",
    cause="index 'faiss' is offered by ai-lens-faiss {version} and ai-lens-twin 1.0.",
    remedy="Uninstall one of the two, or allow only one of them with AI_LENS_PLUGINS.",
    groups=(INDEX,),
)
"""Offers the names of a built-in, ``exact``, and of another distribution's index, ``faiss``."""

NATIVE = Hostile(
    "native-noise", f"import subprocess\nsubprocess.run(['echo', 'hello from C'])\n{WORKS}", groups=(INDEX,)
)
"""Writes to the file descriptor itself, as libraries in C and child processes do."""

MUTE = Hostile("mute", ANSWERS_NOTHING, cause="answered", groups=(INDEX,))
"""Its search answers nothing."""

ALL = (*BREAKING, NOISY, SLOW, TWIN, NATIVE, MUTE)
