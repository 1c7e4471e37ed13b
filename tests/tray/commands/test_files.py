import base64

import pytest

from common.errors import ErrorCode, RelayError, SecretsError
from common.protocol.state import Role
from common.secret import Secret
from tray.panel import messages as m

PASSPHRASE = Secret("travels with the pack")


def write_legacy(office):
    file = office.folder / ".env"
    tokens = [office.tokens[name].reveal() for name in ("relay-casters", "relay-red")]
    file.write_text(
        'guild_id = "950683443266748416"\n'
        f'listener_api = "{tokens[0]}"\nspeaker1_api = "{tokens[1]}"\nspeaker2_api = "API_HERE"\n'
        "[user_volumes]\n155896701595418626 = 0.55\n"
    )
    return file


async def look_again(office):
    await office.desk._look_for_legacy()


async def test_the_original_s_settings_are_taken_over_and_their_file_deleted(office):
    file = write_legacy(office)
    await look_again(office)
    found = office.desk.desk().legacy
    assert (found.path, found.tokens, found.imported) == (str(file), 2, False)
    with pytest.raises(RelayError) as caught:
        await office.do(m.DeleteLegacy())
    assert caught.value.code is ErrorCode.LEGACY_NOT_IMPORTED
    await office.unlock()
    await office.do(m.ImportLegacy())
    desk = office.desk.desk()
    assert desk.legacy.imported
    standings = {bot.bot: bot.standing for bot in desk.bots}
    assert standings["speaker2"] is m.TokenStanding.MISSING  # a placeholder: the set-up asks for it
    assert standings["speaker1"] is not m.TokenStanding.MISSING
    assert desk.setup.guild == "950683443266748416"
    assert office.desk.config.strips["155896701595418626"].gain == pytest.approx(0.55)
    assert {token.reveal() for token in office.desk.tokens.values()} == {
        office.tokens[name].reveal() for name in ("relay-casters", "relay-red")
    }
    await office.do(m.DeleteLegacy())
    assert not file.exists()
    assert office.desk.desk().legacy is None


async def test_nothing_is_taken_over_where_tokens_can_t_be_kept(office):
    file = write_legacy(office)
    await look_again(office)
    with pytest.raises(RelayError):
        await office.do(m.ImportLegacy())
    assert file.exists()
    assert office.desk.desk().bots == ()


async def test_a_pack_brings_bots_tokens_and_presets_to_another_computer(office):
    await office.set_up()
    await office.do(m.SavePreset(name="日曜カップ"))
    packed = await office.do(m.ExportPack(passphrase=PASSPHRASE))
    assert office.tokens["relay-red"].reveal().encode() not in base64.b64decode(packed.data)
    for bot in office.desk.desk().bots:
        await office.do(m.RemoveBot(bot=bot.bot))
    await office.do(m.RemovePreset(name="日曜カップ"))
    await office.do(m.ImportPack(data=packed.data, passphrase=PASSPHRASE))
    desk = office.desk.desk()
    assert {bot.bot: bot.role for bot in desk.bots}["relay-casters"] is Role.DESTINATION
    assert desk.presets == ("日曜カップ",)
    assert office.desk.tokens == office.tokens
    await office.do(m.LoadPreset(name="日曜カップ"))
    assert len(office.desk.desk().setup.sources) == 2


@pytest.mark.parametrize("data", ["no base64!", base64.b64encode(b"{}").decode()])
async def test_what_is_no_pack_changes_nothing(office, data):
    await office.unlock()
    with pytest.raises(RelayError) as caught:
        await office.do(m.ImportPack(data=data, passphrase=PASSPHRASE))
    assert caught.value.code is ErrorCode.PACK_BROKEN


async def test_a_pack_that_can_t_be_kept_whole_leaves_every_token_as_it_was(office, monkeypatch):
    await office.set_up()
    packed = await office.do(m.ExportPack(passphrase=PASSPHRASE))
    kept = dict(office.desk.tokens)
    put, calls = office.desk.secrets.put, []

    async def put_twice(bot, token):
        calls.append(bot)
        if len(calls) == 3:
            raise SecretsError(ErrorCode.KEYCHAIN_DENIED)
        await put(bot, token)

    monkeypatch.setattr(office.desk.secrets, "put", put_twice)
    with pytest.raises(SecretsError):
        await office.do(m.ImportPack(data=packed.data, passphrase=PASSPHRASE))
    assert await office.desk.secrets.all(kept) == kept
