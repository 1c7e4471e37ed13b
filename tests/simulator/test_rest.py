"""The REST API as any HTTP client sees it."""

import aiohttp
import pytest

from simulator.clock import HandClock
from simulator.server import Simulator

ALPHA = {"Authorization": "Bot token-alpha"}
BETA = {"Authorization": "Bot token-beta"}


async def call(
    http: aiohttp.ClientSession,
    simulator: Simulator,
    method: str,
    path: str,
    headers: dict[str, str] = ALPHA,
    **kwargs: object,
):
    async with http.request(method, simulator.api_base + path, headers=headers, **kwargs) as response:
        body = await response.json(content_type=None) if response.status != 204 else None
        return response, body


def grant(simulator: Simulator, bits: int) -> None:
    simulator.cast.guild.everyone.permissions |= bits


async def test_own_user_has_exact_content_type_and_rate_limit_headers(
    http: aiohttp.ClientSession, simulator: Simulator
):
    response, body = await call(http, simulator, "GET", "/users/@me")
    assert response.status == 200
    assert body["username"] == "alpha"
    assert body["id"] == str(simulator.cast.account("alpha"))
    assert body["bot"] is True
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-RateLimit-Remaining"] == "9"
    assert len(response.headers["X-RateLimit-Bucket"]) == 32


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bot wrong"}, {"Authorization": "Bearer token-alpha"}])
async def test_a_bad_token_is_401(http: aiohttp.ClientSession, simulator: Simulator, header: dict[str, str]):
    response, body = await call(http, simulator, "GET", "/users/@me", headers=header)
    assert response.status == 401
    assert body == {"message": "401: Unauthorized", "code": 0}
    assert simulator.rest.invalid_requests == 1


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/guilds/1", 404, 10004),
        ("/guilds/1/channels", 404, 10004),
        ("/channels/1", 404, 10003),
        ("/guilds/{guild}/members/1", 404, 10007),
        ("/channels/{Secret}", 403, 50001),
        ("/guilds/nonsense", 400, 50035),
        ("/nowhere", 404, 0),
    ],
)
async def test_errors_have_discords_codes(
    http: aiohttp.ClientSession, simulator: Simulator, path: str, status: int, code: int
):
    names = {name: channel.id for name, channel in simulator.cast.channels.items()}
    response, body = await call(http, simulator, "GET", path.format(guild=simulator.cast.guild.id, **names))
    assert (response.status, body["code"]) == (status, code)
    assert isinstance(body["message"], str)


async def test_a_guild_one_is_not_in_is_missing_access(http: aiohttp.ClientSession, simulator: Simulator):
    stranger = simulator.world.add_account("stranger", bot=True, token="token-stranger")
    path = f"/guilds/{simulator.cast.guild.id}"
    response, body = await call(http, simulator, "GET", path, headers={"Authorization": "Bot token-stranger"})
    assert (response.status, body["code"]) == (403, 50001)
    assert stranger.id not in simulator.cast.guild.members


async def test_application_and_guild_can_be_read(http: aiohttp.ClientSession, simulator: Simulator):
    guild_id = simulator.cast.guild.id
    _, app = await call(http, simulator, "GET", "/oauth2/applications/@me")
    _, guilds = await call(http, simulator, "GET", "/users/@me/guilds")
    _, guild = await call(http, simulator, "GET", f"/guilds/{guild_id}")
    _, channels = await call(http, simulator, "GET", f"/guilds/{guild_id}/channels")
    _, roles = await call(http, simulator, "GET", f"/guilds/{guild_id}/roles")
    _, member = await call(http, simulator, "GET", f"/guilds/{guild_id}/members/{simulator.cast.account('akari')}")
    _, sounds = await call(http, simulator, "GET", "/soundboard-default-sounds")
    assert app["id"] == str(simulator.cast.account("alpha"))
    assert [entry["id"] for entry in guilds] == [str(guild_id)]
    assert guild["name"] == "Cup"
    assert {entry["name"]: entry.get("user_limit") for entry in channels}["Red"] == 2
    assert [entry["name"] for entry in roles] == ["@everyone", "Relay"]
    assert member["nick"] == "RED Akari"
    assert sounds == []


async def test_application_and_user_can_be_changed(http: aiohttp.ClientSession, simulator: Simulator):
    image = "data:image/png;base64,AAAA"
    response, body = await call(
        http, simulator, "PATCH", "/applications/@me", json={"description": "relays", "icon": image}
    )
    assert response.status == 200
    assert body["description"] == "relays"
    assert len(body["icon"]) == 32
    _, body = await call(http, simulator, "PATCH", "/users/@me", json={"username": "Relay Red"})
    assert body["username"] == "Relay Red"
    response, body = await call(http, simulator, "PATCH", "/applications/@me", json={"icon": "no image"})
    assert (response.status, body["code"]) == (400, 50035)
    assert "icon" in body["errors"]
    response, body = await call(http, simulator, "PATCH", "/applications/@me", data=b"{")
    assert (response.status, body["code"]) == (400, 50109)


