from common.version import VERSION
from tray.commands.records import about


def test_everything_inside_names_its_licence():
    told = about()
    assert told.version == VERSION
    licences = {each.name.lower(): each.licence for each in told.ingredients}
    assert licences["discord.py"].startswith("MIT")
    assert licences["aiohttp"].startswith("Apache-2.0")
    assert all(each.version for each in told.ingredients)
    assert not {"pytest", "ruff", "playwright", "discord-voice-comm"} & licences.keys()
