"""Where things lie that tests read: the tests themselves, the repository, files that other programs wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent
ROOT: Final = TESTS.parent
GOLDEN: Final = TESTS / "golden"
