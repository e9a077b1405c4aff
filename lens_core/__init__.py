"""The core of ai-lens: photos -> training -> artifact -> runtime -> decision.

Plugin authors need two names from here: ``hookimpl`` marks their functions, and ``lens_core.contracts``
says what those functions return. Applications use ``from ai_lens_helper import Lens``.
"""

from importlib.metadata import version

from lens_core.hookspecs import hookimpl

__all__ = ["__version__", "hookimpl"]
__version__ = version("ai-lens-helper")
