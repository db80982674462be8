"""Find what the platform would take for a URL in plain text (2.6). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_COUNTRIES = """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt
    bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg
    er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn
    hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li
    lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne
    nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb
    sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr
    tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
"""
_GENERIC = """
    com net org edu gov mil int info biz name pro mobi asia xyz top site online store shop club vip
    app dev page wiki blog tech cloud space website fun live news work link ltd group art ink red
    icu cool zone today world games run team design host press video zip mov
"""
_TLDS = frozenset((_COUNTRIES + _GENERIC).split())

_SCHEME = re.compile(r"https?://([^\s/:?#]+)", re.IGNORECASE)
_DOTTED = re.compile(r"(?<![A-Za-z0-9@.-])(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![A-Za-z0-9])")


def find_url(text: str, whitelist: Iterable[str] = ()) -> str | None:
    """Return the first host in ``text`` that is not allowed, or None.

    The platform's detection is fuzzy: ``crawler.py`` is refused because ``.py`` is a top-level
    domain.

    Args:
        text: Plain text of a message.
        whitelist: Allowed domains; sub-domains are included.
    """
    if "." not in text and "://" not in text:
        return None
    allowed = tuple(domain.lower() for domain in whitelist)
    hosts = [match[1] for match in _SCHEME.finditer(text)]
    hosts += [
        match[0] for match in _DOTTED.finditer(text) if match[0].rpartition(".")[2].lower() in _TLDS
    ]
    for host in hosts:
        name = host.lower()
        if not any(name == domain or name.endswith(f".{domain}") for domain in allowed):
            return host
    return None
