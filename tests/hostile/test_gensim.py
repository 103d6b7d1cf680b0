"""Files made to look like gensim's that would run a program, lie about an array, leave the folder, or never end."""

from __future__ import annotations

import os
import pickle
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fuzz.gensimpickles import Stand, gensim_3_model, gensim_4_vectors, pickled
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad import load_vectors
from lexigrad.errors import FormatError
from lexigrad.vectors.formats import read_gensim
from lexigrad.vectors.formats.gensim.pickle import parse_pickle

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ["the", "cat", "été"]
MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)
PLACE = b"X\4\0\0\0HERE"


class RunsAProgram:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def text(value: str) -> bytes:
    """A string in a pickle."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def with_value(piece: bytes, **changed: Any) -> bytes:
    """Sound vectors with one attribute more, which ``piece`` of a pickle's program makes."""
    content = pickled(gensim_4_vectors(WORDS, MATRIX, note="HERE", **changed))
    assert content.count(PLACE) == 1
    return content.replace(PLACE, piece)


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        load_vectors(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 400 + len(str(path))
    return sentence


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that a module of the name ``trap`` writes when it is imported or its function ``go`` is called."""
    file = tmp_path / "canary"
    code = f"def go(*_, **__):\n    open({str(file)!r}, 'w').close()\ngo()\nclass Thing:\n    __setstate__ = go\n"
    (tmp_path / "trap.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield file
    sys.modules.pop("trap", None)


@pytest.mark.parametrize("place", ["note", "vectors", "index_to_key", "expandos", "__numpys"])
def test_a_pickle_that_would_run_a_program_runs_nothing(tmp_path: Path, canary: Path, place: str) -> None:
    evil = RunsAProgram(f"touch {canary}")
    content = pickled(gensim_4_vectors(WORDS, MATRIX, **{place: evil}))
    (tmp_path / "v").write_bytes(content)
    if place in ("vectors", "index_to_key"):
        assert "is no array of numbers" in (sentence := refusal(tmp_path / "v", content)) or "no list" in sentence
    else:
        assert load_vectors(tmp_path / "v").words == WORDS
    assert not canary.exists()
    pickle.loads(content)  # the file is as bad as it is said to be
    assert canary.exists()


def test_a_program_alone_is_not_even_begun(tmp_path: Path, canary: Path) -> None:
    content = pickled(RunsAProgram(f"touch {canary}"))
    assert "is a pickle of no class of gensim's" in refusal(tmp_path / "v", content)
    with pytest.raises(FormatError, match="something else than gensim's vectors"):
        read_gensim(tmp_path / "v")
    assert not canary.exists()


GO = b"ctrap\ngo\n"
INERT = {
    "GLOBAL": GO,
    "STACK_GLOBAL": text("trap") + text("go") + b"\x93",
    "REDUCE": GO + b")R",
    "NEWOBJ": b"ctrap\nThing\n)\x81",
    "NEWOBJ_EX": b"ctrap\nThing\n)}\x92",
    "BUILD, which calls __setstate__": b"ctrap\nThing\n)\x81}b",
    "SETITEMS, which calls __setitem__": b"ctrap\nThing\n)\x81(NNu",
    "APPENDS, which calls extend": b"ctrap\nThing\n)\x81(NNe",
}
REFUSED = {
    "INST": (b"(itrap\ngo\n", "INST"),
    "OBJ": (b"(" + GO + b"o", "OBJ"),
    "PERSID": (b"Ptrap\n", "PERSID"),
    "BINPERSID": (b"NQ", "BINPERSID"),
    "EXT1": (b"\x82\1", "EXT1"),
    "EXT2": (b"\x83\1\1", "EXT2"),
    "EXT4": (b"\x84\1\1\1\1", "EXT4"),
    "NEXT_BUFFER": (b"\x97", "NEXT_BUFFER"),
    "a call of what a call gives": (b"cbuiltins\ngetattr\n(ctrap\ngo\n" + text("go") + b"tR)R", "called is no name"),
    "a state for a class": (GO + b"}b", "a state is given to what takes none"),
    "a second state": (b"ctrap\nThing\n)\x81}b}b", "a state is given to what takes none"),
    "a state for a list": (b"]}b", "a state is given to what takes none"),
    "arguments in a list": (GO + b"]R", "its arguments are no tuple"),
    "named arguments in a list": (GO + b")]\x92", "no dictionary"),
    "a name of numbers": (b"K\1K\1\x93", "a name is no string"),
    "items for a tuple": (b")Na", "items go to what is no list"),
    "keys without value": (b"}(Nu", "no dictionary"),
    "keys for a list": (b"]NNs", "no dictionary"),
    "a mark that is not there": (b"t" * 9, "a mark is due"),
    "more than there is": (b"0" * 100, "a value is due"),
    "a value from beneath a mark": (b"(0", "a value is due"),
    "the text of protocol 0": (b"S'trap'\n", "none that gensim writes"),
    "a memo of 2**31": (b"Nr\xff\xff\xff\x7f", "is kept where"),
    "a value that is not kept": (b"j\xff\xff\xff\x7f", "is used before"),
    "a string of 2**63 bytes": (b"\x8d" + struct.pack("<Q", 2**63), "bytes are due"),
    "bytes of 2**63": (b"\x8e" + struct.pack("<Q", 2**63), "bytes are due"),
    "a frame of 2**63 bytes": (b"\x95" + struct.pack("<Q", 2**63), "longer than the file"),
    "an integer of 2**31 bytes": (b"\x8b\xff\xff\xff\x7f", "longer than any"),
    "an integer of 255 bytes": (b"\x8a\xff" + bytes(255), "longer than any"),
    "an integer in words": (b"Ione\n", "is no whole number"),
    "an integer without end": (b"I" + b"1" * 300, "no line of text"),
    "protocol 6": (b"\x80\x06", "none from 2 to 5"),
    "text that is not UTF-8": (b"X\1\0\0\0\xff", "not UTF-8"),
    "an early end": (b"N.", "values in hand"),
}  # fmt: skip


@pytest.mark.parametrize("case", INERT)
def test_what_would_be_called_is_not_even_imported(tmp_path: Path, canary: Path, case: str) -> None:
    (tmp_path / "v").write_bytes(with_value(INERT[case]))
    assert load_vectors(tmp_path / "v").words == WORDS
    assert not canary.exists()
    assert "trap" not in sys.modules


@pytest.mark.parametrize("case", REFUSED)
def test_other_programs_are_refused(tmp_path: Path, canary: Path, case: str) -> None:
    piece, reason = REFUSED[case]
    sentence = refusal(tmp_path / "v", with_value(piece))
    assert reason in sentence
    assert ", byte " in sentence
    assert not canary.exists()


def test_bytes_behind_the_end_are_seen(tmp_path: Path) -> None:
    assert "1 bytes follow the end" in refusal(tmp_path / "v", pickled(gensim_4_vectors(WORDS, MATRIX)) + b".")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_file_that_ends_early_is_refused_wherever_it_ends(tmp_path: Path, protocol: int) -> None:
    content = pickled(gensim_4_vectors(WORDS, MATRIX), protocol)
    for end in range(len(content)):
        refusal(tmp_path / "v", content[:end])


class LyingArray:
    """Pickled as an array of NumPy's."""

    def __init__(self, shape: Any, data: Any = bytes(48), dtype: Any = "<f4", by_columns: Any = False) -> None:
        self.state = (1, shape, dtype if isinstance(dtype, (list, int)) else np.dtype(dtype), by_columns, data)

    def __reduce__(self) -> tuple[Any, ...]:
        function, arguments, _ = MATRIX.__reduce__()
        return function, arguments, self.state


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (LyingArray((2**62, 4)), "which its shape"),
        (LyingArray((2**40, 2**40)), "which its shape"),
        (LyingArray((2**32, 2**32)), "which its shape"),
        (LyingArray((3, 5)), "has 48 bytes, which its shape (3, 5) of float32 does not fill"),
        (LyingArray((2, 4)), "which its shape"),
        (LyingArray((-3, -4)), "shape that cannot be"),
        (LyingArray((3, True)), "shape that cannot be"),
        (LyingArray((3, 4.0)), "shape that cannot be"),
        (LyingArray(("3", 4)), "shape that cannot be"),
        (LyingArray((1,) * 40), "shape that cannot be"),
        (LyingArray((0, 2**62, 2**62), b""), "cannot be"),
        (LyingArray((0, 2**80), b""), "cannot be"),
        (LyingArray((3, 4), [None] * 12), "has no bytes"),
        (LyingArray((3, 4), "日本" * 24), "text in place of its bytes"),
        (LyingArray((3, 4), dtype="O"), "which are no numbers"),
        (LyingArray((3, 4), dtype="V4"), "which are no numbers"),
        (LyingArray((3, 4), dtype="S4"), "which are no numbers"),
        (LyingArray((3, 4), dtype="M8[s]"), "which are no numbers"),
        (LyingArray((3, 4), dtype=[1]), "holds what is no number"),
        (LyingArray((3, 4), dtype="c8"), "which are no numbers"),
        (LyingArray((3, 4), by_columns=1), "is no array of numbers"),
        (LyingArray((3,)), "which its shape"),
        (LyingArray((12,)), "need a matrix of as many rows"),
        (LyingArray((4, 3)), "need a matrix of as many rows"),
        ("vectors", "is no array of numbers"),
    ],
)
def test_an_array_that_lies_is_refused(tmp_path: Path, lie: object, reason: str) -> None:
    assert reason in refusal(tmp_path / "v", pickled(gensim_4_vectors(WORDS, MATRIX, vectors=lie)))


