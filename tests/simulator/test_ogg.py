import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import ogg


@given(packets=st.lists(st.binary(min_size=1, max_size=1_300), max_size=130))
def test_what_is_written_is_read(tmp_path_factory, packets):
    path = tmp_path_factory.mktemp("ogg") / "a.ogg"
    ogg.write(path, packets)
    assert ogg.read(path) == packets


@pytest.mark.parametrize("size", [254, 255, 256, 510, 765])
def test_a_packet_that_fills_its_segments(tmp_path, size):
    ogg.write(tmp_path / "a.ogg", [bytes(size)] * 3)
    assert ogg.read(tmp_path / "a.ogg") == [bytes(size)] * 3


@pytest.mark.parametrize(("packet", "length"), [(b"\xf8\xff\xfe", 960), (b"\xf0\xff\xfe", 480), (b"\x03\x00", 960)])
def test_time_counts_by_what_packets_hold(tmp_path, packet, length):
    ogg.write(tmp_path / "a.ogg", [packet] * 120)
    pages = (tmp_path / "a.ogg").read_bytes().split(b"OggS")[3:]
    assert [int.from_bytes(page[2:10], "little") for page in pages] == [50 * length, 100 * length, 120 * length]


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"OggS"])
def test_what_is_no_ogg_opus_is_refused(tmp_path, content):
    (tmp_path / "a.ogg").write_bytes(content + bytes(40))
    with pytest.raises(ValueError, match="Ogg"):
        ogg.read(tmp_path / "a.ogg")


def test_no_half_written_file_is_left(tmp_path):
    ogg.write(tmp_path / "a.ogg", [b"x"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.ogg"]
