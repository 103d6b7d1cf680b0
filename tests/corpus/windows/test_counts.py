"""Window counts are the expectation of what training draws, in the same bytes however they were counted."""

from __future__ import annotations

import io
import itertools
import json
import os
import tempfile
import threading
import zipfile

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad import TrainConfig, WindowCounts, count_windows, read_corpus
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.corpus.windows import counting
from lexigrad.corpus.windows.countsfile import COUNT_OPTIONS, is_saved_counts
from lexigrad.errors import FormatError, InputError
from lexigrad.files import temporary
from lexigrad.kernels.draws import TOKEN_STREAM, draw, stream_key

UNIT = 2.0**-28


def config(**options):
    return TrainConfig(**({"min_count": 1, "threads": 1} | options))


def counted(sentences, memory_bytes=None, progress=None, **options):
    """The counts of sentences of words."""
    with read_corpus(sentences, config(**options)) as corpus:
        return count_windows(corpus, config(**options), memory_bytes=memory_bytes, progress=progress)


def dense(counts):
    """The counts as a square array."""
    n = len(counts.vocabulary)
    return scipy.sparse.csr_matrix((counts.weights, counts.outside, counts.starts), shape=(n, n)).toarray()


def expected(sentences, vocabulary, options):
    """n(c, o) by its definition: over all subsets of each sentence that could be kept."""
    keep = vocabulary.keep_probability(options.subsample)
    matrix = np.zeros((len(vocabulary),) * 2)
    for sentence in sentences:
        ids = [vocabulary.id_of(word) for word in sentence]
        for kept in itertools.product([False, True], repeat=len(ids)):
            chance = np.prod([keep[i] if is_kept else 1 - keep[i] for i, is_kept in zip(ids, kept, strict=True)])
            left = list(itertools.compress(ids, kept))
            for a, b in itertools.permutations(range(len(left)), 2):
                widths = np.arange(1, options.window + 1) if options.dynamic_window else np.array([options.window])
                matrix[left[a], left[b]] += chance * np.mean(widths >= abs(a - b))
    return matrix


def random_text(words, length, seed=0):
    """Sentences of words of which the first are far more frequent."""
    rng = np.random.default_rng(seed)
    ids = (words * rng.random(length) ** 3).astype(int)
    ends = np.sort(rng.integers(0, length, length // 30))
    return [[f"w{i}" for i in part] for part in np.split(ids, ends) if part.size]


def same_bytes(a, b):
    return all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("starts", "outside", "weights"))


# what is counted

WINDOWS = [(1, True), (1, False), (2, True), (3, False), (5, True), (5, False), (6, True), (50, True), (50, False)]


@pytest.mark.parametrize(("window", "dynamic"), WINDOWS)
@pytest.mark.parametrize("subsample", [0, 0.05])
def test_counts_are_the_sum_over_all_that_subsampling_could_keep(window, dynamic, subsample):
    sentences = [list("abacabad"), list("aab"), list("ddca"), ["b"], list("cabaaabac")]
    counts = counted(sentences, window=window, dynamic_window=dynamic, subsample=subsample)
    options = config(window=window, dynamic_window=dynamic, subsample=subsample)
    # walks end when a millionth is to come, and weights are float32
    np.testing.assert_allclose(dense(counts), expected(sentences, counts.vocabulary, options), rtol=2e-6, atol=9 * UNIT)


def test_sums_are_exact_but_for_the_fixed_point(monkeypatch):
    """Without the tolerance, each pair of positions is off by half a unit at most, before rounding to float32."""
    monkeypatch.setattr(counting, "TOLERANCE", 0.0)
    sentences = [list("abcabacb")]
    with read_corpus(sentences, config()) as corpus:
        keep, n = corpus.vocabulary.keep_probability(0.05), len(corpus.vocabulary)
        shares = counting._shares(np.asarray(corpus.ids), config(window=4))
        plan = counting._plan(corpus.vocabulary.counts, corpus.ids.size, 1, 1 << 30)
        counter = counting._Counter(plan, np.asarray(corpus.ids), keep, shares)
        counter.count(0, corpus.ids.size)
        counter.spill.close()
        exact = expected(sentences, corpus.vocabulary, config(window=4, subsample=0.05))
    assert counter.walk.tolerance == 0
    rows, columns = np.tril_indices(n)
    sums = counter.triangle.cells * UNIT * keep[rows] * keep[columns] * np.where(rows == columns, 2, 1)
    np.testing.assert_allclose(sums, exact[rows, columns], rtol=0, atol=28 * UNIT / 2)
    assert np.abs(sums / exact[rows, columns] - 1).max() < 1e-7


@settings(max_examples=40)
@given(
    sentences=st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=7), min_size=1, max_size=4),
    window=st.integers(1, 8),
    dynamic=st.booleans(),
    subsample=st.sampled_from([0, 1e-3, 0.02, 0.2]),
)
def test_counts_of_any_text_are_symmetric_and_their_definition(sentences, window, dynamic, subsample):
    counts = counted(sentences, window=window, dynamic_window=dynamic, subsample=subsample)
    matrix = dense(counts)
    options = config(window=window, dynamic_window=dynamic, subsample=subsample)
    np.testing.assert_allclose(matrix, expected(sentences, counts.vocabulary, options), rtol=2e-6, atol=9 * UNIT)
    assert (matrix == matrix.T).all()
    assert (counts.weights > 0).all()


