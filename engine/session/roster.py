"""Who can be heard on which source, and what was set for each of them.

People appear when they are in the channel, not when they first speak, under the name the guild gives them, and are
forgotten when they leave, or once a delay line no longer holds what they said; only a strip that somebody set outlives
the visit, by user id and bounded.
Our own bots are never talkers (that would be an echo); other people's bots are, marked, so that nothing audible in
the channel is silently missing.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from common.protocol.spec import MOST_STRIPS, StripSpec
from common.types import ChannelId, UserId
from engine.gateway.views import VoiceMember


@dataclass(frozen=True, slots=True)
class Talker:
    """One person on one source. ``source`` is the session's name of it, also while the bot was moved elsewhere."""

    user: UserId
    name: str
    source: ChannelId
    bot: bool = False


class StripMemory:
    """Strips by user id; holds only those that differ from what everybody gets, at most ``capacity``."""

    def __init__(self, capacity: int = MOST_STRIPS) -> None:
        self._capacity = capacity
        self._strips: OrderedDict[UserId, StripSpec] = OrderedDict()

    def __len__(self) -> int:
        return len(self._strips)

    def get(self, user: UserId) -> StripSpec:
        """Return what was set for ``user``, or what everybody gets."""
        return self._strips.get(user, StripSpec())

    def put(self, user: UserId, strip: StripSpec) -> None:
        """Remember ``strip``; the longest untouched one goes when the memory is full."""
        self._strips.pop(user, None)
        if strip != StripSpec():
            self._strips[user] = strip
        while len(self._strips) > self._capacity:
            self._strips.popitem(last=False)

    def touch(self, users: Iterable[UserId]) -> None:
        """Keep the strips of these, who are there, longer than all others."""
        for user in users:
            if user in self._strips:
                self._strips.move_to_end(user)


class Roster:
    """The talkers of every source, put together from what each source's bot sees.

    Nobody is in two channels of a guild at once, but bots hear of a move one after the other, in any order. So nothing
    that a bot reports is changed on another's word: who is on two lists is taken to be where they newly appeared last,
    and where the other list has them once that one drops them.
    """

    def __init__(self, own_bots: Iterable[UserId]) -> None:
        self._own_bots = frozenset(own_bots)
        self._lists: dict[ChannelId, dict[UserId, tuple[int, Talker]]] = {}
        """Per source whom its bot sees, each with the number of the update in which they appeared there."""
        self._updates = 0
        self._talkers: tuple[Talker, ...] = ()

    def add_own_bot(self, user: UserId) -> None:
        """Take ``user`` for one of our own bots from the next update on."""
        self._own_bots |= {user}

    def update(self, source: ChannelId, members: Iterable[VoiceMember]) -> bool:
        """Take in that the bot of ``source`` sees ``members``; return whether that changed :meth:`talkers`.

        Our own bots among them are left out.
        """
        self._updates += 1
        known = self._lists.get(source, {})
        self._lists[source] = {
            member.user: (
                known[member.user][0] if member.user in known else self._updates,
                Talker(user=member.user, name=member.name, source=source, bot=member.bot),
            )
            for member in sorted(members, key=lambda member: member.user)
            if member.user not in self._own_bots
        }
        before, self._talkers = self._talkers, self._resolved()
        return self._talkers != before

    def talkers(self) -> tuple[Talker, ...]:
        """Return everybody, source by source in the order the sources were first seen, by user id within."""
        return self._talkers

    def __contains__(self, user: UserId) -> bool:
        return any(talker.user == user for talker in self._talkers)

    def _resolved(self) -> tuple[Talker, ...]:
        appeared: dict[UserId, int] = {}
        for seen in self._lists.values():
            for user, (update, _) in seen.items():
                appeared[user] = max(update, appeared.get(user, 0))
        return tuple(
            talker
            for seen in self._lists.values()
            for user, (update, talker) in seen.items()
            if update == appeared[user]
        )


class Departed:
    """Who left and may still be heard, since a delay line goes on with what they said before.

    A delay line does not know where something was said: what comes out of it goes where its talker's source goes now.
    So it must hold nothing of a talker that was not said on that source, nor anything from a source that was blocked
    (:func:`engine.session.routing.blocked`).
    """

    def __init__(self) -> None:
        self._left: dict[UserId, tuple[Talker, int]] = {}

    def note(
        self, before: Iterable[Talker], after: Iterable[Talker], at_ms: int, unsafe: Collection[ChannelId] = ()
    ) -> frozenset[UserId]:
        """Take in that at ``at_ms`` those of ``before`` left who are not in ``after``; return whom to dump.

        ``unsafe`` are the sources that are or were blocked. To be dumped is whoever is or was a talker there, and
        whoever is on another source than was last known of them. Of who leaves an unsafe source nothing is kept.
        """
        before, after = tuple(before), tuple(after)
        left = {user: talker.source for user, (talker, _) in self._left.items()}
        last = left | {talker.user: talker.source for talker in before}
        arrived = {talker.user for talker in after if last.get(talker.user) != talker.source}
        exposed = {talker.user for talker in (*before, *after) if talker.source in unsafe}
        present = {talker.user for talker in after}
        known = self._left | {talker.user: (talker, at_ms) for talker in before if talker.source not in unsafe}
        self._left = {user: found for user, found in known.items() if user not in present}
        return frozenset(arrived | exposed)

    def since(self, at_ms: int) -> tuple[Talker, ...]:
        """Return who left at ``at_ms`` or later; forget the others."""
        self._left = {user: (talker, left) for user, (talker, left) in self._left.items() if left >= at_ms}
        return tuple(talker for talker, _ in self._left.values())
