"""Standard output may be slow, blocked or gone."""

import asyncio
import json
import os
import threading

from common.errors import CombinedError, ErrorCode, RelayError
from common.protocol import changes
from common.protocol.event_queue import EventQueue
from common.protocol.messages import Changed, Snapshot
from common.protocol.state import SessionState
from engine.output import Output


def read_all(descriptor):
    with os.fdopen(descriptor, "rb") as pipe:
        return [json.loads(line) for line in pipe]


async def test_events_are_lines():
    reading, writing = os.pipe()
    output, queue = Output(writing), EventQueue(lambda: Snapshot(revision=0, state=SessionState()))
    following = asyncio.ensure_future(output.follow(queue))
    await asyncio.sleep(0)
    queue.put(Changed(revision=1, kill=True))
    queue.close()
    await asyncio.wait_for(following, 5)
    output.close()
    os.close(writing)
    lines = read_all(reading)
    assert [line["type"] for line in lines] == ["snapshot", "changed"]
    assert lines[1] == {"type": "changed", "revision": 1, "kill": True}


async def test_a_blocked_reader_gets_the_true_state_once_it_reads():
    reading, writing = os.pipe()
    latest = Snapshot(revision=0, state=SessionState())
    output, queue = Output(writing), EventQueue(lambda: latest)
    following = asyncio.ensure_future(output.follow(queue))
    for revision in range(1, 5001):
        change = Changed(revision=revision, kill=bool(revision % 2))
        latest = Snapshot(revision=revision, state=changes.applied(latest.state, change))
        queue.put(change)
        if revision % 10 == 0:
            await asyncio.sleep(0)
    assert queue.dropped_changes > 0
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(read_all(reading)))
    reader.start()
    queue.close()
    await asyncio.wait_for(following, 10)
    output.close()
    os.close(writing)
    reader.join(10)
    revision = -1
    for line in lines:
        assert line["type"] == "snapshot" or line["revision"] == revision + 1
        revision = line["revision"]
    assert revision == 5000


async def test_a_reader_that_is_gone_ends_the_following_only():
    reading, writing = os.pipe()
    os.close(reading)
    output, queue = Output(writing), EventQueue(lambda: Snapshot(revision=0, state=SessionState()))
    following = asyncio.ensure_future(output.follow(queue))
    for revision in range(1, 3):
        await asyncio.sleep(0)
        queue.put(Changed(revision=revision, kill=True))
    async with asyncio.timeout(5):
        await following
    output.close()
    os.close(writing)


def test_an_error_is_a_line_for_each_reason_and_a_sentence_on_standard_error(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    reading, writing = os.pipe()
    output = Output(writing)
    errors = [RelayError(ErrorCode.TOKEN_MISSING, bot="A"), RelayError(ErrorCode.SESSION_EMPTY, lacking="sources")]
    output.tell(CombinedError(errors))
    output.close()
    os.close(writing)
    assert read_all(reading) == [
        {"type": "error", "code": "token_missing", "details": {"bot": "A"}},
        {"type": "error", "code": "session_empty", "details": {"lacking": "sources"}},
    ]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("There is no token for bot A.")
