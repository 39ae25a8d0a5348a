"""Whose signature counts: certificates below a root that the service's own user cannot replace.

``/etc/lfr/trust.yaml``, or the file that ``LFR_TRUST`` names, names the roots. Beside it lie each root's revocation
list (``*.crl``) and the certificates that it issued (``certificates/*.crt``), all of it written by the administrator
alone. Nothing in a data folder makes anybody trusted.

Without a trust file (or with ``LFR_TRUST=none``) a site makes its own key: enough for tests and trials, never for a
live or retrospective deployment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from lfr_ray.data_dir import DataDir, TrustDir
from lfr_ray.durable_files import exclusive, read_json, state_of, write_durable
from lfr_ray.errors import ConfigError, NotFoundError
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.certificates import certified, check_one_person, read_certificate, revocations
from lfr_ray.govern.signing_keys import PublicKey, SigningKey, key_id
from lfr_ray.strict_yaml import Section, load_yaml, parse_section

VARIABLE = "LFR_TRUST"
TRUST_FILE = TrustDir(Path("/etc/lfr")).file
NONE = "none"
"""In ``LFR_TRUST``: a test on a machine that has a trust file."""
SITE_PASSPHRASE = "LFR_SITE_PASSPHRASE"  # noqa: S105 (a name, not a secret)
CREDENTIAL = "lfr-site-passphrase"
"""Name of the site key's passphrase among systemd's credentials."""
GIVE_IT = f"give its passphrase in {SITE_PASSPHRASE}, or as the systemd credential {CREDENTIAL}"
TESTER = "tester"
"""Holder and rank of the key that signed tests before the site's own key did."""

_State = tuple[tuple[str, int, int, int], ...]
_read: dict[Path, tuple[_State, dict[str, PublicKey]]] = {}


class TrustFile(Section):
    """Which roots this machine trusts."""

    format: Literal["lfr-trust/1"] = "lfr-trust/1"
    roots: tuple[str, ...] = Field(min_length=1, description="Certificates of the roots, beside this file.")


def trust_path() -> Path | None:
    """The trust file; None where there is none.

    Raises:
        NotFoundError: ``LFR_TRUST`` names a file that is not there.
    """
    named = os.environ.get(VARIABLE, "")
    if named == NONE:
        return None
    path = (Path(named) if named else TRUST_FILE).resolve()
    if path.is_file():
        return path
    if named:
        raise NotFoundError("there is no trust file", got=f"{VARIABLE}={named}", next_step="make one: `lfr trust init`")
    return None


def trust_nobody() -> None:
    """This process and those that it starts are a test with a key of their own, whatever the machine trusts."""
    os.environ[VARIABLE] = NONE


def missing_trust(kind: str) -> str:
    """Empty, or that a deployment of this kind needs a trust file and there is none."""
    if kind in ("test", "trial") or trust_path() is not None:
        return ""
    return (
        f"a {kind} deployment needs a trust file, and there is neither {TRUST_FILE} nor {VARIABLE}: have one made with "
        "`lfr trust init` and the site's certificate with `lfr trust issue --role site`"
    )


def trusted_keys(data_dir: DataDir) -> dict[str, PublicKey]:
    """The keys that count here, by id: those with a certificate, or without a trust file the site's own alone.

    Raises:
        ConfigError: The trust file or what lies beside it is not valid, or the service's user can write it.
    """
    path = trust_path()
    if path is None:
        return _own_keys(data_dir)
    state = _state(path)
    known = _read.get(path)
    if known is None or known[0] != state:
        known = _read[path] = (state, _certified_keys(path))
    return dict(known[1])


def _certified_keys(path: Path) -> dict[str, PublicKey]:
    roots = [read_certificate(path.parent / name) for name in parse_trust_file(path).roots]
    revoked = revocations(roots, TrustDir(path.parent).lists)
    found: dict[str, PublicKey] = {}
    for file in TrustDir(path.parent).issued:
        key = certified(file, roots, revoked)
        other = found.setdefault(key.id, key)
        if (other.holder, other.role, other.rank) != (key.holder, key.role, key.rank):
            raise ConfigError(
                "two certificates say different things of one key",
                got=file.name,
                next_step="remove one: a key has one holder, one role and one rank",
            )
        # A renewed certificate of the same key: its validity and training count from now on.
        if (key.valid_until or 0.0) > (other.valid_until or 0.0):
            found[key.id] = key.model_copy(update={"valid_from": min(key.valid_from, other.valid_from)})
    check_one_person(found.values())
    return found


