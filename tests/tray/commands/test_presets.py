import pytest

from common.errors import ErrorCode, RelayError
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
