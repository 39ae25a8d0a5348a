"""The checks of a chain: which views are compared, which matches are raised, and what is counted."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from lfr_ray.config import QualityConfig, SiteConfig
from lfr_ray.models.card_catalogue import card
from lfr_ray.pipeline.checks_before_alert import MatchCheck, PossibleMatch
from lfr_ray.pipeline.checks_before_comparison import ViewCheck
from lfr_ray.pipeline.order_of_checks import Checks
from lfr_ray.records import Answer, Frame, Probe, View

MakeChain = Callable[..., Any]
Reply = Callable[[Probe], Answer]


def one_walker(index: int) -> list[tuple[float, float]]:
    return [(100.0 + 4 * index, 120.0)]


class OnlyTheFirst(ViewCheck):
    """A made-up check: only the first views of a camera may be embedded."""

    reason = "made up"

    def __init__(self, count: int) -> None:
        self._left = count

    def before_embedding(self, view: View, frame: Frame) -> View | None:
        assert view.frame_index == frame.index
        self._left -= 1
        return view if self._left >= 0 else None


class Never(ViewCheck):
    """A made-up check: no vector is good enough."""

    reason = "made up"

    def accepts_embedded(self, view: View, stability: float) -> bool:
        return False


class AtThirdLook(MatchCheck):
    """A made-up check: a match is raised when it is found for the third time."""

    reason = "made up"

    def __init__(self) -> None:
        self._looks: Counter[int] = Counter()

    async def confirms(self, possible: PossibleMatch) -> bool:
        await asyncio.sleep(0.01)
        self._looks[possible.tracklet.track] += 1
        return self._looks[possible.tracklet.track] >= 3


def with_checks(views: Iterable[ViewCheck] = (), matches: Iterable[MatchCheck] = ()) -> Callable[[Checks], Checks]:
    return lambda checks: Checks((*checks.views, *views), (*checks.matches, *matches))


def test_a_new_view_check_is_honoured_and_counted_by_its_reason(chain: MakeChain) -> None:
    one = chain(one_walker, more=with_checks(views=[OnlyTheFirst(5)]))
    one.run(one.steps.run(one.frames(30)))
    assert one.count("views_embedded_total") == 5
    assert one.count("views_rejected_total", reason="made up") > 5, "each refused view gives its place to the next"
    assert one.count("faces_forgotten_total") == one.count("faces_seen_total") == 1


def test_a_new_check_of_embedded_views_is_honoured(chain: MakeChain) -> None:
    one = chain(one_walker, more=with_checks(views=[Never()]))
    one.run(one.steps.run(one.frames(30)))
    assert one.matcher.asked == []
    assert one.count("views_rejected_total", reason="made up") == one.count("views_embedded_total") > 3


def test_a_new_match_check_is_honoured_and_counted_by_its_reason(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker, more=with_checks(matches=[AtThirdLook()]))
    one.matcher.answer = possibly_listed
    one.run(one.steps.run(one.frames(30)))
    assert len(one.desk.acknowledged) == 1
    assert one.count("matches_withheld_total", reason="made up") == 2


def test_the_first_check_that_refuses_decides(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker, second=SECOND, more=with_checks(matches=[AtThirdLook()]))
    one.matcher.answer = agreeing(possibly_listed, lambda probe: Answer(deployment="test"))
    one.run(one.steps.run(one.frames(30)))
    assert one.count("matches_withheld_total", reason="second model") > 3
    assert one.count("matches_withheld_total", reason="made up") == 0


class Seen:
    """Says of every face what the test says."""

    def __init__(self, kinds: Iterable[str | None]) -> None:
        self._kinds = iter(kinds)

    def kind(self, chip: Any) -> str | None:
        return next(self._kinds)


def test_a_covered_face_is_embedded_twice_and_compared_as_covered(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker, occlusion=Seen(itertools.repeat("lower")))
    asked: list[tuple[int, str]] = []

    def answer(probe: Probe) -> Answer:
        asked.append((len(probe.vectors), probe.covered))
        return Answer(deployment="test")

    embedded: list[int] = []
    embed = one.embedder.embed

    async def counted(chips: Any) -> Any:
        embedded.append(len(chips))
        return await embed(chips)

    one.matcher.answer, one.embedder.embed = answer, counted
    one.run(one.steps.run(one.frames(30)))
    assert asked
    assert {covered for _, covered in asked} == {"lower"}
    assert set(embedded) == {2}, "the chip as it is, and painted over"
    assert one.count("views_embedded_total") == len(embedded)


def test_a_face_of_which_both_halves_are_covered_is_counted_and_not_compared(chain: MakeChain) -> None:
    one = chain(one_walker, occlusion=Seen(itertools.repeat(None)))
    one.run(one.steps.run(one.frames(30)))
    assert one.matcher.asked == []
    assert one.count("views_rejected_total", reason="covered") > 3
    assert one.count("views_embedded_total") == 0
    assert one.count("faces_forgotten_total") == one.count("faces_seen_total") == 1


def test_whoever_takes_a_mask_off_is_compared_as_seen_then(chain: MakeChain) -> None:
    one = chain(one_walker, occlusion=Seen(itertools.chain(["lower"] * 4, itertools.repeat(""))))
    kinds: list[str] = []
    one.matcher.answer = lambda probe: kinds.append(probe.covered) or Answer(deployment="test")
    one.run(one.steps.run(one.frames(60)))
    assert kinds[0] == "lower"
    assert kinds[-1] == ""
    assert kinds == sorted(kinds, reverse=True), "never back again"


def test_a_view_whose_mirror_image_gives_another_vector_is_not_compared(
    chain: MakeChain, possibly_listed: Reply
) -> None:
    quality = QualityConfig(min_stability=0.9)
    one = chain(one_walker, site=SiteConfig(site="pier", quality=quality))
    one.matcher.answer, one.stability = possibly_listed, lambda chip: 0.89
    one.run(one.steps.run(one.frames(30)))
    assert one.matcher.asked == []
    assert one.count("views_rejected_total", reason="unstable") == one.count("views_embedded_total") > 3
    assert one.count("faces_forgotten_total") == 1
    steady = chain(one_walker, site=SiteConfig(site="pier", quality=quality))
    steady.matcher.answer, steady.stability = possibly_listed, lambda chip: 0.91
    steady.run(steady.steps.run(steady.frames(30)))
    assert len(steady.desk.acknowledged) == 1


def test_stability_was_not_measured_for_covered_faces(chain: MakeChain) -> None:
    site = SiteConfig(site="pier", quality=QualityConfig(min_stability=0.9))
    one = chain(one_walker, site=site, occlusion=Seen(itertools.repeat("lower")))
    one.stability = lambda chip: 0.5
    one.run(one.steps.run(one.frames(30)))
    assert one.matcher.asked


SECOND = card("sface_2021dec")


def agreeing(possibly_listed: Reply, second: Callable[[Probe], Answer]) -> Reply:
    """The first model finds somebody; what the second says is the test's."""
    return lambda probe: second(probe) if probe.model == SECOND.id else possibly_listed(probe)


