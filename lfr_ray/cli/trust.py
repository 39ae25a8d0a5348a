"""`lfr trust`: the root of trust, and the certificates of people and sites."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from lfr_ray.cli.output import stderr, tell, write_json
from lfr_ray.cli.site_option import DataOption, JsonOption, SiteOption, site_of
from lfr_ray.clock import parse_utc, utc_text
from lfr_ray.data_dir import DataDir, TrustDir
from lfr_ray.durable_files import write_durable
from lfr_ray.errors import ConfigError, ConflictError, NotFoundError
from lfr_ray.govern import certificates
from lfr_ray.govern.pkcs11_key import FORM, SCHEME, token_key
from lfr_ray.govern.signing_keys import NAME_IT, PublicKey, SigningKey, key_id, passphrase_from, public_half
from lfr_ray.govern.trust_file import TRUST_FILE, VARIABLE, TrustFile, trust_path, trusted_keys
from lfr_ray.strict_yaml import parse_section

app = typer.Typer(
    name="trust", help="Who may sign: a root, certificates of people and sites, revocation.", no_args_is_help=True
)

ROOT_PASSPHRASE = "LFR_ROOT_PASSPHRASE"  # noqa: S105 (a name, not a secret)

RootKeyOption = Annotated[
    str, typer.Option("--root-key", help=f"The root's private key: a file that is kept offline, or {FORM}.")
]
TrustOption = Annotated[
    Path | None, typer.Option("--trust", help="The trust folder; default: that of LFR_TRUST, or /etc/lfr.")
]
RootPassOption = Annotated[
    str, typer.Option("--root-passphrase-env", help="Environment variable with its passphrase or PIN.")
]


@app.command()
def init(
    root_key: RootKeyOption,
    name: Annotated[str, typer.Option(help="Name of the root: the force's.")] = "lfr root",
    trust: TrustOption = None,
    root_passphrase_env: RootPassOption = ROOT_PASSPHRASE,
) -> None:
    """Make a root: its encrypted private key, its certificate, an empty revocation list and the trust file."""
    folder = _folder(trust)
    if folder.file.exists():
        raise ConflictError(
            "there is a trust file already", got=folder.file, next_step="issue with it: `lfr trust issue`"
        )
    secret, now_s = passphrase_from(root_passphrase_env), time.time()
    on_token = root_key.startswith(SCHEME)
    key = token_key(root_key, secret, make=True) if on_token else SigningKey.create()
    root = certificates.make_root(name, key, now_s)
    if not on_token:
        key.save(Path(root_key), secret)
    folder.certificates.mkdir(parents=True, exist_ok=True)
    certificates.write_pem(folder.root_certificate, root)
    certificates.write_pem(folder.root_list, certificates.revocation_list(root, key, {}, now_s))
    trust_file = TrustFile(roots=(folder.root_certificate.name,))
    write_durable(folder.file, yaml.safe_dump(trust_file.model_dump(mode="json")).encode())
    stderr.print(f"trust file {folder.file}: copy its folder to {TRUST_FILE.parent} of every site, owned by root")
    stderr.print(f"root key {root_key}: keep it offline")


@app.command()
def issue(
    holder: Annotated[str, typer.Argument(help="Staff number or login, or the site's name; never a person's name.")],
    root_key: RootKeyOption,
    role: Annotated[str, typer.Option(help="authoriser, approver, operator, auditor or site.")] = "authoriser",
    person: Annotated[
        str, typer.Option(help="Who that is in the personnel register, always in the same words; kept as digits alone.")
    ] = "",
    rank: Annotated[str, typer.Option(help="A rank of the profile.")] = "",
    training_until: Annotated[str, typer.Option(help="Until when the holder's training counts, ISO 8601.")] = "",
    valid_from: Annotated[str, typer.Option(help="ISO 8601; default: now.")] = "",
    valid_until: Annotated[str, typer.Option(help="ISO 8601; default: in a year.")] = "",
    out: Annotated[Path | None, typer.Option(help="Make a key, and write its private half here.")] = None,
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with a passphrase for it.")] = "",
    public: Annotated[
        Path | None, typer.Option(help="Or certify this public key, PEM: `openssl pkey -in KEY -pubout`.")
    ] = None,
    trust: TrustOption = None,
    root_passphrase_env: RootPassOption = ROOT_PASSPHRASE,
    json: JsonOption = "",
) -> None:
    """Certify whose a key is: its holder, one role, the rank, the training and from when to when."""
    folder, key = _opened(trust, root_key, root_passphrase_env)
    if (out is None) == (public is None):
        raise ConfigError("a key to certify is missing", allowed="--out FILE for a new one, or --public FILE")
    if bool(person) == (role == "site"):
        raise ConfigError(
            "a certificate is of one person, or of a site",
            got=f"role {role}, {'a' if person else 'no'} person",
            next_step="--person 'NAME, DATE OF BIRTH' or their number in the register; for a site leave it out",
        )
    now_s = time.time()
    made = SigningKey.create() if public is None else None
    half = made.public if made is not None else public_half(public or Path())
    fields: dict[str, Any] = {
        "id": key_id(half),
        "holder": holder,
        "rank": rank,
        "role": role,
        "public": half,
        "valid_from": _moment(valid_from) or now_s,
        "valid_until": _moment(valid_until) or now_s + 365 * 86_400,
        "training_until": _moment(training_until),
        "person": certificates.person_of(key, person) if person else "",
    }
    described = parse_section(PublicKey, fields, "the certificate")
    if described.valid_until is not None and described.valid_until <= described.valid_from:
        raise ConfigError("valid_until must come after valid_from", got=f"{valid_from} to {valid_until}")
    root = certificates.read_certificate(folder.root_certificate)
    revoked = certificates.revocations([root], folder.lists)
    known = [certificates.certified(path, [root], revoked) for path in folder.issued]
    certificates.check_one_person([*known, described])
    if made is not None and out is not None:
        if role == "site" and not passphrase_env:
            raise ConfigError("the site's key must be encrypted", next_step="--passphrase-env LFR_SITE_PASSPHRASE")
        out.parent.mkdir(parents=True, exist_ok=True)
        made.save(out, passphrase_from(passphrase_env))
    path = folder.certificate(described.id)
    certificates.write_pem(path, certificates.issue(root, key, described))
    if json:
        write_json(json, described.model_dump(mode="json"))
        return
    stderr.print(f"certificate {path}: copy it to {TRUST_FILE.parent}/certificates of the sites that it concerns")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Id of the key, as `lfr trust list` shows it.")],
    root_key: RootKeyOption,
    trust: TrustOption = None,
    root_passphrase_env: RootPassOption = ROOT_PASSPHRASE,
) -> None:
    """Revoke a certificate: matching under what it signed ends with the next second, and it signs nothing more."""
    folder, signer = _opened(trust, root_key, root_passphrase_env)
    path, root = folder.certificate(key), certificates.read_certificate(folder.root_certificate)
    if not path.exists():
        raise NotFoundError("there is no certificate of this key", got=key, next_step="see `lfr trust list`")
    known = certificates.revocations([root], folder.lists)
    serials = {serial: at for (_, serial), at in known.items()}
    serials.setdefault(certificates.read_certificate(path).serial_number, time.time())
    certificates.write_pem(folder.root_list, certificates.revocation_list(root, signer, serials, time.time()))
    stderr.print(f"revoked: {key}; copy {folder.root_list} to {TRUST_FILE.parent} of every site")


@app.command("list")
def list_keys(site: SiteOption = None, data_dir: DataOption = None, json: JsonOption = "") -> None:
    """Every key that counts on this machine, and why."""
    keys = trusted_keys(DataDir(site_of(site, data_dir, begins=True).data_dir))
    document = {"keys": [key.content() for key in keys.values()]}
    columns = ("id", "holder", "rank", "role", "valid until", "trained until", "revoked")
    rows = (
        (
            one.id,
            one.holder,
            one.rank or "-",
            one.role,
            *map(_day, (one.valid_until, one.training_until, one.revoked_at)),
        )
        for one in keys.values()
    )
    tell(json, document, f"Certificates of {trust_path() or 'no trust file: the own key alone'}", columns, rows)


def _folder(trust: Path | None) -> TrustDir:
    return TrustDir(trust or (trust_path() or TRUST_FILE).parent)


def _opened(trust: Path | None, root_key: str, passphrase_env: str) -> tuple[TrustDir, SigningKey]:
    folder = _folder(trust)
    if not folder.root_certificate.exists():
        raise NotFoundError(
            "there is no root",
            got=folder.root_certificate,
            next_step=f"make one: `lfr trust init`; or name the trust folder with --trust or {VARIABLE}",
        )
    secret = passphrase_from(passphrase_env)
    if root_key.startswith(SCHEME):
        return folder, token_key(root_key, secret)
    return folder, SigningKey.load(Path(root_key), secret, next_step=NAME_IT.format("--root-passphrase-env"))


def _moment(text: str) -> float | None:
    if not text:
        return None
    try:
        return parse_utc(text)
    except ValueError:
        raise ConfigError("this is no moment", got=text, allowed="ISO 8601, like 2027-01-31") from None


def _day(at: float | None) -> str:
    return "-" if at is None else utc_text(at)[:16]
