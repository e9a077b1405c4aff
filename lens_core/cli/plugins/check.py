"""``ai-lens plugins check``: does a plugin keep its contract?"""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lens_core.cli.plugins import flags

if TYPE_CHECKING:
    from lens_core.cli.plugins.contract_run import Outcome
    from lens_core.plugins import Plugin


def check(
    name: flags.Name,
    family: flags.Family = None,
    option: Annotated[
        list[str] | None, typer.Option(help="An option of the plugin, KEY=VALUE; may be repeated.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            help="What a runtime opens. [default: a file that an installed exporter writes]",
        ),
    ] = None,
) -> None:
    """Ask a plugin all that ai-lens relies on. Exits with 5 when it does not keep its contract."""
    from lens_core.cli import say
    from lens_core.cli.options import key_values
    from lens_core.errors import BrokenPluginError, needing

    with needing("checking a plugin", "testing"):
        importlib.import_module("hypothesis")
        from lens_core.cli.plugins import contract_run
    options = key_values(option)
    chosen = _loaded(name, family, options)
    families = [plugin.family.name for plugin in chosen]
    if file is not None and "runtime" not in families:
        raise typer.BadParameter("only a runtime opens files", param_hint="--file")
    if file is None and "runtime" in families:
        contract_run.needs_a_file(name)
    titles = " and ".join(plugin.title for plugin in chosen)
    say.say(f"Checking {titles} ...")
    outcomes: list[Outcome] = []
    results = sys.stdout

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        print(_line(outcome), file=results, flush=True)

    question = contract_run.Question(families, name, options, file and file.absolute())
    contract_run.ask(question, tell, noise=sys.stderr if say.debugging() else io.StringIO())
    failed = sum(outcome.result == "failed" for outcome in outcomes)
    if failed:
        raise BrokenPluginError(
            f"{titles} failed {failed} of {len(outcomes)} checks.", "The lines above say what to look at."
        )
    print(f"{titles}: {_kept(outcomes)}")


def _loaded(name: str, family: str | None, options: dict[str, object]) -> list[Plugin]:
    """The plugins of that name. Raises what a user would see who chose them with these options."""
    from lens_core import plugins
    from lens_core.cli.plugins.about import named

    families = dict.fromkeys(plugin.family.name for plugin in named(name, family))
    drivers = [plugins.load(each, name) for each in families]
    for driver in drivers:
        driver.options(options, name)
    return [driver.plugin for driver in drivers]


def _kept(outcomes: list[Outcome]) -> str:
    skipped = sum(outcome.result == "skipped" for outcome in outcomes)
    kept = f"keeps its contract, {len(outcomes) - skipped} checks"
    return f"{kept}; {skipped} could not be asked here" if skipped else kept


def _line(outcome: Outcome) -> str:
    lines = [f"{outcome.result:<7}  {outcome.test}"]
    lines += [f"         {text}" for text in (outcome.why, outcome.advice) if text]
    return "\n".join(lines)