def npy(header: str, content: bytes = bytes(48), version: bytes = b"\1\0", length: int | None = None) -> bytes:
    prefix = struct.pack("<H", len(header) if length is None else length)
    return b"\x93NUMPY" + version + prefix + header.encode() + content


def header(shape: str = "(3, 4)", descr: str = "'<f4'", more: str = "") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, {more}}}\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (npy(header("(4611686018427387904, 4)")), "which its shape"),
        (npy(header("(4294967296, 4294967296)")), "which its shape"),
        (npy(header("(3, 5)")), "which its shape"),
        (npy(header("(-3, -4)")), "without type, order and shape"),
        (npy(header(f"({'9' * 30}, 4)")), "without type, order and shape"),
        (npy(header(f"({'1, ' * 60})")), "a shape that cannot be"),
        (npy(header("(0, 9223372036854775807)"), b""), "cannot be"),
        (npy(header("(__import__('os').system('touch canary'), 4)")), "without type, order and shape"),
        (npy(header(descr="'|O'")), "which are no numbers"),
        (npy(header(descr="[('a', '<f4')]")), "without type, order and shape"),
        (npy(header(descr="'|b1'")), "which are no numbers"),
        (npy(header(descr="'|V4'")), "which are no numbers"),
        (npy(header(descr="'<U4'")), "which are no numbers"),
        (npy(header(more="'x': 1")), "without type, order and shape"),
        (npy("(" * 9000), "without type, order and shape"),
        (npy(header(), version=b"\4\0"), "does not begin as"),
        (npy(header(), version=b"\2\0"), "does not begin as"),
        (npy(header(), length=60_000), "does not begin as"),
        (npy(header(), length=5_000), "without type, order and shape"),
        (npy(header(), bytes(47)), "has 47 bytes, which"),
        (npy(header(), bytes(49)), "has 49 bytes, which"),
        (b"", "does not begin as"),
        (b"\x93NUMPY", "does not begin as"),
        (pickled(MATRIX), "does not begin as"),
    ],
)
def test_an_array_beside_the_file_that_lies_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "v.vectors.npy").write_bytes(content)
    stored = pickled(gensim_4_vectors(WORDS, MATRIX, vectors=None, __numpys=["vectors"]))
    assert reason in refusal(tmp_path / "v", stored)
    (tmp_path / "v.vectors.npy").write_bytes(npy(header()))
    assert load_vectors(tmp_path / "v").words == WORDS


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/secret", "..", "", "vectors.npy/../../secret", "a\0b", 5, None, []]
)
def test_no_name_of_a_file_is_taken_from_a_pickle(tmp_path: Path, name: object) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(tmp_path / "secret.npy", MATRIX)
    content = pickled(gensim_4_vectors(WORDS, MATRIX, vectors=None, __numpys=[name]))
    assert "holds no vectors" in refusal(folder / "v", content)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few users make links")
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(tmp_path / "secret.npy", MATRIX)
    content = pickled(gensim_4_vectors(WORDS, MATRIX, vectors=None, __numpys=["vectors"]))
    side = folder / "v.vectors.npy"
    side.symlink_to(tmp_path / "secret.npy")
    assert "is a link out of the folder" in refusal(folder / "v", content)
    side.unlink()
    side.symlink_to("../secret.npy")
    assert "is a link out of the folder" in refusal(folder / "v", content)
    side.unlink()
    side.mkdir()
    assert "no plain file" in refusal(folder / "v", content)
    side.rmdir()
    np.save(folder / "other.npy", MATRIX)
    side.symlink_to("other.npy")
    assert load_vectors(folder / "v").words == WORDS


