"""The study file of the synthetic library: its calendar, its tables, and what its sources can see."""

from datetime import date

from .people import UNSEEN_SITE
from .seasons import FIRST_DAY, LAST_DAY, PERIODS, holidays

BLIND = f"home_site={UNSEEN_SITE}"


def study_file(sources, library):
    """Give the content of ``study.yml``.

    Parameters
    ----------
    sources : dict of str to str
        File name of each table.
    library : dict
        From `read_library`; its sources make the coverage.

    Returns
    -------
    dict
    """
    return {
        "name": "Demo university library",
        "synthetic": True,
        "purpose": "Show, on a synthetic library whose truth is known, what activity and feedback tell "
        "about engagement.",
        "retention": date(2099, 12, 31),
        "as_of": LAST_DAY.item(),
        "time_zone": "Europe/London",
        "minimum_count": 10,
        "calendar": {
            "loan_days": 28,
            "teaching_weeks": 30,
            "periods": [
                {"period": period, "from": date(year, 9, 1), "to": date(year + 1, 8, 31)}
                for year, period in enumerate(PERIODS, start=2023)
            ],
            "holidays": [{"from": first.item(), "to": last.item()} for first, last in holidays()],
        },
        "sources": sources,
        "coverage": [
            {
                "source": name,
                "from": FIRST_DAY.item(),
                "to": LAST_DAY.item(),
                "identity": source["identity"],
                "blind_spots": _blind_spots(source),
            }
            for name, source in library["sources"].items()
        ],
    }


def _blind_spots(source):
    spots = [BLIND] if source["identity"] == "person" else []
    return "; ".join([*spots, source["unseen"]] if "unseen" in source else spots)
