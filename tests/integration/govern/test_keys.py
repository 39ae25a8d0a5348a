"""Private keys that only their owner reads, and signatures that say what for."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConfigError, ConflictError, IntegrityError, NotFoundError
from lfr_ray.govern.signing_keys import SigningKey, passphrase_from, signature_fault
from lfr_ray.govern.trust_file import site_key, trusted_keys


def test_a_key_comes_back_from_its_file(tmp_path: Path) -> None:
    key = SigningKey.create()
    path = tmp_path / "officer.key"
    key.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(path).id == key.id


def test_a_passphrase_is_needed_when_there_is_one(tmp_path: Path) -> None:
    key = SigningKey.create()
    path = tmp_path / "officer.key"
    key.save(path, "correct horse")
    assert b"ENCRYPTED" in path.read_bytes()
    assert SigningKey.load(path, "correct horse").id == key.id
    for wrong in ("", "wrong"):
        with pytest.raises(ConfigError, match="--passphrase-env") as caught:
            SigningKey.load(path, wrong)
        assert "horse" not in str(caught.value)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "officer.key"
    SigningKey.create().save(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        SigningKey.load(path)


def test_what_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        SigningKey.load(tmp_path / "none.key")
    path = tmp_path / "text.key"
    path.write_text("hello")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="Ed25519"):
        SigningKey.load(path)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    SigningKey.create().save(tmp_path / "a.key")
    with pytest.raises(ConflictError):
        SigningKey.create().save(tmp_path / "a.key")


def test_a_key_prints_its_id_only() -> None:
    key = SigningKey.create()
    assert repr(key) == f"SigningKey({key.id})"


def test_a_key_file_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    key, other = site_key(DataDir(tmp_path)), SigningKey.create()
    path = DataDir(tmp_path).public_key(key.id)
    path.write_text(path.read_text().replace(key.public, other.public))
    with pytest.raises(ConfigError, match="not that of its key"):
        trusted_keys(DataDir(tmp_path))
    path.write_text("{")
    with pytest.raises(IntegrityError, match="damaged"):
        trusted_keys(DataDir(tmp_path))


def test_the_site_key_is_made_once(tmp_path: Path) -> None:
    first = site_key(DataDir(tmp_path))
    assert site_key(DataDir(tmp_path)).id == first.id
    assert trusted_keys(DataDir(tmp_path))[first.id].role == "site"
    assert DataDir(tmp_path).site_key.stat().st_mode & 0o077 == 0


def test_a_signature_holds_for_its_document_purpose_and_time() -> None:
    key = SigningKey.create()
    trusted = {key.id: key.described("site", role="site")}
    signature = key.sign("receipt", {"a": 1}, 1000.0)
    assert signature_fault("receipt", {"a": 1}, signature, trusted) == ""
    assert "altered" in signature_fault("receipt", {"a": 2}, signature, trusted)
    assert "altered" in signature_fault("authority", {"a": 1}, signature, trusted)
    assert "role site" in signature_fault("receipt", {"a": 1}, signature, trusted, "authoriser")
    assert "unknown" in signature_fault("receipt", {"a": 1}, signature, {})
    assert "not signed" in signature_fault("receipt", {"a": 1}, None, trusted)


def test_a_passphrase_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert passphrase_from("") == ""
    monkeypatch.setenv("LFR_PASS", "secret words")
    assert passphrase_from("LFR_PASS") == "secret words"
    monkeypatch.delenv("LFR_PASS")
    with pytest.raises(ConfigError, match="LFR_PASS"):
        passphrase_from("LFR_PASS")
