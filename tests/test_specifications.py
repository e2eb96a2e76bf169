"""Every combination of choices is made once, the claim's own first, and none disappears."""

from types import SimpleNamespace

import pytest

from libengage_utils.specifications import specifications


def share(base, days, who):
    if days > 60 and who == "few":
        raise ValueError("Too few people were watched so long.")
    return SimpleNamespace(estimate=base + days, low=base + days - 1, high=base + days + 1)


OWN = {"days": "90 days", "who": "all"}
CHOICES = {"days": {"30 days": 30, "90 days": 90}, "who": {"all": "all", "few": "few"}}


def test_every_combination_is_made_and_the_claims_own_is_marked():
    table = specifications(share, CHOICES, OWN, base=1)
    assert table[["days", "who"]].drop_duplicates().shape[0] == 4
    assert table.loc[table["judged"], "estimate"].tolist() == [91]


def test_the_claims_own_choices_must_be_among_them():
    with pytest.raises(ValueError, match="no choice of who"):
        specifications(share, CHOICES, {"days": "90 days", "who": "nobody"}, base=1)


def test_what_cannot_be_made_is_kept_with_its_reason():
    table = specifications(share, CHOICES, OWN, base=1)
    assert table.loc[table["estimate"].isna(), "why"].tolist() == ["Too few people were watched so long."]


def test_another_error_is_not_hidden():
    with pytest.raises(TypeError):
        specifications(share, CHOICES, OWN)
