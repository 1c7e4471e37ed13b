from engine.audio.passage import Passage
from engine.audio.playout import Kind, Take
from engine.audio.settings import MixSettings, SourceStrip, TalkerStrip

RED, BLUE = 10, 20
SLOTS = {1: 0, 2: 1}


def settings(*sources):
    talkers = (TalkerStrip(1, RED), TalkerStrip(2, BLUE))
    return MixSettings(talkers, tuple(SourceStrip(channel) for channel in sources))


def test_packets_are_counted_where_their_talker_is(packet):
    passage = Passage()
    passage.adopt(settings(RED, BLUE), SLOTS)
    two = Take(0, Kind.OVERLAY, packet(1, 1, 5), packet(1, 0, 3))
    muted = Take(1, Kind.PACKET, packet(2, 0, 4))
    passage.note([two, muted], [True, False], 2_000_005)
    passage.note([Take(1, Kind.CONCEAL), Take(0, Kind.REDUNDANCY, packet(1, 3, 9))], [True, True], 9)
    assert passage.decoded() == {RED: 2, BLUE: 1}
    assert passage.mixed() == {RED: 2, BLUE: 0}
    assert passage.residence.count == 2
    assert passage.residence.p50 == 2.000001


def test_counts_go_on_when_the_sources_change(packet):
    passage = Passage()
    passage.adopt(settings(RED), SLOTS)
    for user, slot in SLOTS.items():
        passage.note([Take(slot, Kind.PACKET, packet(user, 0, 0))], [True], 1)
    assert passage.decoded() == {RED: 1}
    passage.adopt(settings(BLUE, RED), SLOTS)
    assert passage.decoded() == {BLUE: 0, RED: 1}
