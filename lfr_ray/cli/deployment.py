"""`lfr deployment`: under which authority faces are compared, from opening to the public record."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from lfr_ray.cli.deployment_open import open_deployment, sign_deployment
from lfr_ray.cli.output import stderr, table, tell, write_json
from lfr_ray.cli.site_option import ByOption, DataOption, JsonOption, SiteOption, certified, record, site_of, typed, who
from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.errors import AuthorityError, ConflictError, LfrError
from lfr_ray.govern.authority_in_force import in_force_fault
from lfr_ray.govern.country_profile import kept_profile
from lfr_ray.govern.emergency_stop import Halts, emergency_stop
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_event import RECORD_WRITTEN, RESUMED, STOPPED, Event, recordable
from lfr_ray.govern.ledger_state import CLOSED, RATIFIED, clock_accepted
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.leftover_scan import Elsewhere
from lfr_ray.govern.past_watchlists import find_listed
from lfr_ray.govern.signed_authority import (
    Grant,
    closing_fault,
    list_grants,
    must_erase,
    open_grant,
    ratification_fault,
    ratified,
    ratify_by_s,
)
from lfr_ray.govern.signing_keys import PublicKey, SigningKey, passphrase_from
from lfr_ray.govern.trust_file import site_key, trust_path, trusted_keys
from lfr_ray.records import PEOPLE

THIS_ALONE = (
    "memory of this machine alone was searched: a site on several is closed with --address while its cluster runs"
)

app = typer.Typer(name="deployment", help="Authority: open, stop, close, account for.", no_args_is_help=True)
app.command("open")(open_deployment)
app.command("sign")(sign_deployment)

IdArgument = Annotated[str, typer.Argument(metavar="[DEPLOYMENT]", help="Id; default: the newest open one.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in words; it is recorded.")]


@app.command()
def status(site: SiteOption = None, data_dir: DataOption = None, json: JsonOption = "") -> None:
    """Every deployment, whether anything may be compared under it now, and why not."""
    folder = DataDir(site_of(site, data_dir).data_dir)
    now_s = time.time()
    trusted = trusted_keys(folder)
    owed = _without_record(folder)
    rows = [_state(folder, grant, trusted, now_s, owed) for grant in list_grants(folder)]
    found = Halts(folder).read()
    halts = {name: found.get(name) for name in ("stop", "pause")}
    if json:
        halted = {name: None if halt is None else halt.model_dump() for name, halt in halts.items()}
        write_json(json, {"deployments": rows} | halted)
        return
    for name, halt in halts.items():
        if halt is not None:
            stderr.print(f"[bold red]{name}:[/] nothing is compared since {halt.at}: {halt.reason} ({halt.by})")
    columns = ("id", "kind", "state", "starts_at", "ends_at", "entries", "cameras")
    table("Deployments", columns, ([row[name] for name in columns] for row in rows))
    for row in rows:
        if due := row["record_due"]:
            verb = "[red]was[/]" if due < utc_text(now_s) else "is"
            stderr.print(f"the public record of {row['id']} {verb} due by {due}: lfr deployment record {row['id']}")


@app.command()
def close(
    deployment: IdArgument = "",
    reason: ReasonOption = "the deployment is over",
    destroy: Annotated[
        list[Path] | None, typer.Option(help="Further files or folders to destroy, such as recordings; repeat.")
    ] = None,
    search: Annotated[
        list[Path] | None, typer.Option(help="Further storage to search, such as a spool folder; repeat.")
    ] = None,
    address: Annotated[
        str, typer.Option(help="The Ray cluster of a site on several machines, `auto` for this one's: search them all.")
    ] = "",
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """End matching, destroy the list, its templates and alerts, prove it, and give a signed receipt."""
    from lfr_ray.site.close_deployment import close_deployment
    from lfr_ray.site.open_site import open_storage

    config = site_of(site, data_dir)
    grant = open_grant(DataDir(config.data_dir), deployment)
    with (
        open_storage(config, tuple(destroy or ()), tuple(search or ())) as storage,
        _elsewhere(address, config) as elsewhere,
    ):
        receipt = close_deployment(
            replace(storage, elsewhere=elsewhere),
            grant.authority.deployment,
            by=who(config, by, "supervisor", "administrator"),
            reason=reason,
            on_stage=lambda stage: stderr.print(f"{stage} ..."),
        )
    if json:
        write_json(json, receipt.model_dump(mode="json"))
        return
    content = receipt.receipt
    table(
        f"Deployment {content.deployment} is closed",
        ("what", "destroyed", "found before", "found after"),
        (
            (
                part.label,
                ", ".join(f"{count} {name}" for name, count in part.counts.items()),
                f"{part.found_before} of {part.items}",
                part.found_after,
            )
            for part in content.parts
        ),
    )
    stderr.print(f"searched {content.scanned_files} files, {content.scanned_bytes / 1e6:.1f} MB; held: {content.held}")
    for note in content.notes:
        stderr.print(f"[yellow]note:[/] {note}")
    stderr.print(f"receipt {receipt.sha256[:16]} signed by {receipt.signature.key}")


def _elsewhere(address: str, site: SiteConfig) -> contextlib.AbstractContextManager[Elsewhere]:
    """What searches the machines of a cluster; without one only this machine is, and the receipt says so."""
    if not address:
        return contextlib.nullcontext(lambda scanner: ((), [THIS_ALONE]))
    from lfr_ray.actors.node_leftover_scan import joined

    return joined(address, site)


@app.command()
def ratify(
    key: Annotated[Path, typer.Option(help="Private key of an officer of full rank.")],
    deployment: IdArgument = "",
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with its passphrase.")] = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
) -> None:
    """Ratify an urgent deployment; otherwise matching ends at its deadline."""
    config = site_of(site, data_dir)
    folder = DataDir(config.data_dir)
    grant = open_grant(folder, deployment)
    if not grant.authority.urgent:
        raise ConflictError("this deployment is not urgent", got=grant.authority.deployment)
    trusted = trusted_keys(folder)
    signer = SigningKey.load(key, passphrase_from(passphrase_env))
    grant = ratified(grant, signer, time.time())
    rules = kept_profile(folder, grant.authority.profile_sha256)
    fault = ratification_fault(grant, trusted, rules, time.time())
    if fault:
        raise AuthorityError("it is not ratified", got=fault)
    grant.save(folder)
    record(config, Event("authority", RATIFIED, grant.authority.deployment, trusted[signer.id].holder))
    stderr.print(f"deployment {grant.authority.deployment} is ratified")


@app.command()
def stop(
    reason: ReasonOption, by: ByOption = "", site: SiteOption = None, data_dir: DataOption = None, json: JsonOption = ""
) -> None:
    """Emergency stop: from the next comparison on, nothing is compared on any camera; on other nodes within 0.5 s."""
    config = site_of(site, data_dir)
    folder, actor = DataDir(config.data_dir), typed(by)
    with contextlib.suppress(LfrError, OSError):  # a stop asks nobody for proof
        actor = who(config, by, *PEOPLE)
    halt = emergency_stop(folder).set(actor, reason, time.time())
    # The stop stands already; that it cannot be recorded must not look as if it had failed.
    try:
        record(config, Event("stop", STOPPED, actor=actor, reason=recordable(halt.reason or reason)))
    except LfrError as error:
        stderr.print(f"[yellow]stopped, but not recorded:[/] {error.what}")
    if json:
        write_json(json, {"stopped": True} | halt.model_dump())
        return
    stderr.print(f"matching is stopped since {halt.at}: {halt.reason}; the site's folder is {folder.root}")


@app.command()
def resume(
    reason: ReasonOption,
    accept_clock: Annotated[
        bool, typer.Option("--accept-clock", help="The clock is right although the ledger has later moments.")
    ] = False,
    key: Annotated[Path | None, typer.Option(help="An authorising officer's private key, in place of a token.")] = None,
    passphrase_env: Annotated[str, typer.Option(help="Environment variable with its passphrase.")] = "",
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """Lift the emergency stop and the circuit breaker's pause. It is recorded first."""
    config, officer = site_of(site, data_dir), None
    folder = DataDir(config.data_dir)
    halts = Halts(folder)
    lifted = list(halts.read())
    if key is not None:
        actor, officer = certified(config, key, passphrase_env, "authoriser", time.time())
    elif accept_clock and trust_path() is not None:
        raise AuthorityError(
            "a clock that went back is accepted by an authorising officer's signature",
            next_step="name the officer's key with --key",
        )
    else:
        actor = who(config, by, "supervisor")
    reason = recordable(reason)
    with open_ledger(folder) as ledger:
        if accept_clock:
            ledger.append(clock_accepted(halts.state, officer, actor, reason, time.time()))
        if lifted:
            facts = {"lifted": lifted}
            ledger.append(Event("alteration", RESUMED, actor=actor, reason=reason, facts=facts))
    halts.clear()
    if json:
        write_json(json, {"lifted": lifted, "clock_accepted": accept_clock})
        return
    stderr.print(f"lifted: {', '.join(lifted) or 'nothing was stopped'}")


