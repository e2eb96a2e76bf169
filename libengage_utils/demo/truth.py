"""The truth of the synthetic library: what was planted, what came of it, and how many of everything."""

import pandas as pd

from . import activity, forms, friction, journeys, launches, letter, lists, people, realised


def truth_file(seed, planted, made):
    """Give the content of ``truth.yml``.

    Parameters
    ----------
    seed : int
    planted : dict of str to bool
    made : dict
        Everything built on the way: roster, traits, acts, moods, log, feedback, comments, ...

    Returns
    -------
    dict
    """
    return _plain(
        {
            "synthetic": True,
            "note": "Every figure and every comment is invented; no real institution or person is described.",
            "seed": seed,
            "claims": _claims(planted, made),
            "counts": _counts(made),
        }
    )


def truth_people(roster, traits, acts, planted):
    """Give each person's kind, traits and whether an identified act shows them."""
    hidden = traits[["kind", "drive", "warmth", "voice"]].round(3)
    segment = traits["segment"] if planted["segments"] else ""
    return (
        roster[["person_id"]].join(hidden).assign(segment=segment, visible=roster.index.isin(acts["person"]))
    )


def _claims(planted, made):
    roster, acts, library = made["roster"], made["acts"], made["library"]
    after = realised.after_journeys(acts, made["ratings"])
    entries = {
        "C01": (
            "uptake as a share of the forecast",
            launches.FALLS_SHORT,
            realised.uptake(roster, acts, library, made["forecasts"]),
        ),
        "C02": (
            "standard deviation of log drive over people",
            {True: people.SPREAD, False: 0},
            {"top_fifth_share": realised.concentration(acts)},
        ),
        "C03": (
            "how asking the staff follows drive",
            activity.HELP_BY_DRIVE,
            realised.attention(roster, acts, library),
        ),
        "C04": (
            "correlation of drive, warmth and voice",
            {True: 0.25, False: 0.9},
            {
                "drive_warmth": made["traits"]["drive"].corr(made["traits"]["warmth"]),
                "drive_voice": made["traits"]["drive"].corr(made["traits"]["voice"]),
                "warmth_voice": made["traits"]["warmth"].corr(made["traits"]["voice"]),
            },
        ),
        "C05": (
            "emotion on the log of the next term's visits",
            activity.EMOTION_TO_USE,
            realised.mediation(made["moods"]),
        ),
        "C07": (
            "whether strong feelings make people write",
            {True: 1, False: 0},
            realised.tails(made["feedback"]),
        ),
        "C08": (
            "weight of the peak against the end; without it the mean counts",
            {True: forms.PEAK_WEIGHT, False: None},
            realised.peak_and_end(made["ratings"]),
        ),
        "C09": (
            "chance that friction starts a quiet spell, for people of few acts",
            {True: friction.QUIET_AFTER, False: 0},
            after,
        ),
        "C10": (
            "visits gained by a failure put right, within 90 days",
            {True: friction.EXTRA_VISITS, False: 0},
            after,
        ),
        "C12": (
            "whether circumstances move the chance of never being seen",
            {True: 1, False: 0},
            realised.never_seen(roster, acts),
        ),
        "C14": (
            "what the letter adds to the share back within 90 days",
            letter.LETTER_ADDS,
            realised.returns(roster, acts, made["contacts"], made["campaigns"]),
        ),
        "C16": ("cocreation on the log of opens", lists.COCREATION, {}),
        "C17": ("on the log of opens: all items with notes, all digitised, log of length", lists.MAKING, {}),
        "C18": (
            "chance that a journey leaves the declared way",
            journeys.LEAVES_THE_WAY,
            {"off_path": made["steps"].groupby("journey")["off_path"].first().mean()},
        ),
        "C19": (
            "share of feedback gathered without who and about what",
            {True: 0, False: 0.75},
            realised.signals(roster, acts, made["feedback"], library),
        ),
        "segments": ("kinds of users", {True: people.SEGMENT_SHARES, False: None}, {}),
    }
    return {
        claim: {
            "holds": planted[claim],
            "parameter": meaning,
            "value": values[planted[claim]],
            "realised": figures,
        }
        for claim, (meaning, values, figures) in entries.items()
    }


def _counts(made):
    roster, traits, acts, log = made["roster"], made["traits"], made["acts"], made["log"]
    feedback, comments = made["feedback"], made["comments"]
    visible = roster.index.isin(acts["person"])
    return {
        "people": len(roster),
        "visible": visible.sum(),
        "no_identified_act": (~visible).sum(),
        "kinds": traits["kind"].value_counts().to_dict(),
        "kinds_without_identified_act": traits.loc[~visible, "kind"].value_counts().to_dict(),
        "analytics_opt_out": roster["analytics_opt_out"].sum(),
        "events": {
            "rows": len(made["events"]),
            "sound": len(log),
            "anonymous": log["person_id"].isna().sum(),
            "initiated_by": log["initiated_by"].value_counts().to_dict(),
            "duplicate": made["flaws"]["duplicate"],
            "bad": {kind: count for kind, count in made["flaws"].items() if kind != "duplicate"},
        },
        "journeys": made["steps"]["journey"].nunique(),
        "campaign": made["contacts"]["arm"].value_counts().to_dict(),
        "feedback": {"rows": len(feedback), "instruments": feedback["instrument"].value_counts().to_dict()},
        "comments": {
            "rows": len(comments),
            "repeats": feedback["text"].dropna().duplicated().sum(),
            "emotions": comments["emotion"].value_counts().to_dict(),
            "styles": comments["style"].value_counts().to_dict(),
            "languages": comments["language"].value_counts().to_dict(),
        },
    }


def _plain(value):
    """Turn numbers of numpy into plain ones, rounded to four places, all the way down."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if hasattr(value, "item"):
        value = value.item()
    return round(value, 4) if isinstance(value, float) and not pd.isna(value) else value
