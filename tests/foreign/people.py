"""People of the server elsewhere: real clients with davey and Opus, who play a tone or listen for tones."""

import asyncio
import contextlib
import ctypes
import json
import math
import random
import socket
import ssl
import struct
import time
from pathlib import Path

import aiohttp
import davey
import numpy as np
import opuslib_next

from .wire import SILENCE, Rtp, discovery, pack, unpack

RATE, FRAME = 48_000, 960
APPLICATION_AUDIO = 2049
_TEN_MILLISECONDS = 480
_library = ctypes.CDLL(str(Path(opuslib_next.__file__).parent / "_native" / "libopus.so"))
_library.opus_encoder_create.restype = ctypes.c_void_p
_library.opus_decoder_create.restype = ctypes.c_void_p
_library.opus_encode_float.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int32]
_library.opus_decode_float.argtypes = [
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_int32,
    ctypes.c_void_p,
    ctypes.c_int,
    ctypes.c_int,
]
_library.opus_encoder_destroy.argtypes = _library.opus_decoder_destroy.argtypes = [ctypes.c_void_p]


class Encoder:
    def __init__(self):
        error = ctypes.c_int()
        self._state = _library.opus_encoder_create(RATE, 2, APPLICATION_AUDIO, ctypes.byref(error))

    def __call__(self, samples):
        out = ctypes.create_string_buffer(1500)
        data = np.ascontiguousarray(samples, dtype=np.float32)
        size = _library.opus_encode_float(self._state, data.ctypes.data, len(data), out, len(out))
        return out.raw[:size]


class Decoder:
    def __init__(self):
        error = ctypes.c_int()
        self._state = _library.opus_decoder_create(RATE, 2, ctypes.byref(error))

    def __call__(self, packet):
        out = np.zeros((5760, 2), dtype=np.float32)
        size = _library.opus_decode_float(self._state, packet, len(packet), out.ctypes.data, 5760, 0)
        if size < 0:
            raise ValueError(f"opus {size}")
        return out[:size]


