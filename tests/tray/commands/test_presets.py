import pytest
from msgspec import structs

from common.errors import ErrorCode, RelayError
from common.protocol.spec import StripSpec
from common.protocol.state import Phase
from tray.panel import messages as m


async def test_a_preset_is_not_loaded_into_a_session_that_runs(office):
    setup = await office.set_up()
    await office.do(m.SavePreset(name="Sunday"))
    await office.do(m.SaveSetup(setup=m.Setup()))
    await office.do(m.LoadPreset(name="Sunday"))
    assert office.desk.desk().setup == setup
    await office.do(m.Start())
    with pytest.raises(RelayError) as caught:
        await office.do(m.LoadPreset(name="Sunday"))
    assert caught.value.code is ErrorCode.ALREADY_RUNNING


async def test_a_preset_s_strips_are_those_of_the_next_session(office):
    await office.set_up()
    strips = {"7": StripSpec(gain=0.5)}
    office.desk.change(structs.replace(office.desk.config, strips=strips))
    await office.do(m.SavePreset(name="Sunday"))
    office.desk.change(structs.replace(office.desk.config, strips={"7": StripSpec(gain=2.0)}))
    await office.do(m.LoadPreset(name="Sunday"))
    await office.do(m.Start())
    await office.until(lambda _desk: office.desk.state.phase is Phase.RUNNING)
    assert office.desk.config.strips == strips
