"""`lfr deployment open`: from options or a YAML file to a signed authority."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from lfr_ray.cli.output import drawn, stderr, tell, write_json
from lfr_ray.cli.site_option import DataOption, JsonOption, SiteOption, site_of, who
from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json
from lfr_ray.errors import AuthorityError, ConfigError
from lfr_ray.govern.authority import Authority
from lfr_ray.govern.country_profile import Profile, default_profile, load_profile
from lfr_ray.govern.ledger import Ledger
from lfr_ray.govern.signed_authority import AUTHORISE, Grant, ratify_by_s, signed
from lfr_ray.govern.signing_keys import SigningKey, passphrase_from
from lfr_ray.govern.trial_deployment import TRIAL, read_consents
from lfr_ray.govern.trust_file import trusted_keys
from lfr_ray.strict_yaml import load_yaml, parse_section

PLACE = ("case", "place", "rationale", "latitude", "longitude", "radius_m")
DOCUMENTS = ("policy", "impact_assessment", "equality_assessment", "appropriate_policy", "registration")


def open_deployment(
    deployment: Annotated[str, typer.Argument(help="Id; it stays for ever. A test may leave it out.")] = "",
    kind: Annotated[str, typer.Option(help="live (default), retrospective, test or trial.")] = "",
    profile: Annotated[str, typer.Option(help="uk-police, eu-ai-act, test, or a YAML file of your own.")] = "",
    from_file: Annotated[Path | None, typer.Option("--from", help="YAML with any of these fields.")] = None,
    purpose: Annotated[str, typer.Option(help="What it is for.")] = "",
    legal_basis: Annotated[str, typer.Option(help="The law that allows it.")] = "",
    why: Annotated[str, typer.Option(help="The objective, and why this is necessary.")] = "",
    case: Annotated[str, typer.Option(help="crime-hotspot, protective-security or intelligence-located.")] = "",
    place: Annotated[str, typer.Option(help="Name of the place.")] = "",
    rationale: Annotated[str, typer.Option(help="Why this place falls under the case.")] = "",
    latitude: Annotated[float | None, typer.Option(help="Degrees.")] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees.")] = None,
    radius_m: Annotated[float | None, typer.Option(help="Metres around it.")] = None,
    who: Annotated[list[str] | None, typer.Option(help="Allowed watchlist category; repeat.")] = None,
    starts: Annotated[str, typer.Option(help="ISO 8601; default: now.")] = "",
    ends: Annotated[str, typer.Option(help="ISO 8601; or --hours.")] = "",
    hours: Annotated[float | None, typer.Option(help="From start to end.")] = None,
    footage_from: Annotated[str, typer.Option(help="Retrospective: the footage's first moment.")] = "",
    footage_to: Annotated[str, typer.Option(help="Retrospective: the footage's last moment.")] = "",
    camera: Annotated[list[str] | None, typer.Option(help="Camera; repeat. Default: the site's.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Similarity; default: the card's for this list.")] = None,
    threshold_reason: Annotated[str, typer.Option(help="Why more than the target is accepted; published.")] = "",
    policy: Annotated[str, typer.Option(help="Reference and version.")] = "",
    impact_assessment: Annotated[str, typer.Option(help="Reference and version.")] = "",
    equality_assessment: Annotated[str, typer.Option(help="Reference and version.")] = "",
    appropriate_policy: Annotated[str, typer.Option(help="Reference and version.")] = "",
    registration: Annotated[str, typer.Option(help="Number in the register (EU).")] = "",
    recording: Annotated[
        list[Path] | None, typer.Option(help="Retrospective: a recording that may be compared; repeat.")
    ] = None,
    recorded_at: Annotated[str, typer.Option(help="When they begin, ISO 8601; default: what they say.")] = "",
    time_stated_by: Annotated[str, typer.Option(help="Retrospective: who stated the recordings' times.")] = "",
    consent: Annotated[
        Path | None, typer.Option(help="Trial: CSV of entry_id and consented_at, a line for each volunteer.")
    ] = None,
    applicant: Annotated[str, typer.Option(help="Staff number and rank, like 1234:inspector.")] = "",
    urgent_reason: Annotated[str, typer.Option(help="Makes it urgent; must be ratified in time.")] = "",
    anchor: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the ledger's end is written down outside the data folder; repeat. Default: the site's."
        ),
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The authorising officer's private key.")] = None,
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with its passphrase.")] = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """Open a deployment: sign why, where, who, when and with what. Nothing is compared without one.

    A test with recordings is one line: lfr deployment open --kind test

    A trial with a live camera and volunteers: lfr deployment open --kind trial --consent CONSENTS.csv --site SITE.yaml
    """
    from lfr_ray.site.open_deployment import open_by_site, open_signed, opening, record_opening

    given = dict(load_yaml(from_file) or {}) if from_file is not None else {}
    _take_options(given, dict(locals()))
    kind = given["kind"] = kind or given.get("kind") or "live"
    rules = load_profile(profile or given.get("profile") or default_profile(kind))
    config = site_of(site, data_dir, begins=True)
    now_s = time.time()
    opener = _opener(config, kind)
    with opening(config, kind, rules, now_s) as ledger:
        if kind == TRIAL or (kind == "test" and key is None):
            consents = None if consent is None else read_consents(consent)
            grant = open_by_site(config, rules, given, ledger, now_s, consents, by=opener)
        else:
            if kind == "retrospective":
                given["recordings"] = _recordings(recording or [], recorded_at, time_stated_by)
            if key is None:
                raise ConfigError("the authorising officer's key is missing", next_step="name its file with --key")
            signer = SigningKey.load(key, passphrase_from(passphrase_env))
            grant = open_signed(config, rules, _signed(config, rules, given, ledger, now_s, signer), ledger)
        record_opening(config, ledger, grant, opener)
    _show(grant, rules, config, json)


def _take_options(given: dict[str, Any], options: dict[str, Any]) -> None:
    """Options on the command line count more than the file."""
    simple = ("purpose", "legal_basis", "why", "threshold", "threshold_reason", "hours")
    renamed = {"starts": "starts_at", "ends": "ends_at", "camera": "cameras", "anchor": "anchors"}
    same = (*simple, "footage_from", "footage_to", "urgent_reason", "deployment", "who")
    plain = {name: name for name in same} | renamed
    for option, field in plain.items():
        if options[option] not in (None, "", []):
            given[field] = options[option]
    where = {name: options[name] for name in PLACE if options[name] not in (None, "")}
    if where:
        if "place" in where:
            where["name"] = where.pop("place")
        given["where"] = dict(given.get("where") or {}) | where
    documents = {name: options[name] for name in DOCUMENTS if options[name]}
    if documents:
        given["documents"] = dict(given.get("documents") or {}) | documents
    if options["applicant"]:
        holder, _, rank = options["applicant"].partition(":")
        given["applicant"] = {"id": holder, "rank": rank}


def _opener(config: SiteConfig, kind: str) -> str:
    """Who opens a trial, the site's administrator; what others open, its signature says."""
    return who(config, "", "administrator") if kind == TRIAL else ""


