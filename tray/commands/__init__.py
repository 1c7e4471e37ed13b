"""The tray's own commands, by theme; :mod:`tray.commands.table` lists them."""
