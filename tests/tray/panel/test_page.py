"""One page's calls and answers over a real WebSocket."""

import asyncio
import logging

import aiohttp
import pytest

from common.errors import CombinedError, ErrorCode, RelayError
from tray.panel.messages import CheckToken, GetAbout, GetHistory, History, WizardGo
from tray.panel.page import IN_FLIGHT

TOKEN = "MTIzNDU2.invented.token-that-must-not-print"


async def test_what_the_tray_knows_comes_first_and_after_every_change(browser, desk):
    page = await browser.open()
    assert (await page.hear())["restarts"] == 0
    desk.change(restarts=1)
    assert (await page.hear())["restarts"] == 1


async def test_many_changes_at_once_are_one_message(browser, desk):
    page = await browser.open()
    await page.hear("desk")
    for number in range(1, 51):
        desk.change(restarts=number)
    assert (await page.hear())["restarts"] == 50
    assert (await page.answer(1, {"type": "ping"}))["id"] == 1


async def test_our_own_commands_are_carried_out_and_their_changes_come_before_the_answer(browser, desk):
    async def handle(command):
        desk.change(restarts=9)
        return History(sessions=()) if isinstance(command, GetHistory) else None

    desk.handle = handle
    page = await browser.open()
    await page.hear("desk")
    await page.call(7, {"type": "get_history"})
    assert (await page.hear())["restarts"] == 9
    assert await page.hear() == {"type": "answer", "id": 7, "payload": {"type": "history", "sessions": []}}
    assert await page.answer(8, {"type": "wizard_go", "step": "x"}) == {"type": "answer", "id": 8, "payload": None}


async def test_every_reason_of_a_refusal_is_told(browser, desk):
    async def handle(_command):
        raise CombinedError([RelayError(ErrorCode.TOKEN_MISSING, bot="A"), RelayError(ErrorCode.SESSION_EMPTY)])

    desk.handle = handle
    page = await browser.open()
    refused = await page.answer(1, {"type": "start"})
    assert refused == {
        "type": "unanswered",
        "id": 1,
        "faults": [{"code": "token_missing", "details": {"bot": "A"}}, {"code": "session_empty", "details": {}}],
    }


async def test_a_fault_inside_is_answered_and_the_page_stays(browser, desk):
    async def handle(command):
        if isinstance(command, GetAbout):
            raise ZeroDivisionError("detail")

    desk.handle = handle
    page = await browser.open()
    refused = await page.answer(1, {"type": "get_about"})
    assert refused["faults"] == [{"code": "internal", "details": {"reason": "ZeroDivisionError"}}]
    assert (await page.answer(2, {"type": "wizard_go", "step": "x"}))["type"] == "answer"


async def test_a_token_goes_in_and_never_comes_out(browser, desk, caplog):
    seen = []

    async def handle(command):
        seen.append(command)
        raise ValueError(command)

    desk.handle = handle
    caplog.set_level(logging.DEBUG)
    page = await browser.open()
    refused = await page.answer(1, {"type": "check_token", "token": TOKEN})
    broken = await page.answer(2, {"type": "save_bot", "bot": "A", "role": "nobody", "token": TOKEN})
    assert [type(each) for each in seen] == [CheckToken]
    assert seen[0].token.reveal() == TOKEN
    assert broken["faults"][0]["code"] == "protocol_malformed"
    assert TOKEN not in f"{refused}{broken}{caplog.text}{seen}"


async def test_a_slow_command_holds_up_no_other(browser, desk):
    done = asyncio.Event()

    async def handle(command):
        if isinstance(command, WizardGo):
            await done.wait()

    desk.handle = handle
    page = await browser.open()
    await page.call(1, {"type": "wizard_go", "step": "x"})
    assert (await page.answer(2, {"type": "get_about"}))["type"] == "answer"
    done.set()
    assert (await page.hear("answer"))["id"] == 1


async def test_a_command_outlives_the_page_that_asked_for_it(browser, desk):
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(_command):
        begun.set()
        await go_on.wait()
        ended.set()

    desk.handle = handle
    page = await browser.open()
    await page.call(1, {"type": "start"})
    await begun.wait()
    await page.socket.close()
    go_on.set()
    await asyncio.wait_for(ended.wait(), 10)


async def test_more_calls_than_fit_are_all_answered_and_only_so_many_run_at_once(browser, desk):
    running, most, full, go_on = 0, 0, asyncio.Event(), asyncio.Event()

    async def handle(_command):
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == IN_FLIGHT:
            full.set()
        await go_on.wait()
        running -= 1

    desk.handle = handle
    page = await browser.open()
    for number in range(IN_FLIGHT * 3):
        await page.call(number, {"type": "get_about"})
    await asyncio.wait_for(full.wait(), 10)
    go_on.set()
    answers = {(await page.hear("answer"))["id"] for _ in range(IN_FLIGHT * 3)}
    assert answers == set(range(IN_FLIGHT * 3))
    assert most == IN_FLIGHT


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"type": "nonsense"},
        {"type": "wizard_go"},
        {"type": "wizard_go", "step": 1},
        {"type": "ping", "more": 1},
        None,
    ],
)
async def test_a_call_that_is_not_understood_is_answered_by_its_id(browser, command):
    page = await browser.open()
    refused = await page.answer(5, command)
    assert (refused["id"], refused["faults"][0]["code"]) == (5, "protocol_malformed")
    assert (await page.answer(6, {"type": "ping"}))["id"] == 6


@pytest.mark.parametrize("words", ["", "noise", "[]", "1", '{"type":"call"}', '{"id":-1}', '{"id":"x"}', "[" * 100_000])
async def test_what_is_no_call_ends_the_connection(browser, words):
    page = await browser.open()
    await page.hear("desk")
    await page.socket.send_str(words)
    assert await page.hear() is None
    assert page.socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_bytes_end_the_connection(browser):
    page = await browser.open()
    await page.hear("desk")
    await page.socket.send_bytes(b'{"type":"call","id":1,"command":{"type":"ping"}}')
    assert await page.hear() is None
    assert page.socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_message_that_is_too_long_ends_the_connection(browser):
    page = await browser.open()
    await page.hear("desk")
    await page.socket.send_str("x" * (1 << 21))
    assert await page.hear() is None
    assert page.socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_a_page_that_does_not_read_misses_what_is_old_and_no_more(browser, desk):
    presets = tuple(f"{'x' * 50}{number}" for number in range(2000))
    page = await browser.open()
    await page.hear("desk")
    for number in range(1, 301):
        desk.change(restarts=number, presets=presets)
        await asyncio.sleep(0)
    heard = [(await page.hear("desk"))["restarts"]]
    while heard[-1] != 300:
        heard.append((await page.hear("desk"))["restarts"])
    assert heard == sorted(heard)
    assert len(heard) < 200
