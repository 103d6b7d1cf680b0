"""The memory that readers take is bounded by the file's size, whatever its header says."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from fuzz.memory import ALLOWED_BYTES, CASES
from places import ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory that a process had")
def test_files_that_lie_about_their_size_and_bombs_take_twice_their_size_and_50_mb_at_most() -> None:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.memory", "--json"],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [name for name, *_ in rows] == list(CASES)
    faults = {name: refusal for name, _, _, refusal in rows if refusal and refusal.startswith("FAULT")}
    assert not faults
    too_much = {name: peak for name, size, peak, _ in rows if peak > 2 * size + ALLOWED_BYTES}
    assert not too_much
    assert {name for name, _, _, refusal in rows if not refusal} == {
        "fastText: words of 32 KiB, all n-grams",
        "text: 100 MB of words in 0.1 MB of gzip",
        "text: 100 MB of lines in 0.1 MB of gzip",
        "text: zstandard with a window of 8 MiB",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory that a process had")
def test_the_measurement_sees_memory_that_is_taken_and_given_back() -> None:
    code = (
        "from fuzz import memory, readers\n"
        "hungry = readers.Reader('hungry', lambda path: [bytearray(b'x') * 70_000_000] and None, lambda: [b''])\n"
        "readers.READERS['hungry'] = hungry\n"
        "memory.CASES['hungry'] = ('hungry', lambda: b'x')\n"
        "print([peak for _, _, peak, _ in memory.measured(['hungry'])][0])\n"
    )
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert 60_000_000 < int(done.stdout) < 90_000_000