def test_counts_are_the_mean_of_what_training_draws():
    """Words dropped and widths drawn by `lexigrad.kernels.draws`, as the trainer does, over and over."""
    sentences = random_text(40, 2000)
    options = config(window=4, subsample=0.01)
    with read_corpus(sentences, options) as corpus:
        ids, n = np.asarray(corpus.ids), len(corpus.vocabulary)
        keep = corpus.vocabulary.keep_probability(0.01)
        counts = count_windows(corpus, options)
    draws, totals, squares = 300, np.zeros((n, n)), np.zeros((n, n))
    sentence = np.cumsum(ids < 0)
    for epoch in range(draws):
        key = stream_key(7, epoch, TOKEN_STREAM)
        bits = np.array([draw(key, position) for position in range(ids.size)], dtype=np.uint64)
        kept = (ids >= 0) & ((bits >> np.uint64(32)) / 2.0**32 < keep[ids])
        width = 1 + np.floor((bits & np.uint64(0xFFFFFFFF)) / 2.0**32 * 4).astype(int)[kept]
        left, where, once = ids[kept], sentence[kept], np.zeros((n, n))
        for d in range(1, 5):
            together = where[:-d] == where[d:]
            np.add.at(once, (left[:-d], left[d:]), together & (width[:-d] >= d))
            np.add.at(once, (left[d:], left[:-d]), together & (width[d:] >= d))
        totals += once
        squares += once**2
    error = np.sqrt(np.maximum(squares / draws - (totals / draws) ** 2, 0) / draws)
    deviations = (totals / draws - dense(counts))[error > 0] / error[error > 0]
    assert np.abs(deviations).max() < 6
    assert abs(np.mean(deviations**2) - 1) < 0.2
    assert totals.sum() / draws == pytest.approx(counts.pairs, rel=5e-3)


def test_no_window_reaches_beyond_its_sentence():
    together, apart = counted([["a", "b", "c", "d"]]), counted([["a", "b"], ["c", "d"]])
    assert dense(together)[0, 2] > 0
    assert np.argwhere(dense(apart)).tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]


def test_a_word_beside_itself_stands_in_the_window_of_both():
    assert dense(counted([["a", "a"]], window=1, subsample=0)).tolist() == [[2.0]]


def test_a_window_as_wide_as_can_be_takes_every_pair_of_a_long_sentence():
    """More words than walk at once, and more steps than are walked before adding."""
    words = [f"w{i}" for i in range(700)]
    counts = counted([words], window=2**31 - 1, dynamic_window=False, subsample=0)
    assert counts.outside.size == 700 * 699
    assert (counts.weights == 1).all()
    dynamic = counted([words], window=600, subsample=0)
    ids = np.array([dynamic.vocabulary.id_of(word) for word in words])
    distance = np.abs(np.subtract.outer(np.arange(700), np.arange(700)))
    shares = np.where(distance > 0, np.maximum(0, 601 - distance) / 600, 0)
    np.testing.assert_allclose(dense(dynamic)[np.ix_(ids, ids)], shares, rtol=1e-6, atol=2 * UNIT + 601e-6)


def test_a_text_without_pairs_has_no_counts():
    counts = counted([["a"], ["b"], ["a"]])
    assert (counts.outside.size, counts.pairs, counts.starts.tolist()) == (0, 0.0, [0, 0, 0])
    assert counts.center_weights.tolist() == [0, 0]


def test_center_weights_are_the_sums_of_rows():
    counts = counted([*random_text(30, 500), ["alone"]])
    np.testing.assert_allclose(counts.center_weights, dense(counts).sum(1, dtype=np.float64), rtol=1e-12)
    assert counts.center_weights[counts.vocabulary.id_of("alone")] == 0
    assert counts.pairs == counts.center_weights.sum()


