import struct

from hypothesis import given
from hypothesis import strategies as st

from engine.voice import discovery


def test_question_and_answer():
    assert discovery.request(7)[:8] == struct.pack(">HHI", 1, 70, 7)
    assert len(discovery.request(7)) == 74
    answer = struct.pack(">HHI64sH", 2, 70, 7, b"203.0.113.9", 50_000)
    assert discovery.answer(answer) == ("203.0.113.9", 50_000)
    assert discovery.answer(discovery.request(7)) is None


@given(st.binary(min_size=70, max_size=78))
def test_any_bytes(data):
    found = discovery.answer(data)
    assert found is None or len(data) == 74
