"""Access tokens (1.1): who may have one and how long it lives. Pure: the caller gives the time."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from qqgroup_sync.simulator.refusals import TokenRefusalError

RENEWAL = 60.0
_MINUTE = 60.0


@dataclass(slots=True)
class Token:
    """One access token of one bot."""

    appid: str
    text: str
    expires_at: float


class TokenBook:
    """Every token that still lives.

    Args:
        life: Seconds a new token lives; in its last 60 s a new one is handed out beside it.
    """

    def __init__(self, life: float) -> None:
        self.life = life
        self._current: dict[str, Token] = {}
        self._by_text: dict[str, Token] = {}
        self._asked: dict[str, list[float]] = {}

    def issue(self, appid: str, now: float) -> tuple[Token, bool]:
        """Return the bot's token, and whether it is a new one.

        The same token is returned until its last 60 s; then a new one is made while the old
        lives on.
        """
        token = self._current.get(appid)
        if token is not None and token.expires_at - now > min(RENEWAL, self.life / 2):
            return token, False
        for old in [old for old in self._by_text.values() if old.expires_at <= now]:
            del self._by_text[old.text]
        token = Token(appid, secrets.token_hex(24), now + self.life)
        self._current[appid] = self._by_text[token.text] = token
        return token, True

    def owner(self, text: str, now: float) -> str | None:
        """Return the appid that ``text`` is a living token of, or None."""
        token = self._by_text.get(text)
        return token.appid if token is not None and token.expires_at > now else None

    def expire(self, appid: str | None = None) -> int:
        """Let the tokens of one bot, or of all, die at once; return how many did."""
        dead = [token for token in self._by_text.values() if appid in (None, token.appid)]
        for token in dead:
            del self._by_text[token.text]
            self._current.pop(token.appid, None)
        return len(dead)

    def limit_burst(self, appid: str, limit: int, now: float, code: int = 100017) -> None:
        """Refuse with ``code`` beyond ``limit`` requests of one appid in a minute."""
        asked = [moment for moment in self._asked.get(appid, ()) if moment > now - _MINUTE]
        if len(asked) >= limit:
            raise TokenRefusalError(code, "interface call exceeds frequency limit")
        self._asked[appid] = [*asked, now]
