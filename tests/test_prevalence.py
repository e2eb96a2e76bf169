"""Statements about the share of a group among comments, with shares that are known."""

import numpy as np
import pandas as pd
import pytest

from libengage_utils.emotions.pairing import GROUPS
from libengage_utils.emotions.prevalence import prevalence

SOURCE = np.array([0.1, 0.12, 0.1, 0.06, 0.14, 0.08, 0.04, 0.04, 0.32])  # shares of the groups where the machine was fitted
HERE = np.array([0.05, 0.08, 0.05, 0.1, 0.4, 0.12, 0.06, 0.02, 0.12])


def two_groups(n, share, rng):
    """A weak machine that is calibrated where a fifth of the comments are of the group (AUC 0.82)."""
    feels = rng.random(n) < share
    sign = rng.normal(1.3 * feels, 1)
    says = 1 / (1 + np.exp(np.log(0.8 / 0.2) - 1.3 * sign + 1.3**2 / 2))
    return pd.DataFrame({"frustration": says, "neutral": 1 - says}), np.where(feels, "frustration", "neutral")


def nine_groups(n, shares, rng, apart=1.5):
    """A machine right about 58% of the time, calibrated at the shares of `SOURCE`."""
    group = rng.choice(9, n, p=shares)
    sign = rng.normal(size=(n, 9))
    sign[np.arange(n), group] += apart
    odds = SOURCE * np.exp(apart * sign)
    return pd.DataFrame(odds / odds.sum(axis=1, keepdims=True), columns=GROUPS), np.array(GROUPS)[group]


def quick(*arguments, **options):
    return prevalence(*arguments, **{"n_boot": 200, **options})


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
def test_the_share_is_found_whatever_it_is_and_its_interval_covers_it(share):
    """The mean probability stays near the fifth that the machine was fitted on; the share does not."""
    rng = np.random.default_rng(int(100 * share))
    rows = []
    for _ in range(100):
        result = quick(two_groups(600, share, rng)[0], *two_groups(200, 0.2, rng), random_state=rng, minimum_count=0)
        rows.append(result.table.iloc[0])
    found = pd.DataFrame(rows)
    assert abs(found["estimate"].mean() - share) < 0.025
    assert 0.89 <= found["low"].le(share).mul(found["high"].ge(share)).mean() <= 0.99
    if share != 0.2:
        assert abs(found["mean_probability"].mean() - share) > 0.1
    if share == 0.5:
        assert 0.25 < found["mean_probability"].mean() < 0.36


def test_the_shares_of_nine_groups_are_found():
    rng = np.random.default_rng(0)
    tables = [quick(nine_groups(2000, HERE, rng)[0], *nine_groups(500, SOURCE, rng), random_state=rng).table
              for _ in range(25)]
    estimates = np.array([table["estimate"] for table in tables])
    covered = [(table["low"] <= HERE)[known] & (table["high"] >= HERE)[known]
               for table in tables for known in [table["estimate"].notna()]]
    assert np.nanmean(estimates, axis=0) == pytest.approx(HERE, abs=0.03)
    assert np.concatenate(covered).mean() > 0.9
    assert tables[0]["mean_probability"][4] < 0.27


def test_shares_are_nought_or_more_and_sum_to_one():
    rng = np.random.default_rng(0)
    table = quick(nine_groups(3000, SOURCE, rng)[0], *nine_groups(2000, SOURCE, rng), minimum_count=0).table
    assert table["estimate"].sum() == pytest.approx(1) and (table[["estimate", "low"]] >= 0).all(axis=None)
    assert (table["low"] <= table["estimate"]).all() and (table["estimate"] <= table["high"]).all()


