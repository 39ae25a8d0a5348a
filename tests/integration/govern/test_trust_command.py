"""`lfr trust` as an administrator types it, from the root to a revoked certificate."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lfr_ray.cli.trust import ROOT_PASSPHRASE
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConflictError, LfrError
from lfr_ray.govern.trust_file import VARIABLE, site_key
from tests.trust_tree import as_service


def test_from_the_root_to_a_revoked_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust_command: Callable[..., str]
) -> None:
    run = trust_command
    for name in (ROOT_PASSPHRASE, "LFR_SITE_PASSPHRASE"):
        monkeypatch.setenv(name, "correct horse")
    folder, root, data = tmp_path / "trust", tmp_path / "root.key", DataDir(tmp_path / "data")
    offline = ("--root-key", str(root), "--trust", str(folder))

    with pytest.raises(LfrError, match=r"no root.*lfr trust init.*--trust or LFR_TRUST"):
        run("issue", "supt-1", *offline)
    run("init", *offline)
    assert b"ENCRYPTED" in root.read_bytes()
    with pytest.raises(ConflictError, match="trust file already"):
        run("init", *offline)
    monkeypatch.setenv("ANOTHER", "wrong")
    with pytest.raises(LfrError, match=r"cannot be opened.*with --root-passphrase-env"):
        run("revoke", "0" * 16, "--root-passphrase-env", "ANOTHER", *offline)
    smith = ("--person", "Jo Smith, 1980-02-29")
    made = json.loads(run("issue", "supt-1", *smith, "--out", str(tmp_path / "supt.key"), "--json", "-", *offline))
    with pytest.raises(LfrError, match="no person"):
        run("issue", "supt-9", "--out", str(tmp_path / "9.key"), *offline)
    again = ("--role", "approver", "--out", str(tmp_path / "again.key"), *offline)
    for holder, person, told in (
        ("insp-7", "JO  SMITH, 1980\uff0d02\uff0d29", "one person has two ids"),
        ("SUPT-1", "Al Jones, 1990-01-01", "one id is certified for two persons"),
    ):
        with pytest.raises(ConflictError, match=rf"{told}.*lfr trust revoke {made['id']}"):
            run("issue", holder, "--person", person, *again)
    run("issue", "supt-1", *smith, *again)
    issued = b"".join(path.read_bytes() for path in folder.rglob("*.crt"))
    assert b"Smith" not in b"".join(map(base64.b64decode, re.findall(rb"-\n(.+?)\n-", issued, re.S)))
    with pytest.raises(LfrError, match="must be encrypted"):
        run("issue", "pier", "--role", "site", "--out", str(data.site_key), *offline)
    site = ("--role", "site", "--out", str(data.site_key), "--passphrase-env", "LFR_SITE_PASSPHRASE")
    run("issue", "pier", *site, *offline)
    monkeypatch.setenv(VARIABLE, str(folder / "trust.yaml"))
    as_service(monkeypatch)
    run("revoke", made["id"], *offline)
    keys = json.loads(run("list", "--json", "-", "--data-dir", str(data.root)))["keys"]
    assert {(key["holder"], key["role"], bool(key["revoked_at"])) for key in keys} == {
        ("supt-1", "authoriser", True),
        ("supt-1", "approver", False),
        ("pier", "site", False),
    }
    assert site_key(data).id in {key["id"] for key in keys}
    with pytest.raises(LfrError, match="no certificate of this key"):
        run("revoke", "0" * 16, *offline)
    for one in keys:
        run("revoke", one["id"], *offline)
    run("issue", "insp-7", *smith, "--out", str(tmp_path / "new.key"), *offline)
