"""Camera addresses without their secrets, also inside longer texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>\S*)")
_PAIR = re.compile(r"(?P<key>[^=&;?]+)=(?P<value>[^&;]*)")
_VALUE = r"(?P<value>\"[^\"]*\"|'[^']*'|(?:(?:Basic|Digest|Bearer)\s+)?[^\s&;,\"']+)"
_ASSIGNED = re.compile(
    r"(?P<key>[\w.-]*(?:pass|pwd|pas|secret|token|credential|key|sid|auth|sign|user|usr|login|nonce|response)[\w.-]*)"
    r"(?P<sign>\s*=\s*)" + _VALUE,
    re.IGNORECASE,
)
_HEADED = re.compile(
    r"(?P<key>\b(?:password|passwd|pwd|secret|token|credentials?|api[_-]?key|(?:proxy-)?authori[sz]ation))"
    r"(?P<sign>\s*:\s*)" + _VALUE,
    re.IGNORECASE,
)
_HEADER = re.compile(r"\b(?P<key>Basic|Bearer)\s+[A-Za-z0-9+/=_.~-]{8,}", re.IGNORECASE)


def hide_credentials(text: str, url: str = "") -> str:
    """The text with everything secret in its addresses replaced by ``***``.

    Hidden are the user and password before ``@``, every value of a query (camera makers invent new
    names for "password" all the time, so no list of names is complete), and what follows names such
    as ``password=`` or ``Authorization:`` anywhere else.

    Args:
        text: An address, or a message that may contain some.
        url: The address that the text is about, if it is known: its user and password (of three
            letters or more) and query values (of four) are then hidden wherever they stand.

    >>> hide_credentials("rtsp://admin:pa55@10.0.0.7:554/live?channel=1")
    'rtsp://***@10.0.0.7:554/live?channel=***'
    >>> hide_credentials("no answer from gate-2, password=abc")
    'no answer from gate-2, password=***'
    """
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _URL.sub(_hide_in_url, text)
    text = _HEADER.sub(lambda found: f"{found['key']} {HIDDEN}", text)
    for named in (_ASSIGNED, _HEADED):
        text = named.sub(lambda found: f"{found['key']}{found['sign']}{HIDDEN}", text)
    return text


def _hide_in_url(found: re.Match[str]) -> str:
    scheme, rest = found["scheme"], found["rest"]
    # The last @ counts: people write passwords with @ and / in them and do not encode those.
    user, at, place = rest.rpartition("@")
    if at and "?" in user:
        # Either a password with a question mark or a query with an @: nobody can tell, hide both.
        return f"{scheme}://{HIDDEN}"
    path, mark, query = place.partition("?")
    if mark:
        query = "&".join(
            _PAIR.sub(lambda pair: f"{pair['key']}={HIDDEN}", one) if "=" in one else HIDDEN
            for one in re.split("[&;?]", query)
        )
    return f"{scheme}://{HIDDEN + at if at else ''}{path}{mark}{query}"


def _secrets(url: str) -> set[str]:
    """Every spelling of every secret in a known address."""
    return {spelling for part in _secret_parts(url) for spelling in _spellings(part) if spelling.strip("*")}


def _secret_parts(url: str) -> Iterator[str]:
    _, mark, rest = url.partition("://")
    if not mark:
        return
    userinfo, at, place = rest.rpartition("@")
    if at:
        yield userinfo
        # Hunting for "a" or channel=1 would blot out half of every message.
        yield from (part for part in userinfo.partition(":") if len(part) >= 3)
    for pair in re.split("[&;?#]", (rest if "?" in userinfo else place).partition("?")[2]):
        key, equals, value = pair.partition("=")
        secret = value if equals else key
        if len(secret) >= 4:
            yield secret
    for named in _ASSIGNED.finditer(place):
        if len(named["value"]) >= 4:
            yield named["value"]


def _spellings(secret: str) -> set[str]:
    plain = {secret, unquote(secret), unquote_plus(secret)}
    encoded = {form for one in plain for form in (quote(one), quote(one, safe=""), quote_plus(one), repr(one)[1:-1])}
    small = {re.sub("%..", lambda found: found[0].lower(), one) for one in encoded}
    return plain | encoded | small
