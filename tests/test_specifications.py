"""Every combination of choices is made once, the claim's own first, and none disappears."""

from types import SimpleNamespace

from libengage_utils.specifications import specifications


def share(base, days, who):
    if days > 60 and who == "few":
        raise ValueError("Too few people were watched so long.")
    return SimpleNamespace(estimate=base + days, low=base + days - 1, high=base + days + 1)


CHOICES = {"days": {"30 days": 30, "90 days": 90}, "who": {"all": "all", "few": "few"}}


def test_every_combination_is_made_and_the_claims_own_comes_first():
    table = specifications(share, CHOICES, base=1)
    assert table[["days", "who"]].drop_duplicates().shape[0] == 4
    assert table["judged"].tolist() == [True, False, False, False] and table["estimate"].iloc[0] == 31


def test_what_cannot_be_made_is_kept_with_its_reason():
    table = specifications(share, CHOICES, base=1)
    assert table.loc[table["estimate"].isna(), "why"].tolist() == ["Too few people were watched so long."]


def test_another_error_is_not_hidden():
    try:
        specifications(share, CHOICES)
    except TypeError:
        return
    raise AssertionError("a missing argument was taken for a choice that cannot be made")
