"""How a bot is dressed: names Discord takes, a picture per role, and no change spent for nothing."""

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from common.errors import DiscordError, ErrorCode
from common.protocol.state import Role
from simulator.server import Simulator
from tray.wizard.discord_api import BotApi
from tray.wizard.dress import ABOUT, SIDE, checked_name, data_uri, draw, dress


@pytest.mark.parametrize("name", ["x", "", "   ", "x" * 33, "a@b", "a:b", "#1", "My DISCORD bot", "Everyone", "here"])
def test_names_discord_refuses_are_refused_here(name: str):
    with pytest.raises(DiscordError) as caught:
        checked_name(name, "Red")
    assert (caught.value.code, caught.value.details["bot"]) == (ErrorCode.BOT_NAME_REFUSED, "Red")
    assert "reason" in caught.value.details


@given(st.text(max_size=40))
def test_a_name_that_passes_is_tidy_and_passes_again(name: str):
    try:
        tidy = checked_name(name, "Red")
    except DiscordError:
        return
    assert 2 <= len(tidy) <= 32
    assert checked_name(tidy, "Red") == tidy
    assert tidy.split() == name.split()


def pixels(role: Role, side: int) -> Image.Image:
    return Image.open(io.BytesIO(draw(role))).convert("L").resize((side, side), Image.Resampling.LANCZOS)


def test_pictures_are_square_small_and_told_apart_without_colour():
    for role in Role:
        image = Image.open(io.BytesIO(draw(role)))
        assert (image.format, image.size) == ("PNG", (SIDE, SIDE))
        assert len(data_uri(role)) < 50_000
    shapes = [[value > 160 for value in pixels(role, 32).tobytes()] for role in Role]
    differing = sum(one != other for one, other in zip(*shapes, strict=True))
    assert differing > 60


@pytest.mark.parametrize("role", Role)
def test_nothing_is_drawn_where_discord_cuts_its_circle(role: Role):
    image = pixels(role, SIDE)
    edge = image.getpixel((0, 0))
    centre = SIDE / 2
    outside = [
        image.getpixel((x, y))
        for x in range(0, SIDE, 4)
        for y in range(0, SIDE, 4)
        if (x - centre) ** 2 + (y - centre) ** 2 > (centre * 0.95) ** 2
    ]
    assert max(abs(value - edge) for value in outside) < 10


async def test_a_bot_gets_name_picture_and_a_line_about_itself(alpha: BotApi, simulator: Simulator):
    assert await dress(alpha, "alpha", Role.SOURCE, "  RELAY   Red ", picture=True) == "RELAY Red"
    account = simulator.cast.bots["alpha"]
    assert (account.name, account.description) == ("RELAY Red", ABOUT[Role.SOURCE])
    assert account.avatar == account.icon
    assert account.avatar is not None


async def test_a_name_it_has_costs_no_change_and_pictures_are_left_if_wished(alpha: BotApi, simulator: Simulator):
    for _ in range(4):
        assert await dress(alpha, "alpha", Role.SOURCE, "alpha", picture=False) == "alpha"
    assert simulator.rest.requests == {"GET /users/@me": 4}


async def test_a_third_name_within_the_hour_says_so(alpha: BotApi, simulator: Simulator):
    for name in ("one", "two"):
        await dress(alpha, "alpha", Role.DESTINATION, name, picture=False)
    with pytest.raises(DiscordError) as caught:
        await dress(alpha, "alpha", Role.DESTINATION, "three", picture=True)
    assert caught.value.code is ErrorCode.RENAMED_TOO_OFTEN
    assert simulator.cast.bots["alpha"].avatar is not None


@pytest.mark.parametrize("role", Role)
def test_the_picture_travels_as_discord_takes_it(role: Role):
    head, _, data = data_uri(role).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == draw(role)
