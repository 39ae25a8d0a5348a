"""The watchlist as the HTTP routes see it: its keeper, in the fleet's process."""

from __future__ import annotations

from lfr_ray.actors.actor_calls import Handle
from lfr_ray.actors.actor_protocols import FleetCalls
from lfr_ray.actors.passed_on import asked

ANSWER_S = 60.0
"""A large list is rewritten in this time; beyond it the fleet does not answer."""


class RemoteList:
    """What is asked of the fleet besides the site's state."""

    _fleet: Handle[FleetCalls]

    def _list(self) -> Handle[FleetCalls]:
        return self._fleet.limited(ANSWER_S)

    check_picture = asked(FleetCalls.check_picture, _list)
    list_entries = asked(FleetCalls.list_entries, _list)
    add_entry = asked(FleetCalls.add_entry, _list)
    add_picture = asked(FleetCalls.add_picture, _list)
    change_entry = asked(FleetCalls.change_entry, _list)
    remove_entry = asked(FleetCalls.remove_entry, _list)
    take_back = asked(FleetCalls.take_back, _list)
    proposal = asked(FleetCalls.proposal, _list)
    approve = asked(FleetCalls.approve, _list)
