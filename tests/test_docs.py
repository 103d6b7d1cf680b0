"""The documentation holds: its code runs, its commands run, its links lead somewhere, its generated page is current."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lexigrad

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted(
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "src" / "lexigrad").rglob("*.py")
    if path.name != "__main__.py"
)
SHELL = f'set -eu; lexigrad() {{ "{sys.executable}" -m lexigrad "$@"; }}\n'
ROYAL = "the king of the old land sat with the queen while every man and every woman of the land ate bread with salt\n"
CITIES = "paris is the city of france and berlin is the city of germany and rome is the city of italy for all I know\n"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, language)]


@pytest.fixture
def folder_with_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the file that the pages' examples train on."""
    (tmp_path / "corpus.txt").write_text(100 * (ROYAL + CITIES), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_pages_with_code_and_with_commands() -> None:
    assert ROOT / "README.md" in pages_with("python")
    assert ROOT / "README.md" in pages_with("sh")


@pytest.mark.parametrize("page", pages_with("python"), ids=name_of)
@pytest.mark.usefixtures("folder_with_corpus")
def test_python_on_a_page_runs_from_top_to_bottom(page: Path) -> None:
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page, "python"):
        if ">>>" in block:
            test = doctest.DocTestParser().get_doctest(block, names, name_of(page), str(page), 0)
            assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
            names.update(test.globs)
        else:
            exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", pages_with("sh"), ids=name_of)
def test_commands_on_a_page_run_from_top_to_bottom(page: Path, folder_with_corpus: Path) -> None:
    script = SHELL + "".join(blocks(page, "sh"))
    environment = {**os.environ, "PYTHONPATH": str(Path(lexigrad.__file__).absolute().parent.parent)}
    run = subprocess.run(
        ["bash", "-c", script], cwd=folder_with_corpus, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    assert doctest.testmod(module, extraglobs={"getfixture": request.getfixturevalue}).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs") for path in sorted((ROOT / "docs").rglob("*.md"))]
    assert [str(page) for page in pages if str(page) != "README.md" and f"({page})" not in contents] == []


def test_the_page_of_the_command_line_is_what_its_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("generate_cli", ROOT / "docs" / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert written == generator.manual(), "run `python docs/generate_cli.py`"


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == lexigrad.__version__
    assert f"## {lexigrad.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
