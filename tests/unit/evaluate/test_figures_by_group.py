from __future__ import annotations

import numpy as np
import pytest

from lfr_ray.errors import InputError
from lfr_ray.evaluate.all_pairs import compare_all
from lfr_ray.evaluate.figures_by_group import measure_groups, read_groups
from lfr_ray.evaluate.identification import search_all

NAMES = ("xann", "bob", "cid", "dee")


def test_the_file_is_read_with_gaps_and_strangers():
    table = read_groups("\ufeffidentity, sex ,age\nxann,f,18-30\nbob,m,\nzoe,f,18-30\ncid,,31-50\n", NAMES)
    assert list(table.items()) == [("sex", {"xann": "f", "bob": "m"}), ("age", {"xann": "18-30", "cid": "31-50"})]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "columns none"),
        ("name,sex\nxann,f\n", "columns name, sex"),
        ("identity\nxann\n", "columns identity"),
        ("identity,sex,sex\nxann,f,f\n", "columns identity, sex, sex"),
        ("identity,\nxann,f\n", "columns identity, "),
        ("identity,sex\nxann,f\nxann,m\n", "line 3"),
        ("identity,born\n" + "".join(f"p{number},{number}\n" for number in range(40)), "40 different"),
    ],
)
def test_a_malformed_file_says_what_is_wrong(text, says):
    with pytest.raises(InputError, match=r"groups\.csv") as caught:
        read_groups(text, [*NAMES, *(f"p{number}" for number in range(40))])
    assert says in caught.value.got
    assert "xann" not in str(caught.value), "no identity in an error"


@pytest.fixture
def measured(make_samples):
    samples = make_samples([4] * 40, noise=1.0, failed={0: "no_face", 1: "no_face"})
    pairs, searches = compare_all(samples), search_all(samples)
    rows = "".join(f"{name},{'a' if number < 25 else 'b'}\n" for number, name in enumerate(samples.names[:39]))
    table = read_groups("identity,kind\n" + rows, samples.names)
    columns = measure_groups(
        samples, pairs, searches, table, match_threshold=0.35, search_threshold=0.45, replicates=200
    )
    return samples, pairs, searches, columns[0]


def test_figures_of_a_group_are_those_of_its_people(measured):
    _, pairs, searches, column = measured
    a, b = column.groups
    assert (a.group, a.identities, a.pictures) == ("a", 25, 100)
    assert (b.group, b.identities, b.pictures) == ("b", 14, 56)
    assert column.not_stated == 1
    assert a.failure_to_acquire.value == pytest.approx(0.02)
    inside = pairs.genuine_identity < 25
    assert a.fnmr.value == pytest.approx((pairs.genuine[inside] < np.float32(0.35)).mean())
    both = (pairs.impostor_identities < 25).all(axis=1)
    assert a.fmr.value == pytest.approx((pairs.impostor[both] >= np.float32(0.35)).mean())
    own = searches.mated_identity < 25
    assert a.tpir.value == pytest.approx((searches.rank_one_similarity[own] >= 0.45).mean())
    strangers = (searches.non_mated_identity >= 25) & (searches.non_mated_identity < 39)
    assert b.fpir.value == pytest.approx((searches.non_mated_top[strangers] >= 0.45).mean())
    for figure in (a.fnmr, a.fmr, a.tpir, a.fpir):
        assert figure.low <= figure.value <= figure.high


def test_the_differential_names_both_ends(measured):
    column = measured[3]
    by_figure = {one.figure: one for one in column.differentials}
    a, b = column.groups
    fmr = by_figure["fmr"]
    values = {"a": a.fmr.value, "b": b.fmr.value}
    assert fmr.ratio.value == pytest.approx(max(values.values()) / min(values.values()))
    assert values[fmr.highest] >= values[fmr.lowest]
    assert fmr.ratio.low <= fmr.ratio.value <= fmr.ratio.high


def test_a_group_without_an_error_has_no_ratio(make_samples):
    samples = make_samples([3] * 10, noise=0.2)
    table = read_groups(
        "identity,kind\n" + "".join(f"{name},{number % 2}\n" for number, name in enumerate(samples.names)),
        samples.names,
    )
    column = measure_groups(
        samples,
        compare_all(samples),
        search_all(samples),
        table,
        match_threshold=0.9999,
        search_threshold=0.9999,
        replicates=50,
    )[0]
    fmr = next(one for one in column.differentials if one.figure == "fmr")
    assert fmr.ratio.value is None
    assert column.groups[0].fmr.value == 0.0
    assert column.groups[0].fmr.high > 0, "no error seen is not no error"
