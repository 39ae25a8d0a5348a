"""What every test shares: where real pictures lie, and a count of what was skipped."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

import lfr_ray  # noqa: F401  (switches every dependency's reporting off before anything else loads)
from lfr_ray.models.card_catalogue import RECOMMENDED_EMBEDDER, card
from lfr_ray.models.weight_files import FOLDER_VARIABLE, find_weights, models_folder

# How long an example takes says more about the machine than about the code. Where a change must land the examples are
# the same each time; at a desk they are new ones.
settings.register_profile("lfr", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("lfr")


REPOSITORY = Path(__file__).resolve().parent.parent

PULLED = Path(os.environ.setdefault("LFR_TEST_PULLED", str(models_folder())))
"""Where `lfr models pull` has put files on this machine. Tests look there only where they say so: which model ``auto``
means must not depend on the machine. In the environment, for processes that test beside each other."""

os.environ["LFR_TRUST"] = "none"
"""Who is trusted must not depend on the machine either; see ``trust_tree.py``."""

_NO_MODELS = tempfile.TemporaryDirectory(prefix="lfr-models-")
os.environ[FOLDER_VARIABLE] = _NO_MODELS.name
SHARED = Path(os.environ.get("LFR_SHARED", REPOSITORY.parent / "shared"))


def _folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no {name} folder beside the checkout (set LFR_SHARED to the folder that holds it)")
    return folder


WHOLE_SITES = re.compile("^site$|integration/(actors|nodes|plan)/|end_to_end/test_(demo|no_trace)")
"""Tests that start Ray with all that a site has: one of them alone keeps both cores busy."""


class FilesTogether(LoadScopeScheduling):
    """What two processes share out among themselves: whole files, and the tests of the one running site together.

    While one of them has whole sites, the other one gets tests that mostly wait.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "site" if "integration/actors/test_site_" in file else file

    def _assign_work_unit(self, node: WorkerController) -> None:
        others = [work for other, work in self.assigned_work.items() if other is not node]
        taken = any(
            WHOLE_SITES.search(scope) for work in others for scope in work if self._pending_of({"": work[scope]})
        )
        wanted = (scope for scope in self.workqueue if bool(WHOLE_SITES.search(scope)) is not taken)
        if first := next(wanted, None):
            self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    """By what two processes share out the tests among themselves; see FilesTogether."""
    return FilesTogether(config, log)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures and clips; the test is skipped by name where they are not."""
    return _folder("data")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Real model files; the test is skipped by name where they are not."""
    return _folder("models")


@pytest.fixture(scope="session")
def pulled_models() -> Path:
    """The folder of pulled models; it may be empty."""
    return PULLED


@pytest.fixture(scope="session")
def pulled_embedder() -> Path:
    """The recommended embedder's file; the test is skipped by name where it was not pulled."""
    described = card(RECOMMENDED_EMBEDDER)
    path = PULLED / described.id / described.file
    if not path.is_file():
        pytest.skip(f"no file of {described.id} in {PULLED}: `lfr models pull`")
    return find_weights(described, path)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture
def trust_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A root and its certificates; this process trusts it. Made in milliseconds."""
    from tests.trust_tree import TrustTree

    return TrustTree(tmp_path / "trust", monkeypatch)


@pytest.fixture
def make_sighting() -> Callable[..., Any]:
    """Makes sightings of somebody who does not exist; ``match`` takes a match's fields, the rest a sighting's."""
    from lfr_ray.records import Match, Quality, Sighting  # after the environment above

    def make(key: str = "tracklet-1", *, match: dict[str, Any] | None = None, **fields: Any) -> Sighting:
        name, at = "Nobody Listed", 1_700_000_000.0
        found = Match("entry-1", name, "wanted", "detain", 0.81, 0.7, 0.2, "entry-2", 4, 5, 500)
        seen = Sighting(
            key=key,
            camera="gate",
            track=7,
            captured_s=12.5,
            captured_at=at,
            match=replace(found, **(match or {})),
            model="dlib_resnet",
            deployment="airshow",
            box=(10.0, 20.0, 60.0, 80.0),
            quality=Quality(55.0, 120.0, 118.0, 0.1, 0.0, 2.0, 0.93, 0.8),
            face_jpeg=b"\xff\xd8face\xff\xd9",
            scene_jpeg=b"\xff\xd8scene\xff\xd9",
            watchlist_jpeg=b"\xff\xd8watchlist\xff\xd9",
        )
        return replace(seen, **fields)

    return make
