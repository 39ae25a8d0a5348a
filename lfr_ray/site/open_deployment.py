"""Opening a deployment: what is asked for becomes an authority, signed by an officer or, for a test or trial, the site.

An officer signs here (`lfr deployment open`), or where the key is: the site says what is to be signed, and takes the
signed authority in if it would say the same again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from lfr_ray.clock import utc_text
from lfr_ray.config import MatchConfig, SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, ConfigError, ConflictError
from lfr_ray.govern.authority import Authority, clock_fault
from lfr_ray.govern.authority_in_force import SIGNED, in_force_fault
from lfr_ray.govern.canonical_json import canonical_json, moment, sha256_hex
from lfr_ray.govern.country_profile import Profile, keep_profile, profile_of
from lfr_ray.govern.ledger import Ledger, open_ledger
from lfr_ray.govern.ledger_anchors import write_anchors, write_first_anchors
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.ledger_state import APPROVED, OPENED, LedgerState
from lfr_ray.govern.signed_authority import Grant
from lfr_ray.govern.trial_deployment import DAY_S, TRIAL, checked_consents, open_trial, trial_authority
from lfr_ray.govern.trust_file import missing_trust, trusted_keys
from lfr_ray.match.threshold import expected_false_alerts, scale_of, thresholds_for
from lfr_ray.match.watchlist_entries import BLUE_LIST
from lfr_ray.models.card_calibration import Calibration
from lfr_ray.models.card_catalogue import card as find_card
from lfr_ray.models.card_catalogue import resolve_embedder
from lfr_ray.site.bound_configuration import check_kind, effective_configuration
from lfr_ray.site.open_site import is_closed, open_draft, open_store
from lfr_ray.strict_yaml import parse_section

Due = Literal["", "opening", "closing"]


def due(site: SiteConfig) -> Due:
    """What the console may do next with the deployment that the site's file names; empty: nothing."""
    data_dir, deployment = DataDir(site.data_dir), site.authority.deployment
    if not deployment or is_closed(data_dir, deployment):
        return ""
    return "closing" if data_dir.grant(deployment).exists() else "opening"


@contextmanager
def opening(site: SiteConfig, kind: str, rules: Profile, now_s: float) -> Iterator[Ledger]:
    """The site's ledger, where a deployment of this kind can be opened now.

    Raises:
        AuthorityError: There is no root of trust, or the clock was set back.
    """
    if missing := missing_trust(kind):
        raise AuthorityError(missing)
    data_dir = DataDir(site.data_dir)
    with open_ledger(data_dir) as ledger:
        state = LedgerState(data_dir).follow()
        if back := clock_fault(now_s, state.latest_at, rules.clock_tolerance_s):
            raise AuthorityError("a deployment cannot be opened now", got=back)
        yield ledger


def propose(site: SiteConfig, asked: Mapping[str, Any], now_s: float) -> Authority:
    """The authority of the site's own deployment that an officer is to sign elsewhere. Nothing is recorded.

    ``asked`` are fields of the authority, the authorising officer among them; ``now_s`` is wall time.
    """
    rules = _own_rules(site, "live")
    with opening(site, "live", rules, now_s) as ledger:
        given = dict(asked) | {"kind": "live", "deployment": site.authority.deployment}
        return completed(site, rules, given, ledger, now_s)


def take_in(site: SiteConfig, authority: Mapping[str, Any], signature: Mapping[str, Any], *, by: str) -> Grant:
    """Open the site's own deployment by an authority that was signed elsewhere: the signature decides, not the sender.

    Raises:
        AuthorityError: The signature does not hold, or the authority is not what the site would propose now.
    """
    rules, now_s = _own_rules(site, "live"), time.time()
    grant = parse_section(Grant, {"authority": authority, "signature": signature}, "the signed authority")
    with opening(site, "live", rules, now_s) as ledger:
        signed, content = grant.signature, grant.authority.content()
        own_fields = {"deployment": site.authority.deployment, "anchors": site.ledger.anchors}
        given = content | {"kind": "live"} | own_fields
        del given["false_alerts_per_face"]
        own = completed(site, rules, given, ledger, now_s).content() | {"ledger_head": content["ledger_head"]}
        if other := sorted(name for name in own.keys() | content.keys() if own.get(name) != content.get(name)):
            raise AuthorityError(
                "the signed authority is not what this site would propose now",
                got=", ".join(other),
                next_step="ask for it anew and have that signed",
            )
        _check_head(site, content["ledger_head"], 0.0 if signed is None else signed.at, rules, now_s)
        grant = open_signed(site, rules, grant, ledger)
        record_opening(site, ledger, grant, by)
    return grant


def open_own(
    site: SiteConfig, *, hours: float | None, consents: Mapping[str, float] | None, by: str, now_s: float
) -> Grant:
    """Open the site's own test or trial, which no officer signs."""
    rules = _own_rules(site, "test", TRIAL)
    given = {"kind": site.authority.kind, "deployment": site.authority.deployment, "hours": hours}
    with opening(site, site.authority.kind, rules, now_s) as ledger:
        grant = open_by_site(site, rules, given, ledger, now_s, consents, by=by)
        record_opening(site, ledger, grant, by)
    return grant


def _own_rules(site: SiteConfig, *kinds: str) -> Profile:
    """The rules of a site whose file names a deployment of one of these kinds, which is not open yet."""
    kind, deployment = site.authority.kind, site.authority.deployment
    if not deployment or kind not in kinds:
        raise ConflictError(
            "this cannot be opened here",
            got=f"authority -> kind: {kind}, deployment: {deployment or 'nothing'}",
            allowed=f"a site whose file names a deployment of kind {' or '.join(kinds)}",
            next_step="name it in the site's file and start the site anew, or open it with `lfr deployment open`",
        )
    _check_new(site, deployment)
    return profile_of(site.authority)