def test_two_groups_by_hand():
    """Means of 0.6 and 0.2 among coded comments, and 0.5 here: (0.5 - 0.2) / (0.6 - 0.2) is three quarters."""
    coded = pd.DataFrame({"anxiety": np.repeat([0.5, 0.7, 0.1, 0.3], 10)}).assign(neutral=lambda f: 1 - f["anxiety"])
    here = pd.DataFrame({"anxiety": [0.4, 0.6] * 50}).assign(neutral=lambda f: 1 - f["anxiety"])
    assert quick(here, coded, ["anxiety"] * 20 + ["neutral"] * 20).table["estimate"].tolist() == pytest.approx([0.75, 0.25])


def test_one_group_against_the_rest_is_a_matter_of_two_groups():
    rng = np.random.default_rng(1)
    (scored, _), (coded, codes) = nine_groups(2000, SOURCE, rng), nine_groups(400, SOURCE, rng)
    against = quick(scored, coded, codes, group="frustration")

    def two(frame):
        return pd.DataFrame({"frustration": frame["frustration"], "neutral": 1 - frame["frustration"]})

    by_hand = quick(two(scored), two(coded), np.where(codes == "frustration", "frustration", "neutral"))
    assert against.table["estimate"].tolist() == by_hand.table["estimate"].tolist()
    assert "\u201cfrustration\u201d" in against.summary and against.table["group"][1] == "all other groups"
    with pytest.raises(ValueError, match="none of the machine's groups"):
        quick(scored, coded, codes, group="rage")


def test_a_machine_that_cannot_tell_groups_apart_gives_no_share():
    rng = np.random.default_rng(0)
    scored, coded = (pd.DataFrame(rng.dirichlet(9 * SOURCE, n), columns=GROUPS) for n in (1000, 300))
    result = quick(scored, coded, rng.choice(GROUPS, 300, p=SOURCE))
    assert result.table[["estimate", "low", "high"]].isna().all(axis=None)
    assert result.summary.startswith("No share is given") and "too like" in result.summary


def test_two_groups_that_look_alike_do_not_spoil_the_others():
    rng = np.random.default_rng(0)
    (scored, _), (coded, codes) = nine_groups(2000, HERE, rng, 2.0), nine_groups(600, SOURCE, rng, 2.0)
    alike = ["gratitude", "admiration"]
    for frame in (scored, coded):
        frame[alike] = frame[alike].sum(axis=1).to_numpy()[:, None] * [0.5, 0.5]
    result = quick(scored, coded, codes)
    table = result.table.set_index("group")
    assert (table["basis"] == "not told apart").sum() == 2 and table.loc[alike, "estimate"].isna().all()
    assert table.loc["frustration", "estimate"] == pytest.approx(0.4, abs=0.08)
    assert "gratitude, admiration" in result.summary


def test_groups_coded_fewer_than_ten_times_are_not_estimated_and_that_is_said():
    rng = np.random.default_rng(0)
    (coded, codes) = nine_groups(400, SOURCE, rng)
    keep = (codes != "anxiety") | (np.cumsum(codes == "anxiety") <= 3)
    result = quick(nine_groups(2000, HERE, rng)[0], coded[keep], codes[keep])
    row = result.table.set_index("group").loc["anxiety"]
    assert row.basis == "too few coded" and np.isnan([row.estimate, row.coded]).all() and not np.isnan(row.mean_probability)
    assert result.table["coded"].isna().sum() == 2 and "not estimated: anxiety" in result.summary


def test_weights_bring_oversampled_coded_comments_back():
    """Within a group, those that the machine finds easy were drawn four times as often as the others."""
    rng = np.random.default_rng(0)
    scored, _ = two_groups(20_000, 0.5, rng)
    coded, codes = two_groups(40_000, 0.2, rng)
    easy = coded["frustration"] > 0.4
    drawn = easy | (rng.random(len(coded)) < 0.25)
    coded, codes, weight = coded[drawn].reset_index(drop=True), codes[drawn], np.where(easy, 1.0, 4.0)[drawn]
    plain, weighted = (quick(scored, coded, codes, sample_weight=w).table["estimate"][0] for w in (None, weight))
    assert abs(weighted - 0.5) < 0.025 < abs(plain - 0.5)


