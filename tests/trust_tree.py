"""A small tree of trust in a temporary folder: a root, certificates, a revocation list, the site's encrypted key."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lfr_ray.clock import utc_text
from lfr_ray.data_dir import DataDir
from lfr_ray.govern import certificates, trust_file
from lfr_ray.govern.authority import APPROVE
from lfr_ray.govern.canonical_json import canonical_json, sha256_hex
from lfr_ray.govern.ledger import Ledger, open_ledger
from lfr_ray.govern.ledger_event import TOKEN_GIVEN, Event
from lfr_ray.govern.ledger_state import APPROVED, OPENED
from lfr_ray.govern.signed_authority import Grant
from lfr_ray.govern.signing_keys import PublicKey, SigningKey
from lfr_ray.people.tokens_and_sessions import People

PASSPHRASE = "a site's passphrase"
FAR_S = 4_000_000_000.0
CARRIED: Any = {"configuration": {"software": "0" * 16}, "anchors": ("syslog:",)}
"""By authorities of tests whose site compares no configuration, and whose ledger nobody sets back."""


class TrustTree:
    """What ``lfr trust`` makes, in milliseconds."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.root_key = folder, SigningKey.create()
        self.file = folder / "trust.yaml"
        (folder / "certificates").mkdir(parents=True)
        self.root = certificates.make_root("test root", self.root_key, 1.6e9)
        certificates.write_pem(folder / "root.crt", self.root)
        self.file.write_text("format: lfr-trust/1\nroots: [root.crt]\n")
        self._revoked: dict[int, float] = {}
        self._write_list()
        monkeypatch.setenv(trust_file.VARIABLE, str(self.file))
        monkeypatch.setenv(trust_file.SITE_PASSPHRASE, PASSPHRASE)
        as_service(monkeypatch)

    def _write_list(self) -> None:
        made = certificates.revocation_list(self.root, self.root_key, self._revoked, 0.0)
        certificates.write_pem(self.folder / "root.crl", made)

    def path(self, key: SigningKey) -> Path:
        return self.folder / "certificates" / f"{key.id}.crt"

    def enlist(
        self, key: SigningKey, holder: str, rank: str = "", role: str = "authoriser", **fields: Any
    ) -> PublicKey:
        fields = {"valid_from": 0.0, "valid_until": FAR_S, "training_until": FAR_S} | fields
        public = key.described(holder, rank=rank, role=role, **fields)  # type: ignore[arg-type]
        certificates.write_pem(self.path(key), certificates.issue(self.root, self.root_key, public))
        return public

    def officer(self, holder: str, rank: str = "", role: str = "authoriser", **fields: Any) -> SigningKey:
        key = SigningKey.create()
        self.enlist(key, holder, rank, role, **fields)
        return key

    def revoke(self, key: SigningKey, at: float | None = None) -> None:
        serial = certificates.read_certificate(self.path(key)).serial_number
        self._revoked[serial] = time.time() if at is None else at
        self._write_list()

    def site(self, data_dir: DataDir, name: str = "site-1") -> SigningKey:
        key = SigningKey.create()
        data_dir.keys.mkdir(parents=True, exist_ok=True)
        key.save(data_dir.site_key, PASSPHRASE)
        self.enlist(key, name, role="site")
        return key


def as_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tests' own user is not root, the site's user is somebody else, as on a real machine."""
    uid, gids = trust_file.service_user()
    if uid:
        monkeypatch.setattr(trust_file, "service_user", lambda: (uid + 1, frozenset(gid + 1 for gid in gids)))


def give_token(data_dir: DataDir, person: str, role: str) -> str:
    """A personal token for a day, as `lfr people add` gives it out."""
    now_s = time.time()
    token = People(data_dir).add(person, role, days=1, now_s=now_s)
    with open_ledger(data_dir) as ledger:
        facts = {"role": role, "until": utc_text(now_s + 86_400)}
        ledger.append(Event("authority", TOKEN_GIVEN, actor="admin-1", subject=person, facts=facts))
    return token


def approval(approver: SigningKey, content_hash: str, at: float, importers: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of an authority that say who approved its list."""
    document = {"content_hash": content_hash, "imported_by": sorted(importers)}
    return {
        "watchlist_sha256": content_hash,
        "watchlist_approved_at": at,
        "watchlist_importers": importers,
        "watchlist_signature": approver.sign(APPROVE, document, at),
    }


def record_opening(ledger: Ledger, grant: Grant) -> None:
    """What `lfr watchlist approve` and `lfr deployment open` record."""
    authority = grant.authority
    facts = {"watchlist_sha256": authority.watchlist_sha256}
    ledger.append(Event("authority", APPROVED, actor=authority.watchlist_approved_by, facts=facts))
    facts = {"authority_sha256": sha256_hex(canonical_json(authority.content()))}
    ledger.append(Event("authority", OPENED, authority.deployment, authority.authorising_officer.id, facts=facts))
