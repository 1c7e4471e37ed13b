"""The sound of one session: the receive thread, the mix thread and the pipeline between them."""

import asyncio
import time
from collections.abc import Callable, Collection

from common.protocol.spec import TickMs
from common.types import ChannelId, UserId
from engine.audio.clock import MixClock, Ticker
from engine.audio.cue import Cue
from engine.audio.frame import OpusPacket, Samples
from engine.audio.meter import MeterReading, Percentiles
from engine.audio.opus import Opus
from engine.audio.pipeline import Output, Pipeline
from engine.audio.settings import MixSettings
from engine.voice.receiver import Receiver


class Mixing:
    """Made at the start of a session and closed at its end; ``start`` begins the ticking. Raises OPUS_MISSING.

    A tick is ``tick_ms`` long. ``now`` returns monotonic ns; arrivals are noted by it, and the clock that
    ``make_clock`` returns must tick by it.
    """

    def __init__(
        self,
        tick_ms: TickMs = 20,
        *,
        now: Callable[[], int] = time.perf_counter_ns,
        make_clock: Callable[[Ticker, int], MixClock] = MixClock,
    ) -> None:
        self.tick_ms = tick_ms
        self.opus = Opus()
        self._now = now
        self._pipeline = Pipeline(self.opus, now, tick_ms)
        self.receiver = Receiver(now)
        self._clock = make_clock(self._pipeline, tick_ms)
        self._outputs: dict[ChannelId, Output] = {}
        self._ticking = False

    def start(self) -> None:
        """Begin to tick."""
        self._clock.start()
        self._ticking = True

    async def close(self) -> None:
        """End both threads, one after the other, without holding up the loop, and free the codecs."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self.receiver.close()
        if self._ticking:
            self._clock.stop()
        self._pipeline.close()

    def push(self, packet: OpusPacket) -> None:
        """Take in a packet (receive thread)."""
        self._pipeline.push(packet)

    def apply(self, settings: MixSettings) -> None:
        """Mix by these settings from the next tick on."""
        self._pipeline.apply(settings)

    def dump(self, users: Collection[UserId]) -> None:
        """Drop what the delay lines hold of these people."""
        self._pipeline.dump(users)

    def play(self, channel: ChannelId, sound: Samples) -> Cue:
        """Have one destination hear ``sound`` (mono) besides its mix; stop the cue that is returned to end it early."""
        cue = Cue(sound, self._now)
        self._pipeline.play(channel, cue)
        return cue

    def set_output(self, channel: ChannelId, output: Output | None) -> None:
        """Connect a destination to its sender, unless it is connected to that already."""
        if self._outputs.get(channel) is not output:
            self._pipeline.set_output(channel, output)
            if output is None:
                self._outputs.pop(channel, None)
            else:
                self._outputs[channel] = output

    def read_meters(self) -> MeterReading:
        """Return what the pipeline measured."""
        return self._pipeline.read_meters()

    @property
    def lateness(self) -> Percentiles:
        """How late ticks begin."""
        return self._clock.lateness
