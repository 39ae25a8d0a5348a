"""Ways round the rules, each a function of what somebody inside can do."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfr_ray.actors.matcher_actor import MatcherActor
from lfr_ray.clock import utc_text
from lfr_ray.config import SiteConfig
from lfr_ray.data_dir import DataDir, WatchlistDir
from lfr_ray.errors import LfrError
from lfr_ray.govern import trust_file
from lfr_ray.govern.canonical_json import canonical_json
from lfr_ray.govern.ledger import open_ledger
from lfr_ray.govern.ledger_anchors import write_anchors
from lfr_ray.govern.ledger_checkpoint import overwrite
from lfr_ray.govern.ledger_event import RESUMED, Event, line_of
from lfr_ray.govern.ledger_state import LedgerState
from lfr_ray.govern.ledger_verify import read_records
from lfr_ray.govern.signed_authority import load_grant, signed
from lfr_ray.govern.signing_keys import SigningKey
from lfr_ray.match.watchlist_store import WatchlistStore
from lfr_ray.records import Answer, Probe
from lfr_ray.site.open_site import open_storage
from lfr_ray.site.verify_site import verify_site
from lfr_ray.site_file import read_site_file
from lfr_ray.strict_yaml import parse_section
from tests.integration.govern.test_cli import Desk
from tests.trust_tree import TrustTree


def vector(number: int) -> np.ndarray:
    made = np.random.default_rng(number).normal(size=128).astype(np.float32)
    return made / np.linalg.norm(made)


class Inside:
    """A live site in force, and what somebody with the service's rights can do to it."""

    def __init__(self, desk: Desk, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.desk, self.tree, self.patch = desk, desk.tree, patch
        self.folder, self.files = root, DataDir(root / "data")
        self.site = read_site_file(desk.site).site.model_copy(update={"data_dir": self.files.root})
        authority = self.site.authority.model_copy(update={"kind": "live", "deployment": "airshow-1"})
        self.site = self.site.model_copy(update={"authority": authority})
        self.desk.site.write_text(self.desk.site.read_text())

    def cli(self, *words: str) -> None:
        other = Desk.__new__(Desk)
        vars(other).update(vars(self.desk))
        other(*words, "--data-dir", str(self.files.root))

    def configured(self, **changes: Any) -> SiteConfig:
        fields = self.site.model_dump() | {"data_dir": self.files.root}
        return parse_section(SiteConfig, fields | changes, "site")

    def match(self, **changes: Any) -> Answer:
        """Call the matcher directly, past cameras and desk."""
        vectors = np.stack([vector(0)] * 3)
        probe = Probe("pier", 1, time.time(), "dlib_resnet", vectors, np.ones(3, np.float32))
        (answer,) = MatcherActor(self.site).match([replace(probe, **changes)])
        return answer

    def stopped(self, **changes: Any) -> str:
        """Why nothing is compared; empty when it is."""
        try:
            answer = self.match(**changes)
        except LfrError as error:
            return str(error)
        return answer.refused or ("" if answer.match is not None else "nobody is compared")

    def shown(self) -> list[str]:
        """What `lfr audit verify` says."""
        try:
            with open_storage(self.site) as storage:
                return verify_site(storage, time.time()).faults
        except LfrError as error:
            return [str(error)]

    def rewrite(self, path: Path, **changes: Any) -> None:
        document = json.loads(path.read_bytes())
        document["authority"] |= changes
        path.write_bytes(canonical_json(document))

    def keep(self, *names: str) -> Callable[[], None]:
        """Copy files now; what is returned puts them back."""
        copies = [(self.files.root / name, (self.files.root / name).read_bytes()) for name in names]
        return lambda: [path.write_bytes(data) for path, data in copies] and None

    @property
    def anchor(self) -> Path:
        """The file outside the data folder that the authority names."""
        return Path(self.site.ledger.anchors[0])

    def note(self) -> None:
        """Write the ledger's end into it, as a running site does every hour."""
        with open_ledger(self.files) as ledger:
            assert write_anchors([str(self.anchor)], ledger.head, self.files) == []

    def forge(self, what: str, kind: str = "alteration", **facts: Any) -> None:
        """Append a line that fits the chain, by hand."""
        last = list(read_records(self.files))[-1]
        event = Event(kind, what, actor="op-1", reason="x", facts=facts)  # type: ignore[arg-type]
        line, _ = line_of(event, last["n"] + 1, time.time(), last["sha256"])
        with self.files.ledger.open("ab") as file:
            file.write(line)


# -- ways that end matching: each does something, and the words are of the refusal -----------------


def lengthen_the_authority(inside: Inside) -> None:
    ends_at = load_grant(inside.files, "airshow-1").authority.ends_at + 3600
    inside.rewrite(inside.files.grant("airshow-1"), ends_at=utc_text(ends_at))


def name_another_camera(inside: Inside) -> None:
    inside.rewrite(inside.files.grant("airshow-1"), cameras=["pier", "gate"])


def lower_the_threshold(inside: Inside) -> None:
    inside.rewrite(inside.files.grant("airshow-1"), threshold=0.953)


def name_another_category(inside: Inside) -> None:
    inside.rewrite(inside.files.grant("airshow-1"), who=["suspect", "risk-of-harm"])


def widen_the_place(inside: Inside) -> None:
    where = json.loads(inside.files.grant("airshow-1").read_bytes())["authority"]["where"]
    inside.rewrite(inside.files.grant("airshow-1"), where=where | {"radius_m": 50_000})


def take_out_the_configuration(inside: Inside) -> None:
    inside.rewrite(inside.files.grant("airshow-1"), configuration={})


def sign_with_a_key_of_ones_own(inside: Inside) -> None:
    key, grant = SigningKey.create(), load_grant(inside.files, "airshow-1")
    public = key.described("supt-1", rank="superintendent", training_until=9e9)
    inside.files.public_key(key.id).write_bytes(canonical_json(public.model_dump(mode="json")))
    signed(grant.authority, key, grant.signature.at).save(inside.files)  # type: ignore[union-attr]


def sign_with_the_site_s_key(inside: Inside) -> None:
    grant = load_grant(inside.files, "airshow-1")
    signed(grant.authority, trust_file.site_key(inside.files), time.time()).save(inside.files)


def sign_with_the_approver_s_key(inside: Inside) -> None:
    grant = load_grant(inside.files, "airshow-1")
    key = SigningKey.load(inside.desk.folder / "insp-7.key")
    signed(grant.authority, key, time.time()).save(inside.files)


def date_a_signature_back(inside: Inside) -> None:
    """An officer whose training has run out signs as of last year."""
    key = SigningKey.load(inside.desk.folder / "supt-1.key")
    signed(load_grant(inside.files, "airshow-1").authority, key, time.time() - 3e7).save(inside.files)


def open_one_that_the_ledger_does_not_know(inside: Inside) -> None:
    key = SigningKey.load(inside.desk.folder / "supt-1.key")
    authority = load_grant(inside.files, "airshow-1").authority
    longer = authority.model_copy(update={"ends_at": authority.ends_at + 3600})
    signed(longer, key, time.time()).save(inside.files)


def remove_the_authority(inside: Inside) -> None:
    inside.files.grant("airshow-1").unlink()


def stop_and_remove_the_file(inside: Inside) -> None:
    inside.cli("deployment", "stop", "--reason", "disorder")
    inside.files.stop.unlink()


def pause_and_remove_the_file(inside: Inside) -> None:
    with open_ledger(inside.files) as ledger:
        ledger.append(Event("stop", "matching paused", "airshow-1", "circuit-breaker", reason="too many"))


def stop_and_forge_the_resumption(inside: Inside) -> None:
    stop_and_remove_the_file(inside)
    inside.forge(RESUMED)


def close_and_take_the_closing_out(inside: Inside) -> None:
    before = inside.keep("deployments/airshow-1.json")
    inside.cli("deployment", "close", "--reason", "over")
    before()


def close_and_remove_the_receipt(inside: Inside) -> None:
    close_and_take_the_closing_out(inside)
    inside.files.receipt("airshow-1").unlink()


def remove_the_ledger(inside: Inside) -> None:
    inside.files.ledger.unlink()
    inside.files.ledger_head.unlink()


def empty_the_ledger(inside: Inside) -> None:
    inside.files.ledger.write_bytes(b"")


def cut_the_ledger(inside: Inside) -> None:
    lines = inside.files.ledger.read_bytes().splitlines(keepends=True)
    inside.files.ledger.write_bytes(b"".join(lines[:-1]))


def change_a_line(inside: Inside) -> None:
    data = inside.files.ledger.read_bytes()
    inside.files.ledger.write_bytes(data.replace(b"watchlist approved", b"watchlist Approved"))


def put_another_site_s_ledger_there(inside: Inside) -> None:
    other = DataDir(inside.folder / "other")
    shutil.copytree(inside.files.keys, other.keys)
    with open_ledger(other) as ledger:
        for _ in range(9):
            ledger.append(Event("decision", "alert decided", "airshow-1"))
    shutil.copy(other.ledger, inside.files.ledger)
    shutil.copy(other.ledger_head, inside.files.ledger_head)


def set_ledger_and_head_back_behind_a_stop(inside: Inside) -> None:
    """The whole ledger as it was an hour ago, with its own valid head: only what lies elsewhere knows."""
    before = inside.keep("ledger.jsonl", "ledger.head")
    inside.cli("deployment", "stop", "--reason", "disorder")
    inside.note()
    before()
    inside.files.stop.unlink()


def drop_what_happened_with_the_site_s_own_key(inside: Inside) -> None:
    """Everything up to the stop, as if its time were over."""
    inside.cli("deployment", "stop", "--reason", "disorder")
    inside.files.stop.unlink()
    records = list(read_records(inside.files))
    size_bytes = inside.files.ledger.stat().st_size
    begin = LedgerState(inside.files).checkpoint(records, size_bytes, time.time())
    begin = begin.model_copy(update={"stop": None, "before": 0.0})
    begin.save(inside.files, trust_file.site_key(inside.files), time.time())
    overwrite(inside.files.ledger, begin)


def send_alerts_elsewhere(inside: Inside) -> None:
    inside.site = inside.configured(outputs={"webhooks": ["https://elsewhere.example"]})


def list_somebody_else(inside: Inside) -> None:
    store = WatchlistStore(inside.files.watchlist)
    (image,) = store.images("e1")
    store.put([replace(image, entry=replace(image.entry, entry_id="e9"), file_sha256="9" * 64)])


def approve_what_was_changed_by_hand(inside: Inside) -> None:
    list_somebody_else(inside)
    path = WatchlistDir(inside.files.watchlist).approval
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps(document | {"content_hash": WatchlistStore(inside.files.watchlist).content_hash()}))


