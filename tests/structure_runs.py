"""What a training runs of a package, and what an import of its corpora loads; see `structure`.

Both are found in a process of its own that finds the package in the folder's parent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

TEXT: Final = (
    "".join(f"the {animal} sat on the {place}\n" for animal in ("cat", "dog") for place in ("mat", "rug")) * 25
)

RUN: Final = """
import importlib, json, sys, threading
folder, package, text = sys.argv[1:4]
ran = set()

def note(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(folder) and not code.co_name.startswith("<"):
        ran.add((code.co_filename[len(folder):], code.co_qualname))

train = importlib.import_module(package).train
if len(sys.argv) > 4:  # compile only
    train(text)
    sys.exit()
threading.setprofile(note)
sys.setprofile(note)
train(text)
sys.setprofile(None)
print(json.dumps(sorted(ran)))
"""

LOAD: Final = """
import importlib, json, pkgutil, sys
package, module = sys.argv[1:3]
found = importlib.import_module(f"{package}.{module}")
for entry in pkgutil.walk_packages(getattr(found, "__path__", ()), f"{package}.{module}."):
    importlib.import_module(entry.name)
print(json.dumps(sorted(name for name in sys.modules if name.startswith(f"{package}."))))
"""

VECTORS_BEFORE: Final = frozenset(
    {
        "anycase",
        "approximate",
        "formats",
        "keyedvectors",
        "reduction",
        "search",
        "subwords",
        "subwordvectors",
    }
)
"""Where vectors and their files were before they had a folder of their own, by the first names below the package."""


def functions_run(folder: Path) -> dict[str, list[str]]:
    """For each file the functions that `train` of a short text runs, with compiled kernels in their cache.

    A function counts once, under its qualified name, whichever thread calls it; modules' own code, comprehensions and
    lambdas do not, nor does compiled code. The text is trained on once before, so that what compiles kernels has run.
    What is done now and then, such as reporting, may run or not, so that two runs can differ by a function or two.
    """
    with tempfile.TemporaryDirectory() as place:
        text = Path(place) / "text.txt"
        text.write_text(TEXT, encoding="utf-8")
        options = [f"{folder.resolve()}{os.sep}", folder.name, str(text)]
        _process(folder, RUN, *options, "compile")
        ran: dict[str, list[str]] = {}
        for path, name in _said(folder, RUN, *options):
            ran.setdefault(path, []).append(name)
    return ran


def loaded_by(folder: Path, module: str) -> list[str]:
    """The other modules of the package that are loaded when one of them is imported, but for the package's own.

    Of a folder all modules are imported, as its ``__init__`` may be empty, and those in it are not counted.
    """
    own = f"{folder.name}.{module}"
    names = _said(folder, LOAD, folder.name, module)
    return [str(name) for name in names if name != own and not name.startswith(f"{own}.")]


def of_vectors(folder: Path, names: list[str]) -> list[str]:
    """Of modules those of vectors and their files: what is below ``vectors``, or in the older layout by a list."""
    first = {"vectors"} if (folder / "vectors").is_dir() else VECTORS_BEFORE
    return [name for name in names if name.split(".")[1] in first]


def _said(folder: Path, code: str, *arguments: str) -> Any:
    """What a process prints in its last line, as JSON."""
    return json.loads(_process(folder, code, *arguments).splitlines()[-1])


def _process(folder: Path, code: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder.resolve().parent)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
