"""Statements about the number and distinctness of dimensions, on people whose dimensions are known."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import norm, rankdata

from libengage_utils.dimensions import dimension_correlations, parallel_analysis
from libengage_utils.latent import polychoric

BEHAVIOUR = ["active days", "breadth", "regularity"]
AFFECT = ["rating 1", "rating 2", "rating 3"]
PARTICIPATION = ["workshops", "suggestions", "comments"]
DIMENSIONS = {"behaviour": BEHAVIOUR, "affect": AFFECT, "participation": PARTICIPATION}


def people_with(correlations, n=2000, seed=0):
    """Heavy-tailed counts, ratings from 1 to 5 and rare acts, from three factors with these correlations.

    `correlations` are of behaviour with affect, behaviour with participation, affect with participation.
    """
    rng = np.random.default_rng(seed)
    ab, ac, bc = correlations
    factors = rng.multivariate_normal(np.zeros(3), [[1, ab, ac], [ab, 1, bc], [ac, bc, 1]], n)
    loading = np.repeat([0.8, 0.75, 0.75], 3)
    z = np.repeat(factors, 3, axis=1) * loading + rng.normal(size=(n, 9)) * np.sqrt(1 - loading**2)
    columns = [np.floor(np.exp(2.5 + 1.2 * z[:, 0])), np.floor(8 * norm.cdf(z[:, 1])), z[:, 2]]
    columns += [1.0 + np.digitize(z[:, i], [-2, -1.2, -0.3, 0.8]) for i in (3, 4, 5)]
    columns += [(z[:, i] > norm.isf(share)) * 1.0 for i, share in ((6, 0.1), (7, 0.05), (8, 0.2))]
    return pd.DataFrame(dict(zip(BEHAVIOUR + AFFECT + PARTICIPATION, columns, strict=True)))


@pytest.mark.parametrize(
    ("correlations", "number"),
    [((1, 1, 1), 1), ((0.3, 1, 0.3), 2), ((0.3, 0.3, 0.3), 3)],
)
def test_one_two_and_three_dimensions_are_counted(correlations, number):
    result = parallel_analysis(people_with(correlations), n_draws=40, n_boot=40)
    assert result.components.estimate == result.components.low == result.components.high == number
    assert result.several == (number > 1)
    assert result.loadings.shape == (9, number)


def test_the_indicators_of_a_dimension_load_on_one_component():
    loadings = parallel_analysis(people_with((0.3, 0.3, 0.3)), n_draws=20, n_boot=20).loadings
    homes = [set(loadings.loc[columns].idxmax(axis=1)) for columns in DIMENSIONS.values()]
    assert [len(home) for home in homes] == [1, 1, 1]
    assert len(set.union(*homes)) == 3


def test_unrelated_indicators_have_no_component_larger_than_chance():
    counts = pd.DataFrame(np.random.default_rng(1).poisson(1, (1000, 6)), columns=list("abcdef"))
    result = parallel_analysis(counts, n_draws=60, n_boot=10)
    assert result.components.estimate == 0
    assert result.first_share.estimate < 0.2


def test_a_lone_indicator_makes_no_component_though_it_is_related_to_nothing():
    """The trap: four behavioural indicators and one rating look like one dimension whatever the rating."""
    rng = np.random.default_rng(2)
    use = rng.normal(size=(1000, 1)) + rng.normal(size=(1000, 4)) * 0.7
    frame = pd.DataFrame(use, columns=list("abcd")).assign(rating=rng.integers(1, 6, 1000))
    assert parallel_analysis(frame, n_draws=40, n_boot=10).components.estimate == 1
    with pytest.raises(ValueError, match="affect has 1 indicator: without a second"):
        dimension_correlations(frame, {"behaviour": list("abcd"), "affect": ["rating"]})


def test_near_duplicates_are_named():
    frame = people_with((0.3, 0.3, 0.3), n=500).assign(acts=lambda f: f["active days"] * 2 + 1)
    result = parallel_analysis(frame, n_draws=10, n_boot=10)
    assert result.near_duplicates[["first", "second"]].values.tolist() == [["active days", "acts"]]
    assert "active days and acts are nearly the same" in result.summary


def test_each_correlation_lies_in_its_interval():
    correlations = parallel_analysis(people_with((0.3, 0.5, 0.1), n=400), n_draws=10, n_boot=200).correlations
    assert len(correlations) == 36
    assert correlations.correlation.between(correlations.low, correlations.high).mean() > 0.97


def test_rare_participation_does_not_by_itself_make_a_second_dimension():
    """One factor: correlations of ranks, corrected for unreliability, would still call it two."""
    people = people_with((1, 1, 1), n=3000)
    result = dimension_correlations(people, DIMENSIONS, n_boot=60)
    assert result.largest.low > 0.85
    assert (result.pairs.corrected > 0.93).all()

    ranks = np.corrcoef(rankdata(people, axis=0).T)
    behaviour, participation, across = ranks[:3, :3], ranks[6:, 6:], ranks[:3, 6:]
    upper = np.triu_indices(3, 1)
    assert across.mean() / np.sqrt(behaviour[upper].mean() * participation[upper].mean()) < 0.85


def test_correlations_between_dimensions_are_recovered():
    result = dimension_correlations(people_with((0.3, 0.6, 0.1), n=4000), DIMENSIONS, n_boot=100)
    assert result.pairs.corrected.to_numpy() == pytest.approx([0.3, 0.6, 0.1], abs=0.07)
    assert (result.pairs.observed < result.pairs.corrected).all()
    assert result.largest.low < 0.6 < result.largest.high < 0.85
    assert "behaviour and participation" in result.summary


def test_the_interval_of_the_corrected_correlation_covers_the_truth_nine_times_in_ten():
    """95 in 100 are meant; by hand 92 were reached over many more samples."""
    two = {"behaviour": BEHAVIOUR, "affect": AFFECT}
    covered = []
    for seed in range(30):
        people = people_with((0.7, 0.7, 0.7), n=500, seed=seed)
        row = dimension_correlations(people, two, n_boot=80).pairs.loc[0]
        covered.append(row.low <= 0.7 <= row.high)
    assert np.mean(covered) >= 0.8


def test_a_dimension_measured_badly_gives_a_wide_interval_not_a_verdict():
    people = people_with((0.8, 0.8, 0.8), n=150)
    rng = np.random.default_rng(3)
    noisy = {name: people[name] + rng.normal(scale=4, size=len(people)) for name in AFFECT}
    two = {"behaviour": BEHAVIOUR, "affect": AFFECT}
    result = dimension_correlations(people.assign(**noisy), two, n_boot=200)
    assert result.largest.low < 0.85 < result.largest.high


def test_people_without_a_rating_count_where_no_rating_is_needed():
    people = people_with((0.4, 0.4, 0.4), n=900)
    people.loc[600:, "rating 2"] = np.nan
    result = dimension_correlations(people, DIMENSIONS, n_boot=10)
    assert result.pairs.people.tolist() == [600, 900, 600]
    assert result.reliability.people.tolist() == [900, 600, 900]
    analysis = parallel_analysis(people, n_draws=10, n_boot=10)
    assert (analysis.people, analysis.left_out) == (600, 300)
    assert "about 600 people; about 300 lack an indicator" in analysis.summary


def test_frame_library_and_seed():
    people = people_with((0.4, 0.4, 0.4), n=600)
    two = {"behaviour": BEHAVIOUR, "affect": AFFECT}
    results = [dimension_correlations(f, two, n_boot=20) for f in (people, pl.from_pandas(people))]
    pd.testing.assert_frame_equal(results[0].pairs, results[1].pairs)
    assert results[0].largest == results[1].largest
    assert results[0].largest != dimension_correlations(people, two, n_boot=20, random_state=1).largest
    analyses = [parallel_analysis(f, n_draws=10, n_boot=10) for f in (people, pl.from_pandas(people))]
    pd.testing.assert_frame_equal(analyses[0].eigenvalues, analyses[1].eigenvalues)


def test_bad_frames_get_a_sentence():
    people = people_with((0.4, 0.4, 0.4), n=200)[BEHAVIOUR]
    with pytest.raises(ValueError, match="Indicators are numbers and mode is not"):
        parallel_analysis(people.assign(mode="distance"))
    with pytest.raises(ValueError, match="Too few people have all of"):
        parallel_analysis(people.assign(rating=np.nan))
    with pytest.raises(ValueError, match="gifts is the same for nearly all: too few people differ"):
        parallel_analysis(people.assign(gifts=[1] + [0] * 199))
    with pytest.raises(ValueError, match="three indicators or more; there are 2"):
        parallel_analysis(people[["breadth", "regularity"]])


def test_badly_named_dimensions_get_a_sentence():
    people = people_with((0.4, 0.4, 0.4), n=200)
    for dimensions, said in [
        ({"behaviour": BEHAVIOUR}, "Name two dimensions or more"),
        ({"behaviour": BEHAVIOUR, "affect": ["mood", "rating 1"]}, "no column mood"),
        ({"behaviour": BEHAVIOUR, "affect": ["breadth", "rating 1"]}, "breadth is named twice"),
    ]:
        with pytest.raises(ValueError, match=said):
            dimension_correlations(people, dimensions)
    people["rating 2"] = 6 - people["rating 1"]
    with pytest.raises(ValueError, match=r"affect .* do not correlate with each other"):
        dimension_correlations(people, {"behaviour": BEHAVIOUR, "affect": ["rating 1", "rating 2"]}, n_boot=5)


def test_the_correction_is_the_heterotrait_monotrait_ratio():
    people = people_with((0.4, 0.4, 0.4), n=800)
    matrix = polychoric(people[BEHAVIOUR + AFFECT]).to_numpy()
    within = [np.mean([m[0, 1], m[0, 2], m[1, 2]]) for m in (matrix[:3, :3], matrix[3:, 3:])]
    result = dimension_correlations(people, {"behaviour": BEHAVIOUR, "affect": AFFECT}, n_boot=10)
    assert result.pairs.corrected[0] == pytest.approx(matrix[:3, 3:].mean() / np.sqrt(within[0] * within[1]))
    alpha = 3 * within[0] / (1 + 2 * within[0])
    assert result.reliability.reliability[0] == pytest.approx(alpha)


def test_a_year_that_raises_both_does_not_pass_for_likeness():
    rng = np.random.default_rng(0)
    n = 4000
    traits = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], n)
    there = rng.normal(size=(n, 2))  # how much of each year the person was there
    people = pd.DataFrame({f"{name} {year}": traits[:, at] + there[:, year] + rng.normal(size=n)
                           for at, name in enumerate(["use", "giving"]) for year in range(2)})
    named = {name: [f"{name} {year}" for year in range(2)] for name in ("use", "giving")}
    apart = dimension_correlations(people, named, by_occasion=True, n_boot=50)
    assert apart.pairs.corrected[0] == pytest.approx(0.3, abs=0.05)
    assert dimension_correlations(people, named, n_boot=50).pairs.corrected[0] > 0.6


def test_one_thing_measured_by_year_under_two_names_is_one_thing():
    rng = np.random.default_rng(0)
    trait = rng.normal(size=4000)
    people = pd.DataFrame({f"{name} {year}": trait + rng.normal(size=4000) for name in "ab" for year in range(2)})
    named = {name: [f"{name} {year}" for year in range(2)] for name in "ab"}
    found = dimension_correlations(people, named, by_occasion=True, n_boot=50)
    assert found.pairs.corrected[0] == pytest.approx(1, abs=0.06)


def test_dimensions_taken_by_occasion_need_equally_many_indicators():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 5)), columns=list("abcde"))
    with pytest.raises(ValueError, match="equally many"):
        dimension_correlations(frame, {"one": ["a", "b"], "two": ["c", "d", "e"]}, by_occasion=True)
