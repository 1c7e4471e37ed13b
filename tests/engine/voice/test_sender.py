import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.voice import aead, rtp
from engine.voice.aead import TransportCipher
from engine.voice.dave import SILENCE, DaveGroup
from engine.voice.sender import HELD_MS, Sender, Transport
from simulator.transport import TransportKey

KEY = bytes(32)


class Wire:
    """A socket that keeps what is sent, and the announcements beside it."""

    def __init__(self, ssrc=5):
        self.ssrc, self.log, self.error = ssrc, [], None
        self.slow, self.waiting = False, []
        self.dave = DaveGroup(1, 2, lambda: 0.0)
        self.key = TransportKey(aead.AES_GCM, KEY)

    def send(self, data):
        if self.error is not None:
            raise self.error
        self.log.append(self.key.open(data))

    def transport(self):
        cipher = TransportCipher(aead.AES_GCM, KEY)
        return Transport(self, cipher, self.ssrc, self.dave, self.announce)

    def announce(self, active, then):
        self.log.append(active)
        self.waiting.append(then)
        if not self.slow:
            then()

    @property
    def audio(self):
        return [entry for entry in self.log if not isinstance(entry, bool)]


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def tick_ms():
    return 20


@pytest.fixture
def sender(wire, tick_ms):
    made = Sender(tick_ms)
    made.attach(wire.transport())
    return made


def test_time_advances_through_silence_and_numbers_do_not(sender, wire):
    for opus in (b"a", b"b", *[None] * 20, b"c"):
        sender(opus)
    first = wire.audio[0]
    assert [(audio.sequence - first.sequence) % 65536 for audio in wire.audio] == list(range(8))
    times = [(audio.timestamp - first.timestamp) % 2**32 // 960 for audio in wire.audio]
    assert times == [0, 1, 2, 3, 4, 5, 6, 22]


def test_five_silence_frames_and_the_speaking_flag_around_sound(sender, wire):
    for opus in (b"a", *[None] * 10):
        sender(opus)
    payloads = [entry if isinstance(entry, bool) else entry.payload for entry in wire.log]
    assert payloads == [True, b"a", *[SILENCE] * 5, False]


def test_packets_wait_for_their_announcement(sender, wire):
    wire.slow = True
    sender(b"a")
    sender(b"b")
    assert wire.log == [True]
    wire.waiting[0]()
    sender(b"c")
    assert [audio.payload for audio in wire.audio] == [b"a", b"b", b"c"]
    assert sender.counters.snapshot() == {"sent": 3}


@pytest.mark.parametrize("tick_ms", [20, 10])
def test_an_announcement_that_takes_long_holds_up_no_more_than_a_tenth_of_a_second(sender, wire, tick_ms):
    wire.slow = True
    for _ in range(HELD_MS // tick_ms - 1):
        sender(b"a")
    assert wire.audio == []
    sender(b"a")
    assert len(wire.audio) == HELD_MS // tick_ms
    wire.waiting[0]()
    assert len(wire.audio) == HELD_MS // tick_ms


def test_what_waits_at_the_end_is_sent(sender, wire):
    wire.slow = True
    sender(b"a")
    sender.finish()
    assert [audio.payload for audio in wire.audio] == [b"a", *[SILENCE] * 5]


def test_sound_that_comes_back_within_the_silence_frames_goes_on(sender, wire):
    for opus in (b"a", None, None, b"b", *[None] * 8):
        sender(opus)
    assert wire.log.count(True) == 1
    assert [audio.payload for audio in wire.audio] == [b"a", SILENCE, SILENCE, b"b", *[SILENCE] * 5]


def test_another_connection_goes_on_in_the_same_time(sender, wire):
    sender(b"a")
    sender.finish()
    for _ in range(50):
        sender(b"lost")
    other = Wire(ssrc=6)
    sender.attach(other.transport())
    sender(b"b")
    assert sender.counters.get("not_connected") == 50
    assert other.log[0] is True
    assert other.audio[0].ssrc == 6
    assert (other.audio[0].timestamp - wire.audio[0].timestamp) % 2**32 == (5 + 51) * 960  # silence frames, then ticks


def test_finish_sends_the_silence_that_is_due(sender, wire):
    sender(b"a")
    sender(None)
    sender.finish()
    sender(b"after")
    assert [audio.payload for audio in wire.audio] == [b"a", *[SILENCE] * 5]
    assert wire.log[-1] is False


def test_finish_in_silence_sends_nothing(sender, wire):
    sender.finish()
    assert wire.log == []


def test_nothing_goes_in_the_clear_while_the_group_is_not_ready(sender, wire):
    wire.dave.start(1)
    sender(b"a")
    assert wire.audio == []
    assert sender.counters.get("dave_not_ready") == 1


@pytest.mark.parametrize(
    ("error", "reason"), [(BlockingIOError(), "socket_full"), (ConnectionRefusedError(), "socket_error")]
)
def test_a_socket_that_does_not_take_it_is_counted(sender, wire, error, reason):
    wire.error = error
    sender(b"a")
    assert sender.counters.snapshot() == {reason: 1}


def test_the_last_nonce_is_never_used_again(wire):
    sender, transport = Sender(), wire.transport()
    transport.cipher._nonce = aead.LAST_NONCE + 1
    sender.attach(transport)
    sender(b"a")
    assert sender.counters.get("nonce_exhausted") == 1


def test_numbers_wrap(sender, wire):
    sender._sequence, sender._timestamp = 65535, 2**32 - 960
    sender(b"a")
    sender(b"b")
    assert [(audio.sequence, audio.timestamp) for audio in wire.audio] == [(65535, 0), (0, 960)]
    assert rtp.write(0, 960, 5)[:2] == b"\x80\x78"


def ticks(wire):
    """Payloads with their time in ticks of 10 ms since the first packet."""
    first = wire.audio[0].timestamp
    return [(audio.payload, (audio.timestamp - first) % 2**32 / 480) for audio in wire.audio]


@pytest.mark.parametrize("tick_ms", [10])
def test_at_10_ms_time_goes_in_ticks_and_silence_frames_are_20_ms_long(sender, wire):
    for opus in (b"a", b"b", *[None] * 20, b"c"):
        sender(opus)
    silence = [(SILENCE, at) for at in (2, 4, 6, 8, 10)]
    assert ticks(wire) == [(b"a", 0), (b"b", 1), *silence, (b"c", 22)]
    assert [(audio.sequence - wire.audio[0].sequence) % 65536 for audio in wire.audio] == list(range(8))
    assert wire.log[-3:-1] == [False, True]


@given(pauses=st.lists(st.integers(1, 15), min_size=1, max_size=8))
def test_at_10_ms_no_packet_overlaps_with_another_whenever_sound_comes_back(pauses):
    wire, sender = Wire(), Sender(10)
    sender.attach(wire.transport())
    for pause in pauses:
        for opus in (b"a", *[None] * pause):
            sender(opus)
    ends = [at + (2 if payload == SILENCE else 1) for payload, at in ticks(wire)]
    assert all(end <= at for end, (_, at) in zip(ends, ticks(wire)[1:], strict=False))


@pytest.mark.parametrize("tick_ms", [10])
def test_finish_at_10_ms_sends_the_silence_that_is_due(sender, wire):
    for opus in (b"a", None, None, None):
        sender(opus)
    sender.finish()
    assert ticks(wire) == [(b"a", 0), *((SILENCE, at) for at in (1, 3, 5, 7, 9))]
    assert wire.log[-1] is False
