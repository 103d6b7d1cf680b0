"""What all tests share: where compiled kernels are kept, and where real data is."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _key_of_kernels() -> str:
    """A hash of the kernels' sources."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src" / "lexigrad" / "kernels").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# Numba compiles a function anew when its own file changed, but not when a helper in another file did: a stale kernel
# would pass. So each state of the kernels has a cache of its own. Set before anything imports numba.
_caches = os.environ.get("NUMBA_CACHE_DIR", os.path.join(tempfile.gettempdir(), f"lexigrad-tests-{os.getuid()}"))
# Where pytest-xdist runs several processes, each has a cache of its own within that of the process that started it: two
# that save kernels of one function at the same moment may give both the same file name.
os.environ["NUMBA_CACHE_DIR"] = os.path.join(_caches, os.environ.get("PYTEST_XDIST_WORKER") or _key_of_kernels())


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with real texts and evaluation sets; its tests are skipped where it is absent."""
    folder = Path(os.environ.get("LEXIGRAD_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"needs real data, and there is none in {folder}; set LEXIGRAD_DATA to its folder")
    return folder
