import asyncio

import pytest

from simulator.clock import HandClock
from simulator.network import LinkQuality
from simulator.timeline import (
    AbortGateway,
    AbortVoice,
    AskReconnect,
    CloseGateway,
    CloseVoice,
    CutLink,
    DowngradeDave,
    InvalidateSession,
    Kick,
    Move,
    MoveVoiceServer,
    RateLimit,
    RefuseVoice,
    RevokeToken,
    ServerDeafen,
    ServerMute,
    SetLink,
    SpeakLate,
    SpoilCommit,
    UpgradeDave,
    play,
)


class NotingFaults:
    """Writes down every call; those of voice servers are awaited as the real ones are."""

    AWAITED = ("close_voice", "abort_voice", "move_voice_server")

    def __init__(self) -> None:
        self.notes: list[tuple] = []

    def __getattr__(self, name: str) -> object:
        def note(*args: object, **kwargs: object) -> None:
            if args[:1] == (66,):
                raise KeyError(66)
            self.notes.append((name, *args, *kwargs.values()))

        async def note_later(*args: object, **kwargs: object) -> None:
            note(*args, **kwargs)

        return note_later if name in self.AWAITED else note


class Names:
    def account(self, name: str) -> int:
        return {"bot": 11, "gone": 66}[name]

    def channel(self, name: str) -> int:
        return {"Red": 22}[name]


async def test_each_fault_calls_its_function_at_its_moment(clock: HandClock):
    script = [
        Kick(at=10, user="bot"),
        CloseGateway(at=1, user="bot", code=4000),
        AbortGateway(at=2, user="bot"),
        AskReconnect(at=3, user="bot"),
        InvalidateSession(at=4, user="bot", resumable=True),
        RevokeToken(at=5, user="bot"),
        RateLimit(at=6, count=2, retry_after=3.0),
        CloseVoice(at=7, user="bot", code=4006),
        AbortVoice(at=8, user="bot"),
        MoveVoiceServer(at=9, channel="Red", outage=True),
        Move(at=11, user="bot", channel="Red"),
        ServerMute(at=12, user="bot"),
        ServerDeafen(at=13, user="bot", deafened=False),
        RefuseVoice(at=14, code=4021),
        CutLink(at=15, user="bot", seconds=2.0),
        SetLink(at=16, user="bot", quality=LinkQuality(loss=0.1)),
        DowngradeDave(at=17, channel="Red"),
        UpgradeDave(at=18, channel="Red"),
        SpoilCommit(at=19, channel="Red", user="bot"),
        SpeakLate(at=20, user="bot"),
    ]
    faults = NotingFaults()
    task = asyncio.ensure_future(play(script, faults, Names(), clock))
    for _ in range(3):
        await asyncio.sleep(0)
    assert faults.notes == []
    for _ in range(20):
        clock.turn(1)
        for _ in range(3):
            await asyncio.sleep(0)
    await task
    assert faults.notes == [
        ("close_gateway", 11, 4000),
        ("abort_gateway", 11),
        ("ask_reconnect", 11),
        ("invalidate_session", 11, True),
        ("revoke_token", 11),
        ("rate_limit", 2, 3.0, False, ""),
        ("close_voice", 11, 4006),
        ("abort_voice", 11),
        ("move_voice_server", 22, True),
        ("kick", 11),
        ("move", 11, 22),
        ("server_mute", 11, True),
        ("server_deafen", 11, False),
        ("refuse_voice", 4021),
        ("cut_link", 11, 2.0),
        ("set_link", 11, LinkQuality(loss=0.1)),
        ("downgrade_dave", 22),
        ("upgrade_dave", 22),
        ("spoil_commit", 22, 11),
        ("speak_late", 11, True),
    ]


async def test_a_fault_that_finds_nobody_does_not_end_the_script(clock: HandClock, caplog: pytest.LogCaptureFixture):
    faults = NotingFaults()
    await play([Kick(at=0, user="gone"), Kick(at=0, user="bot")], faults, Names(), clock)
    assert faults.notes == [("kick", 11)]
    assert "found nobody" in caplog.text
