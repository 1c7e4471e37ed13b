"""What all tests share: how long hypothesis may take is no verdict on a shared machine."""

from hypothesis import settings

settings.register_profile("shared_machine", deadline=None)
settings.load_profile("shared_machine")
