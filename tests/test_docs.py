"""The documentation holds: its code runs, its commands run, its links lead somewhere, its generated page is current."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

import pytest

import lexigrad
from lexigrad.cli import main as cli

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted(
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "src" / "lexigrad").rglob("*.py")
    if path.name != "__main__.py"
)
PUBLIC_MODULES = [name for name in lexigrad.__all__ if inspect.ismodule(getattr(lexigrad, name))]
PUBLIC_NAMES = [
    *(f"lexigrad.{name}" for name in lexigrad.__all__ if callable(getattr(lexigrad, name))),
    *(
        f"lexigrad.{module}.{name}"
        for module in PUBLIC_MODULES
        for name in getattr(lexigrad, module).__all__
        if inspect.isfunction(getattr(getattr(lexigrad, module), name))
    ),
]
NOT_RUN = {  # each block of code that the tests do not run, by its page and first line, and why
    ("README.md", "pip install ."): "it installs; .ci/run does both in a fresh environment",
    ("README.md", "pip install '.[benchmarks]'"): "it installs, and trains for an hour on a text that one must have",
    ("README.md", "pip install -e '.[dev]'"): "it installs and runs these tests; .ci/run does all three",
    ("CONTRIBUTING.md", "python -m venv .venv"): "it installs and runs these tests; .ci/run does so",
    ("docs/index.md", "pip install ."): "it installs; .ci/run does both in a fresh environment",
    ("docs/concepts/hostile-input.md", "python -m tests.fuzz --reader native --inputs 1000000 --seed 1"): (
        "it takes hours; hostile/test_fuzz.py and hostile/test_memory.py run less of it"
    ),
    (
        "docs/guides/command-line.md",
        "lexigrad evaluate model.safetensors --analogies questions-words.txt --similarity EN-WS-353-ALL.txt",
    ): "it reads data sets that one must have; cli/test_commands.py runs these commands on small ones",
    ("docs/guides/command-line.md", "lexigrad convert old.model vectors.safetensors"): (
        "it reads models of other programs; compat/gensim/test_files.py and vectors/formats/test_fasttext.py read such"
    ),
    ("docs/guides/course.md", "lexigrad course --treebank stanfordSentimentTreebank"): (
        "it reads the treebank, which one must have; cli/test_commands.py runs it on a small one"
    ),
    ("docs/guides/course.md", "from lexigrad import course"): (
        "it reads the treebank, which one must have; evaluation/test_course.py runs it"
    ),
    ("docs/guides/evaluate.md", "lexigrad evaluate first.safetensors second.bin --analogies questions-words.txt"): (
        "it reads data sets that one must have; the page's other blocks evaluate on small ones"
    ),
    ("docs/guides/explore.md", "lexigrad explore model.safetensors"): (
        "it serves until Ctrl-C; view/explorer/test_server.py asks what it serves"
    ),
    ("docs/guides/on-a-cluster.md", "ray get-auth-token --generate"): "it needs two machines",
    (
        "docs/guides/on-a-cluster.md",
        "export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 OPENBLAS_NUM_THREADS=1",
    ): "it needs two machines",
    ("docs/guides/on-a-cluster.md", "export RAY_AUTH_MODE=token"): "it needs two machines",
    ("docs/guides/on-a-cluster.md", "pip wheel --no-deps -w dist ."): "it needs machines to reach by ssh",
    (
        "docs/guides/on-a-cluster.md",
        "docker build -t registry.example.com/lexigrad:0.1.0-ray2.60.0 .",
    ): "it needs a Kubernetes cluster and an image registry",
    ("docs/guides/on-a-cluster.md", "ssh -N -L 8265:127.0.0.1:8265 lexigrad@10.0.0.10"): "it needs a cluster",
    ("docs/guides/on-a-cluster.md", "FROM rayproject/ray:2.60.0-py311"): "it is a recipe for an image",
    ("docs/guides/explore.md", "tensorboard --logdir board"): "they are other programs, and serve until Ctrl-C",
    (
        "docs/guides/on-a-cluster.md",
        "training  10%, epoch 3, 0.58 M words/s, learning rate 0.0225, loss 2.8217, 14 merges, 0:00:29 left, "
        "2 workers, 135 MB from them",
    ): "it is what a command says",
    ("docs/guides/publishing.md", "pip install huggingface_hub"): "it needs an account and the network",
    ("docs/guides/publishing.md", "from sentence_transformers import SentenceTransformer"): "it needs the network",
    ("docs/guides/search.md", "pip install 'lexigrad[index]'"): "it installs",
    ("docs/guides/tables.md", "pip install 'lexigrad[arrow]'"): "it installs",
    ("docs/guides/tables.md", "lexigrad train 'shards/*.parquet' -o model.safetensors --column text"): (
        "it reads tables and a program that one must have; corpus/sources/test_datasets.py trains on such"
    ),
}
SHELL = f'set -eu; lexigrad() {{ "{sys.executable}" -m lexigrad "$@"; }}\n'
ROYAL = "the king of the old land sat with the queen while every man and every woman of the land ate bread with salt\n"
CITIES = "paris is the city of france and berlin is the city of germany and rome is the city of italy for all I know\n"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def dialogues(page: Path) -> list[str]:
    """The commands behind the prompts of a page's ``console`` blocks, those that are run."""
    lines = "".join(blocks(page, "console")).splitlines(keepends=True)
    commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [command for command in commands if (name_of(page), first_line(command)) not in NOT_RUN]


def first_line(block: str) -> str:
    """Its name in NOT_RUN: without a comment, a prompt or the sign that it goes on."""
    return re.split(r"  +#|\n", block)[0].removeprefix("$ ").rstrip(" \\")