def look_once_instead_of_three_times(inside: Inside) -> None:
    inside.site = inside.configured(evidence={"min_views": 1, "min_agreeing": 1})


def accept_smaller_faces(inside: Inside) -> None:
    inside.site = inside.configured(quality={"min_size_px": 5.0})


def point_a_camera_elsewhere(inside: Inside) -> None:
    camera = inside.site.cameras[0].model_dump() | {"url": "rtsp://10.9.9.9/crowd"}
    inside.site = inside.configured(cameras=[camera])


def move_a_camera_on_paper(inside: Inside) -> None:
    camera = inside.site.cameras[0].model_dump() | {"latitude": 51.7891}
    inside.site = inside.configured(cameras=[camera])


def play_a_recording_as_if_it_were_live(inside: Inside) -> None:
    clip = inside.folder / "clip.mp4"
    clip.write_bytes(b"film")
    inside.site = inside.configured(cameras=[inside.site.cameras[0].model_dump() | {"url": str(clip)}])


def call_it_a_test(inside: Inside) -> None:
    inside.site = inside.configured(authority={"kind": "test"})


def call_it_a_test_and_hide_the_camera(inside: Inside) -> None:
    """The list of wanted people under kind test, with vectors sent to the matcher directly."""
    inside.site = inside.configured(authority={"kind": "test"}, cameras=[])


