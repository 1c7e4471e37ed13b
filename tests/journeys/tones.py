"""Sound for the journeys at the desk: tones to be said, and what of them is left where ears are."""

from dataclasses import replace

import numpy as np
import pytest

from engine.audio.opus import Opus
from simulator.ears import filled
from simulator.opus import FRAME, SAMPLE_RATE, Encoder, samples

NS = 1_000_000_000
MS = 1_000_000

LOUD = 0.15
"""How loud a tone is said."""

WINDOW = SAMPLE_RATE // 5
"""Samples that a level is measured over, after as many that are only waited for."""

TRIES = 4
"""Times that a level is measured before it is wrong."""

AUDIBLE = 0.001
"""−60 dBFS: what an encoder holds after its last sound is fainter."""


def tone(*hertz):
    """Return packets to be said in a loop: the encoder has settled, and each tone fits into 20 ms."""
    time_s = np.arange(110 * FRAME) / SAMPLE_RATE
    return encoded(sum(LOUD * np.sin(2 * np.pi * hz * time_s) for hz in hertz))


def encoded(sound):
    encoder = Encoder(64_000)
    return tuple(encoder.encode(frame) for frame in sound.reshape(-1, FRAME))[10:]


def amplitude(sound, hz):
    """Return how much of a tone is in a sound, left and right."""
    turns = np.exp(-2j * np.pi * hz * np.arange(len(sound)) / SAMPLE_RATE)
    return 2 * np.abs(turns @ sound) / len(sound)


async def settles(measure, expected, **tolerance):
    """See that what is measured is as expected, at one of some times."""
    expected = pytest.approx(np.array(expected), **tolerance)
    await comes_true(measure, lambda found: found == expected, f"not {expected}")


async def comes_true(measure, holds, why=""):
    """See that what is measured holds, at one of some times."""
    for _ in range(TRIES):
        found = await measure()
        if holds(found):
            return
    raise AssertionError(f"{found} {why}")


def rms(sound):
    return float(np.sqrt(np.mean(np.square(sound))))


def decoded(packets):
    """Return what was heard as stereo, shape (samples, 2), silence filled in."""
    return np.concatenate(each_decoded(filled(packets)))


def each_decoded(payloads):
    """Return the stereo sound of each packet in turn."""
    decoder, sounds = Opus().decoder(), []
    for payload in payloads:
        sounds.append(np.zeros((samples(payload), 2), np.float32))
        decoder.decode(payload, sounds[-1])
    decoder.close()
    return sounds


def on_time(packets):
    """Put every packet's arrival where the earliest ones say that it belongs: this process is late at times."""
    first = packets[0]
    spans = [((packet.timestamp - first.timestamp) & 0xFFFFFFFF) * NS // SAMPLE_RATE for packet in packets]
    start = min(packet.arrival - span for packet, span in zip(packets, spans, strict=True))
    return [replace(packet, arrival=start + span) for packet, span in zip(packets, spans, strict=True)]


def last_sound(packets):
    """Return when the last packet came that is not all but silent."""
    sounds = each_decoded(packet.opus for packet in packets)
    return max(packet.arrival for packet, sound in zip(packets, sounds, strict=True) if np.abs(sound).max() > AUDIBLE)
