"""`lfr deployment open`: from options or a YAML file to a signed authority."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfr_ray.cli.output import stderr, table, write_json
from lfr_ray.cli.storage import DataOption, JsonOption, SiteOption, site_of
from lfr_ray.clock import utc_text
from lfr_ray.config import MatchConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, ConfigError, ConflictError
from lfr_ray.govern.authority import Authority, clock_fault
from lfr_ray.govern.canonical import canonical_json, moment, sha256_hex
from lfr_ray.govern.grant import Grant, grant_fault, ratify_by_s, signed
from lfr_ray.govern.keys import SigningKey, passphrase_from
from lfr_ray.govern.trust import trusted_keys
from lfr_ray.govern.ledger import Ledger, open_ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.profile import Profile, default_profile, keep_profile, load_profile
from lfr_ray.govern.trial import TRIAL, open_trial, trial_authority
from lfr_ray.section import load_yaml, parse_section

if TYPE_CHECKING:
    from lfr_ray.models.calibration import Calibration

PLACE = ("case", "place", "rationale", "latitude", "longitude", "radius_m")
DOCUMENTS = ("policy", "impact_assessment", "equality_assessment", "appropriate_policy", "registration")


def open_deployment(
    deployment: Annotated[str, typer.Argument(help="Id; it stays for ever. A test may leave it out.")] = "",
    kind: Annotated[str, typer.Option(help="live (default), retrospective or test.")] = "",
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
    false_alerts_per_face: Annotated[
        float | None, typer.Option(help="Expected at this threshold; default: from the card's calibration.")
    ] = None,
    threshold_reason: Annotated[str, typer.Option(help="Why more than the target is accepted; published.")] = "",
    policy: Annotated[str, typer.Option(help="Reference and version.")] = "",
    impact_assessment: Annotated[str, typer.Option(help="Reference and version.")] = "",
    equality_assessment: Annotated[str, typer.Option(help="Reference and version.")] = "",
    appropriate_policy: Annotated[str, typer.Option(help="Reference and version.")] = "",
    registration: Annotated[str, typer.Option(help="Number in the register (EU).")] = "",
    applicant: Annotated[str, typer.Option(help="Staff number and rank, like 1234:inspector.")] = "",
    urgent_reason: Annotated[str, typer.Option(help="Makes it urgent; must be ratified in time.")] = "",
    key: Annotated[Path | None, typer.Option(help="The authorising officer's private key.")] = None,
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with its passphrase.")] = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """Open a deployment: sign why, where, who, when and with what. Nothing is compared without one.

    A trial is one line: lfr deployment open --kind test
    """
    given = dict(load_yaml(from_file) or {}) if from_file is not None else {}
    _take_options(given, dict(locals()))
    kind = given["kind"] = kind or given.get("kind") or "live"
    rules = load_profile(profile or given.get("profile") or default_profile(kind))
    config = site_of(site, data_dir)
    now_s = time.time()
    with open_ledger(DataDir(config.data_dir)) as ledger:
        back = clock_fault(now_s, ledger.clock_state()[1], rules.clock_tolerance_s)
        if back:
            raise AuthorityError("a deployment cannot be opened now", got=back)
        if kind == "test" and key is None:
            grant = _open_trial(config, rules, given, ledger, now_s)
        else:
            grant = _open_signed(config, rules, given, ledger, now_s, key, passphrase_env)
        _record(ledger, grant)
    _show(grant, rules, config, json)


def _take_options(given: dict[str, Any], options: dict[str, Any]) -> None:
    """Options on the command line count more than the file."""
    simple = ("purpose", "legal_basis", "why", "threshold", "false_alerts_per_face", "threshold_reason", "hours")
    renamed = {"starts": "starts_at", "ends": "ends_at", "camera": "cameras", "deployment": "deployment", "who": "who"}
    plain = {name: name for name in (*simple, "footage_from", "footage_to", "urgent_reason")} | renamed
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


def _open_trial(config: SiteConfig, rules: Profile, given: dict[str, Any], ledger: Ledger, now_s: float) -> Grant:
    if "test" not in rules.kinds or not rules.kinds["test"].self_authorised:
        raise ConfigError(
            "these rules want a trial to be signed by an officer", got=rules.name, next_step="name a key with --key"
        )
    fields: dict[str, Any] = {"deployment": given.get("deployment") or TRIAL, "ledger_head": _head(ledger)}
    if given.get("who"):
        fields["who"] = tuple(given["who"])
    if given.get("cameras"):
        fields["cameras"] = tuple(given["cameras"])
    if given.get("hours"):
        fields["duration_s"] = float(given["hours"]) * 3600
    return open_trial(DataDir(config.data_dir), trial_authority(rules, now_s, **fields), rules, now_s)


def _open_signed(
    config: SiteConfig,
    rules: Profile,
    given: dict[str, Any],
    ledger: Ledger,
    now_s: float,
    key_path: Path | None,
    passphrase_env: str,
) -> Grant:
    if key_path is None:
        raise ConfigError("the authorising officer's key is missing", next_step="name its file with --key")
    key = SigningKey.load(key_path, passphrase_from(passphrase_env))
    folder = DataDir(config.data_dir)
    trusted = trusted_keys(folder)
    if key.id not in trusted:
        raise AuthorityError(
            "this site does not trust the key", got=key.id, next_step="see `lfr deployment keys trust`"
        )
    signer = trusted[key.id]
    content = _content(config, rules, given, now_s) | {
        "authorising_officer": {"id": signer.holder, "rank": signer.rank},
        "ledger_head": _head(ledger),
    }
    authority = parse_section(Authority, content, "the authority")
    if folder.grant(authority.deployment).exists():
        raise ConflictError(
            "a deployment of this id is already recorded", got=authority.deployment, next_step="choose another id"
        )
    grant = signed(authority, key, now_s)
    fault = grant_fault(grant, trusted, rules)
    if fault:
        raise AuthorityError("the authority is not given", got=fault, next_step="correct it and open again")
    keep_profile(folder, rules)
    grant.save(folder)
    return grant


def _content(config: SiteConfig, rules: Profile, given: dict[str, Any], now_s: float) -> dict[str, Any]:
    from lfr_ray.models.catalogue import card as find_card
    from lfr_ray.models.catalogue import resolve_embedder

    content = dict(given)
    hours = content.pop("hours", None)
    content.setdefault("starts_at", now_s)
    if hours is not None and "ends_at" not in content:
        try:
            content["ends_at"] = moment(content["starts_at"]) + float(hours) * 3600
        except ValueError:
            raise ConfigError("starts_at or hours is wrong", allowed="ISO 8601, and a number of hours") from None
    content["urgent"] = bool(content.get("urgent_reason"))
    content["profile"], content["profile_sha256"] = rules.name, rules.sha256
    if not content.get("cameras"):
        content["cameras"] = [camera.name for camera in config.cameras]
    content.setdefault("model", resolve_embedder(config.embedder))
    model = find_card(content["model"])
    content["model_sha256"] = model.sha256
    return content | _watchlist(config, rules, content, now_s)


def _watchlist(config: SiteConfig, rules: Profile, content: dict[str, Any], now_s: float) -> dict[str, Any]:
    """The approved list's hash and size, and what the threshold means for it."""
    from lfr_ray.match.threshold import expected_false_alerts, thresholds_for
    from lfr_ray.models.catalogue import card as find_card
    from lfr_ray.site.open import open_store

    store = open_store(config)
    approval = store.approval(now_s)
    entries = [entry for entry in store.entries() if entry.in_force(now_s)]
    kind = rules.kinds.get(content["kind"])
    if approval is None and not (kind is not None and kind.any_watchlist):
        raise AuthorityError(
            "the watchlist is not approved, or it was changed since",
            next_step="let a second person look at it: `lfr watchlist approve`",
        )
    foreign = sorted({entry.category for entry in entries} - set(content.get("who") or ()))
    if approval is not None and foreign:
        raise AuthorityError(
            "the watchlist has categories that the authority does not name",
            got=", ".join(foreign),
            next_step="name them with --who, or remove those entries",
        )
    calibration = find_card(content["model"]).calibration
    found: dict[str, Any] = {"watchlist_entries": len(entries)}
    if approval is not None:
        found |= {
            "watchlist_sha256": approval.content_hash,
            "watchlist_approved_at": approval.approved_at,
            "watchlist_approved_by": approval.approved_by,
        }
    if calibration is not None and content.get("threshold") is None:
        size = max(1, len(entries))
        fused = thresholds_for(calibration, _strict_enough(calibration, config.match, rules, size), size).fused
        found["threshold"] = math.ceil(fused * 1e5) / 1e5  # upwards: what is expected at it is not more
    threshold = found.get("threshold", content.get("threshold"))
    if content.get("false_alerts_per_face") is None and calibration is not None and threshold is not None:
        expected = expected_false_alerts(calibration, float(threshold), len(entries))
        if expected is not None:
            found["false_alerts_per_face"] = expected
    return found