def _recordings(files: list[Path], recorded_at: str, stated_by: str) -> list[dict[str, Any]]:
    """Each recording by its hash, its moment and who stated it."""
    from lfr_ray.camera.recording_files import open_recordings
    from lfr_ray.site.bound_configuration import recording_hash

    if not files or not stated_by:
        raise ConfigError(
            "a retrospective deployment names its recordings and who stated their times",
            next_step="--recording FILE for each, and --time-stated-by STAFF-NUMBER",
        )
    opened = open_recordings(files, recorded_at)
    if opened.rejected:
        raise ConfigError("a recording cannot be used", got=f"{opened.rejected[0].file}: {opened.rejected[0].reason}")
    return [
        {
            "camera": one.camera.name,
            "sha256": recording_hash(Path(one.camera.url)),
            "begins_at": one.camera.recorded_at_s,
            "stated_by": stated_by,
        }
        for one in opened.recordings
    ]


def _signed(
    config: SiteConfig, rules: Profile, given: dict[str, Any], ledger: Ledger, now_s: float, key: SigningKey
) -> Grant:
    """The authority, signed by the officer whose key this is."""
    from lfr_ray.site.open_deployment import completed

    known = trusted_keys(DataDir(config.data_dir)).get(key.id)
    if known is None:
        raise AuthorityError(
            "no certificate says whose this key is", got=key.id, next_step="have it issued: `lfr trust issue`"
        )
    officer = {"authorising_officer": {"id": known.holder, "rank": known.rank}}
    return signed(completed(config, rules, given | officer, ledger, now_s), key, now_s)


def sign_deployment(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="What the console saved to be signed.")],
    key: Annotated[Path, typer.Option(help="The authorising officer's private key; it stays here.")],
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with its passphrase.")] = "",
    json: Annotated[str, typer.Option("--json", metavar="FILE|-", help="Where the signed authority goes.")] = "-",
) -> None:
    """Sign an authority on another machine, to be handed in at the console: the key need not come near the site."""
    document = read_json(file, "the file to be signed")
    authority = parse_section(Authority, document.get("authority"), "the authority in it")
    stderr.print(drawn("You sign", ("field", "value"), _fields(authority)))
    signature = SigningKey.load(key, passphrase_from(passphrase_env)).sign(AUTHORISE, authority.content(), time.time())
    write_json(json, {"authority": authority.content(), "signature": signature.model_dump(mode="json")})


def _show(grant: Grant, rules: Profile, config: SiteConfig, json: str) -> None:
    authority = grant.authority
    path = DataDir(config.data_dir).grant(authority.deployment)
    if authority.urgent:
        stderr.print(f"[yellow]urgent:[/] it must be ratified by {utc_text(ratify_by_s(grant, rules))}")
    if authority.watchlist_entries > rules.watchlist.warn_entries:
        stderr.print(f"[yellow]the list is long:[/] {authority.watchlist_entries} entries")
    document = grant.content() | {"file": str(path)}
    tell(json, document, f"Deployment {authority.deployment} is open", ("field", "value"), _fields(authority))


def _fields(authority: Authority) -> list[tuple[str, object]]:
    return [(name, value) for name, value in authority.content().items() if value not in (None, "", {}, False)]
