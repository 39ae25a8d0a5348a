"""X.509 certificates with Ed25519 keys: issued offline by a root, read by every site, opened by any standard tool.

The subject says everything: CN the staff number (never a name), OU the one role, title the rank, description until when
the training counts, serialNumber which person that is, in digits. Validity and revocation are X.509's own.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID, ObjectIdentifier

from lfr_ray.clock import utc_text
from lfr_ray.durable_files import write_durable
from lfr_ray.errors import ConfigError, ConflictError, NotFoundError
from lfr_ray.govern.signing_keys import PublicKey, SigningKey, key_id
from lfr_ray.records import folded, same_person
from lfr_ray.strict_yaml import parse_section

T = TypeVar("T")

DESCRIPTION = ObjectIdentifier("2.5.4.13")
ROOT_YEARS = 20
FIELDS = {
    "holder": NameOID.COMMON_NAME,
    "role": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "rank": NameOID.TITLE,
    "person": NameOID.SERIAL_NUMBER,
}
REISSUE = "have it issued again: `lfr trust issue`; or remove the file"


def make_root(name: str, key: SigningKey, now_s: float) -> x509.Certificate:
    """A root's own certificate."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return _signed(subject, subject, key, _public(key.public), now_s, now_s + ROOT_YEARS * 365.25 * 86_400, root=True)


def issue(root: x509.Certificate, root_key: SigningKey, holder: PublicKey) -> x509.Certificate:
    """A holder's certificate.

    Raises:
        ConfigError: The key is not that of the root.
    """
    _check_root_key(root, root_key)
    said = [x509.NameAttribute(oid, getattr(holder, name)) for name, oid in FIELDS.items() if getattr(holder, name)]
    if holder.training_until is not None:
        said.append(x509.NameAttribute(DESCRIPTION, utc_text(holder.training_until)))
    ends_s = holder.valid_until if holder.valid_until is not None else root.not_valid_after_utc.timestamp()
    return _signed(root.subject, x509.Name(said), root_key, _public(holder.public), holder.valid_from, ends_s)


def person_of(root_key: SigningKey, said: str) -> str:
    """Which person a register's entry is, however it is written; nobody without the root's key can try a name."""
    secret = root_key.private.sign(b"lfr-ray person")  # always the same of one key
    return hmac.new(secret, folded(said).encode(), "sha256").hexdigest()[:32]


def check_one_person(keys: Iterable[PublicKey]) -> None:
    """Each person has one id, and each id is one person's. What was revoked does not count.

    Raises:
        ConflictError: Two differ.
    """
    known = [key for key in keys if key.person and key.revoked_at is None]
    for one, other in combinations(known, 2):
        if (one.person == other.person) == same_person(one.holder, other.holder):
            continue
        what = "one person has two ids" if one.person == other.person else "one id is certified for two persons"
        raise ConflictError(
            f"{what}, and would count as two where two people must agree",
            got=f"{one.holder} and {other.holder}",
            allowed="one id a person; several keys of different roles",
            next_step=f"use the first, or revoke it: `lfr trust revoke {one.id}`",
        )


def revocation_list(
    root: x509.Certificate, root_key: SigningKey, revoked: Mapping[int, float], now_s: float
) -> x509.CertificateRevocationList:
    """The list of serial numbers that count no longer, each with since when.

    Raises:
        ConfigError: The key is not that of the root.
    """
    _check_root_key(root, root_key)
    now = _time(now_s)
    made = x509.CertificateRevocationListBuilder().issuer_name(root.subject).last_update(now)
    made = made.next_update(root.not_valid_after_utc)
    made = made.add_extension(x509.CRLNumber(len(revoked)), critical=False)
    for serial, at in revoked.items():
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_time(at)).build()
        made = made.add_revoked_certificate(one)
    return made.sign(root_key.private, None)


