"""A small computation by which one sees whether two machines make the same bytes of the same numbers.

Differences that are known: processors without fused multiply-add round twice where others round once; NumPy
and the C library choose their exponentials and logarithms by the processor, and change them from version to version.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Probe", "difference"]

COUNT: Final = 1 << 12
PACKAGES: Final = {"NumPy": "numpy", "Numba": "numba", "llvmlite": "llvmlite"}


@dataclass(frozen=True)
class Probe:
    """The results of the computation on one machine, and the versions and the processor that made them.

    Attributes:
        hashes: the hash of each kind of result, by name.
        made_with: versions and processor, by name.
    """

    hashes: dict[str, str]
    made_with: dict[str, str]

    @staticmethod
    def here() -> Probe:
        """The probe of this process; it is computed once.

        Example:
            >>> Probe.here() == Probe.here()
            True
        """
        return _of_this_process()


def difference(ours: Probe, theirs: Probe) -> str | None:
    """The reason why another machine cannot work with this one, for a reader; None if it can.

    Example:
        >>> here = Probe.here()
        >>> there = Probe({**here.hashes, "NumPy's functions": "?"}, {**here.made_with, "NumPy": "1.0"})
        >>> print(difference(here, here))
        None
        >>> difference(here, there).partition(" (")[0]
        "other bits come from NumPy's functions"
    """
    if ours.made_with["lexigrad"] != theirs.made_with["lexigrad"]:
        versions = theirs.made_with["lexigrad"], ours.made_with["lexigrad"]
        return "it has lexigrad {}, not {}; install the same version on every machine".format(*versions)
    if ours.hashes == theirs.hashes:
        return None
    names = [name for name, digest in ours.hashes.items() if theirs.hashes.get(name) != digest]
    others = [
        f"{name} {theirs.made_with.get(name)}, not {version}"
        for name, version in ours.made_with.items()
        if theirs.made_with.get(name) != version
    ]
    cause = f" ({'; '.join(others)})" if others else ""
    return (
        f"other bits come from {' and '.join(names)}{cause}; use machines with the same kind of processor "
        "and the same versions"
    )


@cache
def _of_this_process() -> Probe:
    numbers = np.arange(COUNT)
    doubles = np.ldexp(1 + numbers * 2654435761 % 2**20 / 2**20, numbers % 26 - 20)  # exact, and so the same everywhere
    return Probe(
        {
            "NumPy's functions": _digest(*_numpy(doubles), *_numpy(doubles.astype(np.float32))),
            "compiled loops": _digest(*_scalars(doubles)),
            "vector kernels": _digest(*_lanes(doubles)),
        },
        _made_with(),
    )


def _numpy(x: NDArray[Any]) -> list[NDArray[Any]]:
    """The functions that training and counting leave to NumPy, of the numbers."""
    return [
        np.exp(-x),
        np.log(x),
        np.sqrt(x),
        x**0.75,
        np.cumsum(x),
        np.add.reduce(x),
        np.add.reduce(x.reshape(64, -1)),
    ]


def _scalars(doubles: NDArray[np.float64]) -> list[NDArray[Any]]:
    from lexigrad.kernels.sameness import probe_scalars

    of_doubles, of_singles = np.zeros((4, COUNT)), np.zeros((3, COUNT), np.float32)
    probe_scalars(doubles, doubles.astype(np.float32), of_doubles, of_singles)
    return [of_doubles, of_singles]


def _lanes(doubles: NDArray[np.float64]) -> list[NDArray[Any]]:
    from lexigrad.kernels.sameness import probe_lanes
    from lexigrad.kernels.sgd.tables import aligned

    x, *results = (aligned(COUNT) for _ in range(5))
    x[:] = doubles * np.where(np.arange(COUNT) % 2, 1, -1)
    probe_lanes(x, *results)
    return results


def _digest(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _made_with() -> dict[str, str]:
    """Versions and the processor: the possible causes of other bits."""
    from importlib.metadata import version

    from lexigrad import __version__
    from lexigrad.kernels.sameness import processor

    return {
        "lexigrad": __version__,
        "Python": platform.python_version(),
        **{name: version(package) for name, package in PACKAGES.items()},
        "C library": " ".join(platform.libc_ver()).strip() or platform.platform(),
        "processor": processor(),
    }