def parse_trust_file(path: Path) -> TrustFile:
    """What a trust file says."""
    return parse_section(TrustFile, load_yaml(path), f"trust file {path.name}")


def service_user() -> tuple[int, frozenset[int]]:
    """User and groups of this process."""
    return os.geteuid(), frozenset((os.getegid(), *os.getgroups()))


def _state(path: Path) -> _State:
    """What the files are, to notice a change; refuses what this process's user could have written."""
    uid, gids = service_user()
    state = []
    for one in _belonging(path):
        found = one.stat()
        if _can_write(found, uid, gids, one in path.parents):
            who = "someone besides root" if uid == 0 else "the service's own user"
            raise ConfigError(
                f"{who} can write the trust file, or what it stands on",
                got=f"{one} (owner {found.st_uid}, mode {found.st_mode & 0o7777:o})",
                allowed="owned by root, written by nobody else",
                next_step=f"chown root {one}; chmod go-w {one}",
            )
        state.append((str(one), *state_of(found)))
    return tuple(state)


def _belonging(path: Path) -> Iterator[Path]:
    folder = TrustDir(path.parent)
    yield path
    yield from path.parents
    yield from folder.lists
    yield from (path.parent / name for name in parse_trust_file(path).roots)
    if folder.certificates.is_dir():
        yield folder.certificates
        yield from folder.issued


def _can_write(found: os.stat_result, uid: int, gids: frozenset[int], above: bool) -> bool:
    """Whether the service's user could replace this. To root all is open: there only the modes can be judged."""
    mode = found.st_mode
    if above and mode & 0o1000:
        return False  # a sticky folder, such as /tmp: nobody can replace what is another's
    if uid == 0:
        return found.st_uid != 0 or bool(mode & 0o022)
    return found.st_uid == uid or bool(mode & 0o002) or (bool(mode & 0o020) and found.st_gid in gids)


def site_key(data_dir: DataDir) -> SigningKey:
    """The site's own key: it seals the ledger and signs closings, receipts and records.

    Without a trust file it is made at the first use. With one it has a certificate and is encrypted.

    Raises:
        ConfigError: It is missing, open to read, or has no certificate.
    """
    path, passphrase = data_dir.site_key, site_passphrase()
    if trust_path() is None:
        return _own_key(data_dir, passphrase)
    issue = f"`lfr trust issue SITE --role site --out {path}`"
    if not path.exists():
        raise ConfigError("the site has no key", got=path, next_step=f"{issue}, or a test: {VARIABLE}={NONE}")
    key = SigningKey.load(path, passphrase, encrypted=True, next_step=GIVE_IT)
    known = trusted_keys(data_dir).get(key.id)
    if known is None or known.role != "site":
        raise ConfigError(
            "the site's key has no certificate of the role site",
            got=key.id,
            next_step=f"have it issued with --public, or a new one: {issue}; for a test: {VARIABLE}={NONE}",
        )
    return key


def site_passphrase() -> str:
    """The passphrase of the site's key: of systemd's credentials, or of the environment; empty where there is none."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    file = Path(folder, CREDENTIAL)
    if folder and file.is_file():
        return file.read_text(encoding="utf-8").strip()
    return os.environ.get(SITE_PASSPHRASE, "")


def _own_key(data_dir: DataDir, passphrase: str) -> SigningKey:
    path = data_dir.site_key
    with exclusive(data_dir.keys_lock, "making a key", wait=True):
        if not path.exists():
            key = SigningKey.create()
            public = key.described("site", role="site")
            write_durable(data_dir.public_key(key.id), canonical_json(public.model_dump(mode="json")) + b"\n")
            key.save(path, passphrase)
    return SigningKey.load(path, passphrase if b"ENCRYPTED" in path.read_bytes() else "", next_step=GIVE_IT)


def _own_keys(data_dir: DataDir) -> dict[str, PublicKey]:
    """The site's own keys, where there is no trust file: nobody else's key counts because it lies here."""
    found: dict[str, PublicKey] = {}
    for path in data_dir.public_keys:
        key = parse_section(PublicKey, read_json(path, "the key file"), f"key file {path.name}")
        if key_id(key.public) != key.id:
            raise ConfigError("a key file's id is not that of its key", got=path.name, next_step="remove the file")
        if key.role == "site" or key.rank == TESTER:
            found[key.id] = key
    return found