class Person(asyncio.DatagramProtocol):
    """A client in one voice channel: talks at its pitch, keeps what it hears of the bot."""

    def __init__(self, server, account, pitch=0.0, *, frozen=False):
        self.server, self.account, self.pitch = server, account, pitch
        self.flags = 1
        self.plain, self.prepared = False, {}  # version 0 now; versions by transition
        self.frozen, self.ended = frozen, None  # some clients' RTP clock stands still in a pause
        self.channel = None
        self.session = self.encoder = self.ready = None
        self.user_of, self.decoders, self.pending = {}, {}, {}
        self.heard, self.packets, self.lost = [], [], []
        self.sequence, self.timestamp, self.counter = random.getrandbits(16), random.getrandbits(32), 0
        self.sample = 0

    async def join(self, channel):
        """Come in; returns with the transport ready (the group may still be under way)."""
        self.channel = channel
        self.ready = asyncio.Event()
        self.session = davey.DaveSession(1, self.account.id, channel)
        context = ssl.create_default_context(cafile=str(self.server.folder / "ca.pem"))
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
        token = self.server.voice.ticket(self.account.id, channel)
        self.server.place(self.account, channel)
        self.ws = await self.http.ws_connect(f"wss://{self.server.endpoint}/?v=8")
        identify = {"server_id": str(self.server.guild), "user_id": str(self.account.id), "token": token}
        await self._send(0, identify | {"session_id": self.account.session, "max_dave_protocol_version": 1})
        self.tasks = [asyncio.ensure_future(self._read())]
        await asyncio.wait_for(self.ready.wait(), 10)

    async def leave(self):
        self.server.place(self.account, None)
        await self.ws.close()  # before the reader is cancelled: after that aiohttp would end it without a word
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.http.close()
        self.transport.close()

    async def _send(self, op, data):
        await self.ws.send_str(json.dumps({"op": op, "d": data}))

    async def _read(self):
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                told = json.loads(message.data)
                await self._json(told["op"], told["d"])
            elif message.type is aiohttp.WSMsgType.BINARY:
                await self._binary(message.data[2], message.data[3:])

    async def _beat(self, seconds):
        while True:
            await asyncio.sleep(seconds)
            with contextlib.suppress(ConnectionError):
                await self._send(3, {"t": int(time.time() * 1000), "seq_ack": -1})

    async def _json(self, op, told):
        if op == 8:
            self.tasks.append(asyncio.ensure_future(self._beat(told["heartbeat_interval"] / 1000)))
        elif op == 2:
            await self._discover(told)
        elif op == 4:
            self.key, self.mode = bytes(told["secret_key"]), told["mode"]
            self.zero = not told["dave_protocol_version"]
            if not self.zero:
                await self._offer()
            self.ready.set()
        elif op == 5:
            self.user_of[told["ssrc"]] = int(told["user_id"])
        elif op == 24 and told["epoch"] == 1:
            self.session.reinit(1, self.account.id, self.channel)
            await self._offer()
        elif op == 21 and told["transition_id"]:
            self.prepared[told["transition_id"]] = told["protocol_version"]
            self.session.set_passthrough_mode(True, 10)
            await self._send(23, {"transition_id": told["transition_id"]})
        elif op == 22:
            self.plain = self.prepared.get(told["transition_id"], 1) == 0

    async def _offer(self):
        await self.ws.send_bytes(b"\x1a" + self.session.get_serialized_key_package())

    async def _binary(self, op, data):
        if op == 25:
            self.session.set_external_sender(data)
        elif op == 27:
            kind = davey.ProposalsOperationType.revoke if data[0] else davey.ProposalsOperationType.append
            try:
                made = self.session.process_proposals(kind, data[1:])
            except Exception as error:  # noqa: BLE001 - proposals may be for a group this member isn't in yet
                self.lost.append(f"proposals: {error!r}")
                return
            if made:
                await self.ws.send_bytes(b"\x1c" + made.commit + (made.welcome or b""))
        elif op in (29, 30):
            number = struct.unpack_from(">H", data)[0]
            try:
                (self.session.process_commit if op == 29 else self.session.process_welcome)(data[2:])
            except Exception as error:  # noqa: BLE001 - whatever davey raises is answered the same way
                self.lost.append(f"op {op}: {error!r}")
                await self._send(31, {"transition_id": number})
                self.session.reinit(1, self.account.id, self.channel)
                await self._offer()
                return
            await self._send(23, {"transition_id": number})

    async def _discover(self, told):
        self.ssrc = told["ssrc"]
        loop = asyncio.get_running_loop()
        where = (told["ip"], told["port"])
        self.found = loop.create_future()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=where, family=socket.AF_INET)
        self.transport.sendto(discovery(1, self.ssrc))
        ip, port = await asyncio.wait_for(self.found, 5)
        data = {"address": ip, "port": port, "mode": told["modes"][0]}
        await self._send(1, {"protocol": "udp", "data": data})

    def datagram_received(self, data, _address):
        now = time.monotonic()
        if data[:2] == b"\0\2" and len(data) == 74:
            if not self.found.done():
                self.found.set_result((data[8:72].rstrip(b"\0").decode(), struct.unpack_from(">H", data, 72)[0]))
        elif len(data) > 12 and data[0] >> 6 == 2 and data[1] & 0x7F == 120:
            self._hear(now, unpack(self.mode, self.key, data))

    def _hear(self, now, rtp):
        user = self.user_of.get(rtp.ssrc)
        self.packets.append((now, user, rtp))
        payload = rtp.payload
        if payload != SILENCE:
            if user is None:
                self.lost.append("audio before its speaking")
                return
            try:
                payload = self.session.decrypt(user, davey.MediaType.audio, payload)
            except Exception as error:  # noqa: BLE001 - counted, whatever it is
                self.lost.append(repr(error))
                return
        samples = self.decoders.setdefault(rtp.ssrc, Decoder())(payload)
        self.heard.append((now, user, samples.mean(axis=1)))

    async def talk(self, seconds):
        """Play the pitch: speaking on, packets every 20 ms, five silence frames, speaking off."""
        self.encoder = self.encoder or Encoder()
        await self._send(5, {"speaking": self.flags, "delay": 0, "ssrc": self.ssrc})
        begin = time.monotonic()
        if self.ended and not self.frozen:
            self.timestamp = self.timestamp + int((begin - self.ended) * 50) * FRAME & 0xFFFF_FFFF
        count = round(seconds / 0.02)
        for turn in range(count + 5):
            await asyncio.sleep(max(0.0, begin + turn * 0.02 - time.monotonic()))
            self._play(self._tone() if turn < count else None)
        self.ended = time.monotonic()
        await self._send(5, {"speaking": 0, "delay": 0, "ssrc": self.ssrc})

    def _tone(self):
        times = np.arange(self.sample, self.sample + FRAME) / RATE
        self.sample += FRAME
        wave = 0.2 * np.sin(2 * math.pi * self.pitch * times)
        return self.encoder(np.stack([wave, wave], axis=1))

    def _play(self, packet):
        self.sequence, self.timestamp = self.sequence + 1 & 0xFFFF, self.timestamp + FRAME & 0xFFFF_FFFF
        self.counter += 1
        payload = packet or SILENCE
        if packet and self.session.ready and not self.plain:
            payload = self.session.encrypt_opus(packet)
        rtp = Rtp(self.sequence, self.timestamp, self.ssrc, payload)
        self.transport.sendto(pack(self.mode, self.key, self.counter, rtp))


def loudness(samples, pitch):
    """Amplitude of one pitch in a piece of sound, by a windowed Fourier sum."""
    window = np.hanning(len(samples))
    wave = np.exp(-2j * np.pi * pitch * np.arange(len(samples)) / RATE)
    return 2 * abs(np.sum(samples * window * wave)) / np.sum(window)
