"""Whatever cuts a corpus into shards and whoever counts them, the bytes are those of one process."""

from __future__ import annotations

import bz2
import gzip
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad import Phrases, TrainConfig, WindowCounts, cli, count_windows, read_corpus
from lexigrad.countsfile import read_counts_rows
from lexigrad.distributed import cells as cells_module
from lexigrad.distributed import count_words, write_window_counts
from lexigrad.distributed.flow import FAN
from lexigrad.distributed.shards import cut_shards, find_text
from lexigrad.engines import opening
from lexigrad.engines.simulator import SimulatedEngine
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import CorpusError, FormatError, InputError, LexigradError, MissingExtraError
from lexigrad.phrases import Phrase
from lexigrad.vocabulary import Vocabulary

TRICKY = (
    "\ufeffthe cat sat\r\non the mat\n\n\r\n  \nété ΣΑΣ Σ the été\x00 the\u2003cat\n"
    "a sentence that is longer than the shards are so that it goes on and on the cat the mat été\n"
    "the\x1fcat\vsat\fon the mat 日本語 日本語 the 🐈 sat\n\n\ncat"
)
LINES = st.lists(st.text(st.sampled_from("aaabbcAB \t\u2003_é-Σσ\r\x00"), max_size=30), max_size=12)


def config(**options):
    return TrainConfig(**({"min_count": 1, "threads": 1, "subsample": 0.01} | options))


def by_one_process(paths, options, folder, vocabulary=None, phrases=None):
    """The vocabulary, the report and the counts file that one process has."""
    with read_corpus(paths, options, vocabulary=vocabulary, phrases=phrases) as corpus:
        count_windows(corpus, options).save(folder / "one.npz")
        return corpus.vocabulary, corpus.report, (folder / "one.npz").read_bytes()


def by_engine(engine, paths, options, folder, vocabulary=None, phrases=None, shard_bytes=None, memory_bytes=None):
    """The same by an engine."""
    how = {"engine": engine, "phrases": phrases, "shard_bytes": shard_bytes}
    found, report, how["phrases"] = count_words(paths, options, vocabulary=vocabulary, **how)
    name = folder / "engine.npz"
    written = write_window_counts(paths, name, options, vocabulary=found, memory_bytes=memory_bytes, **how)
    assert written.report.kept == report.kept
    assert (written.report.lines, written.report.tokens) == (report.lines, report.tokens)
    return found, report, name.read_bytes()


