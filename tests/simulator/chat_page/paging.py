"""The chat page's server as the page asks it: state, actions, the live feed."""

import json
import threading

import requests

BUTTONS = {
    "content": {
        "rows": [
            {
                "buttons": [
                    {
                        "id": "ok",
                        "render_data": {"label": "OK", "style": 1},
                        "action": {"type": 1, "data": "yes", "permission": {"type": 2}},
                    },
                    {
                        "id": "nobody",
                        "render_data": {"label": "No", "style": 0},
                        "action": {"type": 1, "data": "no", "permission": {"type": 0}},
                    },
                    {
                        "id": "command",
                        "render_data": {"label": "Help", "style": 0},
                        "action": {"type": 2, "data": "/help"},
                    },
                ]
            }
        ]
    }
}


def get(sim, path, **options):
    """Ask the page's server."""
    return requests.get(f"{sim.url}{path}", timeout=5, **options)


def post(sim, action, body, **options):
    """Act as the page does."""
    return requests.post(f"{sim.url}/simulator/{action}", json=body, timeout=5, **options)


def state(sim, chat=""):
    """What the page shows."""
    return get(sim, "/simulator/state", params={"chat": chat}).json()


def offer(bot, group, text, **fields):
    """Let a bot send markdown with buttons."""
    body = {"msg_type": 2, "markdown": {"content": text}, "keyboard": BUTTONS, **fields}
    return bot.post(f"/v2/groups/{group.openid}/messages", body)


def connections():
    """Threads of HTTP connections."""
    return [one for one in threading.enumerate() if one.name.startswith("simulator-http-")]


class Live:
    """The live feed as the page reads it."""

    def __init__(self, sim):
        self._response = get(sim, "/simulator/live", stream=True)
        self._lines = (line.decode() for line in self._response.iter_lines(chunk_size=1))
        self._told = []
        self.headers = self._response.headers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._response.close()

    def line(self, beginning):
        """The next line that begins so."""
        return next(line for line in self._lines if line.startswith(beginning))

    def next(self, kind):
        """The next notice of that kind."""
        while True:
            while self._told:
                if (found := self._told.pop(0))["kind"] == kind:
                    return found
            self._told = json.loads(self.line("data: ").removeprefix("data: "))

    def rest(self):
        """Every event until the feed ends."""
        return [line for line in self._lines if line.startswith("data: ")]


def add_file(sim, data, name="a.png", **headers):
    """Upload a file from the page."""
    headers = {"Content-Type": "application/octet-stream", **headers}
    options = {"params": {"name": name}, "headers": headers, "timeout": 10}
    return requests.post(f"{sim.url}/simulator/file", data=data, **options)


def say_files(sim, chat, files, text=""):
    """Send what was uploaded."""
    sender = next(iter(getattr(chat, "members", {"": None})))
    body = {"chat": chat.openid, "sender": sender, "text": text, "files": files}
    return post(sim, "say", body)
