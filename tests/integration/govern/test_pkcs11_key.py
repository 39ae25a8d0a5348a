"""A root on a PKCS#11 token, SoftHSM's: it issues and revokes there, and its key is nowhere else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lfr_ray.cli.trust import ROOT_PASSPHRASE
from lfr_ray.errors import ConfigError, ConflictError
from lfr_ray.govern.pkcs11_key import token_key
from lfr_ray.govern.trust_file import VARIABLE
from tests.trust_tree import as_service

pytest.importorskip("pkcs11")
LIBRARY = Path("/usr/lib/softhsm/libsofthsm2.so")
URI = f"pkcs11:token=The%20force;object=root?module-path={LIBRARY}"
PIN = "482915"
pytestmark = pytest.mark.skipif(not LIBRARY.is_file(), reason="no SoftHSM (Debian: apt-get install softhsm2)")


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    words = ["softhsm2-util", "--init-token", "--free", "--label", "The force", "--so-pin", PIN, "--pin", PIN]
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, trust_command: Callable[..., str]) -> Callable[..., str]:
    monkeypatch.setenv(ROOT_PASSPHRASE, PIN)
    return trust_command


@pytest.mark.usefixtures("token")
def test_it_issues_and_revokes_and_never_leaves_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., str]
) -> None:
    where = ("--root-key", URI, "--trust", str(tmp_path / "trust"))
    run("init", *where)
    made = json.loads(
        run("issue", "supt-1", "--person", "Jo Smith", "--out", str(tmp_path / "supt.key"), "--json", "-", *where)
    )
    root, issued = tmp_path / "trust" / "root.crt", tmp_path / "trust" / "certificates" / f"{made['id']}.crt"
    subprocess.run(["openssl", "verify", "-CAfile", root, issued], check=True, capture_output=True)
    run("revoke", made["id"], *where)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "trust" / "trust.yaml"))
    as_service(monkeypatch)
    (found,) = json.loads(run("list", "--json", "-", "--data-dir", str(tmp_path)))["keys"]
    assert (found["holder"], bool(found["revoked_at"])) == ("supt-1", True)
    with pytest.raises(ConflictError, match="never overwritten"):
        run("init", "--root-key", URI, "--trust", str(tmp_path / "other"))
    with pytest.raises(ConfigError, match="on a token is not given out"):
        token_key(URI, PIN).save(tmp_path / "stolen.key")
    with pytest.raises(ConfigError, match=r"does not give the key.*PinIncorrect"):
        token_key(URI, "111111")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("pkcs11:token=force?module-path=/usr/lib/x.so", "incomplete; got: no object"),
        ("pkcs11:token=force;object=root?module-path=/nowhere.so", "does not give the key"),
    ],
)
def test_what_is_no_key_on_a_token(uri: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        token_key(uri, PIN)
