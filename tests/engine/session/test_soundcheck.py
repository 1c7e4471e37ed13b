"""What an ear keeps; the rest of a check is played in tests/journeys/test_sound_check.py."""

import pytest

from common.types import Nanoseconds, Ssrc, UserId
from engine.audio.frame import SILENCE, OpusPacket
from engine.session import soundcheck
from engine.session.soundcheck import Ear

BOT, CASTER = UserId(1), UserId(2)


def packet(user, payload=b"\xfc\x01\x02", sequence=0):
    return OpusPacket(user, Ssrc(5), sequence, 960 * sequence, payload, Nanoseconds(0))


def test_only_the_destination_s_bot_is_kept():
    ear = Ear(BOT)
    for each in (packet(CASTER), packet(BOT), packet(BOT, SILENCE)):
        ear.hear(each)
    assert ear.heard() == (packet(BOT),)
    ear.forget()
    assert ear.heard() == ()


def test_it_keeps_no_more_than_a_check_needs():
    ear = Ear(BOT)
    for sequence in range(3_000):
        ear.hear(packet(BOT, sequence=sequence))
    assert len(ear.heard()) == 1_000
    assert ear.heard()[-1].sequence == 2_999


def test_with_the_goodbyes_a_check_is_below_ten_seconds():
    assert soundcheck.CHECK_SECONDS + 2.0 <= 10.0
    needed = soundcheck.READY_SECONDS + soundcheck.SETTLE_SECONDS + 1.0 + soundcheck.ECHO_SECONDS
    assert soundcheck.CHECK_SECONDS - needed == pytest.approx(3.7, abs=0.5)  # what is left for the way there
