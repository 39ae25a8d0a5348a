"""The keeper of the watchlist in the fleet's process, which reaches the models: made with the first question."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from lfr_ray.actors.remote_models import RemoteDetector, RemoteEmbedder
from lfr_ray.api.alert_and_site_ports import ListPort
from lfr_ray.config import SiteConfig

AnswerT = TypeVar("AnswerT")
P = ParamSpec("P")


def _kept(
    method: Callable[Concatenate[ListPort, P], Coroutine[Any, Any, AnswerT]],
) -> Callable[Concatenate[FleetList, P], Coroutine[Any, Any, AnswerT]]:
    """The keeper's method of the same name."""

    @wraps(method)
    async def ask(self: FleetList, /, *args: P.args, **kwargs: P.kwargs) -> AnswerT:
        answer: AnswerT = await getattr(self._keeper_of_list, method.__name__)(*args, **kwargs)
        return answer

    return ask


class FleetList:
    """Hands questions of the watchlist on to :class:`~lfr_ray.enrol.watchlist_keeper.ListKeeper`."""

    _site: SiteConfig
    _enrolling: tuple[RemoteDetector, Sequence[RemoteEmbedder]]

    check_picture = _kept(ListPort.check_picture)
    list_entries = _kept(ListPort.list_entries)
    add_entry = _kept(ListPort.add_entry)
    add_picture = _kept(ListPort.add_picture)
    change_entry = _kept(ListPort.change_entry)
    remove_entry = _kept(ListPort.remove_entry)
    take_back = _kept(ListPort.take_back)
    proposal = _kept(ListPort.proposal)
    approve = _kept(ListPort.approve)

    @cached_property
    def _keeper_of_list(self) -> ListPort:
        from lfr_ray.enrol.watchlist_keeper import ListKeeper
        from lfr_ray.site.open_site import list_rules

        return ListKeeper(*self._enrolling, **list_rules(self._site))
