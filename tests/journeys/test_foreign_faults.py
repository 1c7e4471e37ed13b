"""What goes wrong during a show, on the Discord-compatible server by another hand (issue 3, "Must show" 7 and 3).

Each test is one event that Discord's documentation, the paper on DAVE or people's logs of real calls describe, done as
told there; the product's own simulator has no part in it.
"""

import asyncio
import importlib.util
import json
import sys
import time
from pathlib import Path

import pytest

_PATH = Path(__file__).with_name("test_foreign_server.py")
_SPEC = importlib.util.spec_from_file_location("foreign_journey", _PATH)
journey = sys.modules.setdefault("foreign_journey", importlib.util.module_from_spec(_SPEC))
_SPEC.loader.exec_module(journey)

until, hear, only, on_air = journey.until, journey.hear, journey.only, journey.on_air
Variation = journey.voice.Variation
RED, BLUE, CASTERS = range(3)


async def heard(show, *names):
    """Each of the named talkers, alone, is heard at the destination."""
    for name in names:
        talker = show.talkers[name]
        await hear(show, only(talker.pitch), 5, talker)


async def settled(show):
    await until(show.all_in, show.evidence)


async def leave(show, *names):
    for name in names:
        person = show.listener if name == "listener" else show.talkers[name]
        show.present.remove(person)
        await person.leave()


async def enter(show, channel, *names):
    for name in names:
        person = show.listener if name == "listener" else show.talkers[name]
        await person.join(show.rooms[channel])
        show.present.append(person)


def drops(show):
    """Packets dropped by reason, as the engine told last."""
    found = {}
    for line in show.lines:
        stack = [json.loads(line)]
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                found.update(value.get("drops") or {})
                stack += value.values()
            elif isinstance(value, list):
                stack += value
    return found


async def test_a_cut_websocket_is_resumed_and_what_was_missed_counts(tmp_path):
    """Documentation, Buffered Resume: messages lost on the way come again after RESUMED, binary ones too."""
    async with on_air(Variation(), tmp_path) as show:
        await heard(show, "ann")
        server, bot = show.server.voice, show.bots[RED]
        peer = show.peer(bot)
        server.gate.clear()
        server.cut(bot.id)
        await until(lambda: peer.away, show.evidence)
        await leave(show, "dan")
        asyncio.get_running_loop().call_later(0.5, server.gate.set)
        await enter(show, RED, "dan")
        await until(lambda: peer.resumed, show.evidence)
        acknowledged, missed = peer.resumed[0]
        assert missed, "the newcomer's arrival was sent while nobody listened"
        assert acknowledged != -1
        await settled(show)
        await heard(show, "dan", "ann")
        assert show.peer(bot) is peer, "resumed, not identified anew"


async def test_a_refused_resume_ends_in_a_new_connection(tmp_path):
    async with on_air(Variation(resumable=False), tmp_path) as show:
        await heard(show, "ann", "cat")
        before = [show.peer(bot) for bot in show.bots]
        for bot in show.bots:
            show.server.voice.cut(bot.id)
        await until(lambda: not set(before) & {show.peer(bot) for bot in show.bots}, show.evidence)
        await settled(show)
        await heard(show, "ann", "cat")


async def test_the_main_gateway_cut_is_resumed_while_sound_goes_on(tmp_path):
    async with on_air(Variation(), tmp_path) as show:
        await heard(show, "ann")
        peers = [show.peer(bot) for bot in show.bots]
        for bot in show.bots:
            show.server.sockets[bot.id].cut()
        await heard(show, "ann", "cat")
        await until(lambda: all(show.server.sockets[bot.id].resumed for bot in show.bots), show.evidence)
        assert [show.peer(bot) for bot in show.bots] == peers


@pytest.mark.parametrize("sole_at_zero", [False, True])
async def test_a_channel_that_empties_and_fills_again_is_heard(tmp_path, sole_at_zero):
    """Paper, Sole member reset; or down to version 0 and up again, as nextcord #1294 saw it on Discord."""
    async with on_air(Variation(sole_at_zero=sole_at_zero), tmp_path) as show:
        await heard(show, "ann", "cat")
        for names in (("ann", "bob"), ("listener",)):
            await leave(show, *names)
        await asyncio.sleep(0.5)
        await enter(show, RED, "bob", "ann")
        await enter(show, CASTERS, "listener")
        await settled(show)
        await heard(show, "bob", "ann", "cat")


