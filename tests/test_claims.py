"""A verdict follows from the rule, the interval and nothing else."""

import pandas as pd
import pytest

from libengage_utils.claims import CLAIMS, MIME, VERDICTS, judge, known
from libengage_utils.demo.planted import DEFAULTS


@pytest.mark.parametrize(("interval", "verdict"), [
    ((0.50, 0.70), "supported here"), ((0.49, 0.70), "cannot tell"), ((0.30, 0.60), "cannot tell"),
    ((0.30, 0.499), "not supported here"), (None, "cannot tell")])
def test_the_whole_interval_must_lie_on_one_side(interval, verdict):
    estimate = sum(interval) / 2 if interval else 0.9
    assert judge("C02", estimate, interval, answer="Found.").verdict == verdict


@pytest.mark.parametrize(("interval", "verdict"), [
    ((0.50, 0.84), "supported here"), ((0.50, 0.86), "cannot tell"), ((0.85, 0.99), "not supported here")])
def test_a_claim_may_lie_below_its_threshold(interval, verdict):
    assert judge("C04", sum(interval) / 2, interval, answer="Found.").verdict == verdict


def test_without_an_estimate_a_claim_is_not_testable():
    card = judge("C12", missing="No mode is recorded.")
    assert card.verdict == "not testable with this data" and card.answer == "No mode is recorded."
    assert judge("C12", float("nan"), (0, 1), missing="x").verdict == VERDICTS[3]


def test_an_interval_that_does_not_hold_its_estimate_is_refused():
    with pytest.raises(ValueError, match="does not hold the estimate"):
        judge("C02", 0.9, (0.1, 0.2))


def test_a_card_travels_as_data_and_as_words():
    bundle = judge("C02", 0.7, (0.6, 0.8), answer="A few make most.")._repr_mimebundle_()
    assert bundle[MIME]["verdict"] == "supported here" and bundle[MIME]["interval"] == "60% to 80%"
    assert "A few make most." in bundle["text/html"] and "A few make most." in bundle["text/plain"]


def test_words_in_a_card_cannot_be_markup():
    assert "<script>" not in judge("C02", 0.7, (0.6, 0.8), answer="<script>")._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_every_rule_names_its_quantity_and_threshold(claim):
    assert f"{claim.quantity} is {claim.side}" in claim.rule and claim.show(claim.threshold) in claim.rule and claim.why


@pytest.mark.parametrize("words", ["The effect is large.", "It was caused by the letter.", "Ten were brought back."])
def test_a_card_names_a_cause_only_where_a_lot_decided(words):
    assert judge("C14", 5, (3, 7), answer=words).answer == words
    with pytest.raises(ValueError, match="names a cause"):
        judge("C03", 0.4, (0.3, 0.5), answer=words)


def test_a_card_says_how_far_its_verdict_depends_on_the_choices_made():
    other = pd.DataFrame({"estimate": [0.4, 0.25, 0.1, float("nan")], "low": [0.3, 0.1, 0.0, float("nan")],
                          "high": [0.5, 0.4, 0.15, float("nan")]})
    card = judge("C03", 0.4, (0.3, 0.5), specifications=other)
    assert card.verdict == "supported here"
    assert card.across == ("Under 3 sets of choices the estimate goes from 0.10 to 0.40, with the same verdict under 1 of "
                           "them (cannot tell: 1; not supported here: 1). Could not be computed: 1.")
    assert card.across in card._repr_mimebundle_()["text/html"]


def test_a_rule_reworded_after_its_estimate_was_seen_says_so():
    kept, changed = judge("C16", 12, (11, 13)), judge("C17", 12, (11, 13))
    assert "written before" in kept.rule_heading and not kept.reworded
    assert "reworded after" in changed.rule_heading and "The mark was not moved." in changed.reworded
    assert changed.reworded in changed._repr_mimebundle_()["text/html"]


def test_a_verdict_that_most_choices_do_not_give_says_so_and_where_the_one_judged_stands():
    grid = pd.DataFrame({"estimate": [0.4, 0.25, 0.1], "low": [0.3, 0.1, 0.0], "high": [0.5, 0.4, 0.15],
                         "judged": [True, False, False]})
    card = judge("C03", 0.4, (0.3, 0.5), specifications=grid)
    assert card.shaky and card.firm == "under only 1 of 3 sets of choices"
    assert "The estimate judged is the highest of them all." in card.across
    firm = judge("C03", 0.4, (0.3, 0.5), specifications=grid.assign(low=0.3, high=0.5, estimate=[0.4, 0.41, 0.39]))
    assert not firm.shaky and "of them all" not in firm.across


def test_what_is_known_of_verdicts_is_known_of_every_claim_in_every_seed():
    found = known()
    assert found["claims"].keys() == DEFAULTS.keys() - {"segments"} and found["claims"].keys() <= CLAIMS.keys()
    tallies = [tally for ways in found["claims"].values() for tally in ways.values()]
    assert {sum(tally.values()) for tally in tallies} == {found["seeds"]}
    assert found["verdicts"] == {word: sum(tally[word] for tally in tallies) for word in ("right", "open", "wrong")}
    assert {counts["of"] for counts in found["kinds"].values()} == {found["seeds"]}
