"""The formats are listed once: a module and a record add one, and importing the list costs nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from places import ROOT

from lexigrad import KeyedVectors, load_vectors, save_vectors
from lexigrad.errors import FormatError, InputError
from lexigrad.vectors.formats import registry, sniff
from lexigrad.vectors.formats.registry import FORMATS, FileFormat
from lexigrad.vectors.precision import DTYPES

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "reference" / "formats.md"
VECTORS = KeyedVectors(["the", "cat"], [[1, 2], [3, 4]])
MODULE = '''
"""A made-up format: JSON behind a line that names it."""
import json

from lexigrad import KeyedVectors


def write(path, vectors, outside):
    tables = {"V": vectors.matrix.tolist(), "U": outside and outside.matrix.tolist()}
    path.write_text("MADE UP\\n" + json.dumps([vectors.words, tables]))


def read(path, table):
    words, tables = json.loads(path.read_text().partition("\\n")[2])
    return KeyedVectors(words, tables[table])
'''
RECORD = """
from lexigrad.vectors.formats.registry import FileFormat

RECORD = FileFormat(
    name="made-up",
    origin="nobody",
    reader="madeup:read",
    writer="madeup:write",
    endings=(".madeup",),
    first_bytes=b"MADE UP",
    both_tables=True,
)
"""


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileFormat:
    """The record of a made-up format, which is registered for the time of a test."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "madeup.py").write_text(MODULE)
    (tmp_path / "modules" / "madeuprecord.py").write_text(RECORD)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    for name in ("madeup", "madeuprecord"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    record: FileFormat = import_module("madeuprecord").RECORD
    monkeypatch.setattr(registry, "FORMATS", (*FORMATS, record))
    return record


def test_a_record_and_a_module_add_a_format(tmp_path: Path, made_up: FileFormat) -> None:
    path = tmp_path / "v.madeup"
    save_vectors(path, VECTORS, outside=KeyedVectors(["the", "cat"], [[5, 6], [7, 8]]))
    assert path.read_bytes().startswith(made_up.first_bytes)
    assert sniff(path) == "made-up"
    assert load_vectors(path)["cat"].tolist() == [3, 4]
    assert load_vectors(path, table="U")["cat"].tolist() == [7, 8]


def test_errors_name_an_added_format(tmp_path: Path, made_up: FileFormat) -> None:
    (tmp_path / "v").write_text("nothing at all")
    with pytest.raises(FormatError, match="Parquet and nobody"):
        load_vectors(tmp_path / "v")
    with pytest.raises(InputError, match=r"\.parquet, \.madeup, or give format as one of .*, made-up"):
        save_vectors(tmp_path / "v", VECTORS)
    with pytest.raises(InputError, match=r"made-up holds float32 only; for float16 take native, npz"):
        save_vectors(tmp_path / "v.madeup", VECTORS, dtype="float16")
    with pytest.raises(InputError, match=r"or as one of native, .*, made-up"):
        save_vectors(tmp_path / "v.txt", VECTORS, outside=VECTORS)


def test_the_command_line_and_its_manual_name_an_added_format(tmp_path: Path, made_up: FileFormat) -> None:
    """In a process of its own, as the commands take their choices when they are imported."""
    code = f"""
from lexigrad.vectors.formats import registry
from madeuprecord import RECORD
registry.FORMATS = (*registry.FORMATS, RECORD)
from lexigrad.cli.main import main
from lexigrad import load_vectors
from pathlib import Path
main(["convert", "--help"], standalone_mode=False)
folder = Path({str(tmp_path)!r})
(folder / "v.txt").write_text("1 2\\nthe 1 2\\n")
main(["convert", str(folder / "v.txt"), str(folder / "v.madeup")], standalone_mode=False)
main(["convert", str(folder / "v.txt"), str(folder / "other"), "--to", "made-up"], standalone_mode=False)
"""
    path = os.pathsep.join([str(tmp_path / "modules"), *filter(None, sys.path)])
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": path}
    )
    shown = " ".join(run.stdout.split())
    assert "|parquet|made-up]" in shown
    assert ".madeup (made-up)" in shown
    assert sniff(tmp_path / "v.madeup") == sniff(tmp_path / "other") == "made-up"


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_readers_and_writers_are_where_the_records_say(known: FileFormat) -> None:
    for place in filter(None, (known.reader, known.writer)):
        module, _, name = place.partition(":")
        assert callable(getattr(import_module(module), name))


def test_names_endings_and_first_bytes_tell_formats_apart() -> None:
    for values in (
        [known.name for known in FORMATS],
        [ending for known in FORMATS for ending in known.endings],
        [known.first_bytes for known in FORMATS if known.first_bytes],
    ):
        assert len(values) == len(set(values))


def test_endings_can_leave_out_formats_that_need_an_extra() -> None:
    plain = (".safetensors", ".txt", ".vec", ".bin", ".npz")
    assert registry.endings(with_extras=False) == plain
    assert registry.endings() == (*plain, ".arrow", ".feather", ".parquet")


def test_all_types_of_number_are_those_to_which_tables_can_be_reduced() -> None:
    assert registry.dtypes() == DTYPES


@pytest.mark.parametrize("known", registry.written(), ids=lambda known: known.name)
def test_the_page_on_file_formats_names_each_that_is_written(known: FileFormat) -> None:
    assert f'"{known.name}"' in PAGE.read_text(encoding="utf-8")


def test_importing_the_registry_loads_no_numpy_and_no_reader() -> None:
    code = "import lexigrad.vectors.formats.registry, json, sys; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout))
    assert {name for name in loaded if name.startswith("lexigrad")} == {
        "lexigrad",
        "lexigrad.vectors",
        "lexigrad.vectors.formats",
        "lexigrad.vectors.formats.registry",
    }
    assert "numpy" not in loaded
