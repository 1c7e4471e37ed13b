from engine.audio.jitter_buffer import DOOR_PACKETS, JitterBuffer


def test_full_door_counts_what_it_drops(packet):
    jitter = JitterBuffer()
    jitter.adopt([1])
    for n in range(DOOR_PACKETS + 10):
        jitter.push(packet(1, n, 0))
    jitter.take(0)
    assert jitter.counters.get("door_full") == 10


def test_unknown_talkers_are_counted_and_the_gone_forgotten(packet):
    jitter = JitterBuffer()
    jitter.adopt([1, 2])
    jitter.push(packet(3, 0, 0))
    jitter.take(0)
    jitter.adopt([2])
    assert jitter.counters.get("unknown_talker") == 1
    assert list(jitter.talkers) == [2]