def laughs(levels: int) -> bytes:
    """A list of two lists that are the same list, and so on: 2 to the power of ``levels`` items, if one counts them."""
    kept = b"".join(b"](h\1h\1eq\1" for _ in range(levels))
    return b"]q\1" + kept


@pytest.mark.parametrize("place", ["note", "index_to_key", "vectors", "expandos", "__numpys", "vocab"])
def test_a_list_of_lists_of_lists_is_not_walked_through(tmp_path: Path, place: str) -> None:
    content = pickled(gensim_4_vectors(WORDS, MATRIX, **{place: "HERE"})).replace(PLACE, b"NHERE")
    changed = content.replace(b"NHERE", laughs(5000))
    (tmp_path / "v").write_bytes(changed)
    if place in ("vectors", "index_to_key"):
        refusal(tmp_path / "v", changed)
    else:
        assert load_vectors(tmp_path / "v").words == WORDS


@pytest.mark.parametrize("nest", [b"]" * 100_000 + b"a" * 99_999, b")" + b"\x85" * 150_000])
def test_values_within_values_without_end_are_read_and_given_back(tmp_path: Path, nest: bytes) -> None:
    (tmp_path / "v").write_bytes(with_value(nest))
    assert load_vectors(tmp_path / "v").words == WORDS
    (tmp_path / "v").write_bytes(with_value(b"}" + nest + b"Ns"))  # as a key, whose hash would be taken
    assert load_vectors(tmp_path / "v").words == WORDS