# how it is counted


@pytest.fixture(scope="module")
def large_vocabulary():
    """A text of more pairs than fit in a little memory."""
    with read_corpus(random_text(3000, 150_000), config()) as corpus:
        yield corpus


@pytest.fixture(scope="module")
def plain(large_vocabulary):
    return count_windows(large_vocabulary, config(subsample=1e-4))


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_do_not_change_a_byte(large_vocabulary, plain, threads):
    assert same_bytes(count_windows(large_vocabulary, config(subsample=1e-4, threads=threads)), plain)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("memory_bytes", [1, 1 << 20, 1 << 24])
def test_memory_does_not_change_a_byte(large_vocabulary, plain, threads, memory_bytes):
    options = config(subsample=1e-4, threads=threads)
    assert same_bytes(count_windows(large_vocabulary, options, memory_bytes=memory_bytes), plain)


def test_a_little_memory_makes_counting_write_and_merge_runs(large_vocabulary, plain, monkeypatch):
    runs = []
    write = counting._Counter._write

    def spy(counter):
        write(counter)
        runs.append(counter.runs[-1][-1])

    monkeypatch.setattr(counting._Counter, "_write", spy)
    assert same_bytes(count_windows(large_vocabulary, config(subsample=1e-4), memory_bytes=1), plain)
    assert len(runs) > 2
    assert runs == sorted(runs)


def test_rows_whose_numbers_do_not_fit_in_a_record_keep_their_counts(plain, large_vocabulary, monkeypatch):
    """With few bits left for the row, a bucket holds few rows, and the others' high bits are dropped."""
    borders = counting._borders
    monkeypatch.setattr(counting, "_borders", lambda occurrences, first, row_bits: borders(occurrences, first, 3))
    monkeypatch.setattr(counting, "BUCKETS", 4)
    assert same_bytes(count_windows(large_vocabulary, config(subsample=1e-4), memory_bytes=1 << 24), plain)


def test_a_sum_too_large_for_one_record_takes_several():
    from lexigrad.kernels.counts.walk import bucket_sums, combine

    one = 1 << 28
    records = np.array([one | (5 << 29)] * 7 + [3 | (6 << 29)], dtype=np.uint64)
    left = records[: combine(records)]
    assert left.size < 8
    assert (left & np.uint64((1 << 29) - 1)).sum() == 7 * one + 3
    lengths, columns, sums = bucket_sums(left, 0, 2, 2)
    assert (lengths.tolist(), columns.tolist(), sums.tolist()) == ([0, 2], [1, 2], [7 * one, 3])


