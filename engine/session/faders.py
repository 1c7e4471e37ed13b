"""Faders and switches of the session that runs, as people and programs name them; a change holds from the next tick.

Every one raises NOT_RUNNING unless a session is on air (kill: unless there is one), TALKER_UNKNOWN for who is in no
source, CHANNEL_UNKNOWN for a channel that is none of the session's in that role, VALUE_OUT_OF_RANGE for a number that
is not allowed.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from common.errors import ErrorCode, SessionError
from common.protocol.spec import DELAYS_S, DUCKINGS_DB, LOUDNESSES, PANS, EqualizerSpec
from common.types import Suppression, UserId
from engine.audio.settings import DestinationStrip, SourceStrip
from engine.session.desk import channel_id, checked, checked_bands, checked_gain, user_id
from engine.session.roster import StripMemory
from engine.session.running import Running

log = logging.getLogger(__name__)


class Faders:
    """What can be moved while a session runs.

    ``live`` returns the session that is on air, ``session`` also one that starts or stops; they raise NOT_RUNNING.
    """

    def __init__(self, live: Callable[[], Running], session: Callable[[], Running], memory: StripMemory) -> None:
        self._live = live
        self._session = session
        self._memory = memory

    # talkers: for now and for the next time they come, but for solo

    def set_talker_gain(self, user: str, gain: float) -> None:
        """Set a person's gain."""
        self._change_strip(self._present(user), gain=checked_gain(gain))

    def mute_talker(self, user: str, *, muted: bool) -> None:
        """Mute a person."""
        self._change_strip(self._present(user), muted=muted)

    def set_talker_suppression(self, user: str, suppression: Suppression) -> None:
        """Take noise out of a person's voice."""
        self._change_strip(self._present(user), suppression=suppression)

    def set_talker_levelling(self, user: str, *, levelling: bool) -> None:
        """Bring a person to the session's loudness."""
        self._change_strip(self._present(user), levelling=levelling)

    def set_talker_high_pass(self, user: str, *, high_pass: bool) -> None:
        """Take rumble out of a person's voice."""
        self._change_strip(self._present(user), high_pass=high_pass)

    def set_talker_priority(self, user: str, *, priority: bool) -> None:
        """Lower the others where destinations duck while this person speaks."""
        self._change_strip(self._present(user), priority=priority)

    def solo_talker(self, user: str, *, solo: bool) -> None:
        """Hear a person alone in the monitor destinations, as long as they stay; raises NO_MONITOR."""
        present = self._present(user)
        live = self._live()
        live.set_desk(live.desk.with_solo(present, solo=solo))

    def dump_talker(self, user: str) -> None:
        """Drop what the delay lines hold of a person, also one who has left meanwhile."""
        live, wanted = self._live(), user_id(user)
        if wanted not in {talker.user for talker in live.audible()}:
            raise SessionError(ErrorCode.TALKER_UNKNOWN, user=user)
        live.dump({wanted})

    # sources

    def set_source_gain(self, source: str, gain: float) -> None:
        """Set a source's gain."""
        self._put_source(replace(self._source(source), gain=checked_gain(gain)))

    def mute_source(self, source: str, *, muted: bool) -> None:
        """Mute a source."""
        self._put_source(replace(self._source(source), muted=muted))

    def set_source_equalizer(self, source: str, equalizer: EqualizerSpec) -> None:
        """Set a source's equalizer."""
        self._put_source(replace(self._source(source), equalizer=checked_bands(equalizer)))

    def set_source_pan(self, source: str, pan: float) -> None:
        """Place a source between left (-1) and right (1)."""
        self._put_source(replace(self._source(source), pan=checked(pan, PANS)))

    def solo_source(self, source: str, *, solo: bool) -> None:
        """Hear a source alone in the monitor destinations; raises NO_MONITOR."""
        strip = replace(self._source(source), solo=solo)
        if solo:
            self._live().desk.check_monitor()
        self._put_source(strip)

    def dump_source(self, source: str) -> None:
        """Drop what the delay lines hold of a source's people, also of those who have left meanwhile."""
        live, channel = self._live(), self._source(source).channel
        live.dump({talker.user for talker in live.audible() if talker.source == channel})

    # routes, destinations, everything

    def set_route_gain(self, source: str, destination: str, gain: float) -> None:
        """Set one route's gain, 0 closes it; raises ROUTE_UNKNOWN."""
        live = self._live()
        live.set_desk(live.desk.with_route(channel_id(source), channel_id(destination), checked_gain(gain)))

    def set_destination_delay(self, destination: str, delay_s: float) -> None:
        """Set a destination's delay; it is silent for that time."""
        self._put_destination(replace(self._destination(destination), delay_s=checked(delay_s, DELAYS_S)))

    def set_destination_ducking(self, destination: str, duck_db: float) -> None:
        """Set by how much the others are lowered while a priority talker speaks."""
        self._put_destination(replace(self._destination(destination), duck_db=checked(duck_db, DUCKINGS_DB)))

    def set_destination_monitor(self, destination: str, *, monitor: bool) -> None:
        """Let a destination hear solos or not; they end when no destination does."""
        self._put_destination(replace(self._destination(destination), monitor=monitor))

    def set_loudness(self, loudness: float) -> None:
        """Set what levelling brings every talker to (LUFS)."""
        live = self._live()
        live.set_desk(replace(live.desk, loudness=checked(loudness, LOUDNESSES)))

    def kill(self, *, active: bool) -> None:
        """Silence every destination at once, or end that; a session that starts goes on air as it is then.

        One that stops is silent anyway.
        """
        session = self._session()
        session.set_desk(replace(session.desk, kill=active))
        log.warning("kill switch on: every destination is silent" if active else "kill switch off")

    def _present(self, user: str) -> UserId:
        live, found = self._live(), user_id(user)
        if found not in live.roster:
            raise SessionError(ErrorCode.TALKER_UNKNOWN, user=user)
        return found

    def _change_strip(self, user: UserId, **changed: float | bool | Suppression) -> None:
        self._memory.put(user, structs.replace(self._memory.get(user), **changed))
        self._live().apply()

    def _source(self, source: str) -> SourceStrip:
        return self._live().desk.source(channel_id(source))

    def _put_source(self, strip: SourceStrip) -> None:
        live = self._live()
        live.set_desk(live.desk.with_source(strip))

    def _destination(self, destination: str) -> DestinationStrip:
        return self._live().desk.destination(channel_id(destination))

    def _put_destination(self, strip: DestinationStrip) -> None:
        live = self._live()
        live.set_desk(live.desk.with_destination(strip))
