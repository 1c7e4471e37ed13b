"""Lines to a reader that may be slow, absent or gone."""

import os
import threading

from common.line_writer import LineWriter


def test_lines_arrive_in_order():
    reading, writing = os.pipe()
    writer = LineWriter(writing, name="test")
    for number in range(50):
        writer.write(str(number).encode())
    writer.close()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read().split() == [str(number).encode() for number in range(50)]
    assert writer.dropped == 0


def test_a_reader_that_does_not_read_holds_up_nobody():
    reading, writing = os.pipe()
    writer = LineWriter(writing, name="test", capacity=4)
    line = b"x" * 200_000  # more than a pipe holds
    for _ in range(20):
        writer.write(line)
    assert writer.dropped >= 20 - 4 - 1
    writer.close(timeout=0.01)
    assert writer._thread.is_alive()
    os.close(reading)  # lets the thread end
    writer._thread.join(5)
    assert not writer._thread.is_alive()
    os.close(writing)


def test_a_reader_that_is_gone_costs_only_the_lines():
    reading, writing = os.pipe()
    os.close(reading)
    told = threading.Event()
    writer = LineWriter(writing, name="test", written=told.set)
    writer.write(b"one")
    assert told.wait(5)
    assert writer.broken
    writer.write(b"two")
    assert writer.dropped == 2
    writer.close()
    os.close(writing)