def test_progress_goes_to_the_end_of_the_text(large_vocabulary):
    told = []
    count_windows(large_vocabulary, config(threads=2), progress=lambda done, total: told.append((done, total)))
    size = large_vocabulary.ids.size
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (size, size)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_leaves_no_thread_and_no_temporary_file(large_vocabulary, error, threads, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = []

    class Spy(temporary.Spill):
        def __init__(self):
            super().__init__()
            files.append(self._file)

    monkeypatch.setattr(counting, "Spill", Spy)

    def stop(done, total):
        raise error

    threads_before = threading.active_count()
    with pytest.raises(error):
        count_windows(large_vocabulary, config(threads=threads), progress=stop, memory_bytes=1)
    assert [file.closed for file in files] == [True] * threads
    assert os.listdir(tmp_path) == []
    assert threading.active_count() == threads_before


def test_a_vocabulary_too_large_to_count_is_refused(monkeypatch):
    monkeypatch.setattr(counting, "LARGEST_VOCABULARY", 2)
    with pytest.raises(InputError, match=r"a vocabulary of 3 words is too large .* max_vocabulary"):
        counted([["a", "b", "c"]])


def test_memory_must_be_some(large_vocabulary):
    with pytest.raises(InputError, match="memory_bytes must be at least 1, not 0"):
        count_windows(large_vocabulary, config(), memory_bytes=0)


def test_counts_are_of_a_corpus_and_options():
    counts = counted(random_text(20, 100), window=3, subsample=0.5)
    assert counts.words == 100
    assert counts.options == {"window": 3, "dynamic_window": True, "subsample": 0.5}
    assert "WindowCounts(" in repr(counts)


# head and sum


@pytest.mark.parametrize("n", [1, 2, 7, 30, 99])
def test_the_head_is_the_upper_left_corner(n):
    counts = counted(random_text(30, 600))
    head = counts.head(n)
    assert head.vocabulary.words == counts.vocabulary.words[:n]
    assert (dense(head) == dense(counts)[:n, :n]).all()
    assert (head.words, head.options) == (counts.words, counts.options)


def test_an_empty_head_is_refused():
    with pytest.raises(InputError, match="at least 1 word, not 0"):
        counted([["a", "b"]]).head(0)


def of_part(sentences, vocabulary, **options):
    with read_corpus(sentences, config(), vocabulary=vocabulary) as corpus:
        return count_windows(corpus, config(**options))


def test_counts_of_two_texts_add_up_to_those_of_both():
    text = random_text(30, 900)
    whole = counted(text)
    total = of_part(text[:10], whole.vocabulary) + of_part(text[10:], whole.vocabulary)
    np.testing.assert_allclose(dense(total), dense(whole), rtol=1e-6)
    assert (total.outside == whole.outside).all()
    assert (total.words, total.options) == (whole.words, whole.options)


def test_counts_that_do_not_fit_are_not_added():
    text = random_text(30, 300)
    counts = counted(text)
    with pytest.raises(InputError, match="--vocabulary"):
        counts + counted(text[:5])
    with pytest.raises(InputError, match="window is 5 in one and 4 in the other"):
        counts + counted(text, window=4)
    with pytest.raises(TypeError):
        counts + 1


# the file


@pytest.fixture
def saved(tmp_path):
    """A file of counts, and the counts."""
    counts = counted([*random_text(12, 200), ["été", "w1"]])
    counts.save(tmp_path / "counts.npz")
    return tmp_path / "counts.npz", counts


def members(path):
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def test_what_is_saved_comes_back(saved):
    path, counts = saved
    loaded = WindowCounts.load(path)
    assert same_bytes(loaded, counts)
    assert loaded.vocabulary == counts.vocabulary
    assert (loaded.options, loaded.words) == (counts.options, counts.words)


def test_scipy_reads_the_matrix(saved):
    path, counts = saved
    matrix = scipy.sparse.load_npz(path)
    assert matrix.has_sorted_indices
    assert (matrix.toarray() == dense(counts)).all()


def test_the_bytes_of_a_file_are_those_of_its_counts(saved, tmp_path):
    path, counts = saved
    counts.save(tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_counts_of_nothing_are_saved_and_loaded(tmp_path):
    counted([["a"], ["b"]]).save(tmp_path / "counts.npz")
    assert WindowCounts.load(tmp_path / "counts.npz").pairs == 0
    assert scipy.sparse.load_npz(tmp_path / "counts.npz").nnz == 0


def test_saved_counts_are_known_by_their_content(saved, tmp_path):
    path, _ = saved
    os.rename(path, tmp_path / "some.txt")
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", data=np.ones(3))
    assert is_saved_counts(tmp_path / "some.txt")
    assert not any(is_saved_counts(tmp_path / name) for name in ("text.npz", "other.npz", "missing", "."))


def write(path, arrays, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(array), version=(1, 0), allow_pickle=True)
            archive.writestr(f"{name}.npy", array if isinstance(array, bytes) else content.getvalue())


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


def options_of(**options):
    values = {"window": 5, "dynamic_window": True, "subsample": 0.0} | options
    return np.frombuffer(json.dumps(values).encode(), dtype=np.uint8)


LIES = {
    "indptr": [
        lambda a: a[:-1],
        lambda a: a[:0],
        lambda a: changed(a, 0, 1),
        lambda a: changed(a, 0, -1),
        lambda a: changed(a, -1, a[-1] + 1),
        lambda a: changed(a, 2, 10**12),
        lambda a: changed(a, 2, -(10**12)),
        lambda a: a.astype(np.int32),
        lambda a: a[None],
        lambda a: a.astype(">i8"),
    ],
    "indices": [
        lambda a: a[:-1],
        lambda a: changed(a, 0, -1),
        lambda a: changed(a, 3, 10**6),
        lambda a: changed(a, 1, a[0]),
        lambda a: a[::-1],
        lambda a: a.astype(np.int64),
    ],
    "data": [
        lambda a: a[:-1],
        lambda a: changed(a, 1, np.nan),
        lambda a: changed(a, 1, np.inf),
        lambda a: changed(a, 1, 0),
        lambda a: changed(a, 1, -1),
        lambda a: changed(a, 1, a[1] * 2),
        lambda a: a.astype(object),
        lambda a: a.astype(np.float64),
    ],
    "shape": [lambda a: a + 1, lambda a: a[:1], lambda a: np.array([-1, -1])],
    "format": [
        lambda a: np.array(b"csc"),
        lambda a: np.array("csr"),
        lambda a: b"",
        lambda a: b"\x93NUMPY\x01\x00\xff",
    ],
    "words": [lambda a: a[:-1], lambda a: changed(a, 0, 255), lambda a: a[:0]],
    "word_ends": [lambda a: a[:-1], lambda a: a[::-1], lambda a: changed(a, 0, -5)],
    "word_counts": [lambda a: a[:-1], lambda a: a[::-1], lambda a: a * 0],
    "options": [
        lambda a: a[:-1],
        lambda a: options_of(window=0),
        lambda a: options_of(subsample="x"),
        lambda a: options_of(dim=5),
        lambda a: np.frombuffer(b"[]", dtype=np.uint8),
        lambda a: np.frombuffer(b"[" * 100_000, dtype=np.uint8),
        lambda a: np.frombuffer(b"\xff{}", dtype=np.uint8),
    ],
    "text_words": [lambda a: np.array(-1), lambda a: np.array([1]), lambda a: np.array(1.0)],
}


@pytest.mark.parametrize(("name", "lie"), [(name, lie) for name, lies in LIES.items() for lie in lies])
def test_a_file_that_contradicts_itself_is_refused_by_name(saved, name, lie):
    path, _ = saved
    arrays = members(path)
    write(path, arrays | {name: lie(arrays[name])})
    with pytest.raises(FormatError, match=r"counts\.npz' is no whole file of window counts: .*; count the text again"):
        WindowCounts.load(path)


def test_a_matrix_of_one_half_is_refused(saved):
    path, counts = saved
    lower = scipy.sparse.tril(scipy.sparse.load_npz(path), format="csr")
    half = {"indptr": lower.indptr.astype(np.int64), "indices": lower.indices, "data": lower.data}
    write(path, members(path) | half)
    with pytest.raises(FormatError, match="not symmetric"):
        WindowCounts.load(path)
    assert counts.pairs > lower.sum()


@pytest.mark.parametrize("name", ["format", "indptr", "words", "options", "text_words"])
def test_a_missing_array_is_named(saved, name):
    path, _ = saved
    write(path, {key: array for key, array in members(path).items() if key != name})
    with pytest.raises(FormatError, match=f"it has no array '{name}'"):
        WindowCounts.load(path)


def test_a_compressed_file_cannot_unpack_to_more_than_its_size(saved):
    path, _ = saved
    write(path, members(path), zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="its arrays are compressed"):
        WindowCounts.load(path)


def test_an_array_that_claims_to_be_huge_is_refused_before_memory_is_taken(saved):
    path, _ = saved
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (10**15,)})
    write(path, members(path) | {"indptr": header.getvalue()})
    with pytest.raises(FormatError, match=r"'indptr' of shape .* does not fill its bytes"):
        WindowCounts.load(path)


