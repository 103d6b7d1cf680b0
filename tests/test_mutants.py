"""The mistakes that `mutants.py` makes are those that it should make, and each file's tests are there."""

from __future__ import annotations

import mutants
import pytest
from mutants_made import applied, mutants_of
from places import TESTS


def made(source: str) -> set[str]:
    return {applied(source, mutant) for mutant in mutants_of(source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a - b\n", {"x = (a + b)\n"}),
        ("x = a * (b + c)\n", {"x = (a / (b + c))\n", "x = a * ((b - c))\n"}),
        ("x = a < b\n", {"x = (a <= b)\n", "x = (a >= b)\n"}),
        ("x = a == b\n", {"x = (a != b)\n"}),
        ("x = 3\n", {"x = 4\n", "x = 2\n"}),
        ("x = 0.5\n", {"x = 1.0\n", "x = (-0.5)\n"}),
        ("x = True\n", {"x = False\n"}),
        ("x = -a\n", {"x = (a)\n"}),
        ("x = a and b\n", {"x = (a or b)\n"}),
        ("if a:\n    b()\n", {"if (not (a)):\n    b()\n", "if a:\n    pass\n"}),
        ("x[k] = v\n", {"pass\n"}),
        ("x += v\n", {"x -= v\n", "pass\n"}),
        ("x = f(a, b)\n", {"x = (f(b, a))\n"}),
        ("x = np.sum(a, axis=k)\n", {"x = (a)\n"}),
        ("x = a.mean()\n", {"x = (a)\n"}),
        ("x = a.T @ b\n", {"x = a @ b\n"}),
        ("x = lanes.mul(a, b)\n", {"x = (lanes.add(a, b))\n"}),
        (
            "if a is b:\n    raise E('3')\n",
            {"if (a is not b):\n    raise E('3')\n", "if a is b:\n    pass\n"},
        ),
        ("x = 'σ̂' + a  # é\n", {"x = ('σ̂' - a)  # é\n"}),
    ],
)
def test_each_mistake_is_made_in_its_place(source: str, expected: set[str]) -> None:
    assert made(source) == expected


def test_texts_and_types_are_left_as_they_are() -> None:
    source = (
        '"""Says 1 + 1."""\n'
        "__all__ = [*a]\n"
        "Table = NDArray[1]\n"
        "if TYPE_CHECKING:\n    n = 2\n"
        "@decorated(3)\n"
        "def f(x: Literal[4] = None) -> Literal[5]:\n"
        '    """Returns 6."""\n'
        "    return f'{x:7}'\n"
    )
    assert made(source) == set()


def test_every_file_has_tests_that_are_there() -> None:
    package = mutants.ROOT / mutants.PACKAGE
    assert [place for place in mutants.TESTS if not (package / place).exists()] == []
    modules = [path.relative_to(package).as_posix() for path in package.rglob("*.py") if path.name != "__init__.py"]
    named = {test for module in modules for test in mutants.tests_of(module)}
    assert [test for test in named if not (TESTS.parent / test.split("::")[0]).exists()] == []
    assert mutants.tests_of("kernels/sgd/span.py")[0] == "tests/kernels/test_kernels.py"
