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
from lfr_ray.govern.anchors import write_anchors
from lfr_ray.govern.authority import Authority, clock_fault
from lfr_ray.govern.canonical import canonical_json, moment, sha256_hex
from lfr_ray.govern.grant import Grant, ratify_by_s, signed
from lfr_ray.govern.in_force import SIGNED, in_force_fault
from lfr_ray.govern.keys import SigningKey, passphrase_from
from lfr_ray.govern.ledger import Ledger, open_ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_state import OPENED, LedgerState
from lfr_ray.govern.profile import Profile, default_profile, keep_profile, load_profile
from lfr_ray.govern.trial import DAY_S, TRIAL, open_trial, read_consents, trial_authority
from lfr_ray.govern.trust import missing_trust, trusted_keys
from lfr_ray.section import load_yaml, parse_section

if TYPE_CHECKING:
    from lfr_ray.models.calibration import Calibration

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
    given = dict(load_yaml(from_file) or {}) if from_file is not None else {}
    _take_options(given, dict(locals()))
    kind = given["kind"] = kind or given.get("kind") or "live"
    rules = load_profile(profile or given.get("profile") or default_profile(kind))
    config = site_of(site, data_dir)
    now_s = time.time()
    with open_ledger(DataDir(config.data_dir)) as ledger:
        state = LedgerState(DataDir(config.data_dir))
        state.follow()
        back = clock_fault(now_s, state.latest_at, rules.clock_tolerance_s)
        if back:
            raise AuthorityError("a deployment cannot be opened now", got=back)
        if kind == "trial" or (kind == "test" and key is None):
            grant = _open_trial(config, rules, given, ledger, now_s, consent)
        else:
            if kind == "retrospective":
                given["recordings"] = _recordings(recording or [], recorded_at, time_stated_by)
            grant = _open_signed(config, rules, given, ledger, now_s, key, passphrase_env)
        _record(ledger, grant)
        write_anchors(config.ledger.anchors, ledger.head, DataDir(config.data_dir), config.ledger.time_stamps)
    _show(grant, rules, config, json)


def _take_options(given: dict[str, Any], options: dict[str, Any]) -> None:
    """Options on the command line count more than the file."""
    simple = ("purpose", "legal_basis", "why", "threshold", "threshold_reason", "hours")
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


def _open_trial(
    config: SiteConfig, rules: Profile, given: dict[str, Any], ledger: Ledger, now_s: float, consent: Path | None
) -> Grant:
    kind = given["kind"]
    if kind not in rules.kinds or not rules.kinds[kind].self_authorised:
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
    if kind == "trial":
        fields = {"duration_s": DAY_S} | fields | _volunteers(config, consent, now_s)
    return open_trial(DataDir(config.data_dir), trial_authority(rules, now_s, kind=kind, **fields), rules, now_s)


def _volunteers(config: SiteConfig, consent: Path | None, now_s: float) -> dict[str, Any]:
    """The list of a trial, frozen as it is: volunteers who agreed and nobody else."""
    from lfr_ray.match.entries import BLUE_LIST
    from lfr_ray.site.open import open_store

    if consent is None:
        raise ConfigError("a trial needs the volunteers' consents", next_step="name their CSV with --consent")
    store = open_store(config)
    entries = store.entries()
    other = sorted({one.category for one in entries} - {BLUE_LIST})
    if other:
        raise AuthorityError("a trial is for volunteers alone", got=f"categories {', '.join(other)}", allowed=BLUE_LIST)
    volunteers = read_consents(consent, (one.entry_id for one in entries), now_s)
    approval = store.approve(TRIAL, now_s)
    return {
        "who": (BLUE_LIST,),
        "volunteers": volunteers,
        "watchlist_sha256": approval.content_hash,
        "watchlist_entries": len(entries),
    }


def _recordings(files: list[Path], recorded_at: str, stated_by: str) -> list[dict[str, Any]]:
    """Each recording by its hash, its moment and who stated it."""
    from lfr_ray.camera.recordings import open_recordings
    from lfr_ray.site.configuration import recording_hash

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


def _open_signed(
    config: SiteConfig,
    rules: Profile,
    given: dict[str, Any],
    ledger: Ledger,
    now_s: float,
    key_path: Path | None,
    passphrase_env: str,
) -> Grant:
    missing = missing_trust(given["kind"])
    if missing:
        raise AuthorityError(missing)
    if key_path is None:
        raise ConfigError("the authorising officer's key is missing", next_step="name its file with --key")
    key = SigningKey.load(key_path, passphrase_from(passphrase_env))
    folder = DataDir(config.data_dir)
    trusted = trusted_keys(folder)
    if key.id not in trusted:
        raise AuthorityError(
            "no certificate says whose this key is", got=key.id, next_step="have it issued: `lfr trust issue`"
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
    fault = in_force_fault(grant, trusted, rules)
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
    if "false_alerts_per_face" in content:
        raise ConfigError(
            "false_alerts_per_face is not given but computed, from the model's card, the list and the threshold",
            next_step="leave it out",
        )
    if not content.get("cameras"):
        recorded = [one["camera"] for one in content.get("recordings", ())]
        content["cameras"] = recorded or [camera.name for camera in config.cameras]
    if content["kind"] in SIGNED:
        content["configuration"] = _configuration(config, content)
    content.setdefault("model", resolve_embedder(config.embedder))
    model = find_card(content["model"])
    content["model_sha256"] = model.sha256
    return content | _watchlist(config, rules, content, now_s)


def _configuration(config: SiteConfig, content: dict[str, Any]) -> dict[str, str]:
    """What the site would compare with: it must be the site's own file that is signed."""
    from lfr_ray.site.configuration import check_kind, effective_configuration

    authority = config.authority.model_copy(update={"kind": content["kind"], "profile": content["profile"]})
    site = config.model_copy(update={"authority": authority})
    if content["kind"] == "live":
        check_kind(site)
        strange = sorted(set(content["cameras"]) - {one.name for one in config.cameras})
        if strange:
            raise ConfigError(
                "the authority names cameras that the site does not have",
                got=", ".join(strange),
                allowed=", ".join(one.name for one in config.cameras) or "none: no site file is named",
                next_step="name the site's file with --site",
            )
    return effective_configuration(site)


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
            "watchlist_importers": approval.imported_by,
            "watchlist_signature": approval.signature,
        }
    if calibration is not None and content.get("threshold") is None:
        size = max(1, len(entries))
        fused = thresholds_for(calibration, _strict_enough(calibration, config.match, rules, size), size).fused
        found["threshold"] = math.ceil(fused * 1e5) / 1e5  # upwards: what is expected at it is not more
    threshold = found.get("threshold", content.get("threshold"))
    if calibration is not None and threshold is not None:
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
        "configuration_sha256": sha256_hex(canonical_json(authority.configuration)),
        "volunteers_count": len(authority.volunteers),
        "cameras": list(authority.cameras)[:32],
    }
    officer = authority.authorising_officer.id
    ledger.append(Event("authority", OPENED, authority.deployment, officer, facts=facts))


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