def test_members_that_share_their_bytes_are_refused(saved):
    """A zip bomb without compression: many names for the same bytes."""
    path, _ = saved
    with zipfile.ZipFile(path, "a") as archive:
        largest = archive.getinfo("data.npy")
        for info in archive.infolist():
            info.header_offset = largest.header_offset
            info.file_size = info.compress_size = largest.file_size
        archive._didModify = True
    with pytest.raises(FormatError, match="larger than the file"):
        WindowCounts.load(path)


def test_a_file_cut_anywhere_or_damaged_is_refused(saved):
    path, _ = saved
    content = path.read_bytes()
    for size in [0, 1, 100, len(content) // 2, len(content) - 30, len(content) - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(FormatError, match="no whole file"):
            WindowCounts.load(path)
    place = content.index(b"data.npy") + 400
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(FormatError, match="no whole file"):
        WindowCounts.load(path)


@settings(max_examples=200)
@given(data=st.data())
def test_a_changed_byte_is_refused_or_harmless(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "counts.npz"
    counted([["a", "b", "a"]]).save(path)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        loaded = WindowCounts.load(path)
    except FormatError as error:
        refused = str(error)
    else:
        refused = ""
        assert loaded.vocabulary == Vocabulary(["a", "b"], [2, 1])
    assert not refused or str(path) in refused


def test_a_file_that_is_missing_or_a_folder_is_a_clear_error(tmp_path):
    with pytest.raises(FormatError, match=r"cannot read the window counts .*missing.*; check the path"):
        WindowCounts.load(tmp_path / "missing")
    with pytest.raises(FormatError, match="no whole file of window counts"):
        WindowCounts.load(tmp_path)


def test_the_options_that_counts_have_are_options_of_training():
    assert {name: getattr(TrainConfig(), name) for name in COUNT_OPTIONS} == {
        "window": 5,
        "dynamic_window": True,
        "subsample": 1e-3,
    }
