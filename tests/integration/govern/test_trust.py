"""Certificates on a real disk: whose count, until when, and what is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from lfr_ray.data_dir import DataDir
from lfr_ray.errors import ConfigError, ConflictError, LfrError, NotFoundError
from lfr_ray.govern import certificates, trust_file
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.signing_keys import SigningKey, signature_fault
from lfr_ray.govern.trust_file import site_key, trusted_keys
from tests.trust_tree import PASSPHRASE, TrustTree


@pytest.fixture
def files(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "site")


def test_a_certificate_says_whose_a_key_is(trust_tree: TrustTree, files: DataDir) -> None:
    key = trust_tree.officer("supt-1", "superintendent", valid_from=1000.0, valid_until=5000.0, training_until=4000.0)
    found = trusted_keys(files)[key.id]
    assert (found.holder, found.rank, found.role, found.public) == (
        "supt-1",
        "superintendent",
        "authoriser",
        key.public,
    )
    assert found.unusable(3000.0) == ""
    assert found.trained(3999.0)
    assert not found.trained(4001.0)
    for at, words in ((999.0, "valid only from"), (5001.0, "valid only until")):
        signature = key.sign("authority", {}, at)
        assert words in signature_fault("authority", {}, signature, trusted_keys(files), "authoriser")


def test_a_standard_tool_reads_and_verifies_it(trust_tree: TrustTree) -> None:
    key = trust_tree.officer("supt-1", "superintendent")
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", str(trust_tree.folder / "root.crt"), str(trust_tree.path(key))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().endswith("OK"), done.stderr


def test_two_ids_of_one_person_are_trusted_nowhere(trust_tree: TrustTree, files: DataDir) -> None:
    """Whoever has the root may have left out the folder in which `lfr trust issue` would have found the first."""
    person = certificates.person_of(trust_tree.root_key, "Jo Smith")
    first = trust_tree.officer("supt-1", person=person)
    trust_tree.officer("insp-7", role="approver", person=person)
    with pytest.raises(ConflictError, match="one person has two ids"):
        trusted_keys(files)
    trust_tree.revoke(first)
    assert len(trusted_keys(files)) == 2


def test_nothing_in_the_data_folder_makes_anybody_trusted(trust_tree: TrustTree, files: DataDir) -> None:
    stranger = SigningKey.create().described("supt-9", rank="superintendent", training_until=9e9)
    files.keys.mkdir(parents=True)
    files.public_key(stranger.id).write_bytes(canonical_json(stranger.model_dump(mode="json")))
    assert stranger.id not in trusted_keys(files)


def test_without_a_trust_file_only_the_own_key_counts(files: DataDir) -> None:
    own = site_key(files)
    stranger = SigningKey.create().described("supt-9", rank="superintendent", training_until=9e9)
    files.public_key(stranger.id).write_bytes(canonical_json(stranger.model_dump(mode="json")))
    assert list(trusted_keys(files)) == [own.id]
    assert "lfr trust init" in trust_file.missing_trust("live")
    assert trust_file.missing_trust("test") == trust_file.missing_trust("trial") == ""


def test_a_revoked_certificate_signs_no_more(trust_tree: TrustTree, files: DataDir) -> None:
    key = trust_tree.officer("supt-1")
    before, after = key.sign("x", {}, 999.0), key.sign("x", {}, 1001.0)
    trust_tree.revoke(key, 1000.0)
    assert signature_fault("x", {}, before, trusted_keys(files)) == ""
    assert "was revoked at" in signature_fault("x", {}, after, trusted_keys(files))


def test_a_change_beside_the_trust_file_is_seen_at_once(trust_tree: TrustTree, files: DataDir) -> None:
    key = trust_tree.officer("supt-1")
    assert key.id in trusted_keys(files)
    trust_tree.path(key).unlink()
    assert key.id not in trusted_keys(files)


def test_a_certificate_of_another_root_is_refused(trust_tree: TrustTree, files: DataDir) -> None:
    other_key, key = SigningKey.create(), SigningKey.create()
    other = certificates.make_root("test root", other_key, 0.0)  # even of the same name
    public = key.described("supt-1", valid_until=9e8)
    certificates.write_pem(trust_tree.path(key), certificates.issue(other, other_key, public))
    with pytest.raises(ConfigError, match=r"not of a trusted root.*lfr trust issue"):
        trusted_keys(files)


def test_a_certificate_that_certifies_itself_is_refused(trust_tree: TrustTree, files: DataDir) -> None:
    officer = trust_tree.officer("supt-1")
    mine = certificates.read_certificate(trust_tree.path(officer))
    key = SigningKey.create()
    certificates.write_pem(trust_tree.path(key), certificates.issue(mine, officer, key.described("x", valid_until=9e8)))
    with pytest.raises(ConfigError, match="not of a trusted root"):
        trusted_keys(files)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([("supt-1", "holder"), ("authoriser", "role"), ("approver", "role")], "a role too many"),
        ([("supt-1", "holder"), ("king", "role")], "role"),
        ([("Jane Doe", "holder"), ("authoriser", "role")], "holder"),
        ([("supt-1", "holder")], "role"),
    ],
)
def test_a_certificate_says_one_thing_of_each(
    trust_tree: TrustTree, files: DataDir, names: list[tuple[str, str]], words: str
) -> None:
    key = SigningKey.create()
    subject = x509.Name([x509.NameAttribute(certificates.FIELDS[field], value) for value, field in names])
    public = key.private.public_key()
    made = certificates._signed(trust_tree.root.subject, subject, trust_tree.root_key, public, 0.0, 9e8)
    certificates.write_pem(trust_tree.path(key), made)
    with pytest.raises(LfrError, match=words):
        trusted_keys(files)


def test_two_roles_for_one_key_are_refused(trust_tree: TrustTree, files: DataDir) -> None:
    key = trust_tree.officer("supt-1")
    copy = trust_tree.folder / "certificates" / "also.crt"
    trust_tree.path(key).rename(copy)
    trust_tree.enlist(key, "supt-1", role="approver")
    with pytest.raises(ConfigError, match="different things of one key"):
        trusted_keys(files)


def test_a_root_needs_its_revocation_list(trust_tree: TrustTree, files: DataDir) -> None:
    key = trust_tree.officer("supt-1")
    earlier = (trust_tree.folder / "root.crl").read_bytes()
    trust_tree.revoke(key)
    (trust_tree.folder / "earlier.crl").write_bytes(earlier)
    assert trusted_keys(files)[key.id].revoked_at is not None, "the longest list counts"
    for path in trust_tree.folder.glob("*.crl"):
        path.unlink()
    with pytest.raises(NotFoundError, match=r"\.crl"):
        trusted_keys(files)


@pytest.mark.parametrize("what", ["trust.yaml", "root.crl", "certificates", "."])
def test_what_the_service_can_write_is_refused(
    trust_tree: TrustTree, files: DataDir, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = trust_tree.folder / what
    path.chmod(path.stat().st_mode | 0o002)
    for uid in (0, 4321):  # to root all is open: there only the modes can be judged
        monkeypatch.setattr(trust_file, "service_user", lambda uid=uid: (uid, frozenset((uid,))))
        with pytest.raises(ConfigError, match=r"can write the trust file.*chown root"):
            trusted_keys(files)


def test_what_belongs_to_the_service_is_refused(
    trust_tree: TrustTree, files: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        os.chown(trust_tree.file, 4321, 4321)
    trust_tree.file.chmod(0o444)
    owner = trust_tree.file.stat().st_uid
    monkeypatch.setattr(trust_file, "service_user", lambda: (owner, frozenset()))
    with pytest.raises(ConfigError, match="can write the trust file"):
        trusted_keys(files)


def test_a_named_trust_file_must_be_there(files: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trust_file.VARIABLE, "/nowhere/trust.yaml")
    with pytest.raises(NotFoundError, match="lfr trust init"):
        trusted_keys(files)


def test_the_site_s_key_is_certified_encrypted_and_its_user_s_alone(
    trust_tree: TrustTree, files: DataDir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="lfr trust issue SITE --role site"):
        site_key(files)
    made = trust_tree.site(files)
    assert site_key(files).id == made.id
    assert files.site_key.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv(trust_file.SITE_PASSPHRASE, "wrong")
    with pytest.raises(ConfigError, match=r"cannot be opened.*LFR_SITE_PASSPHRASE"):
        site_key(files)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / trust_file.CREDENTIAL).write_text(PASSPHRASE + "\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert site_key(files).id == made.id
    files.site_key.unlink()
    made.save(files.site_key)
    with pytest.raises(ConfigError, match="not encrypted"):
        site_key(files)
    files.site_key.unlink()
    SigningKey.create().save(files.site_key, PASSPHRASE)
    with pytest.raises(ConfigError, match="no certificate of the role site"):
        site_key(files)


def test_damaged_files_are_named(trust_tree: TrustTree, files: DataDir) -> None:
    key = trust_tree.officer("supt-1")
    trust_tree.path(key).write_text("hello")
    with pytest.raises(ConfigError, match=f"no certificate.*{key.id}"):
        trusted_keys(files)
    trust_tree.path(key).unlink()
    for text in ("roots: []\n", "surprise: 1\n", "["):
        trust_tree.file.write_text(text)
        with pytest.raises(ConfigError):
            trusted_keys(files)


def test_another_kind_of_key_is_refused(trust_tree: TrustTree, files: DataDir, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    subject: Any = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "supt-1")])
    public: Any = ec.generate_private_key(ec.SECP256R1()).public_key()
    made = certificates._signed(trust_tree.root.subject, subject, trust_tree.root_key, public, 0.0, 9e8)
    certificates.write_pem(trust_tree.folder / "certificates" / "ec.crt", made)
    with pytest.raises(ConfigError, match="of another kind"):
        trusted_keys(files)
