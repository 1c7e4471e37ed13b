"""Two hundred random faults on one running session, each after the last one's audio is back."""

import statistics
import sys
from random import Random

import pytest

from common.protocol.state import LinkState
from simulator.voice_gateway import VoiceSettings

FAULTS = 200
SEED = 2026
RECOVERED_SECONDS = 3.0
PATIENCE_SECONDS = 15.0
LONGEST_PAUSE = 0.5
LEAST_RECOVERED = 0.99
BOTS = ("red", "blue", "casters")


async def resumed(show, act):
    """Have the main gateway lost and wait until it has been taken up again."""
    before = show.discord.gateway.resumed
    act()
    await show.until(lambda: show.discord.gateway.resumed > before, PATIENCE_SECONDS)


async def close(show, bot, code):
    since = show.mark()
    await show.faults.close_voice(show.user(bot), code)
    await show.outage(bot, since)


async def abort(show, bot):
    since = show.mark()
    await show.faults.abort_voice(show.user(bot))
    await show.outage(bot, since)


async def freeze(show, bot):
    since = show.mark()
    show.faults.freeze_voice(show.user(bot))
    await show.outage(bot, since)


async def move_server(show, bot, *, outage=False):
    since = show.mark()
    await show.faults.move_voice_server(show.place(bot), outage=outage)
    await show.outage(bot, since)


async def lose_server(show, bot):
    await move_server(show, bot, outage=True)


async def move(show, bot):
    """Move the bot to its second room, or back."""
    rooms = {show.home(bot), show.second_room(bot)} - {show.place(bot)}
    since = show.mark()
    show.faults.move(show.user(bot), rooms.pop())
    await show.outage(bot, since)


async def abort_gateway(show, bot):
    await resumed(show, lambda: show.faults.abort_gateway(show.user(bot)))


async def ask_reconnect(show, bot):
    await resumed(show, lambda: show.faults.ask_reconnect(show.user(bot)))


async def invalidate(show, bot):
    await resumed(show, lambda: show.faults.invalidate_session(show.user(bot), resumable=True))


async def new_session(show, bot):
    since = show.mark()
    show.faults.invalidate_session(show.user(bot))
    await show.outage(bot, since)


async def spoil_commit(show, bot):
    """Send the bot a broken commit when the guest comes to it, or goes."""
    guest, guild, channel = show.cast.people["guest"].id, show.cast.guild.id, show.place(bot)
    call, there = show.room(channel).dave, show.discord.world.voice_state(guild, guest)
    show.faults.spoil_commit(channel, show.user(bot))
    if there is not None and there.channel_id == channel:
        show.discord.world.leave(guild, guest)
    else:
        show.discord.world.join(guild, guest, channel)
    await show.until(lambda: not call._spoil, PATIENCE_SECONDS)
    await show.until(lambda: call.members == set(call._present) and not call._transitions, PATIENCE_SECONDS)


async def downgrade(show, bot):
    await turn_encryption(show, bot, show.faults.downgrade_dave, 0)
    await turn_encryption(show, bot, show.faults.upgrade_dave, 1)


async def turn_encryption(show, bot, turn, version):
    turn(show.place(bot))
    await show.until(lambda: show.state(bot).encryption == version, PATIENCE_SECONDS)


KINDS = {
    "abort": abort,
    **{str(code): lambda show, bot, code=code: close(show, bot, code) for code in (1000, 1001, 4006, 4009, 4015)},
    **{f"{code} without update": lambda show, bot, code=code: close(show, bot, code) for code in (4014, 4022)},
    "heartbeat": freeze,
    "server move": move_server,
    "server outage": lose_server,
    "moved": move,
    "gateway abort": abort_gateway,
    "gateway reconnect": ask_reconnect,
    "gateway invalid, resumable": invalidate,
    "gateway invalid": new_session,
    "broken commit": spoil_commit,
    "encryption off and on": downgrade,
}


def all_connected(show):
    return all(show.state(bot).link is LinkState.CONNECTED for bot in BOTS)


async def play(show, kind, bot):
    """Play one fault and return the longest silence of any source, infinite when one has not come back."""
    show.mark()
    try:
        await KINDS[kind](show, bot)
        await show.until_heard(steady=0.3, seconds=PATIENCE_SECONDS)
        await show.until(lambda: all_connected(show), PATIENCE_SECONDS)
    except TimeoutError:
        return float("inf")
    return show.gap


def summary(gaps):
    """Write down how it went, by kind; what lasted too long is named by its number."""
    seen = sorted(gap for _, _, gap in gaps)
    good = sum(gap <= RECOVERED_SECONDS for gap in seen)
    median, high = statistics.median(seen), seen[int(0.95 * len(seen))]
    lines = [f"{good} of {len(gaps)} recovered, silence: median {median:.2f} s, p95 {high:.2f} s, max {seen[-1]:.2f} s"]
    for kind in KINDS:
        own = [gap for found, _, gap in gaps if found == kind]
        if own:
            lines.append(f"  {kind}: {len(own)}, median {statistics.median(own):.2f} s, max {max(own):.2f} s")
    late = [(number, *each) for number, each in enumerate(gaps) if each[2] > RECOVERED_SECONDS]
    lines += [f"  not recovered: number {number}, {kind} of {bot}, {gap:.2f} s" for number, kind, bot, gap in late]
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_two_hundred_faults_in_a_row(on_air, capsys):
    chance, gaps = Random(SEED), []
    async with on_air(voice=VoiceSettings(heartbeat_ms=300)) as show:
        for _ in range(FAULTS):
            kind, bot = chance.choice(list(KINDS)), chance.choice(BOTS)
            gaps.append((kind, bot, await play(show, kind, bot)))
            # Whatever went wrong, the next fault meets a relay that works.
            await show.until_heard(steady=chance.uniform(0.0, LONGEST_PAUSE), seconds=60.0)
        with capsys.disabled():
            sys.stdout.write(f"\n{summary(gaps)}\n")
        show.check_nothing_doubled()
        show.check_time_went_on()
    assert sum(gap <= RECOVERED_SECONDS for _, _, gap in gaps) >= LEAST_RECOVERED * FAULTS