def call_it_a_trial(inside: Inside) -> None:
    inside.site = inside.configured(authority={"kind": "trial", "deployment": "airshow-1", "profile": "uk-police"})


def name_no_deployment(inside: Inside) -> None:
    inside.site = inside.configured(authority={"kind": "live"})


def write_rules_of_ones_own(inside: Inside) -> None:
    from lfr_ray.govern.country_profile import load_profile

    path = inside.folder / "rules.yaml"
    path.write_text(json.dumps(load_profile("uk-police").model_dump(mode="json") | {"small_cell": 0}))
    inside.site = inside.configured(authority={"kind": "live", "deployment": "airshow-1", "profile": str(path)})


def trust_a_root_of_ones_own(inside: Inside) -> None:
    """The service's user can write that trust file: it is refused whatever it says."""
    with pytest.MonkeyPatch.context() as patch:
        mine = TrustTree(inside.folder / "mine", patch)
    for path in (mine.folder, *mine.folder.rglob("*")):
        os.chmod(path, path.stat().st_mode | 0o002)
    inside.patch.setenv(trust_file.VARIABLE, str(mine.file))


def trust_nobody(inside: Inside) -> None:
    inside.patch.setenv(trust_file.VARIABLE, trust_file.NONE)


def revoke_the_officer(inside: Inside) -> None:
    path = inside.tree.folder / "root.crl"
    before = path.read_bytes()
    inside.patch.setattr(inside.tree, "_revoked", {})
    inside.tree.revoke(SigningKey.load(inside.desk.folder / "supt-1.key"))
    inside.undo = lambda: path.write_bytes(before)  # type: ignore[attr-defined]