def test_an_alert_needs_both_models(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker, second=SECOND)
    one.matcher.answer = agreeing(possibly_listed, lambda probe: Answer(deployment="test"))
    one.run(one.steps.run(one.frames(30)))
    assert one.desk.acknowledged == []
    assert one.count("matches_withheld_total", reason="second model") == len(one.second_chips) > 3
    assert one.second_chips[0] == (3, 112, 112, 3), "all views of the tracklet, as the second model wants them"
    assert one.second_chips[-1][0] > 3
    assert one.count("faces_forgotten_total") == 1


def test_another_entry_is_no_agreement(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker, second=SECOND)

    def other(probe: Probe) -> Answer:
        answer = possibly_listed(probe)
        assert answer.match is not None
        return replace(answer, match=replace(answer.match, entry_id="somebody-else"))

    one.matcher.answer = agreeing(possibly_listed, other)
    one.run(one.steps.run(one.frames(30)))
    assert one.desk.acknowledged == []


def test_when_both_agree_there_is_one_alert_by_the_first(chain: MakeChain, possibly_listed: Reply) -> None:
    one = chain(one_walker, second=SECOND)
    asked: list[tuple[str, int]] = []

    def second(probe: Probe) -> Answer:
        asked.append((probe.model, len(probe.vectors)))
        return possibly_listed(probe)

    one.matcher.answer = agreeing(possibly_listed, second)
    one.run(one.steps.run(one.frames(30)))
    assert len(one.desk.acknowledged) == 1
    assert one.desk.acknowledged[0].model == "dlib_resnet"
    assert asked == [("sface_2021dec", 3)], "the second model looks at possible matches only"


def test_where_nobody_matches_the_second_model_sees_nothing(chain: MakeChain) -> None:
    one = chain(one_walker, second=SECOND)
    one.run(one.steps.run(one.frames(30)))
    assert one.second_chips == []


def test_a_second_model_that_may_not_compare_is_told_and_nothing_alerts(
    chain: MakeChain, possibly_listed: Reply
) -> None:
    one = chain(one_walker, second=SECOND)
    one.matcher.answer = agreeing(possibly_listed, lambda probe: Answer(refused="the list cannot be read"))
    one.run(one.steps.run(one.frames(30)))
    assert one.desk.acknowledged == []
    assert one.steps.refusal == "the list cannot be read"
    assert one.count("comparisons_refused_total") == len(one.second_chips)
