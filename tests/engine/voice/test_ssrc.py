from engine.metrics import Counters
from engine.voice.ssrc import KNOWN_SSRCS, WAITING_PACKETS, WAITING_SSRCS, SsrcTable


def test_owners_come_and_go():
    table = SsrcTable(Counters())
    table.assign(1, 100)
    table.assign(2, 100)
    table.assign(3, 200)
    table.forget(100)
    assert [table.user(ssrc) for ssrc in (1, 2, 3)] == [None, None, 200]
    table.assign(3, 300)
    assert table.user(3) == 300
    table.forget(300)
    assert len(table) == 0


def test_owners_are_bounded():
    table = SsrcTable(Counters())
    for ssrc in range(KNOWN_SSRCS + 3):
        table.assign(ssrc, 100)
    assert len(table) == KNOWN_SSRCS
    assert [table.user(ssrc) for ssrc in (2, 3, KNOWN_SSRCS + 2)] == [None, 100, 100]


def test_what_waits_is_given_once_in_order():
    table = SsrcTable(Counters())
    table.park(9, b"a", 1)
    table.park(9, b"b", 2)
    assert list(table.parked(9)) == [(b"a", 1), (b"b", 2)]
    assert not table.parked(9)


def test_waiting_is_bounded_and_counted():
    counters = Counters()
    table = SsrcTable(counters)
    for n in range(WAITING_PACKETS + 3):
        table.park(9, b"x", n)
    assert counters.get("unknown_ssrc") == 3
    assert table.parked(9)[0] == (b"x", 3)
    for ssrc in range(WAITING_SSRCS + 2):
        table.park(ssrc, b"x", 0)
    assert counters.get("unknown_ssrc") == 5
