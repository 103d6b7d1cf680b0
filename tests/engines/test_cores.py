"""One thread for linear algebra, also where several threads ask for it at once."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from lexigrad.engines.cores import one_blas_thread


def blas_threads() -> set[int]:
    assert np.__version__  # who imports NumPy has its library loaded
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture
def _two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("this machine's library for linear algebra cannot be told to use two threads")
        yield


@pytest.mark.usefixtures("_two_threads")
def test_the_old_limit_is_back_after_the_last_of_several_that_overlap():
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == {2}


@pytest.mark.usefixtures("_two_threads")
def test_the_old_limit_is_back_after_an_error():
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        _ = 1 // 0
    assert blas_threads() == {2}
