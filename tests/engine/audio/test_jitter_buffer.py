from engine.audio.jitter_buffer import DOOR_PACKETS, Door, JitterBuffer


def test_full_door_counts_what_it_drops(packet):
    door = Door()
    for n in range(DOOR_PACKETS + 10):
        door.push(packet(1, n, 0))
    assert len(door.drain()) == DOOR_PACKETS
    assert door.drain() == []
    assert door.counters.get("door_full") == 10


def test_unknown_talkers_are_counted_and_the_gone_forgotten(packet):
    jitter = JitterBuffer()
    jitter.adopt({1: 0, 2: 1})
    jitter.fill([packet(3, 0, 0), packet(1, 0, 0), packet(2, 0, 0)])
    assert [take.slot for take in jitter.take(0, ())] == [0, 1]
    jitter.adopt({2: 1})
    assert jitter.counters.get("unknown_talker") == 1
    assert list(jitter.talkers) == [2]


def test_what_is_dropped_is_not_played(packet):
    jitter = JitterBuffer()
    jitter.adopt({1: 0, 2: 1})
    jitter.fill([packet(1, 0, 0), packet(2, 0, 0)])
    jitter.drop([1, 99])
    assert [take.slot for take in jitter.take(0, ())] == [1]
