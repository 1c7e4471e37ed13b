"""The rest of the server: a CA of its own, REST as small as a client's login allows, the main gateway."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import random
import secrets
import ssl
import time
import zlib

import aiohttp
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .voice import GRACE_SECONDS, VoiceServer

EVERYONE_MAY = 1 << 10 | 1 << 20 | 1 << 21 | 1 << 25  # view, connect, speak, voice activity
VOICE_CHANNEL = 2


def snowflake():
    """An id of nearly the size Discord's have: above what a double holds."""
    return (1 << 60) + secrets.randbits(59)


def _certificate(subject, key, issuer, signer, *, authority):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(places), critical=False)
    return builder.sign(signer, hashes.SHA256())


def make_tls(folder):
    """Write ca.pem into ``folder``; give the context of a server."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("Elsewhere CA", ca_key, None, ca_key, authority=True)
    leaf = _certificate("elsewhere", key, ca.subject, ca_key, authority=False)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


class Account:
    """A user of the guild; a bot has a token."""

    def __init__(self, name, *, bot):
        self.id, self.name, self.bot = snowflake(), name, bot
        self.token = (
            f"{secrets.token_urlsafe(12)}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(20)}" if bot else ""
        )
        self.session = secrets.token_hex(16)

    def user(self):
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0",
            "avatar": None,
            "global_name": None,
            "bot": self.bot,
            "clan": None,
        }

    def member(self):
        joined = "2025-01-01T00:00:00+00:00"
        return {"user": self.user(), "nick": f"{self.name} here", "roles": [], "joined_at": joined, "flags": 0} | {
            "deaf": False,
            "mute": False,
            "unheard_of": [],
        }


class Server:
    """Everything of one Discord elsewhere, on ports the system chose."""

    def __init__(self, variation, folder):
        self.variation, self.folder = variation, folder
        self.guild = snowflake()
        self.channels, self.accounts = {}, {}
        self.states = {}  # user → channel
        self.sockets = {}  # bot's user → its gateway connection
        self.sessions = {}  # gateway session → the connection that has it
        self.voice = VoiceServer(variation)
        self.unknown = []
        self._runners = []

    def add_channel(self, name):
        made = snowflake()
        self.channels[made] = name
        return made

    def add(self, name, *, bot=False):
        made = Account(name, bot=bot)
        self.accounts[made.id] = made
        return made

    async def start(self):
        context = make_tls(self.folder)
        prefix = f"/r{secrets.token_hex(3)}/api/v10"
        rest = web.Application()
        rest.router.add_route("*", prefix + "/{rest:.*}", self._rest)
        rest.router.add_route("*", "/{rest:.*}", self._lost)
        gateway_path = f"/g{secrets.token_hex(3)}"
        gateway = web.Application()
        gateway.router.add_get(gateway_path, self._gateway)
        gateway.router.add_get(gateway_path + "/", self._gateway)
        voice = web.Application()
        voice.router.add_get("/", self.voice.serve)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self.voice, local_addr=("127.0.0.1", 0))
        self.api_base = f"https://127.0.0.1:{await self._listen(rest, context)}{prefix}"
        self.gateway_url = f"wss://127.0.0.1:{await self._listen(gateway, context)}{gateway_path}"
        self.endpoints = [f"127.0.0.1:{await self._listen(voice, context)}"]
        second = web.Application()
        second.router.add_get("/", self.voice.serve)
        self.endpoints.append(f"localhost:{await self._listen(second, context)}")
        self.endpoint = self.endpoints[0]

    async def _listen(self, application, context):
        runner = web.AppRunner(application, shutdown_timeout=0.5)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        return runner.addresses[0][1]

    async def close(self):
        for socket in list(self.sockets.values()):
            await socket.close()
        for _, peer in self.voice.everybody:
            await peer.socket.close()
        for runner in self._runners:
            await runner.cleanup()
        for task in list(self.voice.tasks):
            task.cancel()
        await asyncio.gather(*self.voice.tasks, return_exceptions=True)
        self.voice.transport.close()

    def _who(self, token):
        return next((one for one in self.accounts.values() if one.bot and one.token == token), None)

    async def _lost(self, request):
        self.unknown.append(f"{request.method} {request.path}")
        return web.json_response({"message": "404: Not Found", "code": 0}, status=404)

    async def _rest(self, request):
        bot = self._who(request.headers.get("Authorization", "").removeprefix("Bot "))
        if bot is None:
            return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)
        answers = {
            "users/@me": bot.user() | {"verified": True, "mfa_enabled": False, "flags": 0},
            "oauth2/applications/@me": self._application(bot),
            "applications/@me": self._application(bot),
            "gateway/bot": self._gateway_bot(),
            "gateway": {"url": self.gateway_url},
            "soundboard-default-sounds": [],
        }
        answer = answers.get(request.match_info["rest"]) if request.method == "GET" else None
        if answer is None:
            return await self._lost(request)
        body = json.dumps(answer).encode()
        return web.Response(body=body, headers={"Content-Type": "application/json", "X-Elsewhere": "1"})

    def _application(self, bot):
        return {
            "id": str(snowflake()),
            "name": bot.name,
            "icon": None,
            "description": "",
            "bot_public": False,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "owner": next(iter(self.accounts.values())).user(),
            "team": None,
            "flags": 0,
            "summary": "",
        }

    def _gateway_bot(self):
        limit = {"total": 1000, "remaining": 987, "reset_after": 14_400_000, "max_concurrency": 1}
        return {"url": self.gateway_url, "shards": 1, "session_start_limit": limit}

    def _state(self, account, channel):
        return {
            "guild_id": str(self.guild),
            "channel_id": str(channel) if channel else None,
            "user_id": str(account.id),
            "session_id": account.session,
            "member": account.member(),
            "deaf": False,
            "mute": False,
            "self_deaf": False,
            "self_mute": False,
            "self_video": False,
            "suppress": False,
            "request_to_speak_timestamp": None,
            "discoverable": True,
        }

    def _guild_create(self):
        everyone = {"id": str(self.guild), "name": "@everyone", "color": 0, "hoist": False, "position": 0}
        everyone |= {"permissions": str(EVERYONE_MAY), "managed": False, "mentionable": False, "flags": 0}
        channels = [
            {"id": str(number), "type": VOICE_CHANNEL, "name": name, "position": place, "permission_overwrites": []}
            | {"bitrate": 64_000, "user_limit": 0, "parent_id": None, "rtc_region": None, "nsfw": False}
            for place, (number, name) in enumerate(self.channels.items())
        ]
        bare = self.variation.bare_guild
        there = [user for user in self.accounts if user in self.states or (user in self.sockets and not bare)]
        return {
            "id": str(self.guild),
            "name": "Elsewhere",
            "owner_id": str(next(iter(self.accounts))),
            "roles": [] if bare else [everyone],
            "channels": channels,
            "members": [self.accounts[user].member() for user in there],
            "member_count": len(self.accounts),
            "voice_states": [self._state(self.accounts[user], channel) for user, channel in self.states.items()],
            "unavailable": False,
            "large": False,
            "threads": [],
            "presences": [],
            "emojis": [],
            "stage_instances": [],
            "unheard_of": {"a": 1},
        }

    def place(self, account, channel):
        """Put a user into a channel (None: out of it), tell every bot."""
        self.states.pop(account.id, None)
        if channel:
            self.states[account.id] = channel
        for socket in self.sockets.values():
            socket.dispatch("VOICE_STATE_UPDATE", self._state(account, channel))

    async def _gateway(self, request):
        connection = Connection(self, request)
        return await connection.run()

    def join(self, connection, told):
        """Op 4 of a bot."""
        bot, channel = connection.bot, int(told["channel_id"] or 0)
        if int(told["guild_id"]) != self.guild or (channel and channel not in self.channels):
            return
        if channel == 0:
            if bot.id in self.states:
                self.place(bot, None)
            self.voice.drop(bot.id)
            return
        bot.session = secrets.token_hex(16)
        news = self._voice_server(bot, channel)
        if self.variation.server_update_first:
            connection.dispatch("VOICE_SERVER_UPDATE", news)
        self.place(bot, channel)
        if not self.variation.server_update_first:
            connection.dispatch("VOICE_SERVER_UPDATE", news)

    def _voice_server(self, bot, channel):
        token = self.voice.ticket(bot.id, channel)
        return {"token": token, "guild_id": str(self.guild), "endpoint": self.endpoint, "streams": None}

    def move_voice(self, bot, channel, endpoint):
        """Another voice server for one bot: first none at all (documentation, Voice Server Update), then the next."""
        self.endpoint = endpoint
        connection = self.sockets[bot.id]
        news = self._voice_server(bot, channel)
        connection.dispatch("VOICE_SERVER_UPDATE", news | {"endpoint": None})
        asyncio.get_running_loop().call_later(0.3, connection.dispatch, "VOICE_SERVER_UPDATE", news)


class Connection:
    """One bot's main gateway websocket."""

    def __init__(self, server, request):
        self.server, self.request = server, request
        self.socket = web.WebSocketResponse()
        self.bot = self.session = None
        self.number, self.past, self.resumed = 0, [], 0
        self.outbox = asyncio.Queue()
        self.deflate = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None

    def send(self, op, data, **more):
        self.outbox.put_nowait(json.dumps({"op": op, "d": data, "s": None, "t": None} | more).encode())

    def dispatch(self, name, data):
        self.number += 1
        self.past.append((self.number, data, name))
        self.send(0, data, s=self.number, t=name)

    async def close(self):
        await self.socket.close(code=1001)

    async def _write(self):
        while True:
            message = await self.outbox.get()
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                if self.deflate:
                    packed = self.deflate.compress(message) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
                    await self.socket.send_bytes(packed)
                else:
                    await self.socket.send_str(message.decode())

    async def run(self):
        await self.socket.prepare(self.request)
        writer = self.server.voice.run(self._write())
        self.send(10, {"heartbeat_interval": 3_141.5, "_trace": ["elsewhere"]})
        try:
            async for message in self.socket:
                if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    await self._take(json.loads(message.data))
        finally:
            writer.cancel()
            gone = self.bot and self.bot.id not in self.server.states
            if gone or (self.bot and self.socket.close_code in (1000, 1001)):
                self._end()
            elif self.bot:
                asyncio.get_running_loop().call_later(GRACE_SECONDS, self._end)
        return self.socket

    def _end(self):
        if self.current():
            del self.server.sockets[self.bot.id]
            if self.bot.id in self.server.states:
                self.server.place(self.bot, None)
            self.server.voice.drop(self.bot.id)

    def current(self):
        return self.server.sockets.get(self.bot.id) is self

    def cut(self):
        self.request.transport.abort()

    def _resume(self, told):
        old = self.server.sessions.get(told["session_id"])
        if old is None or old.bot is not self.server._who(told["token"]) or not old.current():
            self.send(9, False)
            return
        self.bot, self.session, self.number, self.past = old.bot, old.session, old.number, old.past
        self.resumed = old.resumed + 1
        self.server.sockets[self.bot.id] = self.server.sessions[self.session] = self
        for number, data, name in self.past:
            if number > told["seq"]:
                self.send(0, data, s=number, t=name)
        self.dispatch("RESUMED", {"_trace": []})

    async def _take(self, message):
        op, told = message["op"], message.get("d")
        if op == 1:
            self.send(11, None)
        elif op == 2:
            await self._identify(told)
        elif op == 4:
            self.server.join(self, told)
        elif op == 6:
            self._resume(told)
        elif op == 8:
            chunk = {"guild_id": told["guild_id"], "members": [], "chunk_index": 0, "chunk_count": 1}
            self.dispatch("GUILD_MEMBERS_CHUNK", chunk | {"nonce": told.get("nonce")})

    async def _identify(self, told):
        self.bot = self.server._who(told["token"])
        if self.bot is None:
            await self.socket.close(code=4004)
            return
        self.session = secrets.token_hex(16)
        self.server.sockets[self.bot.id] = self.server.sessions[self.session] = self
        guilds = [{"id": str(self.server.guild), "unavailable": True}]
        self.dispatch(
            "READY",
            {
                "v": 10,
                "user": self.bot.user(),
                "guilds": guilds,
                "session_id": self.session,
                "resume_gateway_url": self.server.gateway_url,
                "shard": [0, 1],
                "application": {"id": str(snowflake()), "flags": 0},
                "user_settings": {},
                "sent_at": time.time() + random.random(),
            },
        )
        self.dispatch("NEVER_HEARD_OF", {"thing": 1})
        self.dispatch("GUILD_CREATE", self.server._guild_create())
