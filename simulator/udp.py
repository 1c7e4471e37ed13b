"""A UDP port on the loop."""

import asyncio
from collections.abc import Callable
from typing import Self, cast

OnDatagram = Callable[[bytes, tuple[str, int]], None]


class UdpPort(asyncio.DatagramProtocol):
    """Receives datagrams by callback and sends them without waiting."""

    def __init__(self, on_datagram: OnDatagram) -> None:
        self._on_datagram = on_datagram
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, host: str, on_datagram: OnDatagram, *, remote: tuple[str, int] | None = None) -> Self:
        """Open a port the system chooses; with ``remote`` it is connected to that address."""
        local = None if remote else (host, 0)
        _, port = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(on_datagram), local_addr=local, remote_addr=remote
        )
        return port

    @property
    def port(self) -> int:
        """Its number."""
        if self._transport is None:
            return 0
        number: int = self._transport.get_extra_info("sockname")[1]
        return number

    def send(self, data: bytes, address: tuple[str, int] | None = None) -> None:
        """Send a datagram."""
        if self._transport is not None:
            self._transport.sendto(data, address)

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    # asyncio.DatagramProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # asyncio's own transport is one without saying so by its class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand a datagram on."""
        self._on_datagram(data, addr)
