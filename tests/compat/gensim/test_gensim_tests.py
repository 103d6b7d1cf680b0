"""The script that runs gensim's own tests: it says so when a test fails without a reason, or tests gensim itself."""

from __future__ import annotations

import importlib.util
import types
from typing import TYPE_CHECKING, Any

import pytest
from places import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("gensim")
SCRIPT = ROOT / "benchmarks" / "gensim_tests.py"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("gensim_tests", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_listed(script: Any) -> dict[str, tuple[str, str]]:
    return {name: ("not run" if why in script.ASIDE else "failed", "") for name, why in script.REASONS.items()}


def test_every_reason_is_one_that_is_explained(script: Any) -> None:
    assert set(script.REASONS.values()) == set(script.LACKING) | set(script.OWN) | set(script.ASIDE)


def test_listed_failures_are_no_faults_and_others_are(script: Any) -> None:
    outcomes = as_listed(script)
    assert script.faults({**outcomes, "some test": ("passed", "")}) == []
    assert script.faults({**outcomes, "some test": ("failed", "why")}) == ["some test"]
    listed = next(iter(outcomes))
    assert script.faults({**outcomes, listed: ("passed", "")}) == [listed]
    assert script.faults({**outcomes, listed: ("skipped", "")}) == []


def test_shares_leave_out_what_lexigrad_lacks_and_what_was_not_run(script: Any, tmp_path: Path) -> None:
    for name in script.FILES:
        (tmp_path / f"{name}.py").touch()
    lacking = [name for name, why in script.REASONS.items() if why == "hs"]
    outcomes = {lacking[0]: ("failed", ""), lacking[1]: ("failed", ""), "a": ("passed", ""), "b": ("failed", "")}
    counts = script.summary({**outcomes, "c": ("skipped", ""), "d": ("not run", "")}, tmp_path)["counts"]
    assert counts["share of all that were run"] == 0.25
    assert counts["share of those on features that lexigrad has"] == 0.5


def test_a_module_that_holds_gensims_own_class_is_found_out(script: Any) -> None:
    from gensim.models import keyedvectors

    module = types.ModuleType("tests_of_gensim")
    module.KeyedVectors = script.shim.KeyedVectors  # type: ignore[attr-defined]
    script.check_names(module)
    module.KeyedVectors = keyedvectors.KeyedVectors  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="gensim's own KeyedVectors"):
        script.check_names(module)
