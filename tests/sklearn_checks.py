"""scikit-learn's own checks of estimators, run on Word2VecVectorizer; prints which passed.

    SCIPY_ARRAY_API=1 python -m tests.sklearn_checks [--json]

scikit-learn runs one check of ``check_estimator`` on an estimator that takes text, such as its own CountVectorizer, and
leaves out all that feed it numbers. Here they run too: `RowsAsDocuments` is the vectorizer with rows of numbers made
into documents. scikit-learn skips one of them unless the environment has SCIPY_ARRAY_API.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from functools import partial
from typing import Any, Final

from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

from lexigrad.compat.sklearn import Word2VecVectorizer

EXPECTED_TO_FAIL: Final = {
    "svd": {
        "check_fit2d_1feature": "a document has one token then, so no two words stand in one window, which the error "
        "says; the check wants it to speak of one feature"
    }
}
"""For each solver the checks that fail, with the reason. With SGD no check fails."""

ANSWERED_BY_THE_ADAPTER: Final = {
    name: f"{what}; for documents, compat/test_sklearn.py holds what is refused"
    for what, names in {
        "a table's shape is checked": ("check_fit1d", "check_fit2d_predict1d", "check_estimators_empty_data_messages"),
        "a table's numbers are checked": (
            "check_complex_data",
            "check_dtype_object",
            "check_estimators_dtypes",
            "check_estimators_nan_inf",
            "check_positive_only_tag_during_fit",
        ),
        "the number of columns is compared, and documents have none": (
            "check_n_features_in",
            "check_n_features_in_after_fitting",
        ),
        "sparse tables are refused": (
            "check_estimator_sparse_array",
            "check_estimator_sparse_matrix",
            "check_estimator_sparse_tag",
        ),
        "other kinds of tables are turned into NumPy's": (
            "check_array_api_input",
            "check_f_contiguous_array_estimator",
            "check_readonly_memmap_input",
            "check_transformer_data_not_an_array",
        ),
    }.items()
    for name in names
}
"""Checks that pass by the adapter's validate_data, which documents never meet."""

FURTHER_CHECKS: Final = (
    "check_dataframe_column_names_consistency",
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
)
"""Checks of transformers that ``check_estimator`` leaves out, and scikit-learn's own tests run on its own."""

NOT_RUN: Final = {
    "check_param_validation": "asks for the table of constraints that scikit-learn's own estimators keep; ours are "
    "TrainConfig's, checked in fit, and compat/test_sklearn.py holds them",
    "check_transformers_unfitted_stateless": "is for transformers that learn nothing",
}


class RowsAsDocuments(Word2VecVectorizer):
    """The vectorizer for tables of numbers: a row is a document, and each of its numbers with its column a token."""

    def fit(self, X, y=None):
        return super().fit(self._documents(X, reset=True))

    def transform(self, X):
        check_is_fitted(self)
        return super().transform(self._documents(X, reset=False))

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = False, True
        return tags

    def _documents(self, X, *, reset):
        rows = validate_data(self, X, reset=reset)
        documents = [[f"{column}:{number:.0f}" for column, number in enumerate(row)] for row in rows]
        if not hasattr(X, "iloc"):
            return documents
        import pandas

        return pandas.Series(documents, index=X.index)


def estimators() -> list[Word2VecVectorizer]:
    """The estimators to check: the vectorizer as it is, and the adapter in its kinds, small and strongly trained."""
    small = {"dim": 5, "min_count": 1, "epochs": 2, "learning_rate": 0.2, "smoothing": 1.0}
    return [
        Word2VecVectorizer(),
        RowsAsDocuments(**small),
        RowsAsDocuments(weighting="sif", **small),
        RowsAsDocuments(solver="svd", **small),
    ]


def further_check(name: str):
    """One of FURTHER_CHECKS, as a function of an estimator alone."""
    return partial(getattr(estimator_checks, name), "RowsAsDocuments")


def results() -> list[dict[str, Any]]:
    """For each estimator the number of checks with each status, and the checks that did not pass."""
    found = []
    for estimator in estimators():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checks = check_estimator(
                estimator, expected_failed_checks=EXPECTED_TO_FAIL.get(estimator.solver), on_fail=None, on_skip=None
            )
            if isinstance(estimator, RowsAsDocuments):
                checks += [_result(estimator, name) for name in FURTHER_CHECKS]
        found.append(
            {
                "estimator": " ".join(repr(estimator).split()),
                "statuses": dict(Counter(check["status"] for check in checks)),
                "passed": sorted(check["check_name"] for check in checks if check["status"] == "passed"),
                "passed_by_the_adapter_alone": sum(check["check_name"] in ANSWERED_BY_THE_ADAPTER for check in checks),
                "others": {
                    check["check_name"]: f"{check['status']}: {check['expected_to_fail_reason'] or check['exception']}"
                    for check in checks
                    if check["status"] != "passed"
                },
            }
        )
    return found


def _result(estimator, name):
    try:
        further_check(name)(estimator)
    except Exception as error:  # noqa: BLE001, RUF100
        return {"check_name": name, "status": "failed", "expected_to_fail_reason": "", "exception": error}
    return {"check_name": name, "status": "passed"}


def main() -> None:
    """Run the checks and print which passed."""
    found = results()
    if "--json" in sys.argv[1:]:
        print(json.dumps(found, indent=2))  # noqa: T201
        return
    for each in found:
        print(each["estimator"], each["statuses"])  # noqa: T201
        for name in each["passed"]:
            by = " (by the adapter)" if name in ANSWERED_BY_THE_ADAPTER else ""
            print(f"  passed   {name}{by}")  # noqa: T201
        for name, status in each["others"].items():
            print(f"  {name}: {status}")  # noqa: T201
    for name, reason in NOT_RUN.items():
        print(f"not run: {name} {reason}")  # noqa: T201


if __name__ == "__main__":
    main()