def read_certificate(path: Path) -> x509.Certificate:
    """A certificate file.

    Raises:
        ConfigError: It is none.
    """
    return _loaded(x509.load_pem_x509_certificate, path, "this is no certificate", REISSUE)


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Every certificate in a file.

    Raises:
        ConfigError: There is none.
    """
    return _loaded(x509.load_pem_x509_certificates, path, "there is no certificate")


def revocations(roots: Sequence[x509.Certificate], files: Sequence[Path]) -> dict[tuple[bytes, int], float]:
    """Since when which serial number of which root counts no longer, by the longest list of each root.

    Raises:
        ConfigError: A list is damaged or signed by nobody who may.
        NotFoundError: A root has no list.
    """
    found: dict[tuple[bytes, int], float] = {}
    lists = [_loaded(x509.load_pem_x509_crl, path, "this is no revocation list") for path in files]
    for root in roots:
        mine = [crl for crl in lists if crl.issuer == root.subject and _signed_by(crl, root)]
        if not mine:
            raise NotFoundError(
                "a root has no revocation list that it signed",
                got=root.subject.rfc4514_string(),
                next_step="put its .crl beside the trust file",
            )
        for entry in max(mine, key=len):
            found[_name(root), entry.serial_number] = entry.revocation_date_utc.timestamp()
    return found


def certified(path: Path, roots: Sequence[x509.Certificate], revoked: Mapping[tuple[bytes, int], float]) -> PublicKey:
    """Whose key a certificate says that it is.

    Raises:
        ConfigError: It is damaged, of another root, or says too much or too little.
    """
    found = read_certificate(path)
    root = next((one for one in roots if _issued(found, one)), None)
    if root is None:
        raise ConfigError("a certificate is not of a trusted root", got=path.name, next_step=REISSUE)
    key = found.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("a certificate's key is of another kind", got=path.name, allowed="Ed25519", next_step=REISSUE)
    public = key.public_bytes_raw().hex()
    said = {name: _one(found, oid, name, path) for name, oid in FIELDS.items()}
    fields = {
        **said,
        "id": key_id(public),
        "public": public,
        "valid_from": found.not_valid_before_utc.timestamp(),
        "valid_until": found.not_valid_after_utc.timestamp(),
        "training_until": _one(found, DESCRIPTION, "training", path) or None,
        "revoked_at": revoked.get((_name(root), found.serial_number)),
    }
    return parse_section(PublicKey, fields, f"certificate {path.name}")


def write_pem(path: Path, document: x509.Certificate | x509.CertificateRevocationList) -> None:
    """Write it durably, for everybody to read."""
    write_durable(path, document.public_bytes(serialization.Encoding.PEM))


def _signed(
    issuer: x509.Name,
    subject: x509.Name,
    key: SigningKey,
    public: Ed25519PublicKey,
    from_s: float,
    until_s: float,
    *,
    root: bool = False,
) -> x509.Certificate:
    made = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(public)
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(_time(from_s)).not_valid_after(_time(until_s))
    made = made.add_extension(x509.BasicConstraints(ca=root, path_length=0 if root else None), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    return made.sign(key.private, None)


def _one(found: x509.Certificate, oid: ObjectIdentifier, name: str, path: Path) -> str:
    values = found.subject.get_attributes_for_oid(oid)
    if len(values) > 1:
        raise ConfigError(f"a certificate has a {name} too many", got=path.name, allowed="one", next_step=REISSUE)
    return str(values[0].value) if values else ""


def _issued(found: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        found.verify_directly_issued_by(root)
        return bool(root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False


def _signed_by(crl: x509.CertificateRevocationList, root: x509.Certificate) -> bool:
    public = root.public_key()
    return isinstance(public, Ed25519PublicKey) and crl.is_signature_valid(public)


def _loaded(load: Callable[[bytes], T], path: Path, fault: str, next_step: str = "") -> T:
    try:
        return load(path.read_bytes())
    except (OSError, ValueError):
        raise ConfigError(fault, got=path.name, allowed="X.509 in PEM", next_step=next_step) from None


def _check_root_key(root: x509.Certificate, key: SigningKey) -> None:
    if root.public_key() != key.private.public_key():
        raise ConfigError("this is not the root's key", got=key.id, next_step="name the key that `lfr trust init` made")


def _name(root: x509.Certificate) -> bytes:
    return root.subject.public_bytes()


def _public(digits: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits))


def _time(at: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=int(at))
