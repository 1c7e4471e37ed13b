import queue
import selectors
import socket

import pytest

from engine.voice.receiver import Receiver

WAIT = 5


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def pair():
    ends = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for end in ends:
        end.bind(("127.0.0.1", 0))
        end.setblocking(False)
    ends[0].connect(ends[1].getsockname())
    ends[1].connect(ends[0].getsockname())
    yield ends
    for end in ends:
        end.close()


def test_datagrams_reach_their_handler_in_order_with_their_time(receiver, pair):
    got = queue.Queue()
    receiver.add(pair[1], lambda data, arrival: got.put((data, arrival)))
    for n in range(50):
        pair[0].send(bytes([n]))
    found = [got.get(timeout=WAIT) for _ in range(50)]
    assert [data[0] for data, _ in found] == list(range(50))
    assert [arrival for _, arrival in found] == sorted(arrival for _, arrival in found)


def test_a_handler_that_fails_is_counted_and_the_next_one_works(receiver, pair):
    got = queue.Queue()

    def handler(data, _arrival):
        got.put(data)
        if data == b"bad":
            raise RuntimeError(data)

    receiver.add(pair[1], handler)
    pair[0].send(b"bad")
    pair[0].send(b"good")
    assert [got.get(timeout=WAIT), got.get(timeout=WAIT)] == [b"bad", b"good"]
    assert receiver.counters.get("handler_failed") == 1


def test_a_removed_socket_may_be_closed_at_once(receiver, pair):
    got = queue.Queue()
    receiver.add(pair[1], lambda data, _arrival: got.put(data))
    pair[0].send(b"before")
    assert got.get(timeout=WAIT) == b"before"
    receiver.remove(pair[1])
    pair[1].close()
    done = queue.Queue()
    receiver.post(lambda: done.put("alive"))
    assert done.get(timeout=WAIT) == "alive"
    assert got.empty()


def test_a_socket_closed_under_the_thread_does_no_harm(receiver, pair):
    receiver.add(pair[1], lambda _data, _arrival: None)
    pair[1].close()
    receiver.remove(pair[1])
    done = queue.Queue()
    receiver.post(lambda: 1 / 0)
    receiver.post(lambda: done.put("alive"))
    assert done.get(timeout=WAIT) == "alive"


class Panic(BaseException):
    """What a Rust library raises when it gives up: not an Exception."""


def test_a_panic_in_a_handler_does_not_end_the_thread_of_all_bots(receiver, pair):
    got = queue.Queue()

    def handler(data, _arrival):
        got.put(data)
        raise Panic

    def work():
        raise Panic

    receiver.add(pair[1], handler)
    receiver.post(work)
    for data in (b"1", b"2"):
        pair[0].send(data)
        assert got.get(timeout=WAIT) == data
    assert receiver.counters.get("handler_failed") >= 2


def test_where_a_closed_socket_spoils_the_wait_it_is_dropped_and_the_others_are_heard(monkeypatch, pair):
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.SelectSelector)
    made, got = Receiver(), queue.Queue()
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.add(closed, lambda _data, _arrival: None)
    made.add(pair[1], lambda data, _arrival: got.put(data))
    made.post(closed.close)
    made.post(lambda: got.put("closed"))
    assert got.get(timeout=WAIT) == "closed"
    pair[0].send(b"still heard")
    assert got.get(timeout=WAIT) == b"still heard"
    assert made.counters.get("socket_error") == 1
    made.close()


def test_closing_twice_is_closing():
    made = Receiver()
    made.close()
    made.close()
    assert not made._thread.is_alive()