def _check_new(site: SiteConfig, deployment: str) -> None:
    if DataDir(site.data_dir).grant(deployment).exists():
        raise ConflictError(
            "a deployment of this id is already recorded", got=deployment, next_step="choose another id"
        )


def _check_head(site: SiteConfig, ledger_head: str, signed_at: float, rules: Profile, now_s: float) -> None:
    """It was proposed here and signed since then: what the gate would refuse later is not recorded."""
    before = LedgerState(DataDir(site.data_dir)).place_of(ledger_head)
    if before is None:
        named = f"record {ledger_head.partition(':')[0]}"
        raise AuthorityError("this ledger is not the one that the authority names", got=named)
    if not before.at - rules.clock_tolerance_s <= signed_at <= now_s + rules.clock_tolerance_s:
        raise AuthorityError("it was signed at another time than it was proposed", got=utc_text(signed_at))


def open_by_site(
    config: SiteConfig,
    rules: Profile,
    given: Mapping[str, Any],
    ledger: Ledger,
    now_s: float,
    consents: Mapping[str, float] | None,
    *,
    by: str,
) -> Grant:
    """A test or trial, signed with the site's own key and saved; it is recorded afterwards.

    ``given`` are fields of the authority, and ``hours``; ``consents`` of a trial: by entry, when the volunteer agreed.
    """
    kind = given["kind"]
    if kind not in rules.kinds or not rules.kinds[kind].self_authorised:
        raise ConfigError(
            "these rules want a trial to be signed by an officer", got=rules.name, next_step="name a key with --key"
        )
    fields: dict[str, Any] = {"deployment": given.get("deployment") or TRIAL, "ledger_head": _head(ledger)}
    fields |= {name: tuple(given[name]) for name in ("who", "cameras") if given.get(name)}
    if given.get("hours"):
        fields["duration_s"] = float(given["hours"]) * 3600
    if kind == TRIAL:
        fields = {"duration_s": DAY_S} | fields | _volunteers(config, ledger, consents, now_s, by)
    return open_trial(DataDir(config.data_dir), trial_authority(rules, now_s, kind=kind, **fields), rules, now_s)


def open_signed(config: SiteConfig, rules: Profile, grant: Grant, ledger: Ledger) -> Grant:
    """An authority that an officer signed, saved if it would be in force.

    Raises:
        ConflictError: Its id is taken. AuthorityError: It does not hold.
    """
    folder = DataDir(config.data_dir)
    _check_new(config, grant.authority.deployment)
    if fault := in_force_fault(grant, trusted_keys(folder), rules):
        raise AuthorityError("the authority is not given", got=fault, next_step="correct it and open again")
    if grant.authority.kind in SIGNED:
        write_first_anchors(grant.authority.anchors, ledger.head, folder)
    keep_profile(folder, rules)
    grant.save(folder)
    return grant


def _volunteers(
    config: SiteConfig, ledger: Ledger, consents: Mapping[str, float] | None, now_s: float, by: str
) -> dict[str, Any]:
    """The list of a trial, frozen as it is with what waits: volunteers who agreed and nobody else."""
    if consents is None:
        raise ConfigError("a trial needs the volunteers' consents", next_step="name their CSV with --consent")
    draft = open_draft(config)
    rows = draft.vectors()
    other = sorted({one.entry.category for one in rows} - {BLUE_LIST})
    if other:
        raise AuthorityError("a trial is for volunteers alone", got=f"categories {', '.join(other)}", allowed=BLUE_LIST)
    volunteers = checked_consents(consents, {one.entry.entry_id for one in rows}, now_s)
    if taken_up := draft.take_up():
        facts = {"watchlist_sha256": draft.store.content_hash(), "taken_up": taken_up}
        ledger.append(Event("authority", APPROVED, actor=by, facts=facts))
    approval = draft.store.approve(TRIAL, now_s)
    return {
        "who": (BLUE_LIST,),
        "volunteers": volunteers,
        "watchlist_sha256": approval.content_hash,
        "watchlist_entries": len(volunteers),
    }


def completed(config: SiteConfig, rules: Profile, given: Mapping[str, Any], ledger: Ledger, now_s: float) -> Authority:
    """What was asked for, with everything that the site itself knows: list, model, threshold, configuration, ledger."""
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
        content.setdefault("anchors", config.ledger.anchors)
        content["configuration"] = _configuration(config, content)
    content.setdefault("model", resolve_embedder(config.embedder))
    content["model_sha256"] = find_card(content["model"]).sha256
    content |= _watchlist(config, rules, content, now_s) | {"ledger_head": _head(ledger)}
    return parse_section(Authority, content, "the authority")


def _configuration(config: SiteConfig, content: dict[str, Any]) -> dict[str, str]:
    """What the site would compare with: it must be the site's own file that is signed."""
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
    has_fit = scale_of(calibration, list_size).tail is not None
    if match.threshold is not None or match.false_alerts_per_10k_faces is not None or not has_fit:
        return match
    return match.model_copy(update={"false_alerts_per_10k_faces": rules.threshold.target * 10_000})


def _head(ledger: Ledger) -> str:
    return ledger.head.text() if ledger.head.count else ""


def record_opening(config: SiteConfig, ledger: Ledger, grant: Grant, opener: str) -> None:
    """Put an opening on record, and write down where the ledger ends."""
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
    actor = opener or authority.authorising_officer.id
    ledger.append(Event("authority", OPENED, authority.deployment, actor, facts=facts))
    anchors = authority.anchors or config.ledger.anchors
    write_anchors(anchors, ledger.head, DataDir(config.data_dir), config.ledger.time_stamps)
