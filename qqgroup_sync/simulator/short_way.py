"""The short way of sends, the one call a busy bot makes all the time: the same rules, no Flask.

Flask takes more time per request than everything the platform does with a message. A send goes
this way while nothing but an ordinary answer can come of it: no fault waits, the token is good.
All else, refusals and mistakes of our own included, is Flask's, so that it is written in one place.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import hosts, identifiers, json_bodies
from qqgroup_sync.simulator.records import ApiCall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication

    from qqgroup_sync.simulator.records import Bot
    from qqgroup_sync.simulator.simulator import Simulator

FAILURE = "simulator.failure"
"""Key, in the WSGI environment, of a bot and why its send failed, for Flask to write down."""

_SENDS = re.compile(r"/v2/(groups|users)/([^/]+)/messages")


class ShortWay:
    """A WSGI application around the Flask app.

    Args:
        simulator: Whose platform takes the messages.
        app: The long way.
    """

    def __init__(self, simulator: Simulator, app: WSGIApplication) -> None:
        self._simulator = simulator
        self._platform = simulator.platform
        self._app = app
        self._host: str | None = None  # the last Host header that was found to be allowed

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, one way or the other."""
        started = time.perf_counter()
        send = environ["REQUEST_METHOD"] == "POST" and _SENDS.fullmatch(environ["PATH_INFO"])
        bot = self._sender(environ) if send else None
        if not send or bot is None:
            return self._app(environ, start_response)
        scene, openid = send.groups()
        body = environ["wsgi.input"]
        try:
            payload = json_bodies.read_object(body.read())
            sent = self._platform.messaging.send(bot, openid, payload, c2c=scene == "users")
            answer = json_bodies.write(sent)
        except Exception as failure:  # Flask answers it, and logs what is no refusal
            environ[FAILURE] = bot, failure
            body.seek(0)
            return self._app(environ, start_response)
        self._platform.stats.add("api_calls")
        trace_id = identifiers.token()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(answer))),
            ("X-Tps-trace-ID", trace_id),
            ("Date", identifiers.http_date(self._platform.clock.now())),
        ]
        if self._platform.observed:
            call = ApiCall(
                method="POST",
                path=environ["PATH_INFO"],
                status=200,
                appid=bot.appid,
                request=payload,
                response=sent,
                trace_id=trace_id,
                seconds=time.perf_counter() - started,
            )
            self._platform.report("api", call)
        start_response("200 OK", headers)
        return [answer]

    def _sender(self, environ: dict[str, Any]) -> Bot | None:
        """Return the bot of a request for which the short way is good enough."""
        platform, rules = self._platform, self._platform.rules
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if (
            self._simulator.faults.waiting
            or rules.rate_limits
            or rules.ip_whitelist is not None
            or int(environ["CONTENT_LENGTH"]) > rules.max_body
            or scheme != "QQBot"
            or not self._is_allowed(environ.get("HTTP_HOST", ""))
        ):
            return None
        bot = platform.owner_of(token)
        return None if bot is None or bot.banned else bot

    def _is_allowed(self, host: str) -> bool:
        if host == self._host:
            return True
        simulator = self._simulator
        allowed = hosts.is_allowed(host, simulator.host, remote=simulator.allow_remote)
        if allowed:
            self._host = host
        return allowed
