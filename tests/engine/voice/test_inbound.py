import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metrics import Counters
from engine.voice import aead
from engine.voice.aead import TransportCipher
from engine.voice.dave import DaveGroup
from engine.voice.inbound import Inbound
from engine.voice.ssrc import SsrcTable
from simulator.transport import Audio, Dress, TransportKey

KEY = bytes(32)
SPEECH = b"\x78speech"


class Way:
    def __init__(self, mode=aead.AES_GCM):
        self.counters, self.packets = Counters(), []
        self.ssrcs = SsrcTable(self.counters)
        self.inbound = Inbound(DaveGroup(9, 8, lambda: 0.0), self.ssrcs, self.counters, self.packets.append)
        self.inbound.cipher = TransportCipher(mode, KEY)
        self.server = TransportKey(mode, KEY)


@pytest.fixture
def way():
    return Way()


@pytest.mark.parametrize("mode", aead.MODES)
@pytest.mark.parametrize("dress", [Dress(0, 0), Dress(1, 0), Dress(3, 7), Dress(0, 255)])
def test_a_packet_arrives_whatever_it_wears(mode, dress):
    way = Way(mode)
    way.ssrcs.assign(5, 50)
    way.inbound.datagram(way.server.seal(Audio(5, 7, 960, SPEECH), dress), 123)
    assert way.packets == [(50, 5, 7, 960, SPEECH, 123)]
    assert way.counters.snapshot() == {"received": 1, "decrypted": 1}


def test_what_comes_before_its_owner_is_known_waits(way):
    for n in range(3):
        way.inbound.datagram(way.server.seal(Audio(5, n, n, SPEECH)), n)
    assert way.packets == []
    way.ssrcs.assign(5, 50)
    way.inbound.release(5)
    assert [packet.arrival for packet in way.packets] == [0, 1, 2]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda server: b"\x80", "short"),
        (lambda server: server.seal_report(5), "rtcp"),
        (lambda server: server.seal(Audio(5, 1, 1, SPEECH))[:-1] + b"\xff", "transport_refused"),
        (lambda server: server.seal(Audio(5, 1, 1, b""), Dress(0, 9)), "empty"),
    ],
)
def test_each_refusal_has_its_reason(way, make, reason):
    way.ssrcs.assign(5, 50)
    way.inbound.datagram(make(way.server), 0)
    assert way.counters.get(reason) == 1
    assert way.packets == []


def test_before_the_key_nothing_is_played(way):
    way.ssrcs.assign(5, 50)
    way.inbound.cipher = None
    way.inbound.datagram(way.server.seal(Audio(5, 1, 1, SPEECH)), 0)
    assert way.counters.get("transport_refused") == 1


@given(st.binary(max_size=120))
def test_any_datagram_is_survived_and_counted(data):
    way = Way()
    way.ssrcs.assign(int.from_bytes(data[8:12], "big"), 50)
    way.inbound.datagram(data, 0)
    assert way.counters.total() >= 1
