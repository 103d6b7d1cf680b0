"""The shape of a package, measured from its source, and by running it.

    python tests/structure.py [FOLDER] [--json]

FOLDER is that of a package, such as `src/lexigrad`; the installed lexigrad when not given. Each measure is a function
over such a folder: in `structure_imports.py` (modules, imports, floors, shared names), `structure_sizes.py` (files,
functions, comparisons of names), `structure_uses.py` (private names of other libraries, definitions without a use) and
`structure_runs.py` (what a training runs, what an import loads). `test_architecture.py` holds the package to laws about
them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from structure_imports import circles, floors, graph_of_files, graph_of_tops, modules, shared_names, top_names
from structure_runs import functions_run, loaded_by, of_vectors
from structure_sizes import above, comparisons, file_lines, function_lines, look_ups, parameters
from structure_uses import names_in_guides, private_names, unused

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 40
PARAMETERS: Final = 8
PUBLIC_FOLDER: Final = "compat"
"""What has the names of other libraries: everything that a package in it lists in ``__all__`` is public."""


def public_names(folder: Path) -> set[str]:
    """What users import from inside a package: what its guides do, and what has the names of other libraries."""
    top = folder.parent.parent
    pages = [path for path in [top / "README.md", *sorted(top.glob("docs/**/*.md"))] if path.is_file()]
    compatible = {
        name
        for name, module in modules(folder).items()
        if module.is_package and name.startswith(f"{folder.name}.{PUBLIC_FOLDER}.")
    }
    return names_in_guides([path.read_text(encoding="utf-8") for path in pages], folder.name) | compatible


def measured(folder: Path) -> dict[str, Any]:
    """All measures of a package."""
    lines, ran, loaded = file_lines(folder), functions_run(folder), loaded_by(folder, "corpus")
    shared, compared = shared_names(folder), comparisons(folder)
    figures = {
        "names at the top": len(top_names(folder)),
        "floors": len(floors(folder)),
        "circles of names at the top": len(circles(graph_of_tops(folder))),
        "circles of files": len(circles(graph_of_files(folder))),
        "names borne by two or more files": len(shared),
        "files that share a name": sum(map(len, shared.values())),
        "files": len(lines),
        "lines": sum(lines.values()),
        f"files over {FILE_LINES} lines": len(above(lines, FILE_LINES)),
        f"functions over {FUNCTION_LINES} lines of code": len(above(function_lines(folder), FUNCTION_LINES)),
        f"functions over {PARAMETERS} parameters": len(above(parameters(folder), PARAMETERS)),
        "lines that compare a loss's or solver's name": len(compared),
        "files that compare a loss's or solver's name": len({place.partition(":")[0] for place in compared}),
        "lines that look up a loss's or solver's name": len(look_ups(folder)),
        "files with private names of other libraries": len(private_names(folder)),
        "definitions that the package does not use": len(unused(folder, public_names(folder))),
        "modules that train runs": len(ran),
        "functions that train runs": sum(map(len, ran.values())),
        "modules that corpus loads": len(loaded),
        "of these of vectors": len(of_vectors(folder, loaded)),
    }
    return {"figures": figures, "details": _details(folder, ran, loaded)}


def _details(folder: Path, ran: dict[str, list[str]], loaded: list[str]) -> dict[str, Any]:
    """What the figures count."""
    return {
        "names at the top": top_names(folder),
        "floors, from the lowest": floors(folder),
        "circles of names at the top": circles(graph_of_tops(folder)),
        "circles of files": circles(graph_of_files(folder)),
        "names borne by two or more files": shared_names(folder),
        f"files over {FILE_LINES} lines": above(file_lines(folder), FILE_LINES),
        f"functions over {FUNCTION_LINES} lines of code": above(function_lines(folder), FUNCTION_LINES),
        f"functions over {PARAMETERS} parameters": above(parameters(folder), PARAMETERS),
        "lines that compare a loss's or solver's name": comparisons(folder),
        "lines that look up a loss's or solver's name": look_ups(folder),
        "private names of other libraries": private_names(folder),
        "definitions that the package does not use": [
            f"{one.module}:{one.line} {one.kind} {one.name}" for one in unused(folder, public_names(folder))
        ],
        "functions that train runs": ran,
        "modules that corpus loads": loaded,
        "of these of vectors": of_vectors(folder, loaded),
    }


def main() -> None:
    """Print the figures, or everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="of a package; the installed lexigrad when not given")
    parser.add_argument("--json", action="store_true", help="print what the figures count as well, as JSON")
    options = parser.parse_args()
    folder = options.folder
    if folder is None:
        import lexigrad

        folder = Path(lexigrad.__file__).parent
    found = measured(folder.resolve())
    if options.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    for name, figure in found["figures"].items():
        sys.stdout.write(f"{figure:>8,}  {name}\n")


if __name__ == "__main__":
    main()
