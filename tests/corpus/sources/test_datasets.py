"""Columns of tables, in files and in Python, are read as the text, the tokens or the ids that they hold."""

from __future__ import annotations

import gc
import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import lexigrad
from lexigrad import TrainConfig, read_corpus
from lexigrad.cli.main import main
from lexigrad.corpus.sources import arrow as columns
from lexigrad.corpus.sources.datasets import TableSource
from lexigrad.corpus.sources.files import Source
from lexigrad.errors import CorpusError, MissingExtraError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXT = ["a b", "c\na\n", None, "", "été a"]
TOKENS = [["a", "new york"], [], None, ["a", None, "c\n"]]
IDS = [[1, 2**40], [], None, [2**40, None]]
ROWS: dict[str, list[Any]] = {"text": TEXT, "tokens": TOKENS, "ids": IDS}
LAYOUTS: dict[str, list[Any]] = {
    "text": [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.uint32(), pa.large_string()),
    ],
    "tokens": [
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.large_list(pa.string_view()),
        pa.list_view(pa.string()),
        pa.large_list_view(pa.string_view()),
        pa.list_(pa.dictionary(pa.int16(), pa.string())),
    ],
    "ids": [pa.list_(pa.int64()), pa.large_list(pa.uint64()), pa.list_view(pa.int64())],
}
EVERY_LAYOUT = [(kind, layout) for kind, layouts in LAYOUTS.items() for layout in layouts]
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


def as_sentences(rows: list[Any]) -> Iterator[Any]:
    """What the rows of a column stand for: sentences as Python gives them."""
    for row in rows:
        if row is not None:
            yield row if isinstance(row, str) else [token for token in row if token is not None]


def content(source: Any, **options: Any) -> tuple[Any, ...]:
    """The words, the ids and the lines of a corpus."""
    with read_corpus(source, TrainConfig(**{"min_count": 1, "threads": 2, **options})) as corpus:
        report = corpus.report
        return corpus.vocabulary.words, corpus.ids.tolist(), report.lines, report.empty_lines


def nulls(source: Any) -> int:
    with read_corpus(source, TrainConfig(min_count=1)) as corpus:
        return corpus.report.nulls


def write(path: Path, table: Any, form: str) -> Path:
    """A file of a table in one of the forms."""
    if form == "parquet":
        parquet.write_table(table, path, row_group_size=2)
    else:
        make = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
        with make(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
    return path


@pytest.mark.parametrize(("kind", "layout"), EVERY_LAYOUT, ids=str)
def test_every_layout_of_a_column_is_read_as_the_sentences_that_it_holds(kind: str, layout: Any) -> None:
    rows = ROWS[kind] * 3
    for begin, end in ((0, len(rows)), (1, len(rows) - 2), (4, 6), (len(rows), len(rows))):
        array = pa.array(rows, layout).slice(begin, end - begin)
        if begin == end:
            with pytest.raises(CorpusError, match="the text is empty"):
                content(array)
        else:
            assert content(array) == content(as_sentences(rows[begin:end]))


@pytest.mark.parametrize("kind", ROWS)
def test_rows_and_tokens_that_are_null_are_counted(kind: str) -> None:
    assert nulls(pa.array(ROWS[kind])) == (1 if kind == "text" else 2)
    with read_corpus(pa.array(ROWS[kind]), TrainConfig(min_count=1)) as corpus:
        assert "null value" in corpus.report.summary()


@settings(max_examples=60)
@given(
    rows=st.lists(st.none() | WORDS) | st.lists(st.none() | st.lists(st.none() | WORDS)),
    chunk_bytes=st.integers(1, 30),
    lowercase=st.booleans(),
    threads=st.integers(1, 3),
    split=st.integers(0, 5),
)
def test_any_column_is_read_as_its_sentences_whatever_the_chunks_and_threads(
    rows: list[Any], chunk_bytes: int, lowercase: bool, threads: int, split: int
) -> None:
    array = pa.array(rows, pa.string() if all(isinstance(row, str | None) for row in rows) else None)
    pieces = pa.chunked_array([array.slice(0, split), array.slice(split)])
    options = {"lowercase": lowercase, "threads": threads}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "CHUNK_BYTES", chunk_bytes)
        try:
            expected = content(as_sentences(rows), **options)
        except CorpusError as refused:
            with pytest.raises(CorpusError, match=str(refused)[:17]):
                content(pieces, **options)
        else:
            assert content(pieces, **options) == expected


@pytest.mark.parametrize("form", ["parquet", "file", "stream"])
@pytest.mark.parametrize("kind", ROWS)
def test_files_are_known_by_their_content(tmp_path: Path, kind: str, form: str) -> None:
    table = pa.table({"n": list(range(len(ROWS[kind]))), "column": ROWS[kind]})
    path = write(tmp_path / "file.txt", table, form)
    assert content(path) == content(path, column="column") == content(as_sentences(ROWS[kind]))


