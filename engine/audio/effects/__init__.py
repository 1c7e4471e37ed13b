"""Effects on a voice, one file each, found by name (see ``engine.audio.effect``); they don't know each other."""
