"""The demonstration's text: what is taken from source files, what is not, and that nothing in them runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from lexigrad.cli import prove as demo
from lexigrad.config import TrainConfig
from lexigrad.errors import CorpusError
from lexigrad.vectors.keyedvectors import KeyedVectors

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, **sources: str) -> Path:
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return folder


def test_docstrings_come_in_the_order_of_the_source(tmp_path: Path) -> None:
    source = '"A."\nclass C:\n    "B."\n    def f(self):\n        "C."\n'
    source += '    async def g(self):\n        "D."\ndef h():\n    "E."\n'
    assert demo.read_documentation([write(tmp_path, a=source)]).paragraphs == ["A.", "B.", "C.", "D.", "E."]


def test_nothing_that_is_read_is_executed(tmp_path: Path) -> None:
    source = f'"Text."\nopen({str(tmp_path / "made")!r}, "w")\nraise SystemExit\n'
    assert demo.read_documentation([write(tmp_path, a=source)]).paragraphs == ["Text."]
    assert not (tmp_path / "made").exists()


def test_a_paragraph_is_one_string_and_prompts_are_no_text(tmp_path: Path) -> None:
    source = '"""One\nand the same.\n\n>>> code()\n42\n\nAnother.\n"""\n'
    assert demo.read_documentation([write(tmp_path, a=source)]).paragraphs == ["One and the same.", "42", "Another."]


def test_a_paragraph_that_repeats_is_taken_once(tmp_path: Path) -> None:
    assert demo.read_documentation([write(tmp_path, a='"Same."', b='"Same."')]).paragraphs == ["Same."]


def test_what_does_not_parse_is_counted(tmp_path: Path) -> None:
    write(tmp_path, good='"Good."', bad="def (:", nul='"\0"')
    (tmp_path / "latin.py").write_bytes(b'"caf\xe9"')
    found = demo.read_documentation([tmp_path])
    assert (found.paragraphs, found.files, found.not_parsed) == (["Good."], 1, 3)
    assert "3 more files do not parse" in found.summary()


def test_files_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    found = demo.read_documentation([write(tmp_path, a='"Short."', b='"Far too long."', c='"Tiny."')], limit_bytes=16)
    assert (found.paragraphs, found.bytes, found.left_out) == (["Short.", "Tiny."], 15, 1)


def test_tests_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    write(tmp_path / "tests", a='"Test."')
    assert demo.read_documentation([write(tmp_path, b='"Code."')]).paragraphs == ["Code."]


def test_the_topics_of_pydoc_are_text(tmp_path: Path) -> None:
    (tmp_path / "pydoc_data").mkdir()
    write(tmp_path / "pydoc_data", topics='topics = {"assert": "The assert statement"}\n')
    assert "The assert statement" in demo.read_documentation([tmp_path]).paragraphs


def test_the_running_python_has_documentation() -> None:
    first, second = (demo.read_documentation(limit_bytes=1_000_000) for _ in range(2))
    assert first == second
    assert first.bytes <= 1_000_000
    assert len(first.paragraphs) > 100


def test_neighbors_are_shown_of_words_that_there_are() -> None:
    angles = {"string": 0.0, "text": 0.1, "file": 1.5, "path": 1.6}
    vectors = KeyedVectors(list(angles), [[math.cos(angle), math.sin(angle)] for angle in angles.values()])
    assert demo.neighbor_lines(vectors) == ["string: text, file, path", "  file: path, text, string"]


def test_the_first_words_are_shown_where_none_of_the_usual_is_known() -> None:
    assert demo.neighbor_lines(KeyedVectors(["eins", "zwei"], [[1, 0], [1, 1]])) == ["eins: zwei", "zwei: eins"]


def test_a_python_without_sources_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "python_folders", lambda: [tmp_path])
    with pytest.raises(CorpusError, match="there are no docstrings below"):
        demo.run_demo(lambda _: None)


def test_the_demonstration_reports_trains_and_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = "\n\n".join(f"A string is text number {n}, and a file holds text of strings." for n in range(40))
    write(tmp_path, a=f'"""{sentences}"""')
    monkeypatch.setattr(demo, "python_folders", lambda: [tmp_path])
    monkeypatch.setattr(demo, "CONFIG", TrainConfig(dim=16, epochs=2, min_count=5, lowercase=True, tokens="words"))
    said: list[str] = []
    demo.run_demo(said.append, save=tmp_path / "demo.safetensors")
    assert any(line.startswith("read 1 source files") for line in said)
    assert any("M words/s" in line for line in said)
    assert any(line.lstrip().startswith("string: ") for line in said)
    assert (tmp_path / "demo.safetensors").is_file()