@pytest.mark.parametrize("form", ["parquet", "file", "stream"])
def test_a_dictionary_among_other_columns_is_read_from_files(tmp_path: Path, form: str) -> None:
    coded = pa.array(TEXT).dictionary_encode()
    table = pa.table({"other": pa.array(["x"] * 5).dictionary_encode(), "n": [1] * 5, "text": coded})
    assert content(write(tmp_path / "a", table, form), column="text") == content(as_sentences(TEXT))


def test_a_folder_may_hold_tables_and_text(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.table({"text": ["a b"], "n": [1]}), "parquet")
    (tmp_path / "b.txt").write_text("b c\n")
    write(tmp_path / "c.arrow", pa.table({"text": ["c d"]}), "file")
    (tmp_path / "d.json").write_text("{}")
    assert content(tmp_path, column="text") == content(iter(["a b", "b c", "c d"]))
    assert content([str(tmp_path / "*.parquet"), str(tmp_path / "c*")])[0] == ["a", "b", "c", "d"]


def test_text_that_begins_like_a_table_is_text(tmp_path: Path) -> None:
    for beginning in ("PAR1", "PAR1\n", "PAR1 ", "ARROW1 "):
        (tmp_path / "text").write_text(f"{beginning}x")
        assert content(tmp_path / "text")[0] == sorted(f"{beginning}x".split())


def test_an_arrow_stream_may_come_from_standard_input_and_a_file_with_a_table_of_contents_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    for form, refusal in (("stream", None), ("parquet", "cannot be read from a pipe"), ("file", "from a pipe")):
        piped = write(tmp_path / form, pa.table({"text": TEXT}), form).read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe(piped))))  # type: ignore[arg-type]
        if refusal is None:
            assert content("-") == content(as_sentences(TEXT))
        else:
            with pytest.raises(CorpusError, match=refusal):
                content("-")


def test_progress_comes_to_the_end_of_a_table(tmp_path: Path) -> None:
    write(tmp_path / "a", pa.table({"text": ["word " * 1000] * 3000}), "parquet")
    seen: list[Any] = []
    read_corpus(tmp_path / "a", progress=lambda done, total: seen.append((done, total))).close()
    size = (tmp_path / "a").stat().st_size
    assert seen[-1] == (size, size)
    assert sorted(seen) == seen
    assert len(seen) > 3


def given_tables(kind: str) -> dict[str, Callable[[], Any]]:
    """Ways to give a column from Python, by name."""
    polars, pandas, datasets = (pytest.importorskip(name) for name in ("polars", "pandas", "datasets"))
    table = pa.table({"n": list(range(len(ROWS[kind]))), "column": ROWS[kind]})
    one = table.select(["column"])
    return {
        "pyarrow.Array": lambda: one.column(0).chunk(0),
        "pyarrow.ChunkedArray": lambda: one.column(0),
        "pyarrow.Table": lambda: table,
        "pyarrow.RecordBatch": lambda: table.to_batches()[0],
        "pyarrow.RecordBatchReader": lambda: table.to_reader(max_chunksize=2),
        "polars.Series": lambda: polars.from_arrow(one)["column"],
        "polars.DataFrame": lambda: polars.from_arrow(table),
        "polars.LazyFrame": lambda: polars.from_arrow(table).lazy(),
        "pandas.Series": lambda: pandas.Series(ROWS[kind], dtype=object),
        "pandas.DataFrame": lambda: pandas.DataFrame({"n": 1, "column": pandas.Series(ROWS[kind], dtype=object)}),
        "datasets.Dataset": lambda: datasets.Dataset(table),
        "datasets.IterableDataset": lambda: datasets.Dataset(table).to_iterable_dataset(),
    }


NAMES = [
    "pyarrow.Array",
    "pyarrow.ChunkedArray",
    "pyarrow.Table",
    "pyarrow.RecordBatch",
    "pyarrow.RecordBatchReader",
    "polars.Series",
    "polars.DataFrame",
    "polars.LazyFrame",
    "pandas.Series",
    "pandas.DataFrame",
    "datasets.Dataset",
    "datasets.IterableDataset",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ROWS)
def test_objects_of_every_package_are_read(kind: str, name: str) -> None:
    give = given_tables(kind)[name]
    expected = content(as_sentences(ROWS[kind]))
    assert content(give()) == expected
    if "Series" not in name and "Array" not in name:
        assert content(give(), column="column") == expected
        with pytest.raises(CorpusError, match=r"has no column 'text'; its columns of text are 'column'"):
            content(give(), column="text")


