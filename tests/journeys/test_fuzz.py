"""A hundred thousand mutated datagrams and voice gateway messages against a relay that is on the air.

Real ones are taken from the relay's own way in and mutated. Nothing may escape, every one is counted by reason, and the
people are heard during and after.
"""

import asyncio
import json
from dataclasses import replace
from random import Random

import pytest

from simulator.transport import Audio, Dress, TransportKey

DATAGRAMS = 60_000
MESSAGES = 40_000
BATCH = 500
"""Datagrams that the receive thread takes at once."""

BREATH = 10
"""Messages between two rounds of the loop, so that the show goes on meanwhile: a key package takes a millisecond."""

AUDIO_REASONS = {
    "short",
    "not_rtp",
    "rtcp",
    "payload_type",
    "transport_refused",
    "bad_padding",
    "empty",
    "unknown_ssrc",
    "decrypted",
    "dave_in_transition",
    "dave_no_decryptor",
    "dave_no_cryptor",
    "dave_refused",
    "dave_unencrypted",
}
GARBAGE = (None, True, -1, 2**70, 1e308, "x", "9" * 400, [], [[[[[]]]]], {}, {"a": {"b": {}}}, [None] * 50)
KEYS = ("op", "d", "seq", "ssrc", "user_id", "user_ids", "mode", "secret_key", "transition_id", "epoch", "modes", "ip")


def mutate(data: bytes, chance: Random) -> bytes:
    """Flip, cut, lengthen, overwrite or replace."""
    kind, body = chance.randrange(7), bytearray(data)
    if kind == 0 and body:
        for _ in range(chance.randrange(1, 9)):
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del body[chance.randrange(len(body) + 1) :]
    elif kind == 2:
        body += chance.randbytes(chance.randrange(1, 300))
    elif kind == 3 and len(body) > 12:
        body[:12] = chance.randbytes(12)
    elif kind == 4 and len(body) > 12:
        body[8:12] = chance.randbytes(4)
    elif kind == 5 and len(body) > 2:
        body[:2] = bytes([0x80 | chance.randrange(64), chance.choice((120, 200, 201, 248))])
    else:
        body = bytearray(chance.randbytes(chance.randrange(0, 120)))
    return bytes(body)


def mutate_inside(audio: Audio, key: TransportKey, chance: Random) -> bytes:
    """Mutate what the transport's encryption covers and seal it with the right key, so that it comes further."""
    payload, shift = mutate(audio.payload, chance), chance.choice((0, 0, 1, 3, 40_000))
    noise = replace(audio, payload=payload, sequence=(audio.sequence + shift) & 0xFFFF)
    return key.seal(noise, Dress(chance.randrange(4), chance.choice((0, 0, 1, 200))))


def mutate_json(message, chance: Random):
    """Replace, drop or add something anywhere in a message."""
    if not isinstance(message, dict) or chance.random() < 0.05:
        return chance.choice(GARBAGE)
    changed = json.loads(json.dumps(message))
    target = changed["d"] if isinstance(changed.get("d"), dict) and chance.random() < 0.7 else changed
    key = chance.choice([*target, chance.choice(KEYS)])
    if chance.random() < 0.2:
        target.pop(key, None)
    else:
        target[key] = chance.choice((*GARBAGE, chance.randrange(-5, 50)))
    return changed


def throw_json(protocol, message):
    """Have it taken in: counted once, or it is one of those that mean something."""
    before = protocol._counters.total()
    protocol.receive(message)
    counted = protocol._counters.total() - before
    assert counted in {0, 1}
    assert counted or message["op"] in protocol._handlers


def throw_binary(protocol, number, chance):
    """Have noise about the group taken in: it never means anything, and is counted once."""
    before = protocol._counters.total()
    op = chance.choice((25, 27, 29, 30, 99))
    protocol.receive_binary(number.to_bytes(2, "big") + bytes([op]) + chance.randbytes(chance.randrange(0, 200)))
    assert protocol._counters.total() == before + 1


@pytest.fixture
def chance():
    return Random(20)


@pytest.fixture
async def show(on_air):
    async with on_air() as running:
        yield running


def seat_of(on_air, bot):
    return on_air.session._running.seats[bot]


def _has(found, count):
    return lambda: len(found) >= count