async def test_gateway_bot_tells_the_session_start_limit(http: aiohttp.ClientSession, simulator: Simulator):
    simulator.starts.count(simulator.cast.account("alpha"))
    _, body = await call(http, simulator, "GET", "/gateway/bot")
    assert body["url"] == simulator.gateway_url
    assert body["session_start_limit"] == {
        "total": 1000,
        "remaining": 999,
        "reset_after": 86_400_000,
        "max_concurrency": 1,
    }
    response, body = await call(http, simulator, "GET", "/gateway", headers={})
    assert (response.status, body) == (200, {"url": simulator.gateway_url})


async def test_voice_status_needs_its_permission_and_from_outside_one_more(
    http: aiohttp.ClientSession, simulator: Simulator
):
    path = f"/channels/{simulator.cast.channel('Red')}/voice-status"
    response, body = await call(http, simulator, "PUT", path, json={"status": "on air"}, headers=BETA)
    assert (response.status, body["code"]) == (403, 50013)
    response, body = await call(http, simulator, "PUT", path, json={"status": "on air"})
    assert (response.status, body["code"]) == (403, 50013)
    simulator.world.join(simulator.cast.guild.id, simulator.cast.account("alpha"), simulator.cast.channel("Red"))
    response, _ = await call(http, simulator, "PUT", path, json={"status": "on air"})
    assert response.status == 204
    assert simulator.cast.channels["Red"].status == "on air"


async def test_overwrites_need_manage_roles(http: aiohttp.ClientSession, simulator: Simulator):
    path = f"/channels/{simulator.cast.channel('Red')}/permissions/{simulator.cast.account('alpha')}"
    body = {"type": 1, "allow": str(1 << 20), "deny": "0"}
    response, answer = await call(http, simulator, "PUT", path, json=body)
    assert (response.status, answer["code"]) == (403, 50013)
    grant(simulator, 1 << 28)
    response, _ = await call(http, simulator, "PUT", path, json=body)
    assert response.status == 204
    assert simulator.cast.channels["Red"].overwrites[simulator.cast.account("alpha")].allow == 1 << 20
    response, _ = await call(http, simulator, "DELETE", path)
    assert response.status == 204
    response, answer = await call(http, simulator, "DELETE", path)
    assert (response.status, answer["code"]) == (404, 10009)


async def test_members_are_moved_muted_and_disconnected_only_with_permission(
    http: aiohttp.ClientSession, simulator: Simulator
):
    guild_id, akari = simulator.cast.guild.id, simulator.cast.account("akari")
    path = f"/guilds/{guild_id}/members/{akari}"
    move = {"channel_id": str(simulator.cast.channel("Blue"))}
    response, body = await call(http, simulator, "PATCH", path, json=move)
    assert (response.status, body["code"]) == (403, 50013)
    grant(simulator, 1 << 22 | 1 << 23 | 1 << 24)
    response, body = await call(http, simulator, "PATCH", path, json=move)
    assert (response.status, body["code"]) == (400, 40032)
    simulator.world.join(guild_id, akari, simulator.cast.channel("Red"))
    response, body = await call(http, simulator, "PATCH", path, json=move | {"mute": True})
    assert response.status == 200
    assert body["mute"] is True
    assert simulator.world.voice_state(guild_id, akari).channel_id == simulator.cast.channel("Blue")
    await call(http, simulator, "PATCH", path, json={"channel_id": None})
    assert simulator.world.voice_state(guild_id, akari) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("x", "BASE_TYPE_BAD_LENGTH"),
        ("x" * 33, "BASE_TYPE_MAX_LENGTH"),
        ("my Discord bot", "USERNAME_INVALID_CONTAINS"),
        ("a@b", "USERNAME_INVALID_CONTAINS"),
    ],
)
async def test_names_follow_discord_s_rules(http: aiohttp.ClientSession, simulator: Simulator, name: str, code: str):
    response, body = await call(http, simulator, "PATCH", "/users/@me", json={"username": name})
    assert (response.status, body["code"]) == (400, 50035)
    assert body["errors"]["username"]["_errors"][0]["code"] == code


