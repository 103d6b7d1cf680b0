"""Small packages, made up for tests of measures and laws; see `structure`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def made_package(place: Path, files: Mapping[str, str]) -> Path:
    """Write a package ``house`` of the given files, by their paths in it, with an empty ``__init__`` where none is.

    Example: ``made_package(tmp_path, {"a/b.py": "import os"})`` makes `house.a.b`.
    """
    folder = place / "src" / "house"
    for name, text in {"__init__.py": "", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for parent in path.relative_to(folder).parents[:-1]:
            (folder / parent / "__init__.py").touch()
    return folder