REAL_MESSAGES = [
    {"op": 8, "d": {"v": 8, "heartbeat_interval": 5000}},
    {"op": 2, "d": {"ssrc": 1, "ip": "127.0.0.1", "port": 5, "modes": ["aead_aes256_gcm_rtpsize"]}, "seq": 1},
    {"op": 5, "d": {"speaking": 1, "ssrc": 5, "user_id": "7"}, "seq": 2},
    {"op": 11, "d": {"user_ids": ["1", "2"]}, "seq": 3},
    {"op": 13, "d": {"user_id": "9"}, "seq": 4},
    {"op": 21, "d": {"transition_id": 900, "protocol_version": 1}, "seq": 5},
    {"op": 22, "d": {"transition_id": 901}, "seq": 6},
    {"op": 18, "d": {"flags": 1}},
    {"op": 6, "d": {"t": 1}},
]


@pytest.mark.slow
async def test_mutated_datagrams_are_counted_and_the_relay_goes_on(show, chance):
    """In the receive thread, where real ones arrive, so that each counter keeps its one writer."""
    seat = seat_of(show, "red")
    connection, receiver = seat.line._connection, seat.line._mixing.receiver
    real, done = [], []
    original = connection._inbound.datagram

    def collect(data, arrival):
        real.append(data)
        original(data, arrival)

    udp = connection._udp
    receiver.add(udp, collect)
    await show.until(lambda: len(real) >= 100)
    receiver.add(udp, connection._datagram)

    end = next(found for server in show.discord.real_voice_servers if (found := server.end_of(show.user("red"))))
    key = TransportKey(end.key.mode, end.key.key)

    def throw(count):
        before = counted()
        for _ in range(count):
            inside = key.open(chance.choice(real)) if chance.random() < 0.3 else None
            noise = mutate(chance.choice(real), chance) if inside is None else mutate_inside(inside, key, chance)
            original(noise, 0)
        done.append((count, counted() - before))

    def counted():
        counts = connection.counters.snapshot()
        parked = sum(len(queue) for queue in connection._ssrcs._waiting.values())
        return sum(counts.get(reason, 0) for reason in AUDIO_REASONS) + parked

    for number in range(DATAGRAMS // BATCH):
        receiver.post(lambda: throw(BATCH))
        await show.until(_has(done, number + 1), 30)
    assert sum(count for count, _ in done) == DATAGRAMS
    assert [grown for _, grown in done] == [BATCH] * len(done)
    assert receiver.counters.snapshot().get("handler_failed", 0) == 0
    assert seat.line._mixing._clock.failures == 0
    await show.until_heard()
    assert not show.session.state().outages


@pytest.mark.slow
async def test_mutated_messages_are_survived_and_the_relay_goes_on(show, chance):
    """On a protocol of its own for what would rightly end the connection, on the live one for everything else."""
    seat = seat_of(show, "blue")
    live = seat.line._connection
    harmless = [message for message in REAL_MESSAGES if message["op"] in {11, 18, 6}]
    for number in range(MESSAGES // 2):
        throw_json(live._protocol, mutate_json(chance.choice(harmless), chance))
        if number % BREATH == 0:
            await asyncio.sleep(0)
    spare = type(live._protocol)(live._server, type(live.dave)(1, 2, lambda: 0.0), type(live.counters)())
    spare.dave.start(1)
    handled = 0
    for number in range(MESSAGES // 2):
        if number % 2:
            throw_json(spare, mutate_json(chance.choice(REAL_MESSAGES), chance))
        else:
            throw_binary(spare, number, chance)
        handled += 1
        if number % BREATH == 0:
            await asyncio.sleep(0)
    assert handled == MESSAGES // 2
    assert spare._counters.get("gateway_malformed") > 1_000
    assert spare._counters.get("dave_message_refused") > 1_000
    assert live.counters.get("gateway_malformed") > 1_000
    await show.until_heard()
    assert not show.session.state().outages


@pytest.mark.slow
async def test_noise_on_the_wire_harms_nobody(show, chance):
    """Through the socket: the voice server itself sends noise to the bots for a while."""
    server = next(server for server in show.discord.real_voice_servers if server.rooms)
    sessions = [server.end_of(show.user(bot)) for bot in ("red", "blue", "casters")]
    sent = 0
    for _ in range(60):
        for session in sessions:
            for _ in range(30):
                server.udp.send(chance.randbytes(chance.randrange(0, 200)), session.address)
                sent += 1
            server.push(session.socket, json.dumps(mutate_json(REAL_MESSAGES[7], chance)))
            server.push(session.socket, bytes([0, 1, 99]) + chance.randbytes(20))
        await asyncio.sleep(0)
    assert sent == 5_400
    await show.until_heard()
    assert not show.session.state().outages
