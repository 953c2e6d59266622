"""Gradio, imported without the type stubs that it writes.

At every import Gradio parses the source of each of its components and writes a `.pyi` for editors beside it: about two
fifths of the time that the import takes, and a write into the installed package. Its wheel has these files already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType

_WRITES = "gradio.component_meta"


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
def no_stubs() -> Iterator[None]:
    """Within it, a first import of Gradio writes no stubs. Later ones change nothing."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
