"""Text becomes a vocabulary and word ids that depend on nothing but the text and the options."""

from __future__ import annotations

import gc
import io
import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad.config import TrainConfig
from lexigrad.corpus.corpus import Corpus
from lexigrad.corpus.reading import read_corpus
from lexigrad.corpus.report import ReadingReport
from lexigrad.corpus.sources import files as sources
from lexigrad.corpus.sources import sentences
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import CorpusError, FormatError, InputError, LexigradError

TOKENIZERS = {"whitespace": str.split, "words": re.compile(r"\w+").findall}
LINES = st.lists(st.text(st.sampled_from("aaabbcAB \t\u2003_é-Σσ\r\x00"), max_size=30))


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path, monkeypatch):
    """An own folder for temporary files, which must be empty in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    gc.collect()
    assert list(folder.iterdir()) == []


def encoded_by_python(lines, config, tokenizer):
    """Vocabulary and ids in the plainest way."""
    tokens = [tokenizer(line.lower() if config.lowercase else line) for line in lines]
    counts = Counter(token for line in tokens for token in line)
    vocabulary = Vocabulary.from_counts(counts, min_count=config.min_count, max_vocabulary=config.max_vocabulary)
    kept = [[vocabulary.word_ids[token] for token in line if token in vocabulary] for line in tokens]
    return vocabulary, [word_id for line in kept if line for word_id in (*line, -1)]


@settings(max_examples=150)
@given(
    lines=LINES,
    tokens=st.sampled_from(sorted(TOKENIZERS)),
    lowercase=st.booleans(),
    min_count=st.integers(1, 3),
    max_vocabulary=st.none() | st.integers(1, 4),
    threads=st.integers(1, 3),
    chunk_bytes=st.integers(1, 20),
)
def test_any_text_is_encoded_as_python_would_whatever_the_threads_and_chunks(
    lines, tokens, lowercase, min_count, max_vocabulary, threads, chunk_bytes
):
    config = TrainConfig(
        tokens=tokens, lowercase=lowercase, min_count=min_count, max_vocabulary=max_vocabulary, threads=threads
    )
    vocabulary, ids = encoded_by_python(lines, config, TOKENIZERS[tokens])
    with pytest.MonkeyPatch.context() as patch, tempfile.NamedTemporaryFile() as file:
        patch.setattr(sources, "CHUNK_BYTES", chunk_bytes)
        patch.setattr(sentences, "CHUNK_BYTES", chunk_bytes)
        file.write("\n".join([*lines, ""]).encode())
        file.flush()
        for source in (Path(file.name), iter(lines), ([TOKENIZERS[tokens](line) for line in lines])):
            if not len(vocabulary):
                with pytest.raises(CorpusError):
                    read_corpus(source, config)
                continue
            with read_corpus(source, config) as corpus:
                assert corpus.vocabulary.words == vocabulary.words
                assert corpus.vocabulary == vocabulary
                assert corpus.ids.tolist() == ids
                assert corpus.words == vocabulary.total
                assert corpus.report.lines == len(lines)
                assert corpus.report.empty_lines == sum(not TOKENIZERS[tokens](line) for line in lines)


def test_lower_case_knows_the_sigma_at_a_words_end_and_letters_that_become_two():
    with read_corpus(["ΟΔΟΣ ΟΔΟΣ. İ"], TrainConfig(min_count=1, lowercase=True)) as corpus:
        assert set(corpus.vocabulary) == set("ΟΔΟΣ ΟΔΟΣ. İ".lower().split())


def test_ids_are_a_read_only_memory_mapped_array_of_int32():
    with read_corpus([["a"]], TrainConfig(min_count=1)) as corpus:
        assert isinstance(corpus.ids, np.memmap)
        assert corpus.ids.dtype == np.int32
        assert not corpus.ids.flags.writeable


def test_the_report_says_what_was_read_and_what_was_dropped_and_why(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_bytes(b"a a a b b c\n\n \na b \xff\xfe c")
    (tmp_path / "text" / "b.pdf").write_bytes(b"x")
    config = TrainConfig(min_count=2, max_vocabulary=2, encoding_errors="replace")
    with read_corpus(tmp_path / "text", config) as corpus:
        values = corpus.report.to_dict()
    assert values.pop("seconds") > 0
    assert values == {
        "files": 1,
        "skipped_files": 1,
        "bytes": 23,
        "lines": 4,
        "empty_lines": 2,
        "tokens": 10,
        "joined": 0,
        "kept": 7,
        "dropped_rare": 1,
        "dropped_by_max_vocabulary": 2,
        "dropped_unknown": 0,
        "replaced_bytes": 2,
        "nulls": 0,
    }
    first, second = corpus.report.summary().split("\n")
    assert first.startswith("read 1 file, 23 bytes, 4 lines, 10 tokens in ")
    assert first.endswith("(2 empty lines, 1 other file skipped, 2 bytes replaced)")
    assert second == "kept 7 tokens; dropped 1 of rare words, 2 of words beyond the largest vocabulary"
    assert ReadingReport.from_dict(corpus.report.to_dict()) == corpus.report


@pytest.mark.parametrize("threads", [1, 2])
def test_one_word_lines_are_sentences_of_one_word(threads):
    words = [f"w{number % 97}" for number in range(300_000)]
    with read_corpus(iter(words), TrainConfig(threads=threads)) as corpus:
        ids = np.asarray(corpus.ids).reshape(-1, 2)
        assert (ids[:, 1] == -1).all()
        assert [corpus.vocabulary.words[word_id] for word_id in ids[:200, 0]] == words[:200]
        assert corpus.report.lines == corpus.words == 300_000


@pytest.mark.parametrize("threads", [1, 2])
def test_one_line_of_many_words_is_one_sentence(tmp_path, threads):
    (tmp_path / "line.txt").write_bytes(b"to be or not " * 500_000)
    with read_corpus(tmp_path / "line.txt", TrainConfig(threads=threads)) as corpus:
        assert corpus.words == 2_000_000
        assert np.flatnonzero(corpus.ids == -1).tolist() == [2_000_000]
        assert (np.asarray(corpus.ids[:-1]).reshape(-1, 4) == [3, 0, 2, 1]).all()


@pytest.mark.parametrize("content", [b"", b"\n\n \t\r\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_without_words_is_a_clear_error(tmp_path, content, threads):
    (tmp_path / "empty.txt").write_bytes(content)
    for vocabulary in (None, Vocabulary(["a"], [1])):
        with pytest.raises(CorpusError, match="the text is empty or has no word in it"):
            read_corpus(tmp_path / "empty.txt", TrainConfig(threads=threads), vocabulary=vocabulary)


def test_no_sentences_at_all_are_a_clear_error():
    with pytest.raises(CorpusError, match="the text is empty"):
        read_corpus([])


def test_a_min_count_that_leaves_no_word_is_an_error_that_says_so():
    with pytest.raises(CorpusError, match="no word occurs 5 times: the most frequent one, 'b', occurs 2 times"):
        read_corpus([["a", "b", "b"]])


def test_an_error_repeats_only_the_beginning_of_a_long_word():
    with pytest.raises(CorpusError, match=r"'x{100}'… \(100,000 characters\), occurs 1 time;"):
        read_corpus([["x" * 100_000]])


def test_windows_line_ends_nul_bytes_and_a_byte_order_mark_behave(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone two\r\n\r\nth\x00ree\rfour\r\n")
    with read_corpus(tmp_path / "a.txt", TrainConfig(min_count=1)) as corpus:
        words = [corpus.vocabulary.words[word_id] if word_id >= 0 else None for word_id in corpus.ids]
        assert words == ["one", "two", None, "th\x00ree", "four", None]
        assert (corpus.report.lines, corpus.report.empty_lines) == (3, 1)


def test_the_last_line_of_a_file_is_not_joined_with_the_first_of_the_next(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(b"x y")
    with read_corpus([tmp_path / "a.txt", tmp_path / "b.txt"], TrainConfig(min_count=1)) as corpus:
        assert corpus.ids.tolist() == [0, 1, -1, 0, 1, -1]


def test_bytes_that_are_not_utf8_are_an_error_with_their_offset_even_in_a_later_chunk(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"word " * 500_000 + b"\xff\n")
    with pytest.raises(CorpusError, match=r"a.txt' is not UTF-8 at byte 2,500,000 .*--encoding-errors replace"):
        read_corpus(tmp_path / "a.txt", TrainConfig(threads=2))


def test_standard_input_is_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a b a\n")))
    with read_corpus("-", TrainConfig(min_count=2)) as corpus:
        assert corpus.ids.tolist() == [0, 0, -1]


def test_a_tokenizer_cuts_files_and_strings_alike(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a-b a\nb-c\n")
    config = TrainConfig(min_count=1, tokens=lambda line: line.split("-"))
    for source in (tmp_path / "a.txt", ["a-b a\nb-c\n"]):
        with read_corpus(source, config) as corpus:
            assert corpus.vocabulary.words == ["a", "b", "b a", "c"]
            assert corpus.ids.tolist() == [0, 2, -1, 1, 3, -1]


@pytest.mark.parametrize("source", [3, None, b"text"])
def test_what_is_no_source_of_text_is_refused(source):
    with pytest.raises(CorpusError, match=f"cannot read text from {type(source).__name__}"):
        read_corpus(source)


def test_an_error_raised_by_the_callers_generator_comes_through():
    def broken():
        yield "a b"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_corpus(broken(), TrainConfig(threads=2))


def test_a_given_vocabulary_fixes_words_order_and_counts():
    vocabulary = Vocabulary(["b", "never", "a"], [900, 500, 1])
    with read_corpus([["a", "b", "c"], ["c"]], vocabulary=vocabulary) as corpus:
        assert corpus.vocabulary == vocabulary
        assert corpus.ids.tolist() == [2, 0, -1]
        assert (corpus.report.kept, corpus.report.dropped_unknown) == (2, 2)


def test_a_given_vocabulary_of_which_no_word_occurs_is_an_error():
    with pytest.raises(CorpusError, match="none of the vocabulary's words occurs"):
        read_corpus([["a"]], vocabulary=Vocabulary(["b"], [1]))


def test_progress_is_told_the_bytes_read_and_the_bytes_in_all(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"word " * 600_000)
    told = []
    with read_corpus(tmp_path / "a.txt", progress=lambda *numbers: told.append(numbers)):
        assert len(told) == 3
        assert told == sorted(told)
        assert told[-1] == (3_000_000, 3_000_000)


def test_closing_gives_the_ids_up(temporary_folder):
    corpus = read_corpus([["a"]], TrainConfig(min_count=1))
    corpus.close()
    corpus.close()
    with pytest.raises(InputError, match="has been closed"):
        _ = corpus.ids


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no file that is open")
def test_a_temporary_file_has_no_name_that_a_killed_process_could_leave(temporary_folder):
    seen = []

    def sentences():
        for _ in range(100):
            seen.extend(temporary_folder.iterdir())
            yield "a b c"

    with read_corpus(sentences(), TrainConfig(min_count=1)) as corpus:
        seen.extend(temporary_folder.iterdir())
        assert corpus.ids.size == 400
    assert seen == []


@pytest.mark.parametrize("change", ["grow", "shrink", "touch"])
@pytest.mark.parametrize("tokens", ["whitespace", str.split])
def test_a_file_that_is_written_to_while_it_is_read_is_an_error(tmp_path, change, tokens):
    path = tmp_path / "a.txt"
    path.write_text("some words of a line\n" * 200_000, encoding="utf-8")
    begun = os.stat(path)

    def write(*_):
        if change == "grow":
            with open(path, "a", encoding="utf-8") as file:
                file.write("more\n")
        elif change == "shrink":
            os.truncate(path, begun.st_size - 21)
        os.utime(path, ns=(begun.st_atime_ns, begun.st_mtime_ns + (change == "touch")))

    with pytest.raises(CorpusError, match=r"a.txt' was written to while it was read; read it again"):
        read_corpus(path, TrainConfig(min_count=1, tokens=tokens, threads=1), progress=write)


def test_a_saved_corpus_that_is_written_to_while_it_is_in_use_is_noticed(tmp_path):
    read_corpus(["b a b", "c"], TrainConfig(min_count=1), save=tmp_path / "saved")
    corpus = Corpus.load(tmp_path / "saved")
    corpus.check_unchanged()
    with open(tmp_path / "saved", "r+b") as file:
        file.seek(5000)
        file.write(b"x")
    status = os.stat(tmp_path / "saved")
    os.utime(tmp_path / "saved", ns=(status.st_atime_ns, status.st_mtime_ns + 1))  # clocks of file systems are coarse
    with pytest.raises(CorpusError, match=r"saved' was written to while it was in use; save it anew"):
        corpus.check_unchanged()


@pytest.mark.parametrize("fate", ["replaced", "removed"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves and removes no file that is mapped")
def test_another_file_in_the_place_of_a_saved_corpus_changes_nothing(tmp_path, fate):
    direct = read_corpus(["b a b", "c"], TrainConfig(min_count=1), save=tmp_path / "saved")
    opened = Corpus.load(tmp_path / "saved")
    if fate == "replaced":
        read_corpus(["d e f g h i"], TrainConfig(min_count=1), save=tmp_path / "saved")
    else:
        os.remove(tmp_path / "saved")
    for corpus in (direct, opened):
        corpus.check_unchanged()
        assert corpus.ids.tolist() == [0, 1, 0, -1, 2, -1]


def test_a_saved_corpus_depends_on_the_text_and_the_options_alone(tmp_path):
    for name in ("one", "other"):
        read_corpus(["b a b", "c"], TrainConfig(min_count=1), save=tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert b"seconds" not in (tmp_path / "one").read_bytes()


def test_a_temporary_folder_that_cannot_be_used_is_a_clear_error(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
        with pytest.raises(CorpusError, match=r"cannot use temporary files in .*set TMPDIR"):
            read_corpus([["a"]], TrainConfig(min_count=1))


def test_a_saved_corpus_comes_back_the_same(tmp_path):
    with read_corpus(["b a b", "c"], TrainConfig(min_count=1)) as corpus:
        corpus.save(tmp_path / "saved")
    loaded = Corpus.load(tmp_path / "saved")
    assert loaded.vocabulary == corpus.vocabulary
    assert loaded.ids.tolist() == [0, 1, 0, -1, 2, -1]
    assert loaded.report == corpus.report
    loaded.close()
    assert (tmp_path / "saved").exists()


def test_reading_can_save_at_once_and_a_saved_corpus_is_read_at_once(tmp_path, temporary_folder):
    direct = read_corpus(["b a b", "c"], TrainConfig(min_count=1), save=tmp_path / "saved")
    assert list(temporary_folder.iterdir()) == []
    again = read_corpus(tmp_path / "saved")
    assert again.ids.tolist() == direct.ids.tolist()
    assert (again.vocabulary, again.report) == (direct.vocabulary, direct.report)


def test_a_saved_corpus_is_narrowed_to_what_the_config_asks_for(tmp_path):
    text = ["c a b a", "c", "d a b"]
    read_corpus(text, TrainConfig(min_count=1), save=tmp_path / "saved")
    for config in (TrainConfig(min_count=2), TrainConfig(min_count=2, max_vocabulary=1), TrainConfig(min_count=3)):
        with read_corpus(tmp_path / "saved", config) as narrowed, read_corpus(iter(text), config) as direct:
            assert narrowed.vocabulary == direct.vocabulary
            assert narrowed.ids.tolist() == direct.ids.tolist()
            assert narrowed.report == direct.report
            assert narrowed.report.seconds > 0


def test_a_saved_corpus_takes_a_given_vocabulary_and_can_be_saved_again(tmp_path):
    read_corpus(["c a b a"], TrainConfig(min_count=1), save=tmp_path / "saved")
    vocabulary = Vocabulary(["x", "b", "a"], [3, 2, 1])
    corpus = read_corpus(tmp_path / "saved", vocabulary=vocabulary, save=tmp_path / "other")
    assert corpus.ids.tolist() == [2, 1, 2, -1]
    assert (corpus.report.kept, corpus.report.dropped_unknown) == (3, 1)
    assert Corpus.load(tmp_path / "other").ids.tolist() == [2, 1, 2, -1]


def test_a_saved_corpus_that_cannot_give_what_is_asked_for_is_a_clear_error(tmp_path):
    read_corpus(["c a b a"], TrainConfig(min_count=1), save=tmp_path / "saved")
    with pytest.raises(CorpusError, match="no word of the saved corpus occurs 5 times"):
        read_corpus(tmp_path / "saved", TrainConfig(min_count=5))
    with pytest.raises(CorpusError, match="cannot be joined with other text"):
        read_corpus([tmp_path / "saved", tmp_path / "saved"])


@pytest.mark.parametrize(
    "report",
    [
        {"kept": 4},
        *({**ReadingReport().to_dict(), **lie} for lie in ({"kept": -1}, {"kept": "4"}, {"seconds": 10**400})),
    ],
)
def test_a_saved_report_that_is_none_is_refused(report):
    with pytest.raises(FormatError):
        ReadingReport.from_dict(report)


def test_a_failed_save_leaves_nothing_behind(tmp_path):
    with pytest.raises(LexigradError, match="does not exist"):
        read_corpus([["a"]], TrainConfig(min_count=1), save=tmp_path / "none" / "saved")
    with pytest.raises(CorpusError):
        read_corpus([["a"]], TrainConfig(min_count=9), save=tmp_path / "saved")
    assert [entry.name for entry in tmp_path.iterdir()] == ["temporary"]
