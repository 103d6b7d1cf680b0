"""A saved corpus is one safetensors file, and a file that contradicts itself is refused before it is trusted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors import safe_open

from lexigrad.corpus.corpusfile import HEADER_BYTES, is_saved_corpus, read_corpus_file, write_corpus_file
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import FormatError, InputError

VOCABULARY = Vocabulary(["the", "été"], [3, 1])
IDS = np.array([0, 1, -1, 0, 0, -1], dtype=np.int32)
REPORT = {"kept": 4}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "corpus"
    with open(path, "wb") as file:
        write_corpus_file(file, VOCABULARY, iter([IDS[:2], IDS[2:]]), lambda: REPORT)
    return str(path)


def is_mapped(array):
    """Whether an array lies over a file."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


def parts(path):
    """The header and the data of a saved corpus."""
    with open(path, "rb") as file:
        content = file.read()
    return json.loads(content[8:HEADER_BYTES]), content[HEADER_BYTES:]


def write(path, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


def test_what_is_written_comes_back_and_its_ids_are_mapped_read_only(saved):
    content = read_corpus_file(saved)
    assert content.vocabulary == VOCABULARY
    assert content.report == REPORT
    assert is_mapped(content.ids)
    assert content.ids.tolist() == IDS.tolist()
    assert not content.ids.flags.writeable


def test_other_programs_read_it_with_safetensors(saved):
    with safe_open(saved, "np") as file:
        assert file.metadata()["format"] == "lexigrad-corpus"
        assert file.metadata()["version"] == "1"
        assert json.loads(file.metadata()["report"]) == REPORT
        assert file.get_tensor("ids").tolist() == IDS.tolist()
        assert file.get_tensor("counts").tolist() == [3, 1]
        assert bytes(file.get_tensor("words")) == "theété".encode()
        assert file.get_tensor("word_ends").tolist() == [3, 8]


def test_a_saved_corpus_is_known_by_its_content(saved, tmp_path):
    assert is_saved_corpus(saved)
    (tmp_path / "text").write_text('{"lexigrad-corpus"}')
    assert not is_saved_corpus(str(tmp_path / "text"))
    assert not is_saved_corpus(str(tmp_path / "none"))
    assert not is_saved_corpus(str(tmp_path))


def test_a_file_cut_anywhere_is_refused(saved):
    with open(saved, "rb") as file:
        content = file.read()
    for size in [0, 3, 8, 20, HEADER_BYTES - 1, *range(HEADER_BYTES, len(content))]:
        with open(saved, "wb") as file:
            file.write(content[:size])
        with pytest.raises(FormatError, match="no whole saved corpus"):
            read_corpus_file(saved)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("ids", {"dtype": "I32", "shape": [10**12], "data_offsets": [32, 56]}),
        ("ids", {"dtype": "I32", "shape": [10**12], "data_offsets": [32, 32 + 4 * 10**12]}),
        ("ids", {"dtype": "I32", "shape": [-6], "data_offsets": [56, 32]}),
        ("ids", {"dtype": "I32", "shape": [2], "data_offsets": [-8, 0]}),
        ("ids", {"dtype": "I32", "shape": [2, 3], "data_offsets": [32, 56]}),
        ("ids", {"dtype": "I64", "shape": [3], "data_offsets": [32, 56]}),
        ("ids", {"dtype": "I32", "shape": [6.0], "data_offsets": [32, 56]}),
        ("ids", {"dtype": "I32", "shape": [0], "data_offsets": [32, 32]}),
        ("ids", {"dtype": "I32", "shape": [5], "data_offsets": [32, 52]}),
        ("ids", None),
        ("ids", 7),
        ("counts", {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}),
        ("counts", {"dtype": "I64", "shape": [2], "data_offsets": [16, 32]}),
        ("words", {"dtype": "U8", "shape": [7], "data_offsets": [56, 63]}),
        ("__metadata__", {"format": "lexigrad", "version": "1", "report": "{}"}),
        ("__metadata__", {"format": "lexigrad-corpus", "version": "2", "report": "{}"}),
        ("__metadata__", {"format": "lexigrad-corpus", "version": "1", "report": "["}),
        ("__metadata__", {"format": "lexigrad-corpus", "version": "1", "report": "[]"}),
        ("__metadata__", {"format": "lexigrad-corpus", "version": "1", "report": 3}),
        ("__metadata__", None),
    ],
)
def test_a_header_that_lies_is_refused(saved, name, entry):
    header, data = parts(saved)
    write(saved, header | {name: entry}, data)
    with pytest.raises(FormatError, match="no whole saved corpus"):
        read_corpus_file(saved)


@pytest.mark.parametrize("header", [b"[]", b"{", b"\xff", b"[" * 100_000, b"NaN"])
def test_a_header_that_is_no_object_is_refused(saved, header):
    write(saved, header, parts(saved)[1])
    with pytest.raises(FormatError, match="no whole saved corpus"):
        read_corpus_file(saved)


def test_a_header_that_claims_a_huge_length_is_refused_without_reading_it(saved):
    with open(saved, "r+b") as file:
        file.write((2**63 - 1).to_bytes(8, "little"))
    with pytest.raises(FormatError, match=r"byte 0: the header is said to be 9,223,372,036,854,775,807 bytes long"):
        read_corpus_file(saved)


@pytest.mark.parametrize("ids", [[0, 2, -1], [0, -2, -1], [0, 1, 1]])
def test_ids_that_training_could_not_trust_are_refused(tmp_path, ids):
    with open(tmp_path / "corpus", "wb") as file:
        write_corpus_file(file, VOCABULARY, [np.array(ids, dtype=np.int32)], lambda: REPORT)
    with pytest.raises(FormatError, match=r"ids that are not in its vocabulary|last sentence has no end"):
        read_corpus_file(str(tmp_path / "corpus"))


def test_a_report_that_has_no_room_in_the_header_is_refused_and_does_not_write_over_the_counts(tmp_path):
    with open(tmp_path / "corpus", "wb") as file, pytest.raises(InputError, match="4,088 were left for it"):
        write_corpus_file(file, VOCABULARY, [IDS], lambda: {"names": "x" * 4000})


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(FormatError, match=r"cannot read the saved corpus .*: No such file"):
        read_corpus_file(str(tmp_path / "none"))