def test_a_dataset_is_read_as_it_has_been_selected_and_shuffled() -> None:
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict({"text": [f"w{number}" for number in range(20)]})
    chosen = dataset.shuffle(seed=1).select(range(10)).filter(lambda row: row["text"] != "w3")
    assert chosen._indices is not None
    assert content(chosen) == content(iter(chosen["text"]))


def test_a_streaming_dataset_is_read_as_it_has_been_mapped() -> None:
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict({"text": ["a", "b"]}).to_iterable_dataset()
    assert content(dataset.map(lambda row: {"text": row["text"] + " c"})) == content(iter(["a c", "b c"]))


def test_a_dictionary_of_datasets_is_an_error_that_names_them() -> None:
    datasets = pytest.importorskip("datasets")
    both = datasets.DatasetDict({name: datasets.Dataset.from_dict({"text": ["a"]}) for name in ("train", "test")})
    with pytest.raises(CorpusError, match="DatasetDict holds several datasets; give one of them: 'train', 'test'"):
        content(both)


def test_what_pandas_takes_for_missing_is_null() -> None:
    pandas = pytest.importorskip("pandas")
    for values in (["a", float("nan"), None, "b"], pandas.array(["a", None, None, "b"], dtype="string")):
        assert nulls(pandas.Series(values)) == 2
        assert content(pandas.Series(values))[0] == ["a", "b"]


def test_ids_of_a_table_have_names() -> None:
    with read_corpus(pa.array([[1, 0], [1]]), TrainConfig(min_count=1), names=["fig", "pear"]) as corpus:
        assert corpus.vocabulary.words == ["pear", "fig"]


def test_training_and_measuring_take_the_config_s_column(tmp_path: Path) -> None:
    table = pa.table({"text": ["the cat sat on the mat"] * 50, "title": ["x"] * 50})
    config = TrainConfig(dim=4, min_count=1, epochs=1, threads=1, column="text")
    model = lexigrad.train(write(tmp_path / "a", table, "parquet"), config, validation=table)
    expected = model.history[-1]["validation"]["negative_sampling"]
    assert lexigrad.held_out_loss(model, table).negative_sampling == expected
    renamed = table.rename_columns(["body", "title"])
    other = TrainConfig(**{**config.to_dict(), "column": "body"})
    assert lexigrad.held_out_loss(model, renamed, other).negative_sampling == expected


def test_the_command_line_takes_a_column(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"text": ["the cat"] * 9, "title": ["x"] * 9}), "parquet")
    model = tmp_path / "model.safetensors"
    small = ["--dim", "4", "--epochs", "1", "--min-count", "1", "--subsample", "0"]
    for command in (
        ["vocab", str(path), "--column", "text", "-o", str(tmp_path / "words")],
        ["cooccur", str(path), "--column", "text", "-o", str(tmp_path / "counts.npz"), "--min-count", "1"],
        ["train", str(path), "--column", "text", "-o", str(model), *small, "--validation", str(path)],
        ["loss", str(model), str(path)],
        ["loss", str(model), str(path), "--column", "text"],
    ):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
    result = CliRunner().invoke(main, ["vocab", str(path)])
    assert result.exit_code == 1
    assert "has 2 columns of text, 'text', 'title'; choose one by --column" in result.output
    other_column = CliRunner().invoke(main, ["loss", str(model), str(path), "--column", "title"])
    assert "none of the vocabulary's words occurs in the text" in other_column.output


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        ({"a": ["x"], "b": [["y"]]}, {}, r"has 2 columns of text, 'a', 'b'; choose one by --column"),
        ({"a": [1.5], "b": [[[1]]]}, {}, "has no column of strings, of lists of tokens or of lists of ids"),
        ({"a": ["x"], "n": [1]}, {"column": "n"}, "the column 'n' of 'the given table' is of type int64; give one of"),
        ({"a": ["x"]}, {"column": "b" * 99}, "has no column 'bbb.*…'; its columns of text are 'a'"),
        ({"a": [1]}, {"column": "b"}, "has no column 'b'; it has none of text"),
        ({f"c{n}": ["x"] for n in range(12)}, {}, "12 columns of text, 'c0', .* 'c7' and 4 more"),
        ({"a": [["x"], None, ["y", ""]]}, {}, "row 3 of 'the given table' holds an empty token"),
        (
            {"a": [[5], None, [4], [-1]]},
            {},
            "row 4 of 'the given table' holds an id that is not from 0 to 922337203685",
        ),
        ({"a": ["x"]}, {"tokens": lambda line: line}, "the tokenizer returned str"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(table: Any, options: Any, says: str) -> None:
    with pytest.raises(CorpusError, match=says):
        content(pa.table(table), **options)


def test_a_column_by_itself_of_another_type_is_an_error() -> None:
    pandas = pytest.importorskip("pandas")
    for column in (pa.array([1]), pa.chunked_array([[1.5]]), pandas.Series([1])):
        with pytest.raises(CorpusError, match=r"the given column is of type .*; give one of strings"):
            content(column)
    with pytest.raises(CorpusError, match=r"the given column cannot be read: .*; give strings"):
        content(pandas.Series(["a", ["b"]]))


def test_a_null_in_a_dictionary_is_one_in_the_column() -> None:
    strings = pa.DictionaryArray.from_arrays(pa.array([0, 1, 1, None, 0]), pa.array(["a", None]))
    for array in (strings, pa.ListArray.from_arrays([0, 3, 5], strings)):
        assert content(array)[0] == ["a"]
        assert nulls(array) == 3


def test_two_columns_of_one_name_are_an_error() -> None:
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["a", "a"])
    numbered = pa.Table.from_arrays([pa.array(["x"]), pa.array([1])], names=["a", "a"])
    for named, column in ((table, "a"), (numbered, "a"), (numbered, None)):
        with pytest.raises(CorpusError, match="has 2 columns 'a'; give each its own name"):
            content(named, column=column)


