"""The browser that the tests of one file share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from browsing import new_browser

    with new_browser() as driver:
        yield driver
