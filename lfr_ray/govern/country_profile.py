"""Rules that differ by country, as data: a profile is one YAML file, and a new one needs no code."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from lfr_ray.config import AuthorityConfig
from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import read_json, write_durable
from lfr_ray.errors import ConfigError, IntegrityError
from lfr_ray.govern.canonical_json import canonical_json, form_of, sha256_hex
from lfr_ray.strict_yaml import Section, load_yaml, parse_section, parsed_yaml

Kind = Literal["live", "retrospective", "test", "trial"]
"""Live: cameras at a place now. Retrospective: recorded footage or a still. Test: recordings of a test, demonstrations.
Trial: cameras for a day, and volunteers who agreed."""
Case = Literal["crime-hotspot", "protective-security", "intelligence-located"]
"""The three permitted answers to "where", and no fourth."""
VOLUNTEERS: dict[Kind, frozenset[str]] = {"test": frozenset({"test", "blue-list"}), "trial": frozenset({"blue-list"})}
"""Who may be compared where no officer signs: no rules of anybody's own allow more."""
LONGEST_TRIAL_S = 86_400.0
Document = Literal["policy", "impact_assessment", "equality_assessment", "appropriate_policy", "registration"]
"""Documents that an authority can refer to."""


class KindRules(Section):
    """Who may authorise one kind of deployment, and what its authority must state."""

    min_rank: str = Field(description="Lowest rank that may authorise.")
    urgent_min_rank: str = Field(default="", description="Lowest rank in an urgent case; empty: no urgent route.")
    ratify_within_s: float = Field(default=0.0, ge=0, description="An urgent authority ends unless ratified so soon.")
    erase_unratified: bool = Field(default=False, description="Unratified in time: everything must be destroyed.")
    max_duration_s: float = Field(gt=0, description="Longest time from start to end.")
    cases: tuple[Case, ...] = Field(default=(), description="Allowed answers to where; empty: a place is not needed.")
    categories: tuple[str, ...] = Field(min_length=1, description="Watchlist categories that may be named.")
    documents: tuple[Document, ...] = Field(default=(), description="References that must be given.")
    any_camera: bool = Field(default=False, description="The cameras may be given as *.")
    any_watchlist: bool = Field(default=False, description="The watchlist's hash may be left open.")
    any_model: bool = Field(default=False, description="The model card may be left open.")
    self_authorised: bool = Field(default=False, description="The applicant may be the authorising officer.")
    training_required: bool = Field(default=True, description="The authorising officer's training must be in date.")
    threshold_floor: bool = Field(default=True, description="The threshold's floor applies.")


class ThresholdRules(Section):
    """The threshold in police units: expected false alerts for each face seen, at the list's size."""

    floor: float = Field(gt=0, lt=1, description="Never more expected false alerts for each face than this.")
    target: float = Field(gt=0, lt=1, description="More than this needs a stated reason, published in the record.")

    @model_validator(mode="after")
    def _ordered(self) -> ThresholdRules:
        if self.target > self.floor:
            raise ValueError("target must not exceed floor")
        return self


