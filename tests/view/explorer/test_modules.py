"""The page's scripts are modules: what joins them for the exported page, and what each of both pages holds."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from explorer_pages import Elements, ask, planted, serving

from lexigrad.errors import LexigradError
from lexigrad.view.explorer.data import Explorer
from lexigrad.view.explorer.export import ENTRY, export_page
from lexigrad.view.explorer.modules import join_modules, modules_of
from lexigrad.view.explorer.server import SCRIPTS, page_file

if TYPE_CHECKING:
    from pathlib import Path


def read(name: str) -> str:
    return page_file(name).decode()


def test_every_script_is_reached_by_imports_from_an_entry() -> None:
    served, exported = modules_of("served.js", read), modules_of(ENTRY, read)
    there = {path.name for path in (files("lexigrad.view.explorer") / "page").iterdir() if path.name.endswith(".js")}
    assert served.keys() | exported.keys() == there
    assert sorted(served) == sorted(SCRIPTS)


def test_the_exported_page_holds_the_code_that_is_served(tmp_path: Path) -> None:
    explorer = Explorer(planted(), "mine")
    export_page(explorer, tmp_path / "page.html")
    elements = Elements()
    elements.feed((tmp_path / "page.html").read_text(encoding="utf-8"))
    script, _ = elements.texts["script"]
    with serving(explorer) as server:
        texts = {name: ask(server, f"/{name}")[1].decode() for name in SCRIPTS}
    both = set(SCRIPTS) - {"served.js", "watch.js"}
    assert len(both) == 7
    for name in both:
        lines = [line.removeprefix("export ") for line in texts[name].split("\n") if not line.startswith("import ")]
        assert "\n".join(lines) in script
    assert "class Training" in texts["watch.js"]
    assert "class Training" not in script


def test_the_page_names_its_entry_as_a_module_and_nothing_else() -> None:
    elements = Elements()
    elements.feed(read("index.html"))
    scripts = [attributes for tag, attributes in elements.found if tag == "script"]
    assert scripts == [{"type": "module", "src": "served.js"}]


SCRIPTS_OF_A_PAGE = {
    "entry.js": '// begins\n\nimport { first, Second } from "./one.js";\nimport { THIRD } from "./two.js";\nfirst();\n',
    "one.js": 'import { THIRD } from "./two.js";\nexport async function first() {}\nexport class Second {}\n',
    "two.js": "const own = 3;\nexport const THIRD = own;\n// what exported files import\n",
}


def test_each_module_stands_behind_those_that_it_imports() -> None:
    modules = modules_of("entry.js", SCRIPTS_OF_A_PAGE.__getitem__)
    assert list(modules) == ["two.js", "one.js", "entry.js"]
    assert modules["entry.js"].imports == {"one.js": ["first", "Second"], "two.js": ["THIRD"]}
    assert modules["one.js"].exports == ["first", "Second"]
    assert modules["one.js"].code == "async function first() {}\nclass Second {}\n"


def test_modules_that_are_joined_do_not_see_each_others_own_names() -> None:
    script = join_modules(modules_of("entry.js", SCRIPTS_OF_A_PAGE.__getitem__))
    assert script.startswith("const $two = (() => {\nconst own = 3;\nconst THIRD = own;\n")
    assert "const { THIRD } = $two;\nasync function first() {}\n" in script
    assert "export " not in script
    assert script.count("const $") == script.count("\n})();\n") == 3


@pytest.mark.parametrize(
    "line",
    [
        'import "./two.js";',
        'import two from "./two.js";',
        'import * as two from "./two.js";',
        'import { THIRD as third } from "./two.js";',
        "import { THIRD } from './two.js';",
        'import { THIRD } from "./two.js"',
        'import { THIRD } from "./two.js"; first();',
        ' import { THIRD } from "./two.js";',
        'import { THIRD } from "../two.js";',
        'import { THIRD } from "https://example.org/two.js";',
        "import {",
        'const two = await import("./two.js");',
        "const here = import.meta.url;",
        "export default class {}",
        "export default first;",
        "export { first };",
        'export { THIRD } from "./two.js";',
        'export * from "./two.js";',
        "export let first = 1;",
        "export const { first } = {};",
        "export function* first() {}",
        "  export const first = 1;",
        "export const first = 1; export const second = 2;",
        "/* */ export const first = 1;",
    ],
)
def test_a_form_that_is_not_known_is_refused(line: str) -> None:
    scripts = {**SCRIPTS_OF_A_PAGE, "one.js": f"{line}\nexport const first = 1, Second = 2;\n"}
    with pytest.raises(LexigradError, match=r"line 1 of the page's one\.js imports or exports in a form"):
        modules_of("entry.js", scripts.__getitem__)


def test_an_import_after_code_is_refused() -> None:
    text = 'const text = `\nimport { THIRD } from "./two.js";\n`;\n'
    with pytest.raises(LexigradError, match=r"line 2 of the page's entry\.js imports or exports in a form"):
        modules_of("entry.js", {**SCRIPTS_OF_A_PAGE, "entry.js": text}.__getitem__)


@pytest.mark.parametrize("markup", ["</script>", "</SCRIPT", "<!-- ", "<script>"])
def test_markup_in_a_script_is_refused(markup: str) -> None:
    with pytest.raises(LexigradError, match=r"line 2 of the page's entry\.js holds markup"):
        modules_of("entry.js", {"entry.js": f'f();\nf("{markup}");\n'}.__getitem__)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("two.js", 'import { first } from "./one.js";\n', r"one\.js imports itself by way of two\.js"),
        ("two.js", "const THIRD = 3;\n", r"one\.js imports THIRD, which two\.js does not export"),
        ("entry.js", 2 * 'import { THIRD } from "./two.js";\n', r"entry\.js imports two\.js twice"),
    ],
)
def test_imports_that_cannot_be_had_are_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(LexigradError, match=message):
        modules_of("entry.js", {**SCRIPTS_OF_A_PAGE, name: text}.__getitem__)
