"""A session bus of its own for each test, with or without a real gnome-keyring."""

import gc
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from jeepney import DBusAddress, MatchRule, MessageType, Properties, new_method_call
from jeepney.io.blocking import open_dbus_connection

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={folder}</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""
DAEMON = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
SERVICE = DBusAddress("/org/freedesktop/secrets", "org.freedesktop.secrets", "org.freedesktop.Secret.Service")
HELD_S = 20
PASSWORD = "password at login"
PROMPTER = "/usr/libexec/gcr-prompter"


class Desktop:
    """A person's session: a bus that starts nothing by itself, so that no prompt can appear either."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}},
            **{name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")},
        }
        config = folder / "bus.conf"
        config.write_text(CONFIG.format(folder=folder))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"]
        self.bus = self._start(command)
        self.address = self.env["DBUS_SESSION_BUS_ADDRESS"] = self.bus.stdout.readline().decode().strip()
        self.keyring = None
        self._on_screen = []

    def _start(self, command):
        return subprocess.Popen(  # noqa: S603 - commands of ours
            command, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def _start_and_wait_for(self, name, command, typed=""):
        """Start what takes ``name`` on the bus, and wait until it has."""
        with open_dbus_connection(self.address) as connection:
            rule = MatchRule(type="signal", member="NameOwnerChanged")
            rule.add_arg_condition(0, name)
            connection.send_and_get_reply(new_method_call(DAEMON, "AddMatch", "s", (rule.serialise(),)), timeout=HELD_S)
            with connection.filter(rule) as owners:
                process = self._start(command)
                process.stdin.write(typed.encode())
                process.stdin.close()
                connection.recv_until_filtered(owners, timeout=HELD_S)
        return process

    def start_keyring(self, password=PASSWORD):
        """Start the keychain as a login does; without a password nobody has logged in."""
        option = "--unlock" if password else "--start"
        command = ["gnome-keyring-daemon", "--foreground", "--components=secrets", option]
        self.keyring = self._start_and_wait_for(SERVICE.bus_name, command, password)

    def lock(self):
        """Lock everything, as the person does."""
        with open_dbus_connection(self.address) as connection:
            asked = connection.send_and_get_reply(Properties(SERVICE).get("Collections"), timeout=HELD_S)
            call = new_method_call(SERVICE, "Lock", "ao", (asked.body[0][1],))
            assert connection.send_and_get_reply(call, timeout=HELD_S).header.message_type is MessageType.method_return

    def start_screen(self):
        """Show prompts on a screen of their own."""
        screen = self._start(["Xvfb", "-displayfd", "1", "-nolisten", "tcp"])
        self._on_screen.append(screen)
        self.env |= {"DISPLAY": f":{screen.stdout.readline().decode().strip()}", "NO_AT_BRIDGE": "1"}
        self._on_screen.insert(0, self._start_and_wait_for("org.gnome.keyring.SystemPrompter", [PROMPTER]))

    def answer(self, *keys):
        """Press keys in the prompt; return whether there is one."""
        shown = self._tool("search", "--onlyvisible", "--class", "gcr-prompter", "windowfocus")
        for step in keys if shown else ():
            self._tool(*step)
        return shown

    def _tool(self, *step):
        command = ["xdotool", *step]
        done = subprocess.run(command, env=self.env, check=False, capture_output=True, timeout=HELD_S)  # noqa: S603 - ours
        return done.returncode == 0

    def stop_keyring(self):
        _stop(self.keyring)

    def stop(self):
        for process in (*self._on_screen, self.keyring, self.bus):
            if process is not None:
                _stop(process)


def _stop(process):
    process.kill()
    process.wait(HELD_S)
    for pipe in (process.stdin, process.stdout):
        pipe.close()


def _want(programs):
    for program, package in programs.items():
        if shutil.which(program) is None:
            pytest.skip(f"wants {program} (Debian: {package})")


@pytest.fixture
def desktop(monkeypatch, recwarn):  # noqa: ARG001 - see its end
    """A session whose bus is ours, without a keychain."""
    _want({"dbus-daemon": "dbus", "gnome-keyring-daemon": "gnome-keyring"})
    with tempfile.TemporaryDirectory(prefix="desktop") as folder:
        started = Desktop(Path(folder))
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", started.address)
        yield started
        started.stop()
        gc.collect()  # keyring leaves its connection open where the keychain stays locked; recwarn takes what that says


@pytest.fixture
def keyring(desktop):
    """A session whose keychain is open, as after a login."""
    desktop.start_keyring()
    return desktop


@pytest.fixture
def prompting(keyring):
    """A session whose keychain is locked and asks its owner on a screen."""
    _want({"Xvfb": "xvfb", "xdotool": "xdotool", PROMPTER: "gcr"})
    keyring.start_screen()
    keyring.lock()
    return keyring


@pytest.fixture
def no_bus(monkeypatch):
    """No session bus, as on a server."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
