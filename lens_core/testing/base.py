"""What all contracts share: which plugin is asked, and that its author cannot leave a test out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from lens_core import plugins

_SKIPPING = ("skip", "skipif")
Test = Callable[..., Any]


class _Guarding(type):
    """Also sees what is set on a class after it was made: ``@pytest.mark.skip`` above it does that."""

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, _permitted(cls, name, value))


class Contract(metaclass=_Guarding):
    """Subclass the contract of your plugin's family and say which plugin it is."""

    family: ClassVar[str]
    name: ClassVar[str] = ""
    """What a user types to choose the plugin."""
    options: ClassVar[dict[str, Any]] = {}
    """Its options, as a user would give them."""
    _kept: ClassVar[dict[Any, Any]]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        type.__setattr__(cls, "_kept", {})
        for name, value in list(vars(cls).items()):
            type.__setattr__(cls, name, _permitted(cls, name, value))
        for owner in cls.__mro__:
            for name, value in list(vars(owner).items()):
                if name.startswith("test_") and inspect.isfunction(value):
                    type.__setattr__(owner, name, _advising(value))

    @classmethod
    def driver(cls) -> plugins.Driver:
        """The loaded plugin. Raises what a user would see when it cannot be loaded."""
        assert cls.name, f"{cls.__name__} does not say which plugin it is about: add  name = '...'"
        driver: plugins.Driver = cls.once("driver", lambda: plugins.load(cls.family, cls.name))
        return driver

    @classmethod
    def once(cls, key: Any, make: Callable[[], Any]) -> Any:
        """What ``make`` answers, asked only once for all tests of the class; so is how it fails."""
        if key not in cls._kept:
            try:
                cls._kept[key] = make(), None
            except Exception as error:  # noqa: BLE001 # whatever a plugin does, each test is to show it
                cls._kept[key] = None, (error, error.__traceback__)
        made, failure = cls._kept[key]
        if failure is not None:
            before, where = failure
            before.__dict__.pop("__notes__", None)  # the advice of the test that failed then
            raise before.with_traceback(where)
        return made

    @classmethod
    def make(cls, **arguments: Any) -> Any:
        """What the plugin's hook makes, with :attr:`options`."""
        driver = cls.driver()
        (hook,) = driver.plugin.family.hooks
        options = driver.options(dict(cls.options), cls.name)
        return driver.make(hook, name=cls.name, options=options, **arguments)

    def product(self) -> Any:
        """What the plugin makes, once for all tests; for families that make nothing, the plugin itself."""
        return self.driver()


def _permitted(cls: type, name: str, value: Any) -> Any:
    """``value`` as it may stand in a plugin author's class. Raises TypeError where it may not."""
    if name in ("pytestmark", "__test__"):
        _refuse_leaving_out_all(cls, name, value)
    inherited = _inherited(cls, name) if name.startswith("test_") else None
    return value if inherited is None else _marked(cls, name, inherited, value)


def _inherited(cls: type, name: str) -> Test | None:
    """The contract's test of this name above ``cls``."""
    above = [vars(owner)[name] for owner in cls.__mro__[1:] if name in vars(owner)]
    test: Test | None = above[0] if above and any(issubclass(o, Contract) for o in cls.__mro__[1:]) else None
    return test


def _marked(cls: type, name: str, inherited: Test, value: Any) -> Test:
    """The inherited test with the marks of ``value``, which stands in its place: its body never runs."""
    marks = list(getattr(value, "pytestmark", []))
    reasons = [mark.kwargs.get("reason") for mark in marks if mark.name == "xfail"]
    skipped = any(mark.name in _SKIPPING for mark in marks)
    if skipped or not reasons or not all(isinstance(reason, str) and reason.strip() for reason in reasons):
        raise TypeError(
            f"{cls.__name__}.{name} is a test of the contract and cannot be replaced, skipped or removed. "
            "Where the library cannot do better, mark it: "
            f"@pytest.mark.xfail(reason='...') above def {name}(self): ..."
        )

    @functools.wraps(inherited)
    def test(*arguments: Any, **more: Any) -> Any:
        return inherited(*arguments, **more)

    test.pytestmark = [*getattr(inherited, "pytestmark", []), *marks]  # type: ignore[attr-defined]
    return test


def _refuse_leaving_out_all(cls: type, name: str, value: Any) -> None:
    marks = value if isinstance(value, list | tuple) else [value]
    if name == "__test__" or any(getattr(mark, "name", "") in (*_SKIPPING, "xfail") for mark in marks):
        raise TypeError(
            f"{cls.__name__} cannot leave out the whole contract. Mark single tests: "
            "@pytest.mark.xfail(reason='...') above def test_...(self): ..."
        )


def _advising(test: Test) -> Test:
    """The test, whose failure ends with the advice of its docstring."""
    advice = inspect.getdoc(test)
    if not advice or hasattr(test, "__wrapped__"):
        return test

    @functools.wraps(test)
    def advised(*arguments: Any, **more: Any) -> Any:
        try:
            return test(*arguments, **more)
        except (Exception, pytest.fail.Exception) as error:
            if advice not in getattr(error, "__notes__", []):
                error.add_note(advice)
            raise

    return advised
