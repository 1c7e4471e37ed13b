"""An evening at the desk: a real engine process, told what to do over its control socket, judged by what ears hear.

People say speech where it matters when something is heard, and tones where it matters how loud. A level is measured
over a fifth of a second that begins a fifth after the command was answered, so a test waits for sound, never for time;
and more than once before it is called wrong, since everybody here talks and listens in one process, which a busy
machine holds up at times. Each test has a session of its own, all of them the same engine.
"""

import asyncio
import time
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
import pytest_asyncio

from common.errors import ErrorCode, RelayError
from common.protocol.client import ControlClient
from common.protocol.messages import (
    DumpSource,
    DumpTalker,
    GetSnapshot,
    Kill,
    MuteSource,
    MuteTalker,
    SetDestinationDelay,
    SetDestinationDucking,
    SetDestinationMonitor,
    SetLoudness,
    SetRouteGain,
    SetSourceEqualizer,
    SetSourceGain,
    SetSourcePan,
    SetTalkerGain,
    SetTalkerHighPass,
    SetTalkerLevelling,
    SetTalkerPriority,
    SetTalkerSuppression,
    Shutdown,
    SoloSource,
    SoloTalker,
    StartSession,
    StopSession,
)
from common.protocol.spec import (
    EQUALIZER_PRESETS,
    DestinationSpec,
    EqualizerSpec,
    RouteSpec,
    StripSpec,
)
from common.protocol.state import Phase
from common.types import Suppression
from devtools.demo_report import UNDECRYPTABLE
from simulator import clips
from simulator.opus import FRAME, decode_all, samples
from simulator.scene import parse
from simulator.server import Simulator
from tests.journeys.evening import AKARI_HZ, BEN_HZ, BOTS, PEOPLE, SCENE, TOKEN, TONES, Show, engine
from tests.journeys.tones import (
    LOUD,
    MS,
    NS,
    amplitude,
    comes_true,
    decoded,
    encoded,
    last_sound,
    rms,
    settles,
    tone,
)
from tray.engine_process import Place
from tray.supervisor import EngineSupervisor

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEARD = 0.9
"""The correlation of speech that is there; another's is under 0.2."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def discord():
    async with Simulator(parse(SCENE)) as simulator:
        yield simulator


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(discord):
    async with engine(Place(discord.api_base, discord.gateway_url, discord.ca_file)) as address:
        yield address
        client = await ControlClient.connect(address, TOKEN)
        await client.call(Shutdown())
        await client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def show(discord, address):
    client = await ControlClient.connect(address, TOKEN, client="desk")
    show = Show(discord, address, client)
    yield show
    with suppress(RelayError):
        await client.call(StopSession())
    await client.close()
    show.tidy()


@pytest_asyncio.fixture(loop_scope="module")
async def tones(show):
    """A show in which everybody says a tone as long as they talk."""
    for name, hz in zip(PEOPLE, TONES, strict=True):
        show.give_voice(name, tone(hz))
    return show


# the kill switch


async def test_one_command_silences_everything_and_one_brings_it_back(tones):
    show = tones
    await show.start(("Casters", {}), ("Stream", {"delay_s": 0.5}))
    other = await show.join()
    show.talk("akari")
    show.talk("ben")
    await show.sound("Stream")
    ended, began = {"Casters": [], "Stream": []}, {"Casters": [], "Stream": []}
    for _ in range(3):
        await show.sound("Casters")
        start = show.now() - NS
        await show.do(Kill(active=True))
        killed = show.now()
        await show.until(lambda: other.state.kill)
        for place, found in ended.items():
            await show.quiet(place)
            found.append((last_sound(show.packets(place, start)) - killed) / MS)
        late = await show.join()
        assert late.state.kill
        assert show.client.state.kill
        await late.close()
        await show.do(Kill(active=False))
        back = show.now()
        for place, found in began.items():
            first = await show.first(place, back)
            found.append((first.arrival - back) / MS)
        await show.until(lambda: not other.state.kill)
    await other.close()
    for times in (*ended.values(), *began.values()):
        assert min(times) < 60
        assert max(times) < 400


# live and delayed


def both_heard(matches):
    return min(match.correlation for match in matches) > HEARD


def apart_ms(matches):
    one, other = (match.delay_ms for match in matches)
    return abs(one - other)


async def test_the_stream_hears_the_same_two_seconds_later(show):
    await show.start(("Casters", {}), ("Stream", {"delay_s": 2.0}))

    async def live_and_later():
        (said,) = await show.say(1.0, "akari")
        await show.first("Stream", said.end + 1_900 * MS)
        await show.quiet("Stream")
        return show.match(said, "Casters"), show.match(said, "Stream", 2.0)

    await comes_true(live_and_later, lambda pair: both_heard(pair) and apart_ms(pair) < 60)


async def test_who_leaves_is_still_heard_on_the_stream(show):
    await show.start(("Casters", {}), ("Stream", {"delay_s": 1.0}))
    (said,) = await show.say(0.5, "ben")
    await show.leaves("ben")
    await show.first("Stream", said.end + 900 * MS)
    await show.quiet("Stream")
    first, *_, last = show.packets("Stream")
    assert (first.arrival - said.start) / MS > 950
    assert (last.arrival - first.arrival) / MS > 250


async def test_who_is_muted_or_dumped_in_time_is_not_on_the_stream(tones):
    show = tones
    await show.start(("Casters", {}), ("Stream", {"delay_s": 2.0}))
    (said, *_) = await show.say(0.5, *PEOPLE)
    await show.quiet("Casters", 0.1)
    live = decoded(show.packets("Casters", said.start))
    await show.leaves("chie")
    await show.do(
        MuteTalker(user=show.user("akari"), muted=True),
        DumpTalker(user=show.user("ben")),
        DumpTalker(user=show.user("chie")),
    )
    assert show.packets("Stream") == []
    (afterwards,) = await show.say(0.5, "ben")
    await show.first("Stream", afterwards.end + 1_900 * MS)
    heard = show.packets("Stream")
    assert heard[0].arrival > afterwards.start + 1_900 * MS
    assert [amplitude(live, hz).max() > LOUD / 3 for hz in TONES] == [True, True, True]
    assert [amplitude(decoded(heard), hz).max() > LOUD / 10 for hz in TONES] == [False, True, False]


async def test_a_fresh_delay_is_silent_until_it_says(tones):
    show = tones
    spec = await show.start(("Casters", {}), ("Stream", {}))
    stream = show.channel("Stream")
    show.talk("akari")
    await show.sound("Stream")
    assert [each.silent_until_ms for each in show.client.state.destinations] == [None, None]
    before_ms, before = time.time() * 1000, show.now()
    await show.do(SetDestinationDelay(destination=stream, delay_s=1.5))
    after_ms, after = time.time() * 1000, show.now()
    live, delayed = show.client.state.destinations
    assert live.silent_until_ms is None
    assert before_ms - 100 < delayed.silent_until_ms - 1500 < after_ms + 100
    assert show.client.state.spec.destinations == (
        spec.destinations[0],
        DestinationSpec(channel=stream, bot="stream", delay_s=1.5),
    )

    def held(meters):
        return next(each.held_ms for each in meters.destinations if each.destination == stream)

    seen = [held(each) for each in await show.meters(lambda meters: held(meters) == 1_500.0)]
    assert all(later >= earlier for earlier, later in pairwise(seen))
    assert len(set(seen)) > 5
    first = await show.first("Stream", after + 300 * MS)
    assert 1_440 < (first.arrival - before) / MS < 2_500
    await show.mix("Stream", 1, 0)


# monitor and solo


async def test_a_solo_is_heard_in_the_monitor_and_nowhere_else(tones):
    show = tones
    await show.start(("Casters", {}), ("Stream", {"monitor": True}))
    akari, ben, red = show.user("akari"), show.user("ben"), show.channel("Red")
    show.talk("akari")
    show.talk("ben")
    for monitor, air, *commands in (
        ((1, 1), (1, 1)),
        ((0, 1), (1, 0.5), SetTalkerGain(user=ben, gain=0.5), SoloTalker(user=ben, solo=True)),
        ((0, 1), (1, 0), MuteTalker(user=ben, muted=True)),
        ((1, 0), (1, 0), SoloTalker(user=ben, solo=False), SoloSource(source=red, solo=True)),
        ((1, 0.5), (1, 0.5), SoloSource(source=red, solo=False), MuteTalker(user=ben, muted=False)),
        ((1, 0), (1, 0.5), SoloTalker(user=akari, solo=True)),
    ):
        await show.do(*commands)
        await show.mix("Stream", *monitor)
        await show.mix("Casters", *air)
    assert show.talker("akari").solo
    await show.leaves("akari")  # a solo that nobody can end would hide everybody else
    await show.mix("Stream", 0, 0.5)
    await show.returns("akari")
    assert not show.talker("akari").solo


async def test_without_a_monitor_there_is_no_solo(show):
    await show.start()
    before = show.client.state
    assert await show.refused(SoloTalker(user=show.user("akari"), solo=True)) is ErrorCode.NO_MONITOR
    assert await show.refused(SoloSource(source=show.channel("Red"), solo=True)) is ErrorCode.NO_MONITOR
    assert show.client.state == before


async def test_a_monitor_comes_and_goes_while_the_session_runs(tones):
    show = tones
    await show.start()
    casters, red = show.channel("Casters"), show.channel("Red")
    show.talk("akari")
    show.talk("ben")
    for heard, *commands in (
        ((1, 1), SetDestinationMonitor(destination=casters, monitor=True)),
        ((1, 0), SoloSource(source=red, solo=True)),
        ((1, 1), SetDestinationMonitor(destination=casters, monitor=False)),
        ((1, 1), SetDestinationMonitor(destination=casters, monitor=True)),
    ):
        await show.do(*commands)
        await show.mix("Casters", *heard)


# strips


async def test_gain_and_mute_are_heard(tones):
    show = tones
    await show.start()
    akari, red, casters = show.user("akari"), show.channel("Red"), show.channel("Casters")
    show.talk("akari")
    show.talk("ben")
    for command, share in (
        (SetTalkerGain(user=akari, gain=0.5), 0.5),
        (SetSourceGain(source=red, gain=0.5), 0.25),
        (SetRouteGain(source=red, destination=casters, gain=2.0), 0.5),
        (SetTalkerGain(user=akari, gain=2.0), 2.0),
        (MuteTalker(user=akari, muted=True), 0.0),
        (MuteTalker(user=akari, muted=False), 2.0),
        (MuteSource(source=red, muted=True), 0.0),
        (MuteSource(source=red, muted=False), 2.0),
        (SetRouteGain(source=red, destination=casters, gain=0.0), 0.0),
    ):
        await show.do(command)
        await show.mix("Casters", share, 1)
    assert show.talker("akari").strip == StripSpec(gain=2.0, levelling=False)
    assert show.client.state.spec.sources[0].gain == 0.5


async def test_who_has_priority_is_heard_over_the_others(tones):
    show = tones
    await show.start()
    show.talk("akari")
    show.talk("ben")
    await show.mix("Casters", 1, 1)
    await show.do(
        SetDestinationDucking(destination=show.channel("Casters"), duck_db=12.0),
        SetTalkerPriority(user=show.user("ben"), priority=True),
    )
    assert show.talker("ben").strip.priority
    assert show.client.state.spec.destinations[0].duck_db == 12.0
    await show.mix("Casters", 0.25, 1)
    show.hush("ben")
    await show.meters(lambda meters: meters.destinations[0].ducking_db == 0.0)
    await show.mix("Casters", 1, 0)


async def test_rumble_and_noise_are_taken_out(show):
    await show.start()
    akari = show.user("akari")
    noise = np.random.default_rng(3).normal(0.0, 0.02, 510 * FRAME)
    show.give_voice("akari", encoded(noise))
    show.give_voice("ben", tone(50, BEN_HZ))
    show.talk("ben")
    rumble, voice = await show.levels("Casters", 50, BEN_HZ)
    await show.do(SetTalkerHighPass(user=show.user("ben"), high_pass=True))
    less, same = await show.levels("Casters", 50, BEN_HZ)
    assert max(less) / max(same) < 0.5 * max(rumble) / max(voice)
    show.hush("ben")
    await show.quiet("Casters")
    show.talk("akari")
    loud = max([rms(await show.sound("Casters")) for _ in range(2)])
    for strength in (Suppression.STANDARD, Suppression.STRONG):
        await show.do(SetTalkerSuppression(user=akari, suppression=strength))
        assert show.talker("akari").strip.suppression is strength
        async with asyncio.timeout(10):
            while rms(await show.sound("Casters")) > 0.3 * loud:
                pass
        await show.do(SetTalkerSuppression(user=akari, suppression=Suppression.OFF))
        async with asyncio.timeout(5):
            while rms(await show.sound("Casters")) < 0.9 * loud:
                pass


async def test_a_quiet_voice_is_brought_up(show):
    await show.start(loudness=-20.0)
    akari = show.user("akari")
    quiet_clip = 0.15 * decode_all(list(clips.packets("en_1")))
    show.give_voice("akari", encoded(quiet_clip[: len(quiet_clip) // FRAME * FRAME]))

    async def energy():
        (said,) = await show.say(1.5, "akari")
        await show.quiet("Casters")
        return show.energy("Casters", said.start, show.now())

    faint = await energy()
    await show.do(SetTalkerLevelling(user=akari, levelling=True))
    show.talk("akari")
    await show.meters(lambda meters: meters.talkers[0].levelling_db > 15.0)
    show.hush("akari")
    await show.quiet("Casters")
    loud = await energy()
    assert 10 * np.log10(loud / faint) > 12.0
    await show.do(SetLoudness(loudness=-30.0))
    show.talk("akari")
    await show.meters(lambda meters: meters.talkers[0].levelling_db < 13.5)


TOUCHED = StripSpec(
    gain=0.5, muted=False, priority=True, suppression=Suppression.STANDARD, levelling=False, high_pass=True
)


def touch(user):
    return (
        SetTalkerGain(user=user, gain=0.5),
        SetTalkerPriority(user=user, priority=True),
        SetTalkerSuppression(user=user, suppression=Suppression.STANDARD),
        SetTalkerLevelling(user=user, levelling=False),
        SetTalkerHighPass(user=user, high_pass=True),
    )


async def test_a_strip_is_remembered_for_the_next_session(tones):
    show = tones
    spec = await show.start()
    show.talk("akari")
    await show.mix("Casters", 1, 0)
    await show.do(*touch(show.user("ben")), SetTalkerGain(user=show.user("akari"), gain=0.5))
    assert show.talker("ben").strip == TOUCHED
    await show.do(StopSession(), StartSession(spec=spec))
    await show.settled()
    assert show.talker("ben").strip == TOUCHED
    assert show.talker("akari").strip == StripSpec(gain=0.5, levelling=False)
    show.talk("akari")
    await show.mix("Casters", 0.5, 0)


async def test_the_tray_gives_the_strips_to_the_next_engine(discord, tmp_path, monkeypatch):
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    place = Place(discord.api_base, discord.gateway_url, discord.ca_file)
    remembered = []
    first = EngineSupervisor(BOTS, place, on_change=remembered.append)
    await first.start()
    show = Show(discord, None, first.client)
    spec = show.spec()
    try:
        await first.start_session(spec)
        await show.do(*touch(show.user("akari")), MuteTalker(user=show.user("ben"), muted=True))
        await show.until(lambda: remembered and len(remembered[-1].strips) == 2)
    finally:
        await first.close()
    second = EngineSupervisor(BOTS, place, strips=remembered[-1].strips)
    await second.start()
    show = Show(discord, None, second.client)
    try:
        await second.start_session(spec)
        await show.until(lambda: show.client.state.phase is Phase.RUNNING)
        assert show.talker("akari").strip == TOUCHED
        assert show.talker("ben").strip == StripSpec(muted=True)
    finally:
        await second.close()


# ticks of 10 ms


async def test_everybody_is_heard_with_ticks_of_10_ms(show):
    ears = show.discord.show.ears["caster"]
    before = ears.counts.copy()
    await show.start(("Casters", {}), ("Stream", {"delay_s": 0.3}), tick_ms=10)

    async def everywhere(name):
        (said,) = await show.say(0.8, name)
        await show.first("Stream", said.end + 200 * MS)
        await show.quiet("Stream")
        return show.match(said, "Casters"), show.match(said, "Stream", 0.3)

    for name in PEOPLE:
        await comes_true(lambda name=name: everywhere(name), both_heard)
    for place in ("Casters", "Stream"):
        assert {samples(packet.opus) for packet in show.packets(place)} == {FRAME // 2}
    meters = (await show.meters(lambda _: True))[-1]
    assert {reason for source in meters.sources for reason in source.drops} & set(UNDECRYPTABLE) == set()
    assert (ears.counts - before).keys() == {"heard"}


# where a source stands


async def test_a_source_is_equalized(show):
    await show.start()
    bands = (50, 2_500, 15_000)
    show.give_voice("akari", tone(*bands))
    show.talk("akari")

    async def levels_db():
        return 20 * np.log10((await show.levels("Casters", *bands)).max(axis=1))

    flat = np.max([await levels_db() for _ in range(2)], axis=0)
    for equalizer, expected in (
        (EqualizerSpec(low_db=-12.0), (-11, 0, 0)),
        (EqualizerSpec(mid_db=-12.0), (0, -12, 0)),
        (EqualizerSpec(high_db=-12.0), (0, 0, -11)),
        (EQUALIZER_PRESETS["clear_voice"], (-3, 2, 3)),
        (EqualizerSpec(), (0, 0, 0)),
    ):
        await show.do(SetSourceEqualizer(source=show.channel("Red"), equalizer=equalizer))
        assert show.client.state.spec.sources[0].equalizer == equalizer
        await settles(levels_db, flat + expected, abs=1.5)


async def test_a_source_is_placed_between_left_and_right(tones):
    show = tones
    await show.start()
    show.talk("akari")
    show.talk("ben")
    for pan, left, right in ((-1.0, 1, 0), (1.0, 0, 1), (0.5, 0.5, 1), (0.0, 1, 1)):
        await show.do(SetSourcePan(source=show.channel("Red"), pan=pan))
        assert show.client.state.spec.sources[0].pan == pan
        placed = ((left * LOUD, right * LOUD), (LOUD, LOUD))
        await settles(lambda: show.levels("Casters", AKARI_HZ, BEN_HZ), placed, rel=0.1, abs=0.003)


# alignment


async def test_who_speaks_at_the_same_time_is_heard_at_the_same_time(show):
    routes = tuple(
        RouteSpec(source=show.channel(source), destination=show.channel(place))
        for source, place in (("Red", "Casters"), ("Blue", "Stream"))
    )
    await show.start(("Casters", {}), ("Stream", {}), routes=routes)

    async def red_and_blue():
        red, blue = await show.say(0.8, "akari", "ben")
        await show.quiet("Casters")
        await show.quiet("Stream")
        return show.match(red, "Casters"), show.match(blue, "Stream")

    for phase in (3, 10, 17):  # where in a tick the second one's packets come
        show._voice("ben")._phase = (show._voice("akari")._phase + phase * MS) % (20 * MS)
        await comes_true(red_and_blue, lambda pair: both_heard(pair) and apart_ms(pair) <= 20)


# what nobody should ask for


async def test_what_is_not_allowed_is_told_and_changes_nothing(show):
    await show.start(("Casters", {"monitor": True}), ("Stream", {"delay_s": 1.0}))
    akari, red, casters = show.user("akari"), show.channel("Red"), show.channel("Casters")
    before = await show.client.call(GetSnapshot())
    for code, *commands in (
        (
            ErrorCode.PROTOCOL_MALFORMED,
            SetTalkerGain(user=akari, gain=2.01),
            SetTalkerGain(user=akari, gain=-0.01),
            SetTalkerGain(user=akari, gain=float("nan")),
            SetTalkerGain(user="akari", gain=1.0),
            SetTalkerSuppression(user=akari, suppression="very strong"),
            SetSourceGain(source=red, gain=3.0),
            SetSourceEqualizer(source=red, equalizer=EqualizerSpec(mid_db=12.5)),
            SetSourcePan(source=red, pan=-1.1),
            SetRouteGain(source=red, destination=casters, gain=2.5),
            SetDestinationDelay(destination=casters, delay_s=300.5),
            SetDestinationDelay(destination=casters, delay_s=-1.0),
            SetDestinationDucking(destination=casters, duck_db=25.0),
            SetLoudness(loudness=-10.0),
            Kill(active="yes"),
        ),
        (
            ErrorCode.TALKER_UNKNOWN,
            SetTalkerGain(user="1", gain=1.0),
            MuteTalker(user=red, muted=True),
            SetTalkerSuppression(user="1", suppression=Suppression.STRONG),
            SetTalkerLevelling(user="1", levelling=True),
            SetTalkerHighPass(user="1", high_pass=True),
            SetTalkerPriority(user="1", priority=True),
            SoloTalker(user="1", solo=True),
            DumpTalker(user="1"),
        ),
        (
            ErrorCode.CHANNEL_UNKNOWN,
            SetSourceGain(source=casters, gain=1.0),
            MuteSource(source="1", muted=True),
            SetSourceEqualizer(source=casters, equalizer=EqualizerSpec()),
            SetSourcePan(source="1", pan=0.0),
            SoloSource(source=casters, solo=True),
            DumpSource(source=casters),
            SetDestinationDelay(destination=red, delay_s=1.0),
            SetDestinationDucking(destination=red, duck_db=1.0),
            SetDestinationMonitor(destination=red, monitor=True),
        ),
        (ErrorCode.ROUTE_UNKNOWN, SetRouteGain(source=casters, destination=red, gain=1.0)),
        (ErrorCode.ALREADY_RUNNING, StartSession(spec=show.spec())),
    ):
        for command in commands:
            assert await show.refused(command) is code, command
    assert await show.client.call(GetSnapshot()) == before
    await show.do(StopSession())
    for spec in (
        show.spec(("Casters", {"delay_s": 301.0})),
        show.spec(tick_ms=15),
        show.spec(loudness=0.0),
        show.spec(routes=(RouteSpec(source=red, destination=casters, gain=9.0),)),
    ):
        assert await show.refused(StartSession(spec=spec)) is ErrorCode.PROTOCOL_MALFORMED
        assert show.client.state.phase is Phase.IDLE
