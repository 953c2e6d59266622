"""Gradio, imported and built up without what the app has no use for.

- The type stubs. At every import Gradio parses the source of each of its components and writes a `.pyi` for editors
  beside it: about two fifths of the time that the import takes, and a write into the installed package. Its wheel has
  these files already.
- The MCP SDK. Gradio imports it where it is installed, for a server that the app does not start.
- The search for garbage, which finds none while some hundred thousand objects are made that stay.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any

_WRITES = "gradio.component_meta"
_UNUSED = "mcp"


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        # Called for each component class once it is made; the class itself needs nothing of it.
        module.create_or_modify_pyi = lambda *_: None  # type: ignore[attr-defined]


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _WRITES:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None:
            return found
        return spec_from_file_location(fullname, found.origin, loader=_Loader(fullname, found.origin))


@contextmanager
def lean() -> Iterator[None]:
    """Within it, a first import of Gradio writes no stubs and takes no MCP SDK along, and nothing is collected."""
    finder, modules = _Finder(), _without_mcp()
    sys.meta_path.insert(0, finder)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # what was made stays, and no later search needs to look through it
        gc.enable()
        sys.meta_path.remove(finder)
        for name in modules:
            del sys.modules[name]


def _without_mcp() -> list[str]:
    """Make the SDK as if it were not installed, which Gradio allows for; nothing where it is imported already.

    Returns:
        What to take out of `sys.modules` again.
    """
    if _UNUSED in sys.modules:
        return []
    modules: dict[str, Any] = sys.modules
    modules[_UNUSED] = None
    return [_UNUSED]
