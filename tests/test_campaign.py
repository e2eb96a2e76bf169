"""A page is about one campaign, the latest unless another is named, by the rule that was registered."""

import pandas as pd
import pytest

from libengage_utils.letters import chosen_campaign
from libengage_utils.study import open_study

CONTACTS = "campaign_id,person_id,arm,probability,assigned_at,sent_at\n"
SPRING = ("z-spring,u1,letter,0.5,2025-03-01 12:00,2025-03-02 09:00\n"
          "z-spring,u2,holdout,0.5,2025-03-01 12:00,\n")
SUMMER = "a-summer,u3,letter,0.5,2025-06-01 12:00,2025-06-02 09:00\n"
CAMPAIGNS = ("campaign_id,purpose,lapse_days,outcome_days,registered_on\n"
             "z-spring,to learn,200,60,2025-02-01\na-summer,to learn,,30,\n")


@pytest.fixture
def study(write_study):
    def write(contacts=SPRING + SUMMER, campaigns=CAMPAIGNS):
        names = ["people", "events", *(["contacts"] if contacts else []), *(["campaigns"] if campaigns else [])]
        files = {"contacts.csv": CONTACTS + contacts if contacts else None, "campaigns.csv": campaigns}
        return open_study(write_study(files=files, sources={name: f"{name}.csv" for name in names}))
    return write


def test_the_latest_campaign_is_taken_whatever_its_name(study):
    campaign = chosen_campaign(study())
    assert (campaign.name, campaign.day, campaign.outcome_days) == ("a-summer", pd.Timestamp("2025-06-01"), 30)
    assert campaign.lapse_days == 365 and campaign.registered_on is None
    assert "Of 2 campaigns this page is about a-summer." in campaign.notes
    assert "the day of the letters" in campaign.summary and "Nobody was held back by lot" in campaign.summary


def test_another_may_be_named_and_its_rule_is_the_registered_one(study):
    campaign = chosen_campaign(study(), "z-spring")
    assert (campaign.lapse_days, campaign.outcome_days, campaign.registered_on) == (200, 60, pd.Timestamp("2025-02-01"))
    assert len(campaign.sent) == 1 and "the day of the draw" in campaign.summary
    assert chosen_campaign(study(), "z-spring", outcome_days=90).outcome_days == 90


def test_a_campaign_nobody_is_in_is_refused_with_those_there_are(study):
    with pytest.raises(ValueError, match="No contact is of a campaign autumn; there are: z-spring, a-summer"):
        chosen_campaign(study(), "autumn")


def test_a_study_without_letters_can_be_planned_for_the_day_after_its_data_end(study):
    campaign = chosen_campaign(study(contacts=None, campaigns=None))
    assert campaign.name == "" and campaign.day == pd.Timestamp("2025-09-01") and campaign.sent.empty
    assert "it can plan and not judge" in campaign.summary and "names no holidays" in campaign.summary
