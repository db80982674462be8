"""The REST face: a Flask app over the platform (section 2).

Holds what every request has in common: who may ask, trace ids, error bodies, faults. The
endpoints themselves are in ``openapi_messages``, ``openapi_media``, ``openapi_groups`` and
``openapi_settings``; ``object_store`` is what presigned addresses lead to.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from qqgroup_sync.simulator import (
    hosts,
    identifiers,
    json_bodies,
    object_store,
    openapi_groups,
    openapi_media,
    openapi_messages,
    openapi_settings,
)
from qqgroup_sync.simulator.http_server import CONNECTION, MAX_BODY
from qqgroup_sync.simulator.links import STORE_PATH
from qqgroup_sync.simulator.openapi_messages import answer
from qqgroup_sync.simulator.records import ApiCall
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.short_way import FAILURE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Blueprint

    from qqgroup_sync.simulator.faults import Fault
    from qqgroup_sync.simulator.simulator import Simulator

EXTENSION = "qq_simulator"
"""Key of the ``Simulator`` in ``app.extensions``."""

TRACE_HEADER = "X-Tps-trace-ID"
_OPEN_PATHS = ("/app/getAppAccessToken",)
_API_PATHS = ("/app/", "/gateway", "/users/", "/v2/", "/interactions/")
_EDGE_413 = (
    "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    "<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>stgw</center>\r\n"
    "</body>\r\n</html>\r\n"
)


def create_app(simulator: Simulator, blueprints: Iterable[Blueprint] = ()) -> Flask:
    """Build the app.

    Args:
        simulator: Found by blueprints as ``app.extensions["qq_simulator"]``.
        blueprints: More pages and endpoints; paths outside the API's need no token.
    """
    app = Flask("qqgroup_sync.simulator", static_folder=None)
    app.extensions[EXTENSION] = simulator
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    face = _Face(simulator)
    app.before_request(face.begin)
    app.after_request(face.finish)
    app.register_error_handler(RefusalError, face.refuse)
    app.register_error_handler(HTTPException, face.refuse_http)
    app.register_blueprint(openapi_messages.create(simulator))
    app.register_blueprint(openapi_media.create(simulator))
    app.register_blueprint(object_store.create(simulator))
    app.register_blueprint(openapi_groups.create(simulator))
    app.register_blueprint(openapi_settings.create(simulator))
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app


class _Face:
    """What happens before and after every request."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._platform = simulator.platform

    def begin(self) -> Response | None:
        """Check host, faults and token; an answer from here ends the request."""
        g.started = time.perf_counter()
        g.trace_id = identifiers.token()
        g.bot = None
        g.faults = {}
        if (failure := request.environ.get(FAILURE)) is not None:
            g.bot, reason = failure
            raise reason
        simulator = self._simulator
        if not hosts.is_allowed(
            request.headers.get("Host", ""), simulator.host, remote=simulator.allow_remote
        ):
            return Response("This host name is not served here.\n", 421, mimetype="text/plain")
        g.faults = simulator.faults.take(request.method, request.path)
        if (fault := g.faults.get("delay")) is not None and not fault.after_accept:
            simulator.clock.wait(fault.seconds)
        if (fault := g.faults.get("drop")) is not None and not fault.after_accept:
            self._drop(fault)
            return Response(status=500)
        if (fault := g.faults.get("fail")) is not None:
            return self._fail(fault)
        in_api = request.path.startswith(_API_PATHS)
        if in_api and (request.content_length or 0) > self._platform.rules.max_body:
            return _edge_413()
        if in_api and request.path not in _OPEN_PATHS:
            self._authorize()
            if self._platform.rules.rate_limits:
                self._platform.limit_rate(g.bot, request.method, request.path)
        return None

    def _authorize(self) -> None:
        """Find the bot of the token (1.2, 1.3)."""
        whitelist = self._platform.rules.ip_whitelist
        if whitelist is not None and request.remote_addr not in whitelist:
            raise RefusalError(40023002)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            raise RefusalError(11241)
        if scheme == "Bot":
            g.bot = self._platform.owner_of_fixed(token)
            if g.bot is None:
                raise RefusalError(11245)
            return
        if scheme != "QQBot" or not token:
            raise RefusalError(11243)
        g.bot = self._platform.owner_of(token)
        if g.bot is None:
            raise RefusalError(11244)
        if g.bot.banned:
            raise RefusalError(11265)

    def refuse(self, refusal: RefusalError) -> Response:
        """Write the platform's error body; its two codes may differ (2.2)."""
        if refusal.status == 413:
            return _edge_413()
        rules = self._platform.rules
        self._platform.stats.add(f"refused_{refusal.err_code}")
        code = rules.codes.get(refusal.err_code, refusal.err_code)
        body: dict[str, Any] = {"message": refusal.message}
        if rules.error_shape != "err_code":
            body["code"] = code
        if rules.error_shape != "code":
            body |= {"err_code": refusal.err_code, "trace_id": g.trace_id}
        response = answer(body, rules.statuses.get(refusal.err_code, refusal.status))
        if refusal.retry_after is not None:
            response.headers["Retry-After"] = str(refusal.retry_after)
        return response

    def refuse_http(self, error: HTTPException) -> Response:
        """Write the error body for an unknown route, a wrong method, a body that is too large."""
        status = error.code or 500
        if status == 413:
            return _edge_413()
        if not request.path.startswith(_API_PATHS):
            return Response(f"{status} {error.name}\n", status, mimetype="text/plain")
        return self.refuse(RefusalError(status, text=error.name, status=status))

    def _fail(self, fault: Fault) -> Response:
        if fault.refusal is not None:
            response = self.refuse(fault.refusal)
        elif isinstance(fault.body, str):
            response = Response(fault.body, fault.status, mimetype="text/html")
        else:
            response = answer({"trace_id": g.trace_id, **(fault.body or {})}, fault.status)
        response.headers.extend(fault.headers)
        return response

    def finish(self, response: Response) -> Response:
        """Apply the faults that strike afterwards, stamp the answer, report the call."""
        faults: dict[str, Fault] = g.faults
        if response.status_code == 200 and self._platform.rules.empty_answers != "object":
            self._empty(response)
        audit = faults.pop("audit", None)
        if audit is not None and response.status_code == 200 and "fail" not in faults:
            response = self._audit(audit, response)
        if (fault := faults.get("delay")) is not None and fault.after_accept:
            self._simulator.clock.wait(fault.seconds)
        if (fault := faults.get("drop")) is not None and fault.after_accept:
            self._drop(fault)
        response.headers[TRACE_HEADER] = g.trace_id
        response.headers["Date"] = identifiers.http_date(self._simulator.clock.now())
        self._platform.stats.add("api_calls")
        if self._platform.observed and request.path.startswith((*_API_PATHS, STORE_PATH)):
            self._platform.report("api", self._call(response))
        return response

    def _empty(self, response: Response) -> None:
        """Say nothing in another way than ``{}`` (2.2)."""
        if response.mimetype == "application/json" and response.get_data() == b"{}":
            response.set_data(b"")
            if self._platform.rules.empty_answers == "204":
                response.status_code = 204

    def _audit(self, fault: Fault, response: Response) -> Response:
        """Turn an accepted send into "waiting for audit" (2.2, section 9.11)."""
        messaging = self._platform.messaging
        message = messaging.find(json.loads(response.get_data())["id"])
        if message is None or not self._simulator.faults.strike(fault):
            return response
        g.faults["audit"] = fault
        body = {
            "code": 304023 if message.proactive else 304024,
            "message": "push message is waiting for audit now",
            "data": {"message_audit": {"audit_id": messaging.audit(message)}},
        }
        return answer(body, 202)

    @staticmethod
    def _drop(fault: Fault) -> None:
        connection = request.environ.get(CONNECTION)
        if connection is not None:
            connection.drop(abruptly=fault.abruptly)

    @staticmethod
    def _call(response: Response) -> ApiCall:
        sent: Any = None
        if request.is_json and request.content_length:
            with contextlib.suppress(ValueError):
                sent = json_bodies.read(request.get_data())
        if isinstance(sent, dict) and "clientSecret" in sent:
            sent = {**sent, "clientSecret": "***"}
        if isinstance(sent, dict) and isinstance(sent.get("file_data"), str):
            sent = {**sent, "file_data": f"({len(sent['file_data'])} characters)"}
        told: Any = None
        if response.is_json:
            told = json.loads(response.get_data() or b"null")
            if isinstance(told, dict) and "access_token" in told:
                told = {**told, "access_token": "***"}
        return ApiCall(
            method=request.method,
            path=request.path,
            status=response.status_code,
            appid=g.bot.appid if g.bot is not None else None,
            request=sent,
            response=told,
            trace_id=g.trace_id,
            seconds=time.perf_counter() - g.started,
            faults=tuple(g.faults),
        )


def _edge_413() -> Response:
    return Response(_EDGE_413, 413, mimetype="text/html")