def commands_of(page: Path) -> list[str]:
    """What a reader would type into a shell, and the tests run."""
    return [*blocks(page, "sh"), *dialogues(page)]


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


@pytest.mark.parametrize("page", [page for page in PAGES if commands_of(page)], ids=name_of)
def test_commands_on_a_page_run_from_top_to_bottom(page: Path, folder_with_corpus: Path) -> None:
    if dialogues(page):  # which go on from a model that one has
        lexigrad.train("corpus.txt", lexigrad.TrainConfig(dim=20, epochs=1)).save("model.safetensors")
    script = SHELL + "".join(commands_of(page))
    environment = {**os.environ, "PYTHONPATH": str(Path(lexigrad.__file__).absolute().parent.parent)}
    run = subprocess.run(
        ["bash", "-c", script], cwd=folder_with_corpus, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def all_blocks() -> list[tuple[Path, str, str]]:
    """Every fenced block: its page, its language, what is in it."""
    fence = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```$", flags=re.DOTALL | re.MULTILINE)
    return [(page, language, block) for page in PAGES for language, block in fence.findall(page.read_text("utf-8"))]


def test_every_block_of_code_is_run_or_named_with_the_reason_why_not() -> None:
    kept = {(name_of(page), first_line(block)) for page, language, block in all_blocks() if language == "text"}
    kept |= {
        (name_of(page), first_line(line))
        for page, language, block in all_blocks()
        if language == "console"
        for line in block.splitlines()
        if line.startswith("$ ") and f"{line.removeprefix('$ ')}\n" not in dialogues(page)
    }
    assert {language for _, language, _ in all_blocks()} <= {"python", "sh", "console", "text"}
    assert kept == NOT_RUN.keys()


@pytest.mark.parametrize(("page", "first"), NOT_RUN, ids=str)
def test_what_is_not_run_names_what_there_is(page: str, first: str) -> None:
    block = next(block for path, _, block in all_blocks() if name_of(path) == page and first_line(block) == first)
    if first.startswith("from "):
        compile(block, page, "exec")
        return
    for line in block.replace("\\\n", " ").splitlines():
        name, *arguments = shlex.split(line.split("|")[-1].removeprefix("$ "), comments=True) or [""]
        if name == "lexigrad":
            command = cli.main.commands[arguments[0]]
            known = {flag for option in command.params for flag in [*option.opts, *option.secondary_opts]}
            assert {argument for argument in arguments if argument.startswith("-") and argument != "-"} <= known
        if name == "python" and arguments[0].endswith(".py"):
            assert (ROOT / arguments[0]).exists()
        if name == "python" and arguments[1].startswith("tests."):
            module = ROOT.joinpath(*arguments[1].split("."))
            assert module.with_suffix(".py").exists() or (module / "__main__.py").exists()


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


def generator(name: str) -> ModuleType:
    """A script of docs/ that writes pages."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_command_line_is_what_its_generator_writes() -> None:
    written = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert written == generator("generate_cli").manual(), "run `python docs/generate_cli.py`"


def test_the_pages_of_the_library_are_what_their_generator_writes() -> None:
    pytest.importorskip("sklearn", reason="the estimator's docstring needs scikit-learn")
    for page, text in generator("generate_api").pages().items():
        assert page.read_text(encoding="utf-8") == text, "run `python docs/generate_api.py`"


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_every_public_name_has_an_example(name: str) -> None:
    assert ">>> " in (inspect.getdoc(resolve_name(name)) or ""), f"{name} has no example in its docstring"


@pytest.mark.parametrize("name", MODULES)
def test_pages_that_docstrings_name_exist(name: str) -> None:
    path = ROOT / "src" / Path(*name.split("."))
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
    for page, section in re.findall(r"(docs/[\w/-]+\.md)(?:#([\w-]+))?", text):
        headings = re.findall(r"^#+ (.+)", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not section or section in slugs, f"{page} has no section {section}"


SITE = ("sphinx", "myst_parser", "furo", "latex2mathml", "ziamath")


@pytest.fixture(scope="module")
def site_settings() -> ModuleType:
    """docs/conf.py."""
    for package in SITE:
        pytest.importorskip(package, reason=f"the site needs {package}")
    return generator("conf")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_formulas_become_mathml(page: Path, site_settings: ModuleType) -> None:
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for block, inline in re.findall(r"\$\$(.+?)\$\$|\$([^$]+?)\$", text, flags=re.DOTALL):
        assert site_settings.mathml(block or inline, "block").startswith("<math")


def test_a_command_of_latex_that_is_not_known_is_refused(site_settings: ModuleType) -> None:
    with pytest.raises(ValueError, match="does not know"):
        site_settings.mathml(r"\unknowncommand{x}", "inline")


def test_bars_stand_close_and_functions_apart(site_settings: ModuleType) -> None:
    written = site_settings.mathml(r"\log \mathrm{softmax}(x) = \lvert V \rvert", "inline")
    assert '<mi>log</mi><mspace width="0.167em" />' in written
    assert written.count('form="prefix"') == written.count('form="postfix"') == 1


def test_limits_stand_beneath_argmax_as_browsers_show_them_in_a_block(site_settings: ModuleType) -> None:
    written = site_settings.mathml(r"\operatorname*{argmax}_{x} f_x", "block")
    assert written.count('<munder><mo movablelimits="true">argmax</mo>') == 1
    assert written.count("<msub>") == 1


def test_long_names_in_tables_may_go_on_after_an_underscore(site_settings: ModuleType) -> None:
    parts = site_settings.breakable("negative_sampling")
    assert [part.astext() for part in parts] == ["negative_", "<wbr>", "sampling"]
    assert [part.astext() for part in site_settings.breakable("words")] == ["words"]


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == lexigrad.__version__
    assert f"## {lexigrad.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
