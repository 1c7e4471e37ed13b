"""``python -m engine --session`` on a Discord-compatible server by another hand (issue 3, "Must show" 7).

The server in ``tests/foreign`` was written from the protocol's public documents without a look at the product or its
simulator; each variation decides differently what the protocol leaves open.
"""

import asyncio
import importlib.util
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def _import(name):
    """Import ``tests/foreign`` by its path: the tests are no package."""
    folder = ROOT / "tests" / "foreign"
    if "foreign_discord" not in sys.modules:
        where = importlib.util.spec_from_file_location(
            "foreign_discord", folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        sys.modules["foreign_discord"] = importlib.util.module_from_spec(where)
        where.loader.exec_module(sys.modules["foreign_discord"])
    return importlib.import_module(f"foreign_discord.{name}")


people, server_module, voice, wire = (_import(name) for name in ("people", "server", "voice", "wire"))

PITCHES = {"ann": 440.0, "bob": 660.0, "cat": 930.0, "dan": 1250.0}
TALK_SECONDS = 1.0
ATTEMPTS = 4
"""A computer with more to do than it has cores for tears holes into real sound; what isn't relayed never comes."""
LOUD = 0.05
WAIT_SECONDS = 15.0
FRAME = 960
CLOCK_SECONDS = 0.05
PAUSE_SECONDS = 0.6
STUMBLE_SECONDS = 0.03

VARIATIONS = {
    "plain, only AES-GCM": voice.Variation(modes=(wire.AES,)),
    "only XChaCha20, the other order of nearly everything": voice.Variation(
        modes=("xsalsa20_poly1305_lite", wire.XCHACHA),
        server_update_first=True,
        sender_early=True,
        connect_early=False,
        numbered=False,
        newcomer_founds=True,
    ),
    "alone without DAVE, then upgraded": voice.Variation(lone_at_zero=True, late_speaking=0.3),
    "noise, late HELLO, upgraded with the sender known": voice.Variation(
        modes=(wire.AES, wire.XCHACHA),
        hello_late=True,
        sender_early=True,
        lone_at_zero=True,
        tell_pending=True,
        noise=True,
        newcomer_founds=True,
        late_speaking=0.2,
    ),
}


async def comes(true, seconds):
    """Look every 20 ms for some seconds; tell whether it came."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True


async def until(true, what, seconds=WAIT_SECONDS):
    """Wait for what must come; ``what`` makes the evidence if it doesn't."""
    assert await comes(true, seconds), what() if callable(what) else what


class Show:
    """A server elsewhere with two teams, their talkers, the listener, and the engine's process."""

    def __init__(self, variation, folder):
        self.server = server_module.Server(variation, folder)
        self.folder = folder
        self.rooms = [self.server.add_channel(name) for name in ("Red", "Blue", "Casters")]
        owner = self.server.add("owner")
        self.bots = [self.server.add(f"relay {place}", bot=True) for place in range(3)]
        accounts = {name: self.server.add(name) for name in (*PITCHES, "listener")}
        self.talkers = {
            name: people.Person(self.server, accounts[name], pitch, frozen=name == "dan")
            for name, pitch in PITCHES.items()
        }
        self.listener = people.Person(self.server, accounts["listener"])
        self.server.voice.late_user = accounts["bob"].id
        self.lines, self.errors = [], []
        self.present = []
        assert owner

    async def come(self):
        """Everybody into their channels."""
        red, blue, casters = self.rooms
        for channel, name in ((red, "ann"), (blue, "cat"), (red, "bob"), (blue, "dan")):
            await self.talkers[name].join(channel)
            self.present.append(self.talkers[name])
        await self.listener.join(casters)
        self.present.append(self.listener)

    async def change_listener(self):
        """The listener goes, the bot alone gets a new group (paper, Sole member reset), somebody else comes."""
        casters = self.rooms[2]
        room, bot = self.server.voice.rooms[casters], self.bots[2]
        await self.listener.leave()
        self.present.remove(self.listener)
        await until(lambda: room.peers.keys() == {bot.id} and room.peers[bot.id].package, self.evidence)
        self.listener = people.Person(self.server, self.server.add("another listener"))
        await self.listener.join(casters)
        self.present.append(self.listener)
        await until(self.all_in, self.evidence)

    async def launch(self):
        """Start the engine as its users do."""
        red, blue, casters = self.rooms
        names = [f"DVC_TOKEN_{place + 1}" for place in range(3)]
        text = [f'guild = "{self.server.guild}"']
        for channel, name in zip((red, blue), names, strict=False):
            text += ["[[sources]]", f'channel = "{channel}"', f'token_env = "{name}"']
        text += ["[[destinations]]", f'channel = "{casters}"', f'token_env = "{names[2]}"', "[endpoint]"]
        text += [f'api_base = "{self.server.api_base}"', f'gateway_url = "{self.server.gateway_url}"']
        text += ['ca_file = "ca.pem"']
        (self.folder / "session.toml").write_text("\n".join(text))
        environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment |= {"HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
        environment |= {name: bot.token for name, bot in zip(names, self.bots, strict=True)}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "engine",
            "--session",
            str(self.folder / "session.toml"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            cwd=self.folder,
            limit=1 << 24,
        )
        self.readers = [
            asyncio.ensure_future(self._read(self.process.stdout, self.lines)),
            asyncio.ensure_future(self._read(self.process.stderr, self.errors)),
        ]

    async def _read(self, stream, lines):
        async for line in stream:
            lines.append(line.decode())

    def peer(self, bot):
        """The bot's newest voice connection, or None."""
        return next((peer for _, peer in reversed(self.server.voice.everybody) if peer.user == bot.id), None)

    def all_in(self):
        """Everybody present is a member of the group of their channel, nothing is under way."""
        for channel, bot in zip(self.rooms, self.bots, strict=True):
            room = self.server.voice.rooms.get(channel)
            wanted = {person.account.id for person in self.present if person.channel == channel} | {bot.id}
            if room is None or room.waiting or room.group.proposals or room.group.users() != wanted:
                return False
        return True

    def pauses(self):
        """Tell whether the destination's bot has sent nothing for a while, and said so."""
        peer = self.peer(self.bots[2])
        return peer.speaking == 0 and time.monotonic() - peer.heard[-1].at > PAUSE_SECONDS

    def evidence(self):
        """What the wire showed."""
        told = [f"engine: {line.strip()}" for line in self.errors[-12:]]
        told += [f"out: {line.strip()[:1500]}" for line in self.lines[-1:]]
        for channel, name in self.server.channels.items():
            room = self.server.voice.rooms.get(channel)
            if room:
                told.append(f"{name}: peers {[*room.peers]} group {room.group.leaves} epoch {room.group.epoch}")
                told.append(f"  refused {room.refused[-9:]} invalid {len(room.invalid)} {room.invalid[-5:]}")
                told.append(f"  transitions not answered in time {room.past}, waiting {room.waiting}")
        for bot in self.bots:
            peer = self.peer(bot)
            if peer:
                ops = [(round(at % 1000, 3), op) for at, op, _ in peer.ops if op != 3]
                told.append(f"{bot.id}: {peer.mode} v{peer.version} packets {len(peer.heard)} ops {ops[-20:]}")
        told.append(f"bad datagrams {self.server.voice.bad_datagrams[:5]}; listener lost {self.listener.lost[:10]}")
        return "\n".join(told)

    def heard_since(self, start):
        """Sound of the destination's bot that reached the listener since ``start``, one array."""
        relay = self.bots[2].id
        parts = [samples for at, user, samples in self.listener.heard if at >= start and user == relay]
        return np.concatenate(parts) if parts else np.zeros(0)

    async def close(self):
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await asyncio.gather(*self.readers)
        for person in self.present:
            await person.leave()
        await self.server.close()

    process = None
    readers = ()


@asynccontextmanager
async def on_air(variation, folder):
    show = Show(variation, folder)
    await show.server.start()
    try:
        if variation.lone_at_zero:
            await show.launch()
            await until(lambda: all(show.peer(bot) and show.peer(bot).mode for bot in show.bots), show.evidence)
            await show.come()
        else:
            await show.come()
            await show.launch()
        await until(show.all_in, show.evidence)
        yield show
    finally:
        await show.close()


def windows(sound, size=4800):
    return [sound[at : at + size] for at in range(0, len(sound) - size + 1, size)]


def only(pitch):
    """A judge of a piece of sound: this pitch is loud and no other is."""

    def judge(piece):
        levels = {other: people.loudness(piece, other) for other in PITCHES.values()}
        return levels[pitch] > LOUD and all(level < LOUD / 5 for other, level in levels.items() if other != pitch)

    return judge


def every(piece):
    return all(people.loudness(piece, pitch) > LOUD for pitch in PITCHES.values())


async def hear(show, judge, pieces, *talkers):
    """Let the talkers play together; wait until the listener got so many pieces of 0.1 s that pass."""
    start = time.monotonic()

    def enough():
        return sum(judge(piece) for piece in windows(show.heard_since(start))) >= pieces

    def missing():
        sound = windows(show.heard_since(start))
        levels = [[round(float(people.loudness(piece, pitch)), 3) for pitch in PITCHES.values()] for piece in sound]
        return f"{[talker.account.name for talker in talkers]}: {levels}\n{show.evidence()}"

    for _ in range(ATTEMPTS):
        await asyncio.gather(*(talker.talk(TALK_SECONDS) for talker in talkers))
        if await comes(enough, 0.5):
            return
    raise AssertionError(missing())


def bursts(packets, gap=0.5):
    """Cut what a bot sent where it paused: a computer that stumbles in the middle of a sound is no pause."""
    cuts = [
        place
        for place, (before, after) in enumerate(pairwise(packets), 1)
        if after.at - before.at > gap and before.rtp.payload == wire.SILENCE != after.rtp.payload
    ]
    return [packets[a:b] for a, b in pairwise([0, *cuts, len(packets)])]


def check_sent(packets, speaking):
    """RTP clock, sequence, silence frames and announcements of one bot."""
    for before, after in pairwise(packets):
        passed = (after.rtp.sequence - before.rtp.sequence) & 0xFFFF
        assert 1 <= passed < 100, "in order, none twice; a computer too busy to read its socket loses some"
        assert (after.rtp.timestamp - before.rtp.timestamp) % FRAME == 0
    delays = [min(burst_delays) for burst_delays in clock_delays(packets)]
    assert max(delays) - min(delays) < CLOCK_SECONDS, f"the RTP clock against ours, per burst: {delays}"
    for burst in bursts(packets):
        end = [packet for packet in burst if (burst[-1].rtp.sequence - packet.rtp.sequence) & 0xFFFF < 6]
        quiet = [packet.rtp.payload == wire.SILENCE for packet in end]
        assert len(end) < 6 or quiet == [False, *[True] * 5], str(around(packets, burst[-1]))
        overdue = burst[4].at - burst[0].at < STUMBLE_SECONDS  # it held five and then let them go all the same
        assert burst[0].announced == 1 or overdue, f"not told before the first packet: {burst[0].at}, {speaking}"
        after = [told["speaking"] for at, told in speaking if at > burst[-1].at - 0.05]
        assert after, "speaking off after the last"
        assert after[0] == 0


def around(packets, last):
    """What came near the end of a sound: seconds, sequence number and RTP ticks from it, silence or not."""
    return [
        (
            round(packet.at - last.at, 3),
            packet.rtp.sequence - last.rtp.sequence,
            (packet.rtp.timestamp - last.rtp.timestamp) / FRAME,
            packet.rtp.payload == wire.SILENCE,
        )
        for packet in packets
        if abs(packet.rtp.sequence - last.rtp.sequence) < 9
    ]


def clock_delays(packets):
    """How late each packet came by its own RTP clock, burst by burst: a clock that stands in a pause shows here."""
    first = packets[0]
    return [
        [
            packet.at - first.at - ((packet.rtp.timestamp - first.rtp.timestamp) & 0xFFFF_FFFF) / people.RATE
            for packet in burst
        ]
        for burst in bursts(packets)
    ]


@pytest.mark.parametrize("name", VARIATIONS)
async def test_the_relay_runs_on_a_server_that_is_not_ours(name, tmp_path):
    async with on_air(VARIATIONS[name], tmp_path) as show:
        for talker in show.talkers.values():
            await hear(show, only(talker.pitch), 5, talker)
        await until(show.pauses, show.evidence)
        await hear(show, every, 5, *show.talkers.values())

        await show.change_listener()
        await hear(show, only(PITCHES["cat"]), 5, show.talkers["cat"])

        peers = [show.peer(bot) for bot in show.bots]
        await until(lambda: all(peer.keepalives for peer in peers), show.evidence, 8.0)
        await until(show.pauses, show.evidence)
        assert not peers[0].heard, "a bot speaks in a source channel"
        assert not peers[1].heard
        relays = {peer.ssrc for _, peer in show.server.voice.everybody if peer.user in {bot.id for bot in show.bots}}
        assert not relays & {rtp.ssrc for talker in show.talkers.values() for _, _, rtp in talker.packets}
        check_sent(peers[2].heard, [(at, told) for at, op, told in peers[2].ops if op == 5])
        assert len(bursts(peers[2].heard)) >= 2, "the show has pauses"
        assert not show.server.voice.bad_datagrams, show.evidence()
        assert not any(room.invalid for room in show.server.voice.rooms.values()), show.evidence()

        await stop(show)


async def stop(show):
    """SIGTERM ends the engine in five seconds, with nothing left behind."""
    show.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        code = await show.process.wait()
    assert code == 0, show.evidence()
    bots = {bot.id for bot in show.bots}
    await until(lambda: not bots & show.server.states.keys() and not show.server.sockets, show.evidence, 1.0)
    await until(
        lambda: not any(bots & room.peers.keys() for room in show.server.voice.rooms.values()), show.evidence, 1.0
    )
    await asyncio.gather(*show.readers)
    assert show.lines
    assert all(isinstance(json.loads(line), dict) for line in show.lines)
    assert not [line for line in (*show.lines, *show.errors) for bot in show.bots if bot.token in line]