def test_keys_of_equal_hash_do_not_slow_it_down(tmp_path: Path) -> None:
    """A dictionary of them takes time with the square of their number."""
    keys = b"".join(
        b"\x8a\x0a" + (number * (2**61 - 1)).to_bytes(10, "little", signed=True) + b"N" for number in range(1, 100_000)
    )
    (tmp_path / "v").write_bytes(with_value(b"}(" + keys + b"u"))
    assert load_vectors(tmp_path / "v").words == WORDS


def test_objects_that_take_more_memory_than_those_of_a_sound_file_are_refused(tmp_path: Path) -> None:
    sentence = refusal(tmp_path / "v", with_value(b"]" * 300_000))
    assert "take more than 16 MiB and more than 16 times the size of the file" in sentence


def test_a_long_word_given_often_is_refused_as_a_word_that_comes_twice(tmp_path: Path) -> None:
    often = ["x" * 1_000_000] * 100_000
    zeros = np.zeros((100_000, 1), dtype=np.float32)
    content = pickled(gensim_4_vectors(["x"], zeros, index_to_key=often, expandos={}))
    assert "comes twice" in refusal(tmp_path / "v", content)


def test_counts_are_not_looked_for_in_large_objects(tmp_path: Path) -> None:
    """One object for all words, which is looked at for each of them."""
    shared = Stand("gensim.models.keyedvectors.Vocab", **{f"a{number}": 1 for number in range(1000)}, count=3)
    model = gensim_3_model(WORDS, MATRIX, [3, 2, 1])
    model.attributes["wv"].attributes["vocab"] = dict.fromkeys(WORDS, shared)
    (tmp_path / "v").write_bytes(pickled(model))
    assert load_vectors(tmp_path / "v").counts is None


@pytest.mark.parametrize("count", [-1, 2**63, 2**500, 0.5, "5", None, True])
def test_counts_that_cannot_be_are_refused_or_passed_over(tmp_path: Path, count: object) -> None:
    content = pickled(gensim_3_model(WORDS, MATRIX, [count, 2, 1]))  # type: ignore[list-item]
    (tmp_path / "v").write_bytes(content)
    if type(count) is int:
        assert "which cannot be" in refusal(tmp_path / "v", content)
    else:
        assert load_vectors(tmp_path / "v").counts is None


