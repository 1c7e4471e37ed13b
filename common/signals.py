"""SIGINT and SIGTERM as an event of the loop."""

import asyncio
import signal


def on_signals(loop: asyncio.AbstractEventLoop, ending: asyncio.Event) -> None:
    """Have SIGINT and SIGTERM set ``ending`` instead of tearing the process down."""
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, ending.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(ending.set))