def test_words_and_ids_are_not_read_together(tmp_path: Path) -> None:
    words = write(tmp_path / "a.parquet", pa.table({"t": ["x"]}), "parquet")
    ids = write(tmp_path / "b.parquet", pa.table({"t": [[1]]}), "parquet")
    with pytest.raises(
        CorpusError, match=r"b.parquet' holds ids, and what comes before it holds words; read them apart"
    ):
        content([words, ids])
    with pytest.raises(CorpusError, match=r"a.parquet, rows 1 to 1' holds words, and what comes before it holds ids"):
        content([ids, words])


def test_strings_that_are_not_utf8_are_an_error_or_replaced() -> None:
    strings = pa.array([b"ok", b"\xff a"]).view(pa.string())
    with pytest.raises(CorpusError, match="'the given table, rows 1 to 2' is not UTF-8 at byte 3"):
        content(strings)
    assert content(strings, encoding_errors="replace")[0] == ["a", "ok", "\ufffd"]
    with pytest.raises(CorpusError, match=r"contradicts itself: .*UTF8"):
        content(pa.ListArray.from_arrays([0, 2], strings))


def test_arrays_whose_offsets_lie_are_an_error() -> None:
    def lying(offsets: list[int]) -> Any:
        buffers = [None, pa.py_buffer(np.array(offsets, dtype=np.int32)), pa.py_buffer(b"abcdef")]
        return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)

    assert content(lying([0, 3, 6]))[0] == ["abc", "def"]
    for offsets in ([0, 600, 6], [0, 5, 3], [0, -4, 6], [0, 2**31 - 1, 6]):
        with pytest.raises(CorpusError, match="the column of 'the given table' contradicts itself"):
            content(lying(offsets))


def test_few_rows_that_refer_to_long_strings_take_little_memory() -> None:
    """A dictionary or views may name one long string a million times: it is written out a chunk at a time."""
    long = "word " * 20_000
    repeated = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, dtype=np.int32)), pa.array([long]))
    chunks = iter(TableSource([repeated]))
    assert len(next(chunks).read().text) < 3 * columns.CHUNK_BYTES
    viewed = pa.array([long], pa.string_view())
    offsets = pa.array(np.zeros(20_000, dtype=np.int32))
    buffers = [None, *pa.ListViewArray.from_arrays(offsets, pa.array(np.ones(20_000, np.int32)), viewed).buffers()[1:3]]
    views = pa.ListViewArray.from_buffers(pa.list_view(pa.string_view()), 20_000, buffers, children=[viewed])
    assert len(next(iter(TableSource([views]))).read().text) < 3 * columns.CHUNK_BYTES


def test_sources_count_alike() -> None:
    assert issubclass(TableSource, Source)
    with read_corpus(pa.array([["ab", "c"], ["d"]]), TrainConfig(min_count=1)) as corpus:
        assert corpus.report.bytes == len(b"ab c\nd\n") + 2


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"t": ["x"]}), "parquet")
    table = pa.table({"t": ["x"]})
    for name in [name for name in sys.modules if name.split(".")[0] == "pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    for source in (path, table):
        with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[arrow\]'"):
            content(source)
    gc.collect()


def test_phrases_are_learnt_from_a_column_as_from_a_text() -> None:
    lines = 10 * ["new york is far", "far from new york"]
    config = TrainConfig(min_count=1, phrases=1, phrase_threshold=0.1)
    with read_corpus(pa.array(lines), config) as column, read_corpus(iter(lines), config) as text:
        assert "new_york" in column.vocabulary
        assert column.vocabulary == text.vocabulary
        np.testing.assert_array_equal(column.ids, text.ids)