def _strict_enough(calibration: Calibration, match: MatchConfig, rules: Profile, list_size: int) -> MatchConfig:
    """What the site asks for; where it asks for nothing and the card can say it, the profile's target."""
    from lfr_ray.match.threshold import scale_of

    has_fit = scale_of(calibration, list_size).tail is not None
    if match.threshold is not None or match.false_alerts_per_10k_faces is not None or not has_fit:
        return match
    return match.model_copy(update={"false_alerts_per_10k_faces": rules.threshold.target * 10_000})


def _head(ledger: Ledger) -> str:
    return ledger.head.text() if ledger.head.count else ""


def _record(ledger: Ledger, grant: Grant) -> None:
    authority = grant.authority
    facts = {
        "authority_sha256": sha256_hex(canonical_json(authority.content())),
        "watchlist_sha256": authority.watchlist_sha256,
        "kind": authority.kind,
        "profile": authority.profile,
        "starts": utc_text(authority.starts_at),
        "ends": utc_text(authority.ends_at),
        "urgent": authority.urgent,
        "cameras": list(authority.cameras)[:32],
    }
    officer = authority.authorising_officer.id
    ledger.append(Event("authority", "deployment opened", authority.deployment, officer, facts=facts))


def _show(grant: Grant, rules: Profile, config: SiteConfig, json: str) -> None:
    authority = grant.authority
    path = DataDir(config.data_dir).grant(authority.deployment)
    if authority.urgent:
        stderr.print(f"[yellow]urgent:[/] it must be ratified by {utc_text(ratify_by_s(grant, rules))}")
    if authority.watchlist_entries > rules.watchlist.warn_entries:
        stderr.print(f"[yellow]the list is long:[/] {authority.watchlist_entries} entries")
    if json:
        write_json(json, grant.model_dump(mode="json") | {"file": str(path)})
        return
    rows = [(name, value) for name, value in authority.content().items() if value not in (None, "", {}, False)]
    table(f"Deployment {authority.deployment} is open", ("field", "value"), rows)
