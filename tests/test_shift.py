"""Statements about whom an hour of a service reaches, and what an hour moved would change on average."""

import numpy as np
import pandas as pd
import pytest

from libengage_utils.attention import acts_an_hour, allocate, shift_hour

KEYS = [f"p{n:03}" for n in range(100)]
SEGMENT = pd.Series(["not seen"] * 50 + ["regular"] * 50, index=KEYS)


def allocation(desk=KEYS, chat=KEYS[50:], minutes=(600.0, 250.0), archive=KEYS[:3]):
    """A month in which these people came to each service once; rows without a person are of nobody identified."""
    places = {"desk": desk, "chat": chat, "archive": archive}
    events = pd.DataFrame({"touchpoint": np.repeat([*places], [len(keys) for keys in places.values()]),
                           "person_key": [key for keys in places.values() for key in keys]})
    events = events.assign(occurred_at=pd.Timestamp("2025-01-02"), event_type="ask", initiated_by="person")
    days = pd.date_range("2025-01-01", periods=20)
    log = pd.concat([pd.DataFrame({"on": days, "service": place, "minutes": total / 20}) for place, total in
                     zip(["desk", "chat", "archive", "upkeep"], [*minutes, 60, 100], strict=True)])
    return allocate(log, events, first="2025-01-01", last="2025-01-31")


def test_an_hour_reaches_acts_in_the_mix_of_the_service():
    table = acts_an_hour(allocation(), SEGMENT)
    assert table.index.tolist() == ["desk", "chat"]  # a service of few people, and one that answers no act, are not shown
    assert table.loc["desk"].to_dict() == {"not seen": 5, "regular": 5, "nobody identified": 0, "rests_on": 50}
    assert table.loc["chat", ["not seen", "regular", "rests_on"]].isna().all()


def test_acts_an_hour_add_up_to_sixty_over_minutes_an_act():
    found = allocation(chat=[*KEYS, *[None] * 25])
    rows = acts_an_hour(found, SEGMENT.iloc[:80]).drop(columns="rests_on")
    assert rows.columns.tolist() == ["not seen", "regular", "new, or not visible before", "nobody identified"]
    per_act = found.services.set_index("service")["minutes_an_act"][rows.index]
    assert rows.sum(axis=1).to_numpy() == pytest.approx(60 / per_act.to_numpy())
    assert rows.loc["chat", "nobody identified"] == pytest.approx(60 / 2 * 25 / 125)


def test_an_hour_moved_loses_acts_at_one_service_and_gains_them_at_the_other():
    found = allocation(chat=KEYS[20:])
    result = shift_hour(found, SEGMENT, source="desk", target="chat")
    table = result.table.set_index("segment")
    assert result.lost == pytest.approx(10) and result.gained == pytest.approx(60 / (250 / 80))
    assert table["lost"].tolist() == pytest.approx([5, 5, 0])
    assert table["gained"].tolist() == pytest.approx([19.2 * 3 / 8, 19.2 * 5 / 8, 0])
    assert table["net"].tolist() == pytest.approx((table["gained"] - table["lost"]).tolist())
    assert (table["net_low"] <= table["net"]).all() and (table["net"] <= table["net_high"]).all()
    assert "10.0 acts a week at the first and 19.2 at the second" in result.summary and "+7.0 for regular" in result.summary
    assert len(result.assumptions) == 4 and "assumptions" in result.summary


def test_half_the_minutes_move_half_the_acts_and_back_again_the_same_with_other_signs():
    found = allocation(chat=KEYS[20:])
    hour, half, back = (shift_hour(found, SEGMENT, source=a, target=b, minutes=m).table["net"]
                        for a, b, m in (("desk", "chat", 60), ("desk", "chat", 30), ("chat", "desk", 60)))
    assert half.tolist() == pytest.approx((hour / 2).tolist()) and back.tolist() == pytest.approx((-hour).tolist())


def test_no_difference_is_asserted_that_its_interval_does_not_show():
    found = allocation(chat=KEYS, minutes=(600.0, 600.0))
    result = shift_hour(found, SEGMENT, source="desk", target="chat")
    assert "cannot be told for not seen, regular" in result.summary and "Net acts" not in result.summary


def test_the_order_of_people_does_not_matter_and_few_are_withheld_with_others_that_would_tell_them():
    found = allocation(chat=KEYS[45:])
    result = shift_hour(found, SEGMENT, source="desk", target="chat")
    assert result.table.set_index("segment")["net"].isna().tolist() == [True, True, False]
    unknown = shift_hour(allocation(chat=[*KEYS, *[None] * 9]), SEGMENT, source="desk", target="chat").table
    assert unknown.set_index("segment")["net"].isna().tolist() == [False, False, True]
    busy = allocation(chat=[*KEYS, *KEYS[:1] * 60])      # one person acts more than all others of the segment
    assert acts_an_hour(busy, SEGMENT).loc["chat", ["not seen", "regular"]].isna().all()
    full = allocation(chat=KEYS[20:])
    one, other = (shift_hour(full, some, source="desk", target="chat").table
                  for some in (SEGMENT, SEGMENT.sample(frac=1, random_state=0)))
    pd.testing.assert_frame_equal(one, other)


def test_its_intervals_hold_the_truth_nine_times_in_ten():
    """Of acts at the desk half are of either segment, at the chat a quarter of people not seen: 4 acts an hour at both."""
    rng = np.random.default_rng(0)
    held = []
    for seed in range(60):
        desk, chat = (rng.choice(KEYS, 200, p=np.repeat(p, 50) / 100).tolist() for p in ([1, 1], [0.5, 1.5]))
        found = allocation(desk, chat, minutes=(3000.0, 3000.0))
        row = shift_hour(found, SEGMENT, source="desk", target="chat", draws=200, random_state=seed).table.loc[0]
        held.append(row.net_low <= 4 * (0.25 - 0.5) <= row.net_high)
    assert np.mean(held) >= 0.88


@pytest.mark.parametrize(("source", "target", "minutes", "said"), [
    ("desk", "desk", 60, "from one service to another"), ("desk", "chat", 0, "minutes above 0"),
    ("desk", "cafe", 60, "No staff time is logged for cafe: choose from"), ("upkeep", "desk", 60, "answers no act"),
    ("desk", "archive", 60, "stand behind archive")])
def test_a_shift_that_cannot_be_worked_out_gets_a_sentence(source, target, minutes, said):
    with pytest.raises(ValueError, match=said):
        shift_hour(allocation(), SEGMENT, source=source, target=target, minutes=minutes)