def random_text(words, length, seed=0):
    """Lines of words of which the first are far more frequent."""
    rng = np.random.default_rng(seed)
    ids = (words * rng.random(length) ** 3).astype(int)
    ends = np.sort(rng.integers(0, length, length // 30))
    return "".join(" ".join(f"w{i}" for i in part) + "\n" for part in np.split(ids, ends))


# the same bytes


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("shard_bytes", [1, 2, 3, 5, 16, 50, 1000])
def test_a_text_full_of_traps_is_counted_as_by_one_process_wherever_it_is_cut(workers, shard_bytes, tmp_path):
    (tmp_path / "a.txt").write_bytes(TRICKY.encode())
    (tmp_path / "b.txt").write_bytes(b"the end")
    paths, options = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")], config(lowercase=True)
    expected = by_one_process(paths, options, tmp_path)
    with ThreadEngine(workers) as engine:
        assert by_engine(engine, paths, options, tmp_path, shard_bytes=shard_bytes) == expected


@settings(deadline=None, max_examples=30)
@given(
    lines=LINES,
    tokens=st.sampled_from(["whitespace", "words"]),
    lowercase=st.booleans(),
    min_count=st.integers(1, 3),
    max_vocabulary=st.none() | st.integers(1, 4),
    shard_bytes=st.integers(1, 40),
    window=st.integers(1, 6),
)
def test_any_text_gives_the_bytes_or_the_refusal_of_one_process(
    lines, tokens, lowercase, min_count, max_vocabulary, shard_bytes, window, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("text")
    (folder / "text.txt").write_bytes("\n".join(lines).encode())
    options = config(
        tokens=tokens, lowercase=lowercase, min_count=min_count, max_vocabulary=max_vocabulary, window=window
    )
    results = []
    with ThreadEngine(1) as engine:
        for run in (by_one_process, lambda *given: by_engine(engine, *given, shard_bytes=shard_bytes)):
            try:
                results.append(run([str(folder / "text.txt")], options, folder))
            except CorpusError as error:
                results.append(str(error))
    assert results[0] == results[1]


@settings(deadline=None, max_examples=30)
@given(content=st.binary(max_size=60), lines=LINES, shard_bytes=st.integers(1, 40))
def test_bytes_that_are_no_text_are_replaced_and_counted_as_by_one_process(
    content, lines, shard_bytes, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("text")
    (folder / "text.txt").write_bytes("\n".join([*lines, "a word\n"]).encode() + content)
    options = config(encoding_errors="replace")
    expected = by_one_process([str(folder / "text.txt")], options, folder)
    with ThreadEngine(1) as engine:
        found = by_engine(engine, [str(folder / "text.txt")], options, folder, shard_bytes=shard_bytes)
    assert found == expected


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A text of many pairs, and what one process makes of it."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "text.txt").write_text(random_text(1000, 30_000))
    return str(folder / "text.txt"), by_one_process(str(folder / "text.txt"), config(min_count=2), folder)


@pytest.mark.parametrize("memory_bytes", [1, 1 << 22, None])
@pytest.mark.parametrize("workers", [1, 3])
def test_parts_ranges_and_memory_do_not_change_a_byte(large, workers, memory_bytes, tmp_path):
    path, expected = large
    with ThreadEngine(workers) as engine:
        found = by_engine(engine, path, config(min_count=2), tmp_path, memory_bytes=memory_bytes, shard_bytes=20_000)
    assert found == expected


def test_the_vocabulary_is_dealt_to_parts_by_its_letters_and_put_together_again(large, tmp_path, monkeypatch):
    from lexigrad.distributed import vocabulary

    monkeypatch.setattr(vocabulary, "PART_BYTES", 1000)
    path, (expected, report, _) = large
    with ThreadEngine(2) as engine:
        assert count_words(path, config(min_count=2), engine=engine, shard_bytes=50_000) == (expected, report, None)
        few = config(min_count=2, max_vocabulary=37)
        with read_corpus(path, few) as corpus:
            assert count_words(path, few, engine=engine) == (corpus.vocabulary, corpus.report, None)


def test_a_given_vocabulary_stays_and_the_rest_is_unknown(large, tmp_path):
    path, _ = large
    some = Vocabulary(["w5", "w1", "not there", "w700"], [9, 8, 7, 1])
    expected = by_one_process(path, config(), tmp_path, vocabulary=some)
    with ThreadEngine(2) as engine:
        assert by_engine(engine, path, config(), tmp_path, vocabulary=some, shard_bytes=30_000) == expected
    assert expected[1].dropped_unknown > 0


def test_given_phrases_are_joined_in_each_shard(large, tmp_path):
    path, _ = large
    phrases = Phrases([[Phrase(("w0", "w1"), 9, 3.0)], [Phrase(("w0_w1", "w2"), 2, 1.0)]])
    expected = by_one_process(path, config(min_count=2), tmp_path, phrases=phrases)
    with ThreadEngine(2) as engine:
        assert by_engine(engine, path, config(min_count=2), tmp_path, phrases=phrases, shard_bytes=30_000) == expected
    assert expected[1].joined > 0


PHRASES = {
    "mikolov": {"phrases": 2, "phrase_threshold": 0.5, "phrase_min_count": 2},
    "npmi": {"phrases": 3, "phrase_scoring": "npmi", "phrase_threshold": 0.05, "phrase_min_count": 3},
    "connectors": {"phrases": 2, "phrase_threshold": 0.3, "phrase_min_count": 2, "connector_words": "w0 w1 none"},
    "none": {"phrases": 2, "phrase_threshold": 1e9},
}


@pytest.mark.parametrize("options", PHRASES.values(), ids=PHRASES)
@pytest.mark.parametrize("shard_bytes", [700, 20_000])
def test_phrases_are_learnt_as_by_one_process(options, shard_bytes, tmp_path, monkeypatch):
    from lexigrad.distributed import vocabulary

    monkeypatch.setattr(vocabulary, "PART_BYTES", 2000)
    path, given = tmp_path / "text.txt", config(min_count=2, **options)
    # words that are spelt like phrases, or like parts of them
    path.write_text(random_text(60, 3000) + 9 * "w3_w4 w3 w4 w5\nw3_w4 w5 w3 w4_w5\nw59_w58 w59 w58\n")
    with read_corpus(str(path), given) as corpus:
        expected = corpus.phrases
    counts = by_one_process(str(path), given, tmp_path)
    with ThreadEngine(2) as engine:
        found = count_words(str(path), given, engine=engine, shard_bytes=shard_bytes)
        assert by_engine(engine, str(path), given, tmp_path, shard_bytes=shard_bytes) == counts
    assert found.phrases == expected
    assert bool(expected) == (options is not PHRASES["none"])


@settings(deadline=None, max_examples=15)
@given(
    lines=st.lists(
        st.lists(st.sampled_from(["a", "b", "c", "a_b", "b_c", "a_b_c", "of", "é"]), max_size=8), max_size=9
    ),
    passes=st.integers(1, 3),
    scoring=st.sampled_from(["mikolov", "npmi"]),
    least=st.integers(1, 3),
    shard_bytes=st.integers(9, 60),
)
def test_phrases_of_any_text_are_those_of_one_process(lines, passes, scoring, least, shard_bytes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    (folder / "text.txt").write_text("".join(" ".join(line) + "\n" for line in [*lines, ["a", "b"]]))
    options = config(phrases=passes, phrase_scoring=scoring, phrase_min_count=least, phrase_threshold=0.01)
    options = replace(options, connector_words="of")
    with ThreadEngine(1) as engine:
        found = count_words(str(folder / "text.txt"), options, engine=engine, shard_bytes=shard_bytes)
    with read_corpus(str(folder / "text.txt"), options) as corpus:
        assert found == (corpus.vocabulary, corpus.report, corpus.phrases)


def test_phrases_are_not_made_of_ids_and_are_not_learnt_twice(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"ids": [[1, 2]]}), tmp_path / "ids.parquet")
    with ThreadEngine(1) as engine:
        with pytest.raises(InputError, match="phrases are made of words, and this text has ids"):
            count_words(str(tmp_path / "ids.parquet"), config(phrases=1), engine=engine)
        with pytest.raises(InputError, match="give those that count_words found"):
            write_window_counts("a", "b", config(phrases=1), engine=engine, vocabulary=Vocabulary(["a"], [1]))


# what can be read


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_compressed_file_is_one_shard_among_others(pack, tmp_path):
    (tmp_path / "a.txt").write_text(TRICKY)
    (tmp_path / "b.packed").write_bytes(pack(TRICKY.encode()))
    paths = [str(tmp_path / "a.txt"), str(tmp_path / "b.packed")]
    shards = list(cut_shards(find_text(paths), 20))
    assert [(shard.begin, shard.end) for shard in shards if shard.name == paths[1]] == [(0, 0)]
    expected = by_one_process(paths, config(), tmp_path)
    with ThreadEngine(2) as engine:
        assert by_engine(engine, paths, config(), tmp_path, shard_bytes=20) == expected


COLUMNS = {
    "text": [line or None for line in TRICKY.split("\n")],
    "tokens": [line.split() or None for line in TRICKY.split("\n")],
    "ids": [[7, 3, 7], None, [], [3, 2**40], [7, 3, 9, 7]],
}


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_tables_are_read_by_row_groups_or_whole(column, ending, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    table, path = pyarrow.table({column: COLUMNS[column]}), str(tmp_path / f"table.{ending}")
    if ending == "parquet":
        parquet.write_table(table, path, row_group_size=2)
        shards = list(cut_shards(find_text([path]), 1))
        assert len(shards) == -(-len(COLUMNS[column]) // 2)
        assert sum(shard.disk_bytes for shard in shards) == shards[0].file_bytes
    else:
        feather.write_feather(table, path)
    expected = by_one_process(path, config(), tmp_path)
    with ThreadEngine(2) as engine:
        assert by_engine(engine, path, config(), tmp_path, shard_bytes=1) == expected
    assert expected[1].nulls > 0


def test_a_row_that_is_refused_has_the_number_that_one_process_says(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = str(tmp_path / "table.parquet")
    parquet.write_table(pyarrow.table({"tokens": [["a"], ["b"], ["c"], ["d", ""]]}), path, row_group_size=1)
    with ThreadEngine(1) as engine, pytest.raises(CorpusError, match=r"row 4 of .*empty token"):
        count_words(path, config(), engine=engine, shard_bytes=1)


def test_ids_and_words_are_not_mixed(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"ids": [[1, 2]]}), tmp_path / "ids.parquet")
    (tmp_path / "a.txt").write_text("a b\n")
    with (
        ThreadEngine(1) as engine,
        pytest.raises(CorpusError, match=r"ids.parquet' holds ids, and .*a.txt' holds words"),
    ):
        count_words([str(tmp_path / "a.txt"), str(tmp_path / "ids.parquet")], config(), engine=engine)


def test_folders_and_globs_are_found_as_by_one_process(tmp_path):
    (tmp_path / "texts").mkdir()
    for name in ("b.txt", "a.txt", "c.md"):
        (tmp_path / "texts" / name).write_text(f"the {name} file\n")
    for source in (str(tmp_path / "texts"), str(tmp_path / "texts" / "*.txt")):
        expected = by_one_process(source, config(), tmp_path)
        with ThreadEngine(2) as engine:
            assert by_engine(engine, source, config(), tmp_path, shard_bytes=4) == expected


# addresses


@pytest.fixture
def far(tmp_path):
    """A folder in fsspec's memory, by its address."""
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    folder = f"/{tmp_path.name}"
    for name, content in (("a.txt", TRICKY.encode()), ("b.txt.gz", gzip.compress(b"the cat\n")), ("c.md", b"no\n")):
        system.pipe(f"{folder}/{name}", content)
    yield f"memory:/{folder}"
    system.rm(folder, recursive=True)


def test_what_fsspec_opens_is_read_like_files(far, tmp_path):
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "a.txt").write_bytes(TRICKY.encode())
    (tmp_path / "near" / "b.txt").write_bytes(b"the cat\n")
    vocabulary, _, counts = by_one_process(str(tmp_path / "near"), config(), tmp_path)
    with ThreadEngine(2) as engine:
        for source in (far, [f"{far}/a.txt", f"{far}/b.txt.gz"], f"{far}/*.txt*"):
            found = by_engine(engine, source, config(), tmp_path, shard_bytes=9)
            assert (found[0], found[2]) == (vocabulary, counts)
        report = count_words(far, config(), engine=engine).report
    with read_corpus(far, config()) as corpus:
        assert (corpus.vocabulary, corpus.report) == (vocabulary, report)
    assert (report.files, report.skipped_files) == (2, 1)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("{far}/none.txt", "there is no file, folder or glob 'memory:"),
        ("{far}/*.none", "there is no file, folder or glob 'memory:"),
        ("nowhere://bucket/text", "nothing is known of addresses that begin with nowhere://"),
    ],
)
def test_an_address_of_nothing_is_refused(far, address, reason):
    with ThreadEngine(1) as engine, pytest.raises(CorpusError, match=reason):
        count_words(address.format(far=far), config(), engine=engine)


def test_a_driver_or_fsspec_that_is_missing_is_named(monkeypatch):
    fsspec = pytest.importorskip("fsspec")

    def lacking(address, **_):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", lacking)
    with pytest.raises(MissingExtraError, match=r"s3:// needs a driver besides lexigrad\[remote\]: Install s3fs"):
        find_text(["s3://bucket/text"])
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[remote\]'"):
        find_text(["s3://bucket/text"])


def test_whatever_a_driver_raises_becomes_one_sentence(far, monkeypatch):
    from fsspec.implementations.memory import MemoryFileSystem

    def broken(*_, **__):
        raise RuntimeError("the token has expired.\nlog in")

    monkeypatch.setattr(MemoryFileSystem, "open", broken)
    with pytest.raises(CorpusError, match=r"cannot read 'memory:.*the token has expired. log in; check the address"):
        read_corpus(f"{far}/a.txt", config())


# refusals


@pytest.mark.parametrize(
    ("source", "options", "reason"),
    [
        ("-", {}, "'-' is no file on disk, so it cannot be cut into shards"),
        ("none.txt", {}, "there is no file, folder or glob 'none.txt'"),
        ("text.txt", {"tokens": str.split}, "a tokenizer of your own cannot be sent"),
        ("saved.corpus", {}, "'saved.corpus' is a saved corpus, which one process reads"),
        ("text.txt", {"min_count": 3}, "no word occurs 3 times: the most frequent one, 'a', occurs 2 times"),
        ("empty.txt", {}, "the text is empty or has no word in it"),
        ("blank.txt", {}, "the text is empty or has no word in it .read 1 file, 4 bytes"),
        ("broken.txt", {}, "'broken.txt' is not UTF-8 at byte 12 of its text .0xff.; convert it"),
        ("broken.gz", {}, "cannot read 'broken.gz' to its end"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_one_sentence(source, options, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("b b a a\n")
    Path("empty.txt").write_text("")
    Path("blank.txt").write_text(" \n\n\n")
    Path("broken.txt").write_bytes(b"fine\nand so \xff\n")
    Path("broken.gz").write_bytes(gzip.compress(b"a b c\n" * 99)[:-5])
    with read_corpus("text.txt", config(), save="saved.corpus"):
        pass
    with ThreadEngine(2) as engine, pytest.raises(LexigradError, match=reason):
        count_words(source, config(**options), engine=engine, shard_bytes=4)


def test_a_vocabulary_of_which_no_word_occurs_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("a b\n")
    other = Vocabulary(["c"], [1])
    with ThreadEngine(1) as engine:
        with pytest.raises(CorpusError, match="none of the vocabulary's words occurs"):
            count_words(str(tmp_path / "a.txt"), config(), engine=engine, vocabulary=other)
        with pytest.raises(CorpusError, match="none of the vocabulary's words occurs"):
            write_window_counts(str(tmp_path / "a.txt"), tmp_path / "c", config(), engine=engine, vocabulary=other)
        with pytest.raises(InputError, match="memory_bytes must be at least 1"):
            write_window_counts("a", tmp_path / "c", config(), engine=engine, vocabulary=other, memory_bytes=0)
    assert not (tmp_path / "c").exists()


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a b\n" * 10)
    files = find_text([str(path)])
    shards = list(cut_shards(files, 10))
    path.write_text("a b\n" * 11)
    from lexigrad.distributed.shards import ShardSource

    with pytest.raises(CorpusError, match="was written to while it was read"):
        list(ShardSource.of(shards[1], config()))


# in bounded memory


class CountingEngine(ThreadEngine):
    """Knows how many values it has to keep."""

    def __init__(self, workers):
        super().__init__(workers)
        self.alive, self.most, self.calls = 0, 0, Counter()

    def _more(self, refs):
        self.alive += len(refs)
        self.most = max(self.most, self.alive)

    def put(self, value):
        ref = super().put(value)
        self._more([ref])
        return ref

    def call(self, function, *arguments, returns=1, on=0):
        refs = super().call(function, *arguments, returns=returns, on=on)
        self.calls[function.__name__] += 1
        self._more([refs] if returns == 1 else refs)
        return refs

    def free(self, refs):
        self.alive -= len(list(refs))


def test_a_driver_holds_no_more_for_more_shards(large, tmp_path):
    path, (vocabulary, *_) = large
    most = {}
    for shard_bytes in (30_000, 3_000):
        with CountingEngine(2) as engine:
            how = {"engine": engine, "shard_bytes": shard_bytes}
            count_words(path, config(min_count=2), **how)
            write_window_counts(path, tmp_path / "counts.npz", config(min_count=2), vocabulary=vocabulary, **how)
            assert engine.calls["count_shard"] == 2 * -(-Path(path).stat().st_size // shard_bytes)
            most[shard_bytes] = engine.most
    assert most[3_000] <= most[30_000] + 2 * FAN  # one more level of sums, not ten times as much


def test_all_values_are_freed_but_those_handed_over(large, tmp_path):
    path, (vocabulary, *_) = large
    with CountingEngine(1) as engine:
        write_window_counts(path, tmp_path / "a.npz", config(), engine=engine, vocabulary=vocabulary, shard_bytes=9000)
        count_words(path, config(), engine=engine, shard_bytes=9000)
        assert engine.alive == 0


def test_progress_goes_to_the_end_of_the_text(large, tmp_path):
    path, (vocabulary, *_) = large
    size, told = Path(path).stat().st_size, []
    with ThreadEngine(2) as engine:
        how = {"engine": engine, "shard_bytes": 30_000, "progress": lambda *given: told.append(given)}
        count_words(path, config(), **how)
        write_window_counts(path, tmp_path / "counts.npz", config(), vocabulary=vocabulary, **how)
    done = [done for done, _ in told]
    assert done[len(done) // 2 - 1] == done[-1] == size
    assert done[: len(done) // 2] == sorted(done[: len(done) // 2])
    assert {total for _, total in told} == {size}


# cells


CELLS = st.dictionaries(
    st.tuples(st.integers(0, 40) | st.integers(0, 1 << 23), st.integers(0, 40)).filter(lambda cell: cell[1] <= cell[0]),
    st.integers(1, 300) | st.integers(1, 1 << 60),
    max_size=30,
)


def packed(cells, borders=(0, 1 << 24)):
    """Cells by parts, as shards hand them on."""
    from lexigrad.counting import Sums

    rows = sorted({row for row, _ in cells})
    blocks = []
    for row in rows:
        columns = sorted(column for at, column in cells if at == row)
        units = np.array([cells[row, column] for column in columns], dtype=np.uint64)
        blocks.append(Sums(row, np.array([len(columns)]), np.array(columns, dtype=np.int32), units))
    return cells_module.packed(blocks, list(borders))


def unpacked(run):
    """The cells of a run, in the plainest way."""
    cells, numbers, number, shift, place = {}, [], 0, 0, 0
    for byte in run.tolist():
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    for difference, units in zip(numbers[::2], numbers[1::2], strict=True):
        place += difference
        row = int(((8 * place + 1) ** 0.5 - 1) // 2)
        row += (row + 1) * (row + 2) // 2 <= place
        cells[row, place - row * (row + 1) // 2] = units
    return cells


@settings(deadline=None)
@given(runs=st.lists(CELLS, min_size=1, max_size=9))
def test_runs_of_cells_are_added_cell_by_cell(runs):
    total = Counter()
    for cells in runs:
        total.update(cells)
    size, run = cells_module.add_cells(*(packed(cells)[0] for cells in runs))
    assert (unpacked(run), run.size) == (dict(total), size)


@settings(deadline=None)
@given(cells=CELLS, cut=st.integers(1, 50))
def test_cells_are_dealt_to_parts_by_their_row_and_to_ranges_by_row_and_column(cells, cut):
    parts = packed(cells, (0, cut, 1 << 24))
    assert unpacked(parts[0]) == {cell: units for cell, units in cells.items() if cell[0] < cut}
    assert unpacked(parts[1]) == {cell: units for cell, units in cells.items() if cell[0] >= cut}
    small = {cell: units for cell, units in cells.items() if cell[0] <= 60}
    moved, *ranges = cells_module.deal_cells(packed(small)[0], np.array([0, cut, 61]))
    low = {cell: units for cell, units in small.items() if min(cell) < cut}
    high = {cell: units for cell, units in small.items() if max(cell) >= cut}
    assert [unpacked(run) for run in ranges] == [low, high]
    assert moved == sum(run.size for run in ranges)


# rows of a file


def test_rows_of_a_file_are_read_alone(large, tmp_path):
    path, _ = large
    with read_corpus(path, config()) as corpus:
        counts = count_windows(corpus, config())
    counts.save(tmp_path / "counts.npz")
    last = len(counts.vocabulary)
    for first, end in ((0, last), (0, 0), (5, 9), (last - 1, last)):
        rows = read_counts_rows(str(tmp_path / "counts.npz"), first, end)
        entries = slice(counts.starts[first], counts.starts[end])
        assert (rows.starts == counts.starts[first : end + 1] - counts.starts[first]).all()
        assert rows.outside.tobytes() == counts.outside[entries].tobytes()
        assert rows.weights.tobytes() == counts.weights[entries].tobytes()


def test_rows_of_a_damaged_file_are_refused(tmp_path):
    with read_corpus(["a b c", "a c"], config()) as corpus:
        counts = count_windows(corpus, config())
    for name, fields in {
        "order": {"outside": counts.outside[::-1].copy()},
        "weight": {"weights": -counts.weights},
        "divide": {"starts": counts.starts[::-1].copy()},
    }.items():
        kept = {name: getattr(counts, name) for name in ("starts", "outside", "weights")} | fields
        WindowCounts(counts.vocabulary, **kept, options=counts.options, words=5).save(tmp_path / "bad.npz")
        with pytest.raises(FormatError, match="no whole file of window counts: .*" + name):
            read_counts_rows(str(tmp_path / "bad.npz"), 0, 3)
    counts.save(tmp_path / "good.npz")
    with pytest.raises(FormatError, match="it has no rows from 0 to 9"):
        read_counts_rows(str(tmp_path / "good.npz"), 0, 9)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:-9])
    with pytest.raises(FormatError, match="no whole file"):
        read_counts_rows(str(tmp_path / "cut.npz"), 0, 1)
    with pytest.raises(FormatError, match="check the path"):
        read_counts_rows(str(tmp_path / "none.npz"), 0, 1)


# other engines


@pytest.mark.parametrize("seed", range(5))
def test_a_simulated_cluster_with_deaths_and_delays_gives_the_same_bytes(seed, large, tmp_path):
    path, expected = large
    with SimulatedEngine(3, seed=seed, deaths=0.2) as engine:
        assert by_engine(engine, path, config(min_count=2), tmp_path, shard_bytes=40_000, memory_bytes=1) == expected
        assert engine.died > 0


@pytest.mark.parametrize("workers", [1, 3])
def test_ray_gives_the_same_bytes(on_ray, workers, large, tmp_path):
    path, expected = large
    found = by_engine(on_ray(workers), path, config(min_count=2), tmp_path, shard_bytes=40_000, memory_bytes=1 << 22)
    assert found == expected


# the command line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a text, and threads in place of Ray."""
    (tmp_path / "text.txt").write_text(random_text(50, 2000))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "open_engine", lambda ray, workers: ThreadEngine(workers or 2))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(cli.main, arguments)


PHRASES_ASKED = ("--phrases=1", "--phrase-threshold=0.5", "--phrase-min-count=2")


@pytest.mark.parametrize("options", [(), PHRASES_ASKED, ("--max-vocabulary=9", "--min-count=2")])
def test_vocab_and_cooccur_write_and_print_the_same_with_ray(options, folder):
    for name, engine in (("a", ()), ("b", ("--ray=local", "--workers=2"))):
        results = [
            run("vocab", "text.txt", "-o", f"{name}.txt", *options, *engine, "--json"),
            run("cooccur", "text.txt", "-o", f"{name}.npz", *options, *engine, "--json", "--window=3"),
            run("cooccur", "text.txt", "-o", f"{name}2.npz", *options, *engine, "-q", "--vocabulary=a.txt"),
        ]
        assert [result.exit_code for result in results] == [0, 0, 0]
        assert results[2].output == ""
        printed = [json.loads(result.stdout) for result in results[:2]]
        printed[0]["report"].pop("seconds")
        printed[1]["pairs"] = round(printed[1]["pairs"], 6)
        del printed[1]["output"]
        (folder / f"{name}.json").write_text(json.dumps(printed))
    for ending in (".txt", ".npz", "2.npz", ".json"):
        assert (folder / f"a{ending}").read_bytes() == (folder / f"b{ending}").read_bytes()


def test_the_vocabulary_goes_to_standard_output_and_what_was_read_to_standard_error(folder):
    plain, on_engine = run("vocab", "text.txt"), run("vocab", "text.txt", "--ray=local")
    assert plain.stdout == on_engine.stdout
    said = on_engine.stderr.splitlines()
    assert said[0] == "Ray on this machine with 2 workers"
    assert "reading 100%" in on_engine.stderr
    assert [line.partition(" in ")[0] for line in plain.stderr.splitlines()[-2:]] == [
        line.partition(" in ")[0] for line in said[-2:]
    ]


def test_counts_of_a_given_vocabulary_say_what_was_read(folder):
    (folder / "words.txt").write_text("w1 5\nw2 4\n")
    result = run("cooccur", "text.txt", "-o", "c.npz", "--ray=local", "--vocabulary=words.txt", "--memory-gb=0.01")
    assert result.exit_code == 0
    assert "dropped 1,753 that the vocabulary does not have" in result.stderr
    assert "wrote 4 counts of 2 words to c.npz" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("vocab", "text.txt", "--ray=local", "--save=a.corpus"), 2, "--save keeps the text that one process encodes"),
        (("vocab", "-", "--ray=local"), 1, "'-' is no file on disk, so it cannot be cut into shards; name files"),
        (("cooccur", "none.txt", "-o", "c.npz", "--ray=local"), 1, "there is no file, folder or glob 'none.txt'"),
        (("cooccur", "c.npz", "-o", "d.npz", "--ray=local"), 2, "--ray is for counting text"),
        (("vocab", "text.txt", "--workers=2"), 2, "goes with --ray only"),
    ],
)
def test_the_command_line_refuses_what_cannot_be_counted_on_ray(arguments, status, reason, folder):
    run("cooccur", "text.txt", "-o", "c.npz")
    result = run(*arguments)
    assert (result.exit_code, reason in result.stderr, "Traceback" in result.stderr) == (status, True, False)
    assert "Ray on" not in result.stderr