def test_a_word_that_is_no_text_is_refused(tmp_path: Path) -> None:
    content = pickled(gensim_4_vectors(["the", "\ud800", "c"], MATRIX))
    assert r"the word '\\ud800' cannot be written in UTF-8" in refusal(tmp_path / "v", content)


def test_an_outside_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    model = gensim_3_model(WORDS, MATRIX, [3, 2, 1])
    model.attributes["trainables"].attributes["syn1neg"] = MATRIX[:2]
    assert "the table syn1neg has shape (2, 4)" in refusal(tmp_path / "v", pickled(model))


def test_a_name_of_many_lines_is_shown_as_one(tmp_path: Path) -> None:
    piece = text("gensim") + text("a\nb\ud7ff" * 1000) + b"\x93)\x81}b."
    assert "which has no vectors of words" in refusal(tmp_path / "v", b"\x80\2" + piece)


NAMES = (
    "wv", "vectors", "syn0", "syn1neg", "index_to_key", "index2word", "expandos", "vocab", "count", "trainables",
    "vocabulary", "__numpys", "window", "iter", "the", "cat",
)  # fmt: skip
CLASSES = (
    "gensim.models.word2vec.Word2Vec", "gensim.models.keyedvectors.KeyedVectors", "gensim.models.keyedvectors.Vocab",
)  # fmt: skip
PLAIN = [None, True, -1, 2**70, 0.5, np.float32(2), np.int64(3), b"x", "the", "cat", "vectors", ("the", 1)]
ARRAYS = [MATRIX, MATRIX[:2], MATRIX[:2, 0], MATRIX.astype(">f8"), np.array([3, 1]), MATRIX > 2, MATRIX[:0]]
LISTS: list[Any] = [["the", "cat"], ["the"], ["the", "the"], ["vectors", "syn1neg"], [], {}, {"the": 1}]
LIES = [LyingArray(shape) for shape in [(3, 4), (2, 6), (4, 3), (2, 2**62), (3, -4), (1,) * 40, ("x",)]]
ATOMS = st.one_of(*map(st.sampled_from, (PLAIN, ARRAYS, LISTS, LIES)))


def objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    attributes = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)
    return attributes | st.builds(lambda name, given: Stand(name, **given), st.sampled_from(CLASSES), attributes)


@settings(max_examples=200)
@given(st.recursive(ATOMS, objects, max_leaves=30), st.sampled_from([2, 4, 5]))
def test_any_object_is_vectors_or_refused(tmp_path_factory: pytest.TempPathFactory, value: Any, protocol: int) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    if not isinstance(value, Stand):
        value = Stand(CLASSES[0], wv=value, vectors=MATRIX[:2], index_to_key=["the", "cat"])
    path.write_bytes(pickled(value, protocol))
    with suppress(FormatError):
        read = read_gensim(path)
        assert read.vectors.matrix.shape == (len(read.vectors), read.vectors.dim)
        assert read.U is None or read.U.shape == read.vectors.matrix.shape


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_those_that_python_reads(tmp_path: Path, protocol: int) -> None:
    value = [None, True, False, 0, 255, 65_535, -1, 2**31 - 1, 2**40, -(2**400), 0.5, "é\ud800", (1, (2,), "a", 4), []]
    assert parse_pickle(tmp_path, pickle.dumps([*value, value], protocol)) == [*value, value]
    pairs = parse_pickle(tmp_path, pickle.dumps({"a": 1, ("b",): [2], 3: 4}, protocol))
    assert (pairs.keys, pairs.values) == (["a", ("b",), 3], [1, [2], 4])
    assert pairs.by_text() == {"a": 1}
    content = b"x" * 10 + b"y" * 9000
    if protocol > 2:  # before, bytes are what a call gives
        assert bytes(parse_pickle(tmp_path, pickle.dumps(content, protocol))) == content
        assert sorted(parse_pickle(tmp_path, pickle.dumps(frozenset("ab"), 4))) == ["a", "b"]
