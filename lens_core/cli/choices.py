"""What was chosen in front of a command, to be completed by the command's own flags."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from lens_core.runtime.lens import Lens
    from lens_core.settings import Resolved, Settings


class Choices:
    """What stood in front of the command. Flags go by dotted settings key; None means: not given."""

    def __init__(
        self,
        config: Path | None,
        data_root: Path | None,
        save_dir: Path | None,
        ood: Path | None,
        flags: dict[str, Any],
    ) -> None:
        self.config = config
        self.named_data_root = data_root
        self.data_root = data_root or Path("data")
        self.save_dir = save_dir
        self.ood = ood
        self.flags = flags

    def resolve(self, config: Path | None = None, **flags: Any) -> Resolved:
        """The settings in force; a command's own flags win over those in front of it."""
        from lens_core.settings import resolve

        own = {name: value for name, value in flags.items() if value not in (None, {})}
        return resolve(config or self.config, {**self.flags, **own})


def of(context: typer.Context) -> Choices:
    """The choices made in front of this command."""
    choices: Choices = context.find_root().obj
    return choices


def settings(context: typer.Context, config: Path | None = None, **flags: Any) -> Settings:
    """The settings in force for a command."""
    return of(context).resolve(config, **flags).settings


def open_lens(
    context: typer.Context,
    model: Path,
    index_file: Path | None = None,
    *,
    index: str | None = None,
    index_option: list[str] | None = None,
    runtime_option: list[str] | None = None,
    at_once: int = 1,
    quality: list[str] | None = None,
    quality_option: list[str] | None = None,
    lang: str | None = None,
    describe: bool = False,
) -> Lens:
    """The model, with the gallery, index, checkers and language that were chosen."""
    from lens_core.cli.options import by_plugin, key_values
    from lens_core.cli.say import say
    from lens_core.runtime.lens import Lens

    resolved = of(context).resolve(
        index=index,
        index_options=key_values(index_option),
        runtime_options=key_values(runtime_option),
        quality=quality,
        quality_options=by_plugin(quality_option),
        lang=lang,
    )
    settings, chosen = resolved.settings, resolved.origins["index"] != "default"
    return Lens(
        model,
        index_file=index_file,
        index=settings.index if chosen else None,
        index_options=settings.index_options,
        runtime_options=settings.runtime_options,
        at_once=at_once,
        quality=settings.quality,
        quality_options=settings.quality_options,
        lang=settings.lang,
        describe=describe,
        tell=say,
    )