async def test_down_to_version_zero_and_up_again(tmp_path):
    async with on_air(Variation(), tmp_path) as show:
        await heard(show, "ann")
        rooms = [show.server.voice.rooms[channel] for channel in show.rooms]
        for room in rooms:
            room.downgrade()
        await until(lambda: not any(room.waiting for room in rooms), show.evidence)
        assert not any(room.past for room in rooms), "everybody answers op 21 before the time is over"
        await heard(show, "ann", "cat")
        for room in rooms:
            room.upgrade()
        await settled(show)
        await heard(show, "ann", "cat")


async def test_a_commit_that_cannot_be_read_ends_in_a_second_entry(tmp_path):
    """Paper, Recovery from Invalid Commit or Welcome."""
    async with on_air(Variation(), tmp_path) as show:
        for channel, newcomer in ((RED, "dan"), (CASTERS, "bob")):
            bot = show.bots[channel]
            room = show.server.voice.rooms[show.rooms[channel]]
            room.spoil = bot.id
            await leave(show, newcomer)
            await enter(show, channel, newcomer)
            await until(lambda room=room, bot=bot: bot.id in [user for user, _ in room.invalid], show.evidence)
            await settled(show)
            await heard(show, "ann")
        await heard(show, "dan", "ann", "cat")


async def test_packets_of_nothing_but_padding_are_no_loss(tmp_path):
    """Bursts of them at pauses (dysnomia #230, Discord.Net #3262), padding of any length, marker bit, speaking 5."""
    async with on_air(Variation(padding_bursts=True), tmp_path) as show:
        show.talkers["cat"].flags = 5
        await heard(show, "ann", "cat", "ann", "cat")
        await until(lambda: "empty" in drops(show), show.evidence)
        assert drops(show).keys() == {"empty"}, "each is told for what it is, none as a packet that did not decrypt"


async def test_a_voice_server_that_goes_and_another_that_comes(tmp_path):
    """Documentation, Voice Server Update: endpoint null, then the new one."""
    async with on_air(Variation(), tmp_path) as show:
        await heard(show, "ann")
        before = [show.peer(bot) for bot in show.bots]
        for bot, channel in zip(show.bots, show.rooms, strict=True):
            show.server.move_voice(bot, channel, show.server.endpoints[1])
        await until(lambda: not set(before) & {show.peer(bot) for bot in show.bots}, show.evidence)
        await settled(show)
        await heard(show, "ann", "cat")


async def test_a_guild_told_in_few_words_is_no_obstacle(tmp_path):
    """What nobody told is not forbidden: the join itself shows whether a bot may."""
    async with on_air(Variation(bare_guild=True), tmp_path) as show:
        await heard(show, "ann", "cat")


async def test_speaking_is_told_once_and_before_the_session_description(tmp_path):
    """How bots see op 5 on Discord: once per client (arikawa #162), to newcomers right after READY (kord #1008)."""
    async with on_air(Variation(speaking_once=True), tmp_path) as show:
        await heard(show, "ann", "ann", "cat")
        speech = asyncio.ensure_future(show.talkers["ann"].talk(3.0))
        before = show.peer(show.bots[RED])
        await show.server.voice.dismiss(before, 4006)
        await until(lambda: show.peer(show.bots[RED]) is not before, show.evidence)
        await settled(show)
        start = time.monotonic()
        ann = only(show.talkers["ann"].pitch)
        await until(lambda: sum(map(ann, journey.windows(show.heard_since(start)))) >= 5, show.evidence, 3.0)
        await speech
        await heard(show, "ann", "cat")


@pytest.mark.parametrize("code", [1000, 1001, 4006, 4009, 4015, 4020, 4999])
async def test_close_codes_that_do_not_say_stay_away(tmp_path, code):
    async with on_air(Variation(), tmp_path) as show:
        before = show.peer(show.bots[RED])
        start = time.monotonic()
        await show.server.voice.dismiss(before, code)
        await until(lambda: show.peer(show.bots[RED]) is not before or before.resumed, show.evidence, 3.0)
        assert bool(before.resumed) == (code in journey.voice.RESUMABLE), "resumed where the session is still there"
        await settled(show)
        assert time.monotonic() - start < 3.0
        await heard(show, "ann")
