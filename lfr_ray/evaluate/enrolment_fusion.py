"""Several enrolled pictures of one person: which way of joining them recognises best.

* ``one``: the first picture alone;
* ``nearest``: the largest similarity to any of them;
* ``template``: the similarity to their mean vector, of unit length.

Of every identity with more pictures than are enrolled, the first ones are enrolled and the rest are single searches;
the same searches are made whatever the rule. It is what passages are, with searches and entries exchanged.
"""

from __future__ import annotations

import numpy as np

from lfr_ray.errors import InputError
from lfr_ray.evaluate.labelled_samples import Samples
from lfr_ray.evaluate.probe_fusion import Passages

ENROLMENT_RULES = {"one": "first", "nearest": "max", "template": "plain_mean"}
"""Our name -> what the same is called for the views of a passage."""


def make_enrolments(samples: Samples, pictures: int) -> Passages:
    """Enrol the first usable pictures of everybody who has more than that.

    Returns:
        The enrolled pictures of a person as ``views``, the single searches as ``entries``.

    Raises:
        InputError: Fewer than two people have enough.
    """
    several = samples.usable > pictures
    if np.count_nonzero(several) < 2:
        raise InputError(
            "too few people have enough pictures to enrol several",
            got=f"{int(np.count_nonzero(several))} people with more than {pictures} usable pictures",
            allowed="2 or more",
            next_step="add pictures, or enrol fewer",
        )
    rows = np.flatnonzero(samples.acquired & several[samples.identity])
    identity = samples.identity[rows]
    rank = np.arange(len(rows)) - np.searchsorted(identity, identity)
    enrolled, searched = rows[rank < pictures].reshape(-1, pictures), rows[rank >= pictures]
    return Passages(
        samples.vectors[enrolled],
        np.ones(enrolled.shape, np.float32),
        samples.identity[enrolled[:, 0]],
        samples.vectors[searched],
        samples.identity[searched],
        samples.size,
    )
