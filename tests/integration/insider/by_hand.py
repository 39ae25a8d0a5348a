"""More ways round the rules: with files of one's own, and with what the site's own key can sign."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from typing import Any

from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.govern.authority import APPROVE, Volunteer, approval_document
from lfr_ray.govern.country_profile import load_profile
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_event import Event
from lfr_ray.govern.signed_authority import load_grant, signed
from lfr_ray.govern.signing_keys import SigningKey
from lfr_ray.govern.trial_deployment import open_trial, trial_authority
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.people.tokens_and_sessions import People
from lfr_ray.records import Person
from tests.integration.insider.attacks import Inside, set_ledger_and_head_back_behind_a_stop
from tests.trust_tree import give_token, record_opening


def under_rules_of_ones_own(inside: Inside, kind: str, **changes: Any) -> SiteConfig:
    """The site with a profile in which one kind of deployment is as somebody likes it."""
    rules = load_profile("uk-police" if kind == "live" else "test").model_dump(mode="json")
    rules["kinds"][kind] |= changes
    path = inside.folder / "rules.yaml"
    path.write_text(json.dumps(rules))
    cameras = [{"name": "pier", "url": "demo:pier"}] if kind == "test" else inside.site.cameras
    authority = {"kind": kind, "deployment": "airshow-1", "profile": str(path)}
    return inside.configured(authority=authority, cameras=cameras)


def let_the_site_authorise_itself(inside: Inside) -> None:
    inside.site = under_rules_of_ones_own(inside, "live", self_authorised=True)


def look_for_the_wanted_in_a_trial(inside: Inside) -> None:
    inside.site = under_rules_of_ones_own(inside, "trial", categories=["blue-list", "suspect"])


def look_for_the_wanted_in_a_test(inside: Inside) -> None:
    inside.site = under_rules_of_ones_own(inside, "test", categories=["test", "suspect"])


def let_a_trial_last_a_month(inside: Inside) -> None:
    inside.site = under_rules_of_ones_own(inside, "trial", max_duration_s=2_592_000)


def call_the_wanted_volunteers_and_name_one(inside: Inside) -> None:
    """A trial that the site's own key signs: one volunteer, and a list of everybody."""
    store, now_s = WatchlistStore(inside.files.watchlist), time.time()
    images = [image for number in range(4) for image in store.images(f"e{number}")]
    store.put([replace(one, entry=replace(one.entry, category="blue-list")) for one in images])
    fields = {
        "cameras": ("pier",),
        "volunteers": (Volunteer(entry_id="e3", consented_at=now_s - 60),),
        "watchlist_sha256": store.approve("trial", now_s).content_hash,
    }
    rules = load_profile("test")
    authority = trial_authority(rules, now_s, kind="trial", who=("blue-list",), duration_s=3600, **fields)
    with open_ledger(inside.files) as ledger:
        record_opening(ledger, open_trial(inside.files, authority, rules, now_s))
    inside.site = inside.configured(authority={"kind": "trial", "deployment": "trial"})


def feed_a_pipe_as_a_recording(inside: Inside) -> None:
    os.mkfifo(pipe := inside.folder / "clip.mp4")
    camera = {"name": "pier", "url": str(pipe)}
    inside.site = inside.configured(authority={"kind": "test"}, cameras=[camera])


def call_a_device_by_another_name(inside: Inside) -> None:
    (link := inside.folder / "clip.mp4").symlink_to("/dev/null")
    camera = {"name": "pier", "url": str(link)}
    inside.site = inside.configured(authority={"kind": "test"}, cameras=[camera])


def set_the_ledger_back_and_move_the_folder(inside: Inside) -> None:
    """The anchor names the folder in which the ledger was: in another one it is the same ledger still."""
    inside.note()
    set_ledger_and_head_back_behind_a_stop(inside)
    inside.files = DataDir(inside.files.root.rename(inside.folder / "elsewhere"))
    inside.site = inside.configured()


def approve_as_of_when_one_still_could(inside: Inside) -> None:
    """An approver whose certificate has run out dates the signature back; an officer signs what they are shown."""
    now_s = time.time()
    key = inside.tree.officer("insp-9", "inspector", "approver", valid_until=now_s - 3600)
    authority = load_grant(inside.files, "airshow-1").authority
    signature = key.sign(APPROVE, approval_document(authority), now_s - 7200)
    fields = {
        "watchlist_signature": signature,
        "watchlist_approved_by": "insp-9",
        "watchlist_approved_at": signature.at,
    }
    officer = SigningKey.load(inside.desk.folder / "supt-1.key")
    grant = signed(authority.model_copy(update=fields), officer, now_s)
    grant.save(inside.files)
    with open_ledger(inside.files) as ledger:
        record_opening(ledger, grant)


def write_the_ledger_anew_with_the_site_s_own_key(inside: Inside) -> None:
    """As many records as before and more, all of them signed: the stop alone is not among them."""
    set_ledger_and_head_back_behind_a_stop(inside)
    with open_ledger(inside.files) as ledger:
        for _ in range(9):
            ledger.append(Event("decision", "alert decided", "airshow-1"))


def name_no_anchor_any_more(inside: Inside) -> None:
    """The site file is the service's own to write; what was signed is not."""
    write_the_ledger_anew_with_the_site_s_own_key(inside)
    inside.site = inside.configured(ledger={})


def remove_the_anchor(inside: Inside) -> None:
    write_the_ledger_anew_with_the_site_s_own_key(inside)
    inside.anchor.unlink()


def take_the_anchors_out(inside: Inside) -> None:
    inside.rewrite(inside.files.grant("airshow-1"), anchors=[])


def have_an_authority_without_an_anchor_signed(inside: Inside) -> None:
    """An officer signs what they are shown."""
    officer = SigningKey.load(inside.desk.folder / "supt-1.key")
    authority = load_grant(inside.files, "airshow-1").authority
    grant = signed(authority.model_copy(update={"anchors": ()}), officer, time.time())
    grant.save(inside.files)
    with open_ledger(inside.files) as ledger:
        record_opening(ledger, grant)


# -- ways that leave a trace ---------------------------------------------------------------------


def give_oneself_a_token(inside: Inside) -> None:
    People(inside.files).add("sup-9", "supervisor", days=1, now_s=time.time())


def raise_oneself(inside: Inside) -> None:
    path = inside.files.people
    path.write_text(path.read_text().replace("supervisor", "administrator"))


def sign_oneself_in(inside: Inside) -> None:
    People(inside.files).sign_in(Person("pc-9", frozenset({"officer"})), now_s=time.time())


def bring_a_revoked_token_back(inside: Inside) -> None:
    give_token(inside.files, "admin-1", "administrator")
    back = inside.keep("people.json")
    with open_ledger(inside.files) as ledger:
        ledger.append(Event("authority", "tokens revoked", actor="admin-1", subject="sup-1", reason="left"))
    back()
