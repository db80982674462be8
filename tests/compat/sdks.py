"""Other people's SDKs: an environment for each, and an echo bot of each as a process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

HERE = Path(__file__).parent
LAUNCHER = HERE / "bots" / "on_simulator.py"
INSTALL_LIMIT = 240  # seconds
APPID, SECRET, TOKEN = "102000001", "naOC0ocQE3shWLAfffVLB1rhYPG7", "fixed-token"


class Sdk(NamedTuple):
    """One SDK.

    Attributes:
        name: Its distribution's name, and that of its file of requirements.
        bot: The file of its echo bot.
        launcher: Whether its hosts are built in, so that a launcher has to set them.
        full_mode: Whether it knows GROUP_MESSAGE_CREATE.
        resumes: Whether it takes a session up again. qg-botsdk 4.3.10 has the code but asks the
            wrong object whether to, and so identifies anew.
    """

    name: str
    bot: str
    launcher: bool
    full_mode: bool
    resumes: bool

    def __str__(self):
        return self.name


SDKS = (
    Sdk("qq-botpy", "echo_qq_botpy.py", launcher=True, full_mode=False, resumes=True),
    Sdk("qg-botsdk", "echo_qg_botsdk.py", launcher=True, full_mode=True, resumes=False),
    Sdk("nonebot-adapter-qq", "echo_nonebot.py", launcher=False, full_mode=True, resumes=True),
)
BOTPY, QG, NONEBOT = SDKS


def install(sdk, folder):
    """Return the interpreter of an environment with the SDK, made once per list of versions."""
    wanted = (HERE / "requirements" / f"{sdk.name}.txt").read_text("utf-8")
    digest = hashlib.sha256(f"{sys.version}\n{wanted}".encode()).hexdigest()[:16]
    home = Path(folder) / f"{sdk.name}-{digest}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with FileLock(f"{home}.lock"):
        if not (home / "complete").exists():
            run([sys.executable, "-m", "venv", "--clear", str(home)])
            requirements = HERE / "requirements" / f"{sdk.name}.txt"
            run([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)])
            (home / "complete").touch()
    return python


def run(command):
    """Run a command that has to succeed."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=INSTALL_LIMIT
    )
    assert done.returncode == 0, done.stdout + done.stderr


class EchoBot:
    """The echo bot of one SDK, running against a simulator as a process of its own.

    Args:
        sdk: Which.
        python: The interpreter of its environment.
        folder: Where it runs and leaves its logs.
        simulator: What it talks to.
        settings: More environment variables; None takes one away. ``PORT`` is where nonebot
            takes webhooks.
    """

    def __init__(self, sdk, python, folder, simulator, settings):
        self.log = Path(folder) / "output.txt"
        environment = {name: value for name, value in os.environ.items() if name[:3] != "QQ_"}
        environment |= {"PYTHONIOENCODING": "utf-8", "BOT_APPID": APPID, "BOT_SECRET": SECRET}
        if sdk is NONEBOT:
            environment |= nonebot_settings(simulator, settings.pop("PORT", None))
        environment |= settings
        environment = {name: value for name, value in environment.items() if value is not None}
        command = [str(python), str(HERE / "bots" / sdk.bot)]
        if sdk.launcher:
            command[1:1] = [str(LAUNCHER), simulator.url]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def output(self):
        """All that it has printed so far."""
        return self.log.read_text("utf-8", errors="replace")

    def stop(self):
        """End the process, by force if it does not go."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        self.process.kill()
        self.process.wait(5)


def nonebot_settings(simulator, port):
    """Return the configuration that points nonebot's adapter at the simulator.

    With a port it takes webhooks there instead of connecting to the gateway.
    """
    bot = {"id": APPID, "secret": SECRET, "intent": {"c2c_group_at_messages": True}}
    bot["use_websocket"] = port is None
    return {
        "DRIVER": "~httpx+~websockets" if port is None else "~fastapi+~httpx",
        "HOST": "127.0.0.1",
        "PORT": port or "8080",
        "QQ_API_BASE": f"{simulator.url}/",
        "QQ_AUTH_BASE": f"{simulator.url}/app/getAppAccessToken",
        "QQ_BOTS": json.dumps([bot]),
        "LOG_LEVEL": "DEBUG",
    }
