"""Against discord.py's own computation, which is independent of ours, and Discord's rules for joining."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.permissions import ALL, ORDINARY, JoinRefusal, Permission, channel_permissions, refuse_join
from simulator.world import Overwrite, World

bits = st.sampled_from(list(Permission)).flatmap(
    lambda one: st.sampled_from(list(Permission)).map(lambda two: one | two)
)


def make(everyone: int = ORDINARY):
    world = World(1)
    owner = world.add_account("owner")
    guild = world.add_guild("Cup", owner.id, everyone)
    channel = world.add_channel(guild.id, "Red", user_limit=1)
    user = world.add_account("akari")
    world.add_member(guild.id, user.id)
    return world, guild, channel, user.id, owner.id


def test_owner_and_administrator_may_everything_a_stranger_nothing():
    world, guild, channel, user, owner = make()
    channel.overwrites[guild.id] = Overwrite(guild.id, is_member=False, deny=ALL)
    stranger = world.add_account("stranger")
    assert channel_permissions(guild, channel, owner) == ALL
    assert channel_permissions(guild, channel, user) == 0
    assert channel_permissions(guild, channel, stranger.id) == 0
    guild.everyone.permissions |= Permission.ADMINISTRATOR
    assert channel_permissions(guild, channel, user) == ALL


@given(everyone_deny=bits, role_deny=bits, role_allow=bits, member_allow=bits, member_deny=bits)
def test_the_member_overwrite_has_the_last_word(
    everyone_deny: int, role_deny: int, role_allow: int, member_allow: int, member_deny: int
):
    world, guild, channel, user, _ = make(ORDINARY | Permission.MOVE_MEMBERS)
    role = world.add_role(guild.id, "Relay", 0)
    guild.members[user].roles.append(role.id)
    channel.overwrites = {
        guild.id: Overwrite(guild.id, is_member=False, deny=everyone_deny),
        role.id: Overwrite(role.id, is_member=False, allow=role_allow, deny=role_deny),
        user: Overwrite(user, is_member=True, allow=member_allow, deny=member_deny),
    }
    got = channel_permissions(guild, channel, user)
    if Permission.VIEW_CHANNEL not in got:
        assert got == 0
        return
    assert got & member_allow == member_allow
    assert got & (member_deny & ~member_allow) == 0
    undecided = ~(member_allow | member_deny)
    assert got & role_allow & undecided == role_allow & undecided
    assert got & everyone_deny & undecided & ~role_allow == 0


def test_one_roles_allow_beats_another_roles_deny():
    world, guild, channel, user, _ = make()
    for name, allow, deny in (("a", Permission.SPEAK, 0), ("b", 0, Permission.SPEAK)):
        role = world.add_role(guild.id, name, 0)
        guild.members[user].roles.append(role.id)
        channel.overwrites[role.id] = Overwrite(role.id, is_member=False, allow=allow, deny=deny)
    assert Permission.SPEAK in channel_permissions(guild, channel, user)


def test_who_is_inside_a_full_channel_may_ask_again():
    world, guild, channel, user, owner = make()
    assert refuse_join(guild, channel.id, user) is None
    world.join(guild.id, user, channel.id)
    assert refuse_join(guild, channel.id, user) is None
    ben = world.add_account("ben")
    world.add_member(guild.id, ben.id)
    assert refuse_join(guild, channel.id, ben.id) is JoinRefusal.FULL
    assert refuse_join(guild, channel.id, owner) is None
    assert refuse_join(guild, 1, user) is JoinRefusal.UNKNOWN_CHANNEL
