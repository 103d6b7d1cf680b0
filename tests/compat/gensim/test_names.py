"""The table of gensim's names holds: it has all of gensim's, and the shim does what it says of each."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import warnings
from typing import Any

import pytest
from places import ROOT

from lexigrad.compat import gensim as shim
from lexigrad.compat.gensim import KeyedVectors, NotKeptError, Word2Vec

GUIDE = ROOT / "docs" / "guides" / "coming-from-gensim.md"
TEXT = [["the", "cat", "sat"], ["the", "dog", "sat"]] * 5
KEPT, NO, OLD_ONLY = "yes", "no", "warns"


def rows_of(heading: str) -> list[tuple[set[str], set[str], str]]:
    """The rows of one table: gensim 3's names, gensim 4's, and what they are here."""
    section = GUIDE.read_text(encoding="utf-8").split(f"### {heading}\n")[1].split("\n### ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return [
        (set(re.findall(r"`(\w+)`", old)), set(re.findall(r"`(\w+)`", new)), here.strip())
        for old, new, here, _ in cells
    ]


def names_in(heading: str) -> set[str]:
    return {name for old, new, _ in rows_of(heading) for name in old | new}


@pytest.fixture(scope="module")
def model() -> Word2Vec:
    return Word2Vec(TEXT, vector_size=4, min_count=1, epochs=1)


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_the_table_has_all_of_gensims_options_attributes_and_methods() -> None:
    gensim = pytest.importorskip("gensim.models")
    theirs = gensim.Word2Vec(TEXT, vector_size=4, min_count=1, epochs=1, workers=1)
    assert set(inspect.signature(gensim.Word2Vec).parameters) == {
        name for _, new, _ in rows_of("Options of Word2Vec") for name in new
    }
    assert public(theirs) - names_in("Word2Vec") == set()
    assert public(theirs.wv) - names_in("KeyedVectors") == set()


def test_the_shim_takes_gensims_options_in_gensims_order_with_gensims_defaults() -> None:
    gensim = pytest.importorskip("gensim.models")
    ours, theirs = (inspect.signature(kind).parameters for kind in (Word2Vec, gensim.Word2Vec))
    assert list(ours)[:-1] == list(theirs)
    differing = {name for name in theirs if ours[name].default != theirs[name].default}
    assert differing == {"vector_size", "epochs"}  # None, to tell whether the old name is given too
    assert (Word2Vec().vector_size, Word2Vec().epochs) == (theirs["vector_size"].default, theirs["epochs"].default)


@pytest.mark.parametrize(
    "name", ["train", "build_vocab", "build_vocab_from_freq", "scan_vocab", "prepare_vocab", "save"]
)
def test_methods_of_the_model_take_gensims_arguments(name: str) -> None:
    gensim = pytest.importorskip("gensim.models")
    save = ["fname_or_handle", "separately", "sep_limit", "ignore", "pickle_protocol"]
    theirs = list(inspect.signature(getattr(gensim.Word2Vec, name)).parameters)[1:]
    expected = save if name == "save" else [argument for argument in theirs if argument != "kwargs"]
    ours = list(inspect.signature(getattr(Word2Vec, name)).parameters)[1:]
    assert ours[: len(expected)] == expected


def test_methods_of_vectors_take_gensims_arguments() -> None:
    gensim = pytest.importorskip("gensim.models")
    for name in sorted(public(gensim.KeyedVectors)):
        theirs, ours = getattr(gensim.KeyedVectors, name), getattr(KeyedVectors, name, None)
        if inspect.isfunction(theirs) and inspect.isfunction(ours):
            if "*" in f"{inspect.signature(theirs)}{inspect.signature(ours)}":  # hands all arguments on
                continue
            given, kept = inspect.signature(theirs).parameters, inspect.signature(ours).parameters
            if not ours.__doc__ or not ours.__doc__.startswith("Not kept") or name == "wmdistance":
                assert list(kept)[: len(given)] == list(given), name
                defaults = {n: p.default for n, p in given.items() if n != "datatype"}
                assert {n: kept[n].default for n in defaults} == defaults, name


@pytest.mark.parametrize(("heading", "path"), [("Word2Vec", ""), ("KeyedVectors", "wv")])
def test_names_are_there_warn_or_say_what_to_write_as_the_table_says(model: Word2Vec, heading: str, path: str) -> None:
    owner = getattr(model, path) if path else model
    for old, new, here in rows_of(heading):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            for name in old | new:
                if here.startswith((KEPT, OLD_ONLY)):
                    assert hasattr(owner, name), name
                elif here.startswith(NO):
                    assert_refused(owner, name)


def assert_refused(owner: Any, name: str) -> None:
    """An attribute is not there, or a method raises; the message says what to do."""
    try:
        method = getattr(owner, name)
    except AttributeError as error:
        assert "has no" in str(error)  # noqa: PT017
        return
    arguments = [[], []] if name == "wmdistance" else []
    with pytest.raises(NotKeptError, match="not kept: "):
        method(*arguments)


def test_old_names_warn_and_name_the_new_ones(model: Word2Vec) -> None:
    for owner, heading in ((model, "Word2Vec"), (model.wv, "KeyedVectors")):
        for old, new, here in rows_of(heading):
            for name in old - new:
                attribute = inspect.getattr_static(owner, name, None)
                if "warns" in here and isinstance(attribute, property):
                    with pytest.warns(DeprecationWarning, match=rf"{name}\b.* write "):
                        getattr(owner, name)


def test_the_package_has_the_names_of_the_last_table() -> None:
    section = GUIDE.read_text(encoding="utf-8").split("### The rest\n")[1]
    for line in section.splitlines():
        cells = line.strip("|").split("|")
        if line.startswith("| `") and cells[1].strip().startswith("yes"):
            for name in re.findall(r"`([\w.]+)`", cells[0]):
                assert hasattr(shim, name.rpartition(".")[2]), name


def test_importing_the_shim_loads_neither_numba_nor_gensim_nor_any_extra() -> None:
    code = "import lexigrad.compat.gensim, json, sys; print(json.dumps([n.split('.')[0] for n in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(run.stdout)) & {"numba", "llvmlite", "gensim", "scipy", "sklearn", "torch", "rich"} == set()
