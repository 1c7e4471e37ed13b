"""Tokens: what people paste, what it is, and whose."""

import asyncio
import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import DiscordError, ErrorCode
from common.secret import Secret
from simulator.server import Simulator
from tray.panel.messages import TokenCheck
from tray.wizard.tokens import NEW_BOT, account_of, check, checked_shape, cleaned

ACCOUNT = "1234567890123456789"
FIRST = base64.urlsafe_b64encode(ACCOUNT.encode()).decode().rstrip("=")
TOKEN = f"{FIRST}.GabcDE.an_invented-third-part-of-38-characters_x"

DRESSED = [
    f"  {TOKEN}\n",
    f'"{TOKEN}"',
    f"“{TOKEN}”",
    f"「{TOKEN}」",
    f"Bot {TOKEN}",
    f"bot  {TOKEN}",
    f"DISCORD_TOKEN={TOKEN}",
    f'token = "{TOKEN}"',
    f"Authorization: Bot {TOKEN}",
    f"\ufeff{TOKEN}\u200b",
    f"`{TOKEN}`",
]

WRONG = [
    ("", ErrorCode.TOKEN_MISSING),
    ("  ", ErrorCode.TOKEN_MISSING),
    ("Zx9_abcdefghijklmnopqrstuvwxyz-0", ErrorCode.TOKEN_IS_CLIENT_SECRET),
    (ACCOUNT, ErrorCode.TOKEN_IS_APPLICATION_ID),
    ("0123456789abcdef" * 4, ErrorCode.TOKEN_IS_PUBLIC_KEY),
    ("mfa.VkO_2G4Qv3T--NO--lWetW_tjND--TOKEN--QFTm6YGtzq9PH", ErrorCode.TOKEN_NOT_A_BOT),
    (FIRST, ErrorCode.TOKEN_INCOMPLETE),
    (f"{FIRST}.GabcDE", ErrorCode.TOKEN_INCOMPLETE),
    ("https://discord.com/developers/applications", ErrorCode.TOKEN_MALFORMED),
    ("my secret password", ErrorCode.TOKEN_MALFORMED),
    ("トークン", ErrorCode.TOKEN_MALFORMED),
    ("somebody@example.com", ErrorCode.TOKEN_MALFORMED),
]


@pytest.mark.parametrize("pasted", DRESSED)
def test_what_comes_along_with_copying_is_taken_off(pasted: str):
    assert checked_shape(Secret(pasted)) == Secret(TOKEN)


@pytest.mark.parametrize(("pasted", "code"), WRONG)
def test_what_is_no_token_is_named(pasted: str, code: ErrorCode):
    with pytest.raises(DiscordError) as caught:
        checked_shape(Secret(pasted))
    assert caught.value.code is code
    assert caught.value.details == {"bot": NEW_BOT}


@given(st.text(max_size=100))
def test_any_text_is_cleaned_once_and_for_all_or_refused_with_a_code(text: str):
    try:
        token = checked_shape(Secret(text))
    except DiscordError:
        return
    assert token.reveal().isascii()
    assert " " not in token.reveal()
    assert token.reveal() in text


@given(st.integers(10**17, 2**63), st.text("abcXYZ019_-", min_size=27, max_size=38))
def test_a_token_of_the_usual_form_always_passes_and_names_its_account(account: int, rest: str):
    first = base64.urlsafe_b64encode(str(account).encode()).decode().rstrip("=")
    token = Secret(f"{first}.GabcDE.{rest}")
    assert checked_shape(token) == cleaned(token) == token
    assert account_of(token) == str(account)


@pytest.mark.parametrize("text", ["", "a", "token-alpha", "....", "é.x.y", base64.b64encode(b"letters").decode()])
def test_what_names_no_account_gives_none(text: str):
    assert account_of(Secret(text)) == ""


async def test_a_good_token_says_whose_it_is(ask_as, simulator: Simulator):
    alpha = str(simulator.cast.account("alpha"))
    found = await check(Secret(" Bot token-alpha "), ask_as, {})
    assert found == TokenCheck(user=alpha, application=alpha, name="alpha", same_as="", public=True)


async def test_the_answer_is_there_within_a_second(ask_as):
    async with asyncio.timeout(1):
        await check(Secret("token-alpha"), ask_as, {})


async def test_the_same_account_as_one_of_ours_is_named(ask_as, simulator: Simulator):
    ours = {"Blue": str(simulator.cast.account("beta")), "Red": str(simulator.cast.account("alpha"))}
    assert (await check(Secret("token-alpha"), ask_as, ours)).same_as == "Red"


async def refused(question) -> ErrorCode:
    with pytest.raises(DiscordError) as caught:
        await question
    return caught.value.code


async def test_what_cannot_be_a_token_never_goes_to_discord(ask_as, simulator: Simulator):
    assert await refused(check(Secret(ACCOUNT), ask_as, {})) is ErrorCode.TOKEN_IS_APPLICATION_ID
    assert simulator.rest.requests == {}


async def test_an_account_that_is_no_bot_is_told(ask_as, simulator: Simulator):
    simulator.cast.people["akari"].token = "token-akari"
    assert await refused(check(Secret("token-akari"), ask_as, {})) is ErrorCode.TOKEN_NOT_A_BOT


@pytest.mark.parametrize(("whose", "code"), [("akari", ErrorCode.TOKEN_NOT_A_BOT), ("beta", ErrorCode.TOKEN_INVALID)])
async def test_a_good_bot_tells_a_person_s_token_from_a_reset_one(
    ask_as, simulator: Simulator, whose: str, code: ErrorCode
):
    first = base64.urlsafe_b64encode(str(simulator.cast.account(whose)).encode()).decode().rstrip("=")
    token = Secret(f"{first}.GabcDE.an_invented-third-part-of-38-characters_x")
    assert await refused(check(token, ask_as, {}, witness=Secret("token-alpha"))) is code
    assert await refused(check(token, ask_as, {})) is ErrorCode.TOKEN_INVALID
    assert await refused(check(token, ask_as, {}, witness=Secret("token-wrong"))) is ErrorCode.TOKEN_INVALID
