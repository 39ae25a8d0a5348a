"""No secret survives, wherever it stands."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lfr_ray.camera.hide_credentials import HIDDEN, hide_credentials
from lfr_ray.config import CameraConfig

# Printable and without white space: what an address can hold even if nobody encoded it.
LEGAL = st.text(
    alphabet=st.sampled_from(sorted(set(string.printable) - set(string.whitespace))), min_size=4, max_size=20
)
ANYTHING = st.text(min_size=4, max_size=20)
DISTINCTIVE = st.tuples(ANYTHING, st.sampled_from(["7x", "Q4!", "k9#z"])).map("".join)
"""No ordinary text holds it by chance."""
AROUND = st.sampled_from(
    ["{}", "[Errno 111] Connection refused: '{}'", 'method DESCRIBE failed: "{}" 401', "open({}): timed out", "<{}>"]
)
KEYS = st.sampled_from(["token", "password", "pwd", "usr", "loginpas", "k", "auth", "anything-else"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://admin:pa55@10.0.0.7:554/live", "rtsp://***@10.0.0.7:554/live"),
        ("rtsp://admin@10.0.0.7/live", "rtsp://***@10.0.0.7/live"),
        ("RTSPS://u:p@h", "RTSPS://***@h"),
        ("rtsp://u:p@ss/w0rd@h:554/a", "rtsp://***@h:554/a"),
        ("http://h/video.cgi?usr=a&pwd=b", "http://h/video.cgi?usr=***&pwd=***"),
        ("http://h/video.cgi?abcdefgh", "http://h/video.cgi?***"),
        ("http://h/x?mail=a@b&pw=c", "http://***"),
        (
            "rtsp://10.0.0.1:554/user=admin&password=tl2&channel=1",
            "rtsp://10.0.0.1:554/user=***&password=***&channel=1",
        ),
        ("open 'rtsp://u:p@h/x' failed", "open 'rtsp://***@h/x' failed"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: ***"),
        ('Digest username="bob", response="0af1"', "Digest username=***, response=***"),
        ("password: hunter2", "password: ***"),
    ],
)
def test_known_forms(text: str, shown: str) -> None:
    assert hide_credentials(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "/data/videos/gate.mp4",
        "rtsp://10.0.0.7:554/live",
        "http://camera.local/video.mjpg",
        "demo:pier",
        "the camera refused the user name or password; next: check both in the site file",
        "authority: none in force; passage: 3",
    ],
)
def test_what_is_not_secret_stays(text: str) -> None:
    assert hide_credentials(text) == text


@given(user=LEGAL, password=LEGAL, around=AROUND)
@example(user="user", password="p@ss:w/rd?x", around="'{}'")
def test_no_user_or_password_of_an_address_survives(user: str, password: str, around: str) -> None:
    assume(not set(user + password) <= {"*"})
    for spelling in (str, quote, lambda one: quote(one, safe="")):
        text = around.format(f"rtsp://{spelling(user)}:{spelling(password)}@camera.local:554/live")
        shown = hide_credentials(text)
        rest = text.replace(f"{spelling(user)}:{spelling(password)}", "")
        for secret in (spelling(user), spelling(password)):
            assert secret not in shown or secret in rest or secret in HIDDEN


@given(key=KEYS, secret=LEGAL, around=AROUND)
@example(key="anything-else", secret="else", around="{}")
def test_no_query_value_survives(key: str, secret: str, around: str) -> None:
    secret = quote(secret, safe="")
    address = f"https://camera.local/live.mjpg?channel=1&{key}="
    assume(secret not in around.format(address))
    assert secret not in hide_credentials(around.format(address + secret))


@given(user=ANYTHING, password=DISTINCTIVE, before=ANYTHING, after=ANYTHING)
def test_a_distinctive_secret_is_hidden_even_torn_apart(user: str, password: str, before: str, after: str) -> None:
    assume(password not in before + after + HIDDEN + "rtsp://@camera.local/live")
    url = f"rtsp://{user}:{password}@camera.local/live"
    assume(password == url[7:].rpartition("@")[0].partition(":")[2])
    for text in (f"{before}{password}{after}", f"{before}{url}{after}", f"{before}{quote(password)}{after}"):
        shown = hide_credentials(text, url)
        assert password not in shown.replace(HIDDEN, "\n") or password in text.replace(password, "")
        assert hide_credentials(f" {quote(password, safe='')} ", url).strip() == HIDDEN


MESSAGES = (
    "the camera refused the user name or password; next: check both in the site file",
    "the camera is not reachable; got: 10.0.0.7: timed out after 5 s",
    "camera2: connection to port 554 lost at 12:30:05, 1234 frames in 12345 ms; live again",
    "admin page of the webcam: 401 Unauthorized",
)


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize(
    "login",
    [
        "cam:secret-1x",
        "cam",
        "camera:camera",
        "user:password",
        "live:12345",
        "e:a",
        "a:b",
        "admin:1234",
        "the:site-file",
    ],
)
def test_a_login_of_ordinary_words_leaves_ordinary_text_alone(message: str, login: str) -> None:
    assert hide_credentials(message, f"rtsp://{login}@10.0.0.9/live") == message


@pytest.mark.parametrize("query", ["channel=main", "stream=live", "timeout=1234", "user=camera&pwd=camera"])
@pytest.mark.parametrize("message", MESSAGES)
def test_query_values_of_ordinary_words_leave_ordinary_text_alone(message: str, query: str) -> None:
    assert hide_credentials(message, f"http://10.0.0.9/video?{query}") == message


@pytest.mark.parametrize("login", ["cam:camera", "live:1234", "admin:site-file", "a:b", "user:password"])
@pytest.mark.parametrize(
    "message", ["refused {0}", "login '{0}' refused", "open rtsp://{0}@10.0.0.9/live: timed out", "to {0}@10.0.0.9"]
)
def test_a_login_is_hidden_wherever_it_stands_as_one(message: str, login: str) -> None:
    shown = hide_credentials(message.format(login), f"rtsp://{login}@10.0.0.9/live")
    assert shown == message.format(HIDDEN)


@pytest.mark.parametrize("message", ["user '{0}' is not known", 'user="{0}"', "{0}@10.0.0.9 refused"])
@pytest.mark.parametrize("word", ["cam", "camera", "1234"])
def test_a_word_is_hidden_where_it_can_only_be_a_login(message: str, word: str) -> None:
    shown = hide_credentials(message.format(word), f"rtsp://{word}:{word}@10.0.0.9/live")
    assert word not in shown
    assert HIDDEN in shown


@given(st.text())
def test_hiding_twice_changes_nothing_more_and_never_fails(text: str) -> None:
    once = hide_credentials(text)
    assert hide_credentials(once) == once


def test_a_camera_prints_without_its_address() -> None:
    config = CameraConfig(name="gate", url="rtsp://admin:hunter2@10.0.0.7/live")
    assert "hunter2" not in repr(config) + str(config)
