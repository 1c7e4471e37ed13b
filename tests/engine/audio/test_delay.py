from hypothesis import given
from hypothesis import strategies as st

from engine.audio import delay
from engine.audio.delay import DelayLine
from engine.audio.frame import OpusPacket

S = 1_000_000_000


def test_a_packet_leaves_after_its_delay_and_not_before(packet):
    line = DelayLine(30 * S)
    line.hold([packet(1, 0, S), packet(2, 0, 2 * S)])
    assert line.release(31 * S - 1) == []
    (first,) = line.release(31 * S)
    assert (first.user, first.arrival) == (1, 31 * S)
    assert len(line) == 1


def test_what_was_said_before_a_dump_is_never_heard_and_what_is_said_later_is(packet):
    line = DelayLine(30 * S)
    line.hold([packet(1, 0, S), packet(2, 0, S)])
    line.dump({1}, 2 * S)
    line.hold([packet(1, 1, 3 * S)])
    assert [(p.user, p.sequence) for p in line.release(40 * S)] == [(2, 0), (1, 1)]
    assert line.counters.snapshot() == {"dumped": 1}


def test_old_dumps_are_forgotten():
    line = DelayLine(S)
    line.dump({1}, 5 * S)
    line.dump({2}, 7 * S)
    assert line._dumped == {2: 7 * S}


def test_a_full_line_loses_its_oldest_and_says_so(packet, monkeypatch):
    monkeypatch.setattr(delay, "HELD_PACKETS", 3)
    line = DelayLine(S)
    line.hold([packet(1, n, n) for n in range(5)])
    assert [p.sequence for p in line.release(2 * S)] == [2, 3, 4]
    assert line.counters.snapshot() == {"delay_full": 2}


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 100)), max_size=50), st.integers(0, 60))
def test_nothing_is_lost_nor_doubled_nor_out_of_order(steps, hold):
    line, now, put, got = DelayLine(hold), 0, [], []
    for user, step in steps:
        now += step
        made = OpusPacket(user, user, len(put), 0, b"", now)
        put.append(made)
        line.hold([made])
        got += line.release(now)
    got += line.release(now + hold)
    assert [p._replace(arrival=p.arrival - hold) for p in got] == put
