"""What all tests share: where compiled kernels are kept, where real data is, and how Hypothesis runs."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from lexigrad.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ray_nodes import Nodes

    from lexigrad.engines.ray.engine import RayEngine

ROOT = Path(__file__).parent.parent


# Kernels that tests compile stay out of the user's cache. Set before anything imports numba.
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(tempfile.gettempdir(), f"lexigrad-tests-{os.getuid()}"))

# An example may be the first to compile a kernel, and a machine may be busy: no test has a deadline.
settings.register_profile("lexigrad", deadline=None)
settings.load_profile("lexigrad")


@pytest.fixture(scope="session", autouse=True)
def signals_as_in_a_terminal() -> None:
    """A run in the background, or under nohup, begins with some signals ignored, and its tests would too."""
    for name, handler in {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}.items():
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with real texts and evaluation sets; its tests are skipped where it is absent."""
    folder = Path(os.environ.get("LEXIGRAD_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"needs real data, and there is none in {folder}; set LEXIGRAD_DATA to its folder")
    return folder


RAY_WORKERS = 3


@pytest.fixture(scope="session")
def ray_nodes() -> Iterator[Nodes]:
    """Connects this process to a Ray of two nodes on this machine, which all tests share.

    A `RayEngine` that is opened meanwhile uses it, whatever its address, and leaves it up. Its workers find the modules
    of this folder.
    """
    from lexigrad.engines.ray.connection import connect, import_ray

    try:
        ray = import_ray(local=True)
    except MissingExtraError as error:
        pytest.skip(str(error))
    from ray_nodes import nodes

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)]))
        with nodes(2, cores=RAY_WORKERS) as started:
            connect(ray, started.address, None)
            yield started
            ray.shutdown()


@pytest.fixture(scope="session")
def _ray_engine(ray_nodes: Nodes) -> Iterator[RayEngine]:
    from lexigrad.engines.ray.engine import RayEngine

    with RayEngine("local", RAY_WORKERS) as engine:
        yield engine


@pytest.fixture
def on_ray(_ray_engine: RayEngine) -> Callable[[int], RayEngine]:
    """Gives the engine on Ray that all tests share, as if it had 1, 2 or 3 workers. Do not close it.

    Its workers take seconds to start, so that no test should have its own without need.
    """

    def with_workers(workers: int) -> RayEngine:
        assert 1 <= workers <= RAY_WORKERS
        _ray_engine.workers = workers
        return _ray_engine

    return with_workers
