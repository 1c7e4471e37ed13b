"""A voice server nobody talks to, for tests that end before anybody would."""


class SilentVoicePlane:
    endpoint = "127.0.0.1:9"

    def admit(self, *_who: object) -> None:
        """Let in whoever never comes."""

    async def evict(self, user_id: int, *, close_code: int | None) -> None:
        """Throw out whoever never came."""
