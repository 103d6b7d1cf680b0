"""Whatever cuts a corpus into shards and whoever counts them, the bytes are those of one process."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from counted import TRICKY, by_engine, by_one_process, config, random_text
from engine_simulator import SimulatedEngine
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad import Phrases, WindowCounts, count_windows, read_corpus
from lexigrad.corpus.phrases.phrases import Phrase
from lexigrad.corpus.shards import count_words, write_window_counts
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.corpus.windows.countsfile import read_counts_rows
from lexigrad.engines.flow import FAN
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import CorpusError, FormatError, InputError

LINES = st.lists(st.text(st.sampled_from("aaabbcAB \t\u2003_é-Σσ\r\x00"), max_size=30), max_size=12)


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


@settings(max_examples=30)
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


@settings(max_examples=30)
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


@pytest.mark.parametrize("pieces", [1, 40])
def test_rows_are_made_a_few_ranges_at_a_time(large, pieces, tmp_path, monkeypatch):
    from lexigrad.corpus.shards import windows as windowcounts

    made, deal = [], windowcounts.deal_cells

    def dealt(run, borders, words):
        made.append(borders.size - 1)
        return deal(run, borders, words)

    monkeypatch.setattr(windowcounts, "MOST_PIECES", pieces)
    monkeypatch.setattr(windowcounts, "deal_cells", dealt)
    path, expected = large
    with ThreadEngine(2) as engine:
        found = by_engine(engine, path, config(min_count=2), tmp_path, memory_bytes=1, shard_bytes=20_000)
    assert found == expected
    assert len(made) > 15
    assert max(made) <= pieces


def test_the_vocabulary_is_dealt_to_parts_by_its_letters_and_put_together_again(large, tmp_path, monkeypatch):
    from lexigrad.corpus.shards import vocabulary

    monkeypatch.setattr(vocabulary, "PART_BYTES", 1000)
    path, (expected, report, _) = large
    with ThreadEngine(2) as engine:
        assert count_words(path, config(min_count=2), engine=engine, shard_bytes=50_000) == (expected, report, None)
        few = config(min_count=2, max_vocabulary=37)
        with read_corpus(path, few) as corpus:
            assert count_words(path, few, engine=engine) == (corpus.vocabulary, corpus.report, None)


def test_a_text_that_was_written_to_since_its_words_were_counted_is_refused(tmp_path):
    text, output = tmp_path / "text.txt", tmp_path / "counts.npz"
    text.write_text("a b a b\nb a\n")
    with ThreadEngine(1) as engine:
        found = count_words(str(text), config(), engine=engine)
        how = {"engine": engine, "words": found}
        write_window_counts(str(text), output, config(), **how)
        written = output.read_bytes()
        text.write_text("a b a b\nb a b a b\n")
        with pytest.raises(CorpusError, match="had 6 tokens in 12 bytes, and now has 9 in 18; count it again"):
            write_window_counts(str(text), output, config(), **how)
    assert output.read_bytes() == written


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
    from lexigrad.corpus.shards import vocabulary

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


@settings(max_examples=15)
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
            write_window_counts("a", "b", config(phrases=1), engine=engine, words=Vocabulary(["a"], [1]))


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
            write_window_counts(path, tmp_path / "counts.npz", config(min_count=2), words=vocabulary, **how)
            assert engine.calls["count_shard"] == 2 * -(-Path(path).stat().st_size // shard_bytes)
            most[shard_bytes] = engine.most
    assert most[3_000] <= most[30_000] + 2 * FAN  # one more level of sums, not ten times as much


def test_all_values_are_freed_but_those_handed_over(large, tmp_path):
    path, (vocabulary, *_) = large
    with CountingEngine(1) as engine:
        write_window_counts(path, tmp_path / "a.npz", config(), engine=engine, words=vocabulary, shard_bytes=9000)
        count_words(path, config(), engine=engine, shard_bytes=9000)
        assert engine.alive == 0


def test_progress_goes_to_the_end_of_the_text(large, tmp_path):
    path, (vocabulary, *_) = large
    size, told = Path(path).stat().st_size, []
    with ThreadEngine(2) as engine:
        how = {"engine": engine, "shard_bytes": 30_000, "progress": lambda *given: told.append(given)}
        count_words(path, config(), **how)
        write_window_counts(path, tmp_path / "counts.npz", config(), words=vocabulary, **how)
    done = [done for done, _ in told]
    assert done[len(done) // 2 - 1] == done[-1] == size
    assert done[: len(done) // 2] == sorted(done[: len(done) // 2])
    assert {total for _, total in told} == {size}


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
