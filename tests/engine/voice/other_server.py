"""A voice server that shares nothing with the simulator but its certificates, and differs from it where it may.

No ``seq``, no ``modes``, fields nobody knows, ids as numbers, always version 0, and it may echo no keepalives.
"""

import asyncio
import json
import socket
import struct

from aiohttp import WSMsgType, web

from engine.voice.aead import AES_GCM
from simulator.tls import make_certificates
from simulator.transport import Audio, Dress, TransportKey

SSRC = 7


class OtherServer:
    def __init__(self, folder, *, hello=None, hello_late=False, unanswered=0, echoes=0, early=()):
        self.certificates = make_certificates(folder)
        self.key = TransportKey(AES_GCM, bytes(range(32)))
        self.ops, self.asked, self.kept = [], 0, 0
        self._hello = {"heartbeat_interval": 500.5} if hello is None else hello
        self._hello_late, self.beaten = hello_late, asyncio.Event()
        self._unanswered, self._echoes, self._early = unanswered, echoes, early
        self._client = self._websocket = None

    async def __aenter__(self):
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.setblocking(False)
        asyncio.get_running_loop().add_reader(self._udp, self._datagram)
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.certificates.server).start()
        self.endpoint = f"127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_exception):
        asyncio.get_running_loop().remove_reader(self._udp)
        self._udp.close()
        await self._runner.cleanup()

    async def say(self, op, data):
        await self._websocket.send_str(json.dumps({"op": op, "d": data, "novel": True}))

    async def say_text(self, text):
        await self._websocket.send_str(text)

    async def say_bytes(self, data):
        await self._websocket.send_bytes(data)

    def play(self, ssrc, payload):
        self._udp.sendto(self.key.seal(Audio(ssrc, 1, 960, payload), Dress(0, 0)), self._client)

    def _datagram(self):
        data, self._client = self._udp.recvfrom(2048)
        if len(data) == 74:
            self.asked += 1
            if self.asked > self._unanswered:
                answer = struct.pack(">HHI64sH", 2, 70, SSRC, b"127.0.0.1", self._client[1])
                self._udp.sendto(answer, self._client)
        elif len(data) == 8:
            self.kept += 1
            if self.kept <= self._echoes:
                self._udp.sendto(data, self._client)

    async def _serve(self, request):
        self._websocket = web.WebSocketResponse()
        await self._websocket.prepare(request)
        if not self._hello_late:
            await self.say(8, self._hello)
        async for message in self._websocket:
            if message.type is WSMsgType.TEXT:
                await self._answer(json.loads(message.data))
        return self._websocket

    async def _answer(self, message):
        op = message["op"]
        self.ops.append(op)
        if op == 0:
            for early in self._early:
                await self.say(*early)
            await self.say(2, {"ssrc": SSRC, "ip": "127.0.0.1", "port": self._udp.getsockname()[1]})
            if self._hello_late:
                await self.say(8, self._hello)
        elif op == 1:
            await self.say(4, {"mode": AES_GCM, "secret_key": list(self.key.key), "sdp": "new here"})
        elif op == 3:
            self.beaten.set()
            await self.say(6, message["d"]["t"])
        elif op == 7:
            await self.say(9, None)