def test_people_who_write_much_make_the_interval_wider():
    rng = np.random.default_rng(0)
    (scored, feels), (coded, codes) = two_groups(2000, 0.5, rng), two_groups(3000, 0.2, rng)
    people = np.concatenate([np.repeat(np.arange(50), 20)] * 2)[np.argsort(np.argsort(feels, kind="stable"))]
    keys = feels + (people // 2).astype(str)
    by_comment, by_person = (quick(scored, coded, codes, people=who).table for who in (None, keys))
    width = [(table["high"] - table["low"])[0] for table in (by_comment, by_person)]
    assert width[1] > 1.2 * width[0] and by_comment["estimate"][0] == by_person["estimate"][0]


def test_a_share_of_few_is_withheld_and_cannot_be_worked_out_from_the_others():
    rng = np.random.default_rng(0)
    here = np.array([0.25, 0.2, 0.15, 0.1, 0.1, 0.1, 0.0, 0.0, 0.1])
    table = quick(nine_groups(300, here, rng, 2.5)[0], *nine_groups(2000, SOURCE, rng, 2.5)).table
    hidden = table["withheld"]
    assert hidden.sum() >= 2 and table.loc[hidden, ["estimate", "low", "high", "mean_probability"]].isna().all(axis=None)
    assert 300 * table["estimate"].min() >= 9.5
    assert table["counted"].isna().sum() >= 2 and 300 * table["counted"].min() >= 10


def test_ten_comments_of_a_few_people_are_a_few_people():
    rng = np.random.default_rng(0)
    scored, coded, codes = two_groups(400, 0.5, rng)[0], *two_groups(200, 0.2, rng)
    result = quick(scored, coded, codes, people=rng.integers(0, 12, 400))
    assert result.table["withheld"].all() and result.summary.startswith("No share")
    with pytest.raises(ValueError, match="there are 4"):
        quick(scored, coded, codes, people=rng.integers(0, 4, 400))
    assert not quick(scored, coded, codes, people=[None] * 400).table["withheld"].any()


def test_the_order_of_rows_and_columns_does_not_matter():
    rng = np.random.default_rng(0)
    (scored, _), (coded, codes) = nine_groups(1000, SOURCE, rng, 2.5), nine_groups(1000, SOURCE, rng, 2.5)
    codes = pd.Series(codes, coded.index)
    mixed = [scored.sample(frac=1, random_state=1)[list(reversed(GROUPS))], coded.sample(frac=1, random_state=2)]
    first, again = (quick(*frames, codes).table.set_index("group")["estimate"] for frames in ([scored, coded], mixed))
    assert again[first.index].to_numpy() == pytest.approx(first.to_numpy(), nan_ok=True)


def test_the_models_own_frame_is_taken_as_it_is():
    rng = np.random.default_rng(0)
    scored, coded = two_groups(500, 0.5, rng)[0], two_groups(200, 0.2, rng)
    whole = scored.assign(valence=0.1, top="neutral", confidence=0.6)
    pd.testing.assert_frame_equal(quick(whole, *coded).table, quick(scored, *coded).table)


@pytest.mark.parametrize(("change", "words"), [
    (lambda here, coded, codes: (here.rename(columns={"neutral": "calm"}), coded, codes), "groups differ"),
    (lambda here, coded, codes: (here, coded, ["neutral"] * 200), "code more"),
    (lambda here, coded, codes: (here[:5], coded, codes), "rest on 10 comments"),
    (lambda here, coded, codes: (here.assign(neutral=np.nan), coded, codes), "did not score")])
def test_what_cannot_be_estimated_is_refused_in_a_sentence(change, words):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=words):
        quick(*change(two_groups(100, 0.5, rng)[0], *two_groups(200, 0.2, rng)))
