"""Places: each bot in its channel, with the missing permission and who denies it."""

from datetime import UTC, datetime, timedelta

import pytest

from common.errors import ErrorCode
from common.protocol.spec import DestinationSpec, SourceSpec
from common.secret import Secret
from common.sentences import error_sentence
from simulator.server import Simulator
from tray.panel.messages import PlaceCheck
from tray.wizard.places import check_places

NOW = datetime(2026, 11, 24, tzinfo=UTC)
BOTS = ("alpha", "beta", "gamma")


class Bench:
    """Checks places of the simulator's server by their names."""

    def __init__(self, simulator: Simulator, ask_as) -> None:
        self.simulator = simulator
        self.apis = {bot: ask_as(Secret(f"token-{bot}"), bot) for bot in BOTS}

    def source(self, name: str, bot: str = "alpha") -> SourceSpec:
        return SourceSpec(channel=str(self.simulator.cast.channel(name)), bot=bot, name="as it was")

    def destination(self, name: str, bot: str = "alpha") -> DestinationSpec:
        return DestinationSpec(channel=str(self.simulator.cast.channel(name)), bot=bot, name="as it was")

    async def check(self, *places: SourceSpec | DestinationSpec) -> tuple[PlaceCheck, ...]:
        return await check_places(str(self.simulator.cast.guild.id), places, self.apis, now=NOW)

    async def faults(self, place: SourceSpec | DestinationSpec) -> list[tuple[ErrorCode, str, str]]:
        """Give code, permission and who denies it."""
        (checked,) = await self.check(place)
        return [(f.code, f.details.get("permission", ""), f.details.get("denied_by", "")) for f in checked.faults]


@pytest.fixture
def bench(simulator: Simulator, ask_as) -> Bench:
    return Bench(simulator, ask_as)


async def test_all_well_is_said_in_the_order_asked_with_the_names_of_now(bench: Bench):
    found = await bench.check(bench.source("Blue"), bench.source("Red", "beta"), bench.destination("実況", "gamma"))
    assert [(each.name, each.bot, each.faults) for each in found] == [
        ("Blue", "alpha", ()),
        ("Red", "beta", ()),
        ("実況", "gamma", ()),
    ]


async def test_a_limit_is_reported_unless_the_bot_may_move_members(bench: Bench):
    assert await bench.faults(bench.source("Red")) == [(ErrorCode.CHANNEL_LIMITED, "MOVE_MEMBERS", "")]
    assert await bench.faults(bench.source("Red", "beta")) == []


async def test_the_role_that_denies_is_named(bench: Bench):
    denied = ErrorCode.PERMISSION_DENIED
    assert await bench.faults(bench.destination("Muted")) == [(denied, "SPEAK", "Relay")]
    assert await bench.faults(bench.destination("Muted", "gamma")) == [(denied, "SPEAK", "Relay, Quiet")]
    assert await bench.faults(bench.source("Muted")) == []


async def test_a_hidden_channel_is_one_fault(bench: Bench):
    assert await bench.faults(bench.destination("Secret")) == [
        (ErrorCode.PERMISSION_DENIED, "VIEW_CHANNEL", "@everyone")
    ]


async def test_what_no_role_grants_is_missing(bench: Bench, simulator: Simulator):
    simulator.cast.guild.members[simulator.cast.account("alpha")].roles.clear()
    missing = ErrorCode.PERMISSION_MISSING
    assert await bench.faults(bench.destination("実況")) == [(missing, "SPEAK", "")]
    assert await bench.faults(bench.source("Blue")) == [(missing, "SET_VOICE_CHANNEL_STATUS", "")]


@pytest.mark.parametrize(
    ("name", "code"), [("Stage", ErrorCode.CHANNEL_IS_STAGE), ("lobby", ErrorCode.CHANNEL_NOT_VOICE)]
)
async def test_only_voice_channels_will_do(bench: Bench, name: str, code: ErrorCode):
    assert await bench.faults(bench.source(name)) == [(code, "", "")]


async def test_a_channel_that_is_gone_is_told(bench: Bench):
    (checked,) = await bench.check(SourceSpec(channel="5", bot="alpha", name="Red"))
    assert (checked.name, [fault.code for fault in checked.faults]) == ("Red", [ErrorCode.CHANNEL_UNKNOWN])


@pytest.mark.parametrize(("hours", "codes"), [(1, [ErrorCode.BOT_TIMED_OUT]), (-1, [])])
async def test_a_time_out_counts_until_it_ends(bench: Bench, simulator: Simulator, hours: int, codes: list[ErrorCode]):
    member = simulator.cast.guild.members[simulator.cast.account("alpha")]
    member.timed_out_until = (NOW + timedelta(hours=hours)).isoformat()
    (checked,) = await bench.check(bench.source("Blue"))
    assert [fault.code for fault in checked.faults] == codes


async def test_the_owner_may_everything(bench: Bench, simulator: Simulator):
    simulator.cast.guild.owner_id = simulator.cast.account("alpha")
    found = await bench.check(bench.destination("Secret"), bench.destination("Muted"), bench.source("Red"))
    assert [each.faults for each in found] == [(), (), ()]


async def test_each_bot_s_own_trouble_is_its_place_s_only(bench: Bench, simulator: Simulator):
    del simulator.cast.guild.members[simulator.cast.account("beta")]
    simulator.faults.revoke_token(simulator.cast.account("gamma"))
    found = await bench.check(
        bench.source("Blue"),
        bench.source("Red", "beta"),
        bench.destination("実況", "gamma"),
        bench.source("Red", "delta"),
    )
    assert [[fault.code for fault in each.faults] for each in found] == [
        [],
        [ErrorCode.GUILD_UNKNOWN],
        [ErrorCode.TOKEN_INVALID],
        [ErrorCode.TOKEN_MISSING],
    ]


async def test_every_fault_has_all_that_its_sentence_needs(bench: Bench, simulator: Simulator):
    simulator.cast.guild.members[simulator.cast.account("gamma")].roles.clear()
    found = await bench.check(
        bench.source("Red"),
        bench.destination("Muted"),
        bench.destination("実況", "gamma"),
        bench.source("Stage", "beta"),
        SourceSpec(channel="5", bot="alpha"),
    )
    faults = [fault for each in found for fault in each.faults]
    assert len(faults) == 5
    for language in ("en", "ja"):
        assert not [fault for fault in faults if "?" in error_sentence(fault.code, fault.details, language)]


async def test_a_limit_or_a_notice_that_cannot_be_shown_does_not_hinder(bench: Bench, simulator: Simulator):
    simulator.cast.guild.members[simulator.cast.account("gamma")].roles.clear()
    found = await bench.check(
        bench.source("Red"),
        bench.source("Blue", "gamma"),
        bench.destination("実況", "gamma"),
        bench.source("Blue", "beta"),
        bench.source("Blue", "delta"),
    )
    assert [(each.works, bool(each.faults)) for each in found] == [
        (True, True),
        (True, True),
        (False, True),
        (True, False),
        (False, True),
    ]


async def test_a_time_out_is_all_that_is_said_of_a_bot_that_has_one(bench: Bench, simulator: Simulator):
    member = simulator.cast.guild.members[simulator.cast.account("alpha")]
    member.timed_out_until = (NOW + timedelta(hours=1)).isoformat()
    assert await bench.faults(bench.source("Red")) == [(ErrorCode.BOT_TIMED_OUT, "", "")]