def swap_the_site_s_key(inside: Inside) -> None:
    inside.files.site_key.unlink()
    SigningKey.create().save(inside.files.site_key, os.environ[trust_file.SITE_PASSPHRASE])


# -- ways that leave a trace ---------------------------------------------------------------------


def bring_the_list_back(inside: Inside) -> None:
    shutil.copytree(inside.files.watchlist, inside.folder / "copy")
    inside.cli("deployment", "close", "--reason", "over")
    shutil.copytree(inside.folder / "copy", inside.files.root / "copy")


def forget_what_was_destroyed(inside: Inside) -> None:
    inside.cli("deployment", "close", "--reason", "over")
    for path in inside.files.all_fingerprints:
        path.unlink()


def change_the_public_record(inside: Inside) -> None:
    inside.cli("deployment", "close", "--reason", "over")
    inside.cli("deployment", "record", "airshow-1")
    (path,) = inside.files.signed_records
    path.write_bytes(path.read_bytes().replace(b'"entries": 4', b'"entries": 1').replace(b'"total": 4', b'"total": 1'))


def change_the_rules_that_were_kept(inside: Inside) -> None:
    (path,) = (inside.files.deployments / "profiles").glob("*.json")
    path.write_bytes(path.read_bytes().replace(b'"small_cell":5', b'"small_cell":0'))


def change_a_receipt(inside: Inside) -> None:
    inside.cli("deployment", "close", "--reason", "over")
    path = inside.files.receipt("airshow-1")
    path.write_bytes(path.read_bytes().replace(b'"reason":"over"', b'"reason":"done"'))
