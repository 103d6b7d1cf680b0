"""What text shards are cut from, near and far, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import socket
from pathlib import Path

import pytest
from counted import TRICKY, by_engine, by_one_process, config

from lexigrad import read_corpus
from lexigrad.corpus.shards import count_words, write_window_counts
from lexigrad.corpus.shards.cut import ShardSource, cut_shards, find_text
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import CorpusError, InputError, LexigradError, MissingExtraError


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
        ("broken.txt", {}, "broken.txt' is not UTF-8 at byte 12 of its text .0xff.; convert it"),
        ("broken.gz", {}, "broken.gz' to its end"),
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
            write_window_counts(str(tmp_path / "a.txt"), tmp_path / "c", config(), engine=engine, words=other)
        with pytest.raises(InputError, match="memory_bytes must be at least 1"):
            write_window_counts("a", tmp_path / "c", config(), engine=engine, words=other, memory_bytes=0)
    assert not (tmp_path / "c").exists()


def test_workers_find_text_by_its_whole_path_and_say_where_it_is_missing(tmp_path, monkeypatch):
    """Their working folder is where their Ray was started."""
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("a b\n")
    shards = list(cut_shards(find_text(["a.txt"]), 10))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [chunk.text for chunk in ShardSource.of(shards[0], config())] == [b"a b\n"]
    (tmp_path / "a.txt").unlink()
    with pytest.raises(CorpusError, match=f"there is no .*a.txt' on {socket.gethostname()}, where a worker is to read"):
        ShardSource.of(shards[0], config())


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a b\n" * 10)
    files = find_text([str(path)])
    shards = list(cut_shards(files, 10))
    path.write_text("a b\n" * 11)
    with pytest.raises(CorpusError, match="was written to while it was read"):
        list(ShardSource.of(shards[1], config()))