async def test_a_third_name_within_an_hour_is_a_wrong_field(
    http: aiohttp.ClientSession, simulator: Simulator, clock: HandClock
):
    names = ["Red one", "Red one", "Red  two", "Red three"]
    answers = [(await call(http, simulator, "PATCH", "/users/@me", json={"username": name})) for name in names]
    assert [response.status for response, _ in answers] == [200, 200, 200, 400]
    assert answers[2][1]["username"] == "Red two"
    assert answers[3][1]["errors"]["username"]["_errors"][0]["code"] == "USERNAME_RATE_LIMIT"
    clock.turn(3600)
    response, _ = await call(http, simulator, "PATCH", "/users/@me", json={"username": "Red three"})
    assert response.status == 200


async def test_the_bot_s_picture_and_its_application_s_are_two(http: aiohttp.ClientSession, simulator: Simulator):
    await call(http, simulator, "PATCH", "/applications/@me", json={"icon": "data:image/png;base64,AAAA"})
    _, body = await call(http, simulator, "GET", "/users/@me")
    assert body["avatar"] is None


async def test_anybody_is_described_by_id(http: aiohttp.ClientSession, simulator: Simulator):
    _, body = await call(http, simulator, "GET", f"/users/{simulator.cast.account('akari')}")
    assert (body["username"], body["bot"]) == ("akari", False)
    response, body = await call(http, simulator, "GET", "/users/1")
    assert (response.status, body["code"]) == (404, 10013)


async def test_a_time_out_is_told_with_the_member(http: aiohttp.ClientSession, simulator: Simulator):
    guild, alpha = simulator.cast.guild, simulator.cast.account("alpha")
    guild.members[alpha].timed_out_until = "2030-01-01T00:00:00+00:00"
    _, body = await call(http, simulator, "GET", f"/guilds/{guild.id}/members/{alpha}")
    assert body["communication_disabled_until"] == "2030-01-01T00:00:00+00:00"


async def test_own_nickname(http: aiohttp.ClientSession, simulator: Simulator):
    path = f"/guilds/{simulator.cast.guild.id}/members/@me"
    _, body = await call(http, simulator, "PATCH", path, json={"nick": "RELAY"})
    assert body["nick"] == "RELAY"
    response, _ = await call(http, simulator, "PATCH", path, json={"nick": "x" * 33})
    assert response.status == 400


async def test_a_stage_speaker_needs_mute_members(http: aiohttp.ClientSession, simulator: Simulator):
    guild_id, alpha = simulator.cast.guild.id, simulator.cast.account("alpha")
    path = f"/guilds/{guild_id}/voice-states/@me"
    body = {"channel_id": str(simulator.cast.channel("Stage")), "suppress": False}
    response, answer = await call(http, simulator, "PATCH", path, json=body)
    assert (response.status, answer["code"]) == (404, 10065)
    assert simulator.world.join(guild_id, alpha, simulator.cast.channel("Stage")).suppress
    response, answer = await call(http, simulator, "PATCH", path, json=body)
    assert (response.status, answer["code"]) == (403, 50013)
    grant(simulator, 1 << 22)
    response, _ = await call(http, simulator, "PATCH", path, json=body)
    assert response.status == 204
    assert not simulator.world.voice_state(guild_id, alpha).suppress


async def test_forced_rate_limit_answers_429_and_ends(http: aiohttp.ClientSession, simulator: Simulator):
    simulator.faults.rate_limit(count=1, retry_after=2.5, path="/users")
    response, _ = await call(http, simulator, "GET", "/gateway/bot")
    assert response.status == 200
    response, body = await call(http, simulator, "GET", "/users/@me")
    assert response.status == 429
    assert body["retry_after"] == 2.5
    assert body["global"] is False
    assert response.headers["Retry-After"] == "3"
    assert response.headers["Via"]
    response, _ = await call(http, simulator, "GET", "/users/@me")
    assert response.status == 200


async def test_a_route_is_limited_and_open_again_later(
    http: aiohttp.ClientSession, simulator: Simulator, clock: HandClock
):
    answers = [(await call(http, simulator, "GET", "/users/@me"))[0] for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert answers[9].headers["X-RateLimit-Remaining"] == "0"
    clock.turn(1.1)
    response, _ = await call(http, simulator, "GET", "/users/@me")
    assert response.status == 200


async def test_a_revoked_token_is_401(http: aiohttp.ClientSession, simulator: Simulator):
    simulator.faults.revoke_token(simulator.cast.account("alpha"))
    response, _ = await call(http, simulator, "GET", "/users/@me")
    assert response.status == 401


async def test_an_unknown_authority_is_refused(simulator: Simulator):
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(simulator.api_base + "/gateway")
