import pytest

from common.types import GuildId
from simulator.permissions import ORDINARY
from simulator.world import MAX_LISTENERS, ChannelType, VoiceStateChanged, World


def make_world(seed: int = 0):
    world = World(seed)
    owner = world.add_account("owner")
    guild = world.add_guild("Cup", owner.id, ORDINARY)
    red, stage = world.add_channel(guild.id, "Red"), world.add_channel(guild.id, "Stage", kind=ChannelType.STAGE)
    return world, guild, owner.id, red.id, stage.id


def test_the_seed_decides_every_id():
    first, again, other = make_world(1), make_world(1), make_world(2)
    assert first[1].id == again[1].id
    assert first[3] == again[3]
    assert first[1].id != other[1].id
    assert first[0].make_secret() == again[0].make_secret()
    assert 1 << 56 < first[1].id < 1 << 63


def test_ids_grow_and_are_never_given_twice():
    world = World()
    ids = [world.make_snowflake() for _ in range(1000)]
    assert ids == sorted(set(ids))


def test_every_change_is_told_in_order_with_before_and_after():
    world, guild, user, red, stage = make_world()
    told = []
    unlisten = world.listen(told.append)
    joined = world.join(guild.id, user, red, self_mute=True)
    world.set_flags(guild.id, user, mute=True, deaf=True)
    world.move(guild.id, user, stage)
    world.set_flags(guild.id, user, suppress=False)
    world.kick(guild.id, user)
    unlisten()
    world.join(guild.id, user, red)
    assert all(isinstance(event, VoiceStateChanged) for event in told)
    assert [event.before for event in told] == [None, *[event.after for event in told[:-1]]]
    assert told[0].after == joined
    assert (told[1].after.mute, told[1].after.deaf, told[1].after.self_mute) == (True, True, True)
    assert told[2].after.suppress
    assert not told[3].after.suppress
    assert told[3].after.mute
    assert told[4].after is None


def test_a_session_stays_unless_another_is_named():
    world, guild, user, red, stage = make_world()
    first = world.join(guild.id, user, red)
    assert world.join(guild.id, user, stage).session_id == first.session_id
    assert world.join(guild.id, user, red, session_id="other").session_id == "other"


def test_leaving_twice_is_told_once():
    world, guild, user, red, _ = make_world()
    world.join(guild.id, user, red)
    told = []
    world.listen(told.append)
    world.leave(guild.id, user)
    world.leave(guild.id, user)
    assert len(told) == 1


def test_moving_somebody_who_is_not_in_voice_is_an_error():
    world, guild, user, red, _ = make_world()
    with pytest.raises(KeyError):
        world.move(guild.id, user, red)


def test_listeners_are_bounded():
    world = World()
    for _ in range(MAX_LISTENERS):
        world.listen(lambda _event: None)
    with pytest.raises(RuntimeError):
        world.listen(lambda _event: None)


def test_names_fall_back_from_nickname_to_account():
    world, guild, _, _, _ = make_world()
    account = world.add_account("akari")
    world.add_member(guild.id, account.id)
    assert guild.shown_name(account) == "akari"
    account.display_name = "Akari"
    assert guild.shown_name(account) == "Akari"
    guild.members[account.id].nickname = "RED Akari"
    assert guild.shown_name(account) == "RED Akari"


def test_a_revoked_token_is_nobodys():
    world = World()
    bot = world.add_account("bot", bot=True, token="t")
    assert world.bot_with_token("t") is bot
    bot.token = ""
    assert world.bot_with_token("") is None
    assert list(world.guilds_of(bot.id)) == []
    assert GuildId(1) not in world.guilds
