"""The local page: server, login, and the bridge between page, tray and engine."""
