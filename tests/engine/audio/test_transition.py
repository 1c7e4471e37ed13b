from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.audio.settings import DestinationStrip, MixSettings, SourceStrip, TalkerStrip
from engine.audio.transition import first_step

RED, BLUE, NOWHERE = 10, 20, 99
sources = (SourceStrip(RED), SourceStrip(BLUE))
talkers = st.lists(
    st.builds(
        TalkerStrip, st.integers(1, 5), st.sampled_from([RED, BLUE, NOWHERE]), muted=st.booleans(), solo=st.booleans()
    ),
    unique_by=lambda strip: strip.user,
    max_size=5,
).map(tuple)
destinations = st.lists(
    st.builds(DestinationStrip, st.integers(30, 33), st.sampled_from([0.0, 5.0]), monitor=st.booleans()),
    unique_by=lambda strip: strip.channel,
    max_size=4,
).map(tuple)


@st.composite
def mixes(draw):
    made = draw(destinations)
    row = tuple(float(n + 1) for n in range(len(made)))
    return MixSettings(draw(talkers), sources, made, (row,) * len(sources), kill=draw(st.booleans()))


def test_when_nothing_goes_the_next_settings_hold_at_once():
    before = MixSettings((TalkerStrip(1, RED),), sources, (DestinationStrip(30),), ((1.0,), (1.0,)))
    after = replace(before, talkers=(TalkerStrip(1, BLUE), TalkerStrip(2, RED)), kill=True)
    assert first_step(before, after) is after


@given(mixes(), mixes())
def test_who_goes_is_there_once_more_muted_and_everything_else_is_as_it_shall_be(before, after):
    step = first_step(before, after)
    strips = {strip.user: strip for strip in step.talkers}
    assert len(strips) == len(step.talkers)
    for strip in after.talkers:
        assert strips[strip.user] == strip or (strips[strip.user].muted and strip.source == NOWHERE)
    for user in strips.keys() - {strip.user for strip in after.talkers}:
        assert (strips[user].muted, strips[user].solo) == (True, False)
    assert step.kill == after.kill
    assert len(step.routes) == len(sources)
    columns = dict(zip((strip.channel for strip in step.destinations), zip(*step.routes, strict=True), strict=True))
    wanted = dict(zip((strip.channel for strip in after.destinations), zip(*after.routes, strict=True), strict=True))
    delays = {strip.channel: strip.delay_s for strip in before.destinations}
    for strip in step.destinations:
        assert columns[strip.channel] == wanted.get(strip.channel) or set(columns[strip.channel]) == {0.0}
        assert strip.delay_s == delays.get(strip.channel, strip.delay_s)


@given(mixes(), mixes())
def test_one_step_is_enough(before, after):
    assert first_step(after, after) is after
    step = first_step(before, after)
    assert {strip.channel for strip in step.destinations} >= {strip.channel for strip in before.destinations}


def test_who_leaves_a_source_that_could_not_be_heard_is_gone_at_once_since_its_routes_may_open_now():
    before = MixSettings(
        (TalkerStrip(1, RED), TalkerStrip(2, BLUE)), sources, (DestinationStrip(30),), ((0.0,), (1.0,))
    )
    after = replace(before, talkers=(), routes=((1.0,), (1.0,)))
    assert [strip.user for strip in first_step(before, after).talkers] == [2]
    soloed = replace(before, sources=(SourceStrip(RED, solo=True), SourceStrip(BLUE)))
    assert [strip.user for strip in first_step(soloed, after).talkers] == [1, 2]