@app.command("record")
def write_public_record(
    deployment: IdArgument = "",
    out: Annotated[Path | None, typer.Option(help="Folder; default: records in the data folder.")] = None,
    walks: Annotated[
        Path | None, typer.Option(help="The volunteers' walks: CSV of entry_id, camera, from, to, covered.")
    ] = None,
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """Write the public record: signed JSON, CSV and one HTML page."""
    from lfr_ray.govern.public_record import build_record, sign_record
    from lfr_ray.govern.write_public_record import write_record
    from lfr_ray.site.open_site import open_storage
    from lfr_ray.site.public_record_facts import collect_facts

    config = site_of(site, data_dir)
    folder = DataDir(config.data_dir)
    grants = list_grants(folder)
    grant = open_grant(folder, deployment or (grants[0].authority.deployment if grants else ""))
    rules = kept_profile(folder, grant.authority.profile_sha256)
    now_s = time.time()
    with open_storage(config) as storage:
        facts = collect_facts(storage, config.site, grant, published_at=now_s, walks=walks)
        document = sign_record(build_record(facts, rules), site_key(folder), now_s)
        paths = write_record(out or folder.records, document)
        name, told = grant.authority.deployment, {"record_sha256": document["sha256"]}
        storage.ledger.append(Event("disclosure", RECORD_WRITTEN, name, "site", reason="transparency", facts=told))
    tell(json, document, "Public record", ("file",), ((path,) for path in paths))


@app.command()
def listed(
    nominal: Annotated[str, typer.Argument(help="Nominal id, or entry id.")],
    reason: ReasonOption,
    by: ByOption = "",
    site: SiteOption = None,
    data_dir: DataOption = None,
    json: JsonOption = "",
) -> None:
    """On which past lists somebody was, to answer a subject access request; the question is recorded."""
    config = site_of(site, data_dir)
    folder, actor = DataDir(config.data_dir), who(config, by, "supervisor", "auditor", "administrator")
    record(config, Event("consultation", "past listings searched", actor=actor, reason=reason))
    found = find_listed(folder, nominal)
    document, columns = {"nominal_id": nominal, "listed": found}, ("deployment", "entry", "category")
    tell(json, document, f"Listings of {nominal}", columns, ([*one.values()] for one in found))


def _without_record(folder: DataDir) -> set[str]:
    """Deployments that the ledger knows as closed, without a public record; none where it cannot be read."""
    found: dict[str, set[str]] = {CLOSED: set(), RECORD_WRITTEN: set()}
    with contextlib.suppress(LfrError):
        for one in read_records(folder):
            found.get(one["what"], set()).add(one["deployment"])
    return found[CLOSED] - found[RECORD_WRITTEN]


def _state(
    folder: DataDir, grant: Grant, trusted: dict[str, PublicKey], now_s: float, owed: set[str]
) -> dict[str, Any]:
    authority, record_due = grant.authority, None
    try:
        rules = kept_profile(folder, authority.profile_sha256)
    except LfrError as error:
        state, ratify_by, erase = error.what, None, False
    else:
        halts = Halts(folder)
        halted = halts.refusal()
        state = (
            closing_fault(grant, trusted)
            or in_force_fault(grant, trusted, rules, halts.state)
            or ratification_fault(grant, trusted, rules, now_s)
            or _hours(grant, now_s)
            or halted
            or "in force"
        )
        ratify_by = utc_text(ratify_by_s(grant, rules)) if authority.urgent and grant.ratification is None else None
        erase = must_erase(grant, trusted, rules, now_s)
        if grant.closing is not None and authority.deployment in owed:
            record_due = utc_text(grant.closing.at + rules.publish_within_s)
    return {
        "id": authority.deployment,
        "kind": authority.kind,
        "state": state,
        "starts_at": utc_text(authority.starts_at),
        "ends_at": utc_text(authority.ends_at),
        "entries": authority.watchlist_entries,
        "cameras": ", ".join(authority.cameras),
        "ratify_by": ratify_by,
        "must_erase": erase,
        "record_due": record_due,
        "authorised_by": authority.authorising_officer.rank,
    }


def _hours(grant: Grant, now_s: float) -> str:
    if now_s < grant.authority.starts_at:
        return "not begun"
    return "ended; close it" if now_s > grant.authority.ends_at else ""