class BreakerRules(Section):
    """When alerts pause by themselves."""

    ceiling: float = Field(gt=0, lt=1, description="False alerts for each face seen.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="Of the one-sided upper bound.")
    min_false_alerts: int = Field(default=1, ge=1, description="Confirmed false alerts before the bound is judged.")


class WatchlistRules(Section):
    """Size and approval of the watchlist."""

    warn_entries: int = Field(gt=0, description="A larger list is reported.")
    max_entries: int = Field(gt=0, description="A larger list is refused.")
    approve_within_s: float = Field(gt=0, description="The approval may be so old at the start of the deployment.")
    second_person: bool = Field(default=True, description="Somebody other than its author approves the list.")


class RetentionRule(Section):
    """How long one class of data may be kept.

    Attributes:
        max_s: After it came into being.
        after_use_s: After it was used (an alert: decided); None: use changes nothing.
        after_end_s: After the deployment's end; None: the end changes nothing.
        held_max_s: With a recorded reason, after it came into being; None: it cannot be held.
    """

    max_s: float = Field(ge=0)
    after_use_s: float | None = Field(default=None, ge=0)
    after_end_s: float | None = Field(default=None, ge=0)
    held_max_s: float | None = Field(default=None, ge=0)


class RetentionRules(Section):
    """The classes of data that exist, and no other."""

    unmatched: RetentionRule = Field(description="A tracklet that matched nobody: memory only.")
    alert: RetentionRule = Field(description="An alert's pictures and what links it to a person.")
    watchlist: RetentionRule = Field(description="Entries, pictures and templates.")
    recording: RetentionRule = Field(description="A file of a separate recorder, in a folder that the site names.")
    ledger: RetentionRule = Field(description="The audit ledger, which holds no personal data.")
    listing: RetentionRule = Field(description="Nominal ids of past lists, to answer a subject access request.")


class Profile(Section):
    """The rules of one country or force."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    title: str
    version: str = Field(description="Of this file, so that records can say under which rules they were made.")
    sources: tuple[str, ...] = Field(default=(), description="Law and guidance behind the numbers.")
    ranks: tuple[str, ...] = Field(min_length=1, description="Lowest first.")
    kinds: dict[Kind, KindRules] = Field(min_length=1, description="A kind that is not here is not permitted.")
    threshold: ThresholdRules
    breaker: BreakerRules
    watchlist: WatchlistRules
    retention: RetentionRules
    two_person: bool = Field(description="Two people confirm an alert independently before anyone acts.")
    adjudicators_trained: bool = Field(
        default=False, description="Only those whose training is recorded and in date may decide on an alert."
    )
    small_cell: int = Field(default=5, ge=0, description="Cells of the public tables below this are suppressed.")
    publish_within_s: float = Field(gt=0, description="The public record is due so soon after the end.")
    clock_tolerance_s: float = Field(default=5.0, ge=0, description="A clock further back than this stops matching.")

    @model_validator(mode="after")
    def _coherent(self) -> Profile:
        for kind, rules in self.kinds.items():
            for rank in (rules.min_rank, rules.urgent_min_rank):
                if rank and rank not in self.ranks:
                    raise ValueError(f"kinds -> {kind} names the rank {rank!r}, which is not in ranks")
            if bool(rules.urgent_min_rank) != bool(rules.ratify_within_s):
                raise ValueError(f"kinds -> {kind}: urgent_min_rank and ratify_within_s belong together")
            if kind not in VOLUNTEERS and rules.self_authorised:
                raise ValueError(f"kinds -> {kind}: self_authorised is for test and trial; an officer signs the others")
            if kind in VOLUNTEERS and (more := sorted(set(rules.categories) - VOLUNTEERS[kind])):
                raise ValueError(
                    f"kinds -> {kind} names {', '.join(more)}; allowed: {', '.join(sorted(VOLUNTEERS[kind]))}"
                )
            if kind == "trial" and rules.max_duration_s > LONGEST_TRIAL_S:
                raise ValueError(f"kinds -> trial: max_duration_s is at most {LONGEST_TRIAL_S:g}, a day")
        return self

    @property
    def sha256(self) -> str:
        """Hash of the rules: an authority names it, so that the rules cannot change under it."""
        return sha256_hex(canonical_json(self.model_dump(mode="json")))

    def has_hash(self, sha256: str) -> bool:
        """These are the rules of that hash, whether it was taken lately or of the older form."""
        return bool(form_of(self.model_dump(mode="json"), lambda text: sha256_hex(text) == sha256))

    def outranks(self, rank: str, least: str) -> bool:
        """``rank`` exists and is at least ``least``."""
        return rank in self.ranks and self.ranks.index(rank) >= self.ranks.index(least)


def profile_names() -> tuple[str, ...]:
    """The profiles that come with the software."""
    folder = resources.files("lfr_ray.govern") / "profiles"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


def load_profile(wanted: str | Path) -> Profile:
    """Read a profile by name or from a file.

    Raises:
        ConfigError: There is none of that name, or the file is not a valid profile.
    """
    if str(wanted) in profile_names():
        text = (resources.files("lfr_ray.govern") / "profiles" / f"{wanted}.yaml").read_text(encoding="utf-8")
        return parse_section(Profile, parsed_yaml(text), f"profile {wanted}")
    path = Path(wanted)
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            "there is no such profile", got=wanted, allowed=f"{', '.join(profile_names())}, or a YAML file of your own"
        )
    return parse_section(Profile, load_yaml(path), f"profile {path.name}")


def profile_of(authority: AuthorityConfig) -> Profile:
    """The rules that a site names."""
    return load_profile(authority.profile or default_profile(authority.kind))


def default_profile(kind: str) -> str:
    """The rules where nobody names any."""
    return "test" if kind in ("test", "trial") else "uk-police"


def keep_profile(data_dir: DataDir, profile: Profile) -> None:
    """Keep the rules beside the authorities that were made under them, by their hash."""
    path = data_dir.profile(profile.sha256)
    if not path.exists():
        write_durable(path, canonical_json(profile.model_dump(mode="json")) + b"\n")


def kept_profile(data_dir: DataDir, sha256: str) -> Profile:
    """The rules of that hash, as they were kept.

    Raises:
        NotFoundError: They were not kept here.
        ConfigError, IntegrityError: They were changed since.
    """
    path = data_dir.profile(sha256)
    profile = parse_section(Profile, read_json(path, "the rules of this deployment"), f"profile {path.stem[:12]}")
    if not profile.has_hash(sha256):
        raise IntegrityError("the rules of a deployment were changed", got=path.name)
    return profile
