"""Camera addresses without their secrets, also inside longer texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"

DISTINCTIVE_LETTERS = 4
"""A shorter secret would be found inside ordinary words and numbers."""

_ORDINARY = re.compile(r"(?:[^\W\d_]+(?:[-_. ][^\W\d_]+)*|[\d.:-]+)")
"""Words, also joined ones, and numbers, dates and times: what any message may hold."""

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
        url: The address that the text is about, if it is known. Its login is then hidden wherever it stands as a
            login: ``user:password``, before an ``@``, in quotes. A secret that no ordinary text holds, such as
            ``pa55-w0rd``, is hidden wherever it stands. An ordinary word or number is not: a user ``cam`` would make
            ``***era`` of every camera, which tells the name instead of hiding it.

    >>> hide_credentials("rtsp://admin:pa55@10.0.0.7:554/live?channel=1")
    'rtsp://***@10.0.0.7:554/live?channel=***'
    >>> hide_credentials("no answer from gate-2, password=abc")
    'no answer from gate-2, password=***'
    >>> hide_credentials("the camera refused 'cam'", "rtsp://cam:secret@10.0.0.7/live")
    "the camera refused '***'"
    """
    login = url.partition("://")[2].rpartition("@")[0]
    for spelling in _longest_first([login] if ":" in login else []):
        text = re.sub(_apart(spelling), HIDDEN, text)
    for spelling in _longest_first(_secret_parts(url)):
        # No ordinary text holds it by chance: long enough, and neither words nor a number.
        if len(spelling) >= DISTINCTIVE_LETTERS and not _ORDINARY.fullmatch(spelling):
            text = text.replace(spelling, HIDDEN)
        else:
            text = re.sub(_as_credential(spelling), HIDDEN, text)
    text = _URL.sub(_hide_in_url, text)
    text = _HEADER.sub(lambda found: f"{found['key']} {HIDDEN}", text)
    for named in (_ASSIGNED, _HEADED):
        text = named.sub(lambda found: f"{found['key']}{found['sign']}{HIDDEN}", text)
    return text


def _apart(text: str) -> str:
    """A pattern of the text where it does not go on as a longer word."""
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", text) else ""
    return before + re.escape(text) + after


def _as_credential(word: str) -> str:
    """A pattern of an ordinary word where it can only be a login: in quotes, or before an ``@``."""
    plain = re.escape(word)
    return rf"(?<=[\"'`]){plain}(?=[\"'`])|(?<![\w.]){plain}(?=@)"


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


def _longest_first(secrets: Iterable[str]) -> list[str]:
    """Every spelling of every secret; one that holds another comes before it."""
    spellings = {one for secret in secrets for one in _spellings(secret) if one.strip("*")}
    return sorted(spellings, key=lambda one: (-len(one), one))


def _secret_parts(url: str) -> Iterator[str]:
    """User, password, and the values of a query."""
    login, _, place = url.partition("://")[2].rpartition("@")
    yield from (part for part in login.partition(":")[::2] if part)
    for pair in re.split("[&;?#]", (login + "@" + place if "?" in login else place).partition("?")[2]):
        key, equals, value = pair.partition("=")
        yield value if equals else key
    for named in _ASSIGNED.finditer(place):
        yield named["value"]


def _spellings(secret: str) -> set[str]:
    plain = {secret, unquote(secret), unquote_plus(secret)}
    encoded = {form for one in plain for form in (quote(one), quote(one, safe=""), quote_plus(one), repr(one)[1:-1])}
    small = {re.sub("%..", lambda found: found[0].lower(), one) for one in encoded}
    return plain | encoded | small
