"""The academic years of the synthetic library: terms, exam peaks, quiet vacations, days and hours of use."""

import numpy as np
import pandas as pd

FIRST_DAY, LAST_DAY = np.datetime64("2023-09-01"), np.datetime64("2026-08-31")
DAYS = np.arange(FIRST_DAY, LAST_DAY + 1)
PERIODS = ("2023/24", "2024/25", "2025/26")
TERM_STARTS = ("09-01 autumn", "01-01 spring", "05-01 summer")

# Busyness of each week after 1 September, as runs of (weeks, level)
RHYTHMS = {
    "taught": (
        (2, 0.2),
        (1, 0.8),
        (8, 1),
        (3, 1.5),
        (2, 0.25),
        (1, 0.05),
        (1, 0.8),
        (2, 1.7),
        (10, 1),
        (3, 0.5),
        (2, 1.3),
        (4, 1.9),
        (1, 1),
        (13, 0.12),
    ),
    "research": ((3, 0.7), (12, 1.1), (1, 0.6), (2, 0.15), (13, 1.1), (3, 0.7), (11, 1), (8, 0.6)),
}
WEEKDAYS = np.array([1.05, 1.1, 1.05, 1, 0.8, 0.4, 0.35])  # Monday first
HOLIDAYS = (15, 31)  # weeks after 1 September with which two quiet weeks begin, at Christmas and Easter
CLOSED = ("12-24", "12-25", "12-26", "12-31", "01-01")

# Share of visits that begin in each hour, 07:00 first and 21:00 last
HOURS = {
    "campus": (0.3, 1, 3, 5, 6, 6, 6, 7, 7, 6, 5, 3, 2.5, 2, 1),
    "distance": (1, 1.5, 2, 2, 2, 3, 3, 2, 2, 2, 3, 4, 7, 8, 6),
}


def day_number(dates):
    """Days since the first day of the study; what is earlier or later is moved to its edges."""
    days = (
        pd.to_datetime(pd.Series(dates)).fillna(pd.Timestamp(LAST_DAY)).to_numpy("datetime64[D]") - FIRST_DAY
    )
    return np.clip(days.astype(int), 0, len(DAYS) - 1)


def terms():
    """Give the nine terms as a frame: period, term, first and last (day numbers)."""
    rows = []
    for year, period in zip(range(2023, 2026), PERIODS, strict=True):
        for start in TERM_STARTS:
            month_day, term = start.split()
            rows.append((period, term, f"{year + (term != 'autumn')}-{month_day}"))
    frame = pd.DataFrame(rows, columns=["period", "term", "from"])
    frame["first"] = day_number(frame["from"])
    frame["last"] = np.append(frame["first"].to_numpy()[1:] - 1, len(DAYS) - 1)
    return frame[["period", "term", "first", "last"]]


def holidays():
    """Give the first and last day of each fortnight in which nobody is expected."""
    starts = [
        np.datetime64(f"{year}-09-01") + 7 * week for year in range(2023, 2026) for week in HOLIDAYS
    ]
    return [(start, start + 13) for start in starts]


def busyness(rhythm):
    """Give how busy each day is, as a weight; an ordinary teaching day weighs about 1."""
    day = pd.DatetimeIndex(DAYS)
    year = day.year - (day.month < 9)
    week = (day - pd.to_datetime({"year": year, "month": 9, "day": 1}).to_numpy()).days // 7
    weeks, levels = zip(*RHYTHMS[rhythm], strict=True)
    level = np.repeat(levels, weeks)[np.minimum(week, sum(weeks) - 1)]
    return level * WEEKDAYS[day.day_of_week] * ~day.strftime("%m-%d").isin(CLOSED)


def timetable():
    """Give the busyness summed up to each day, a row a rhythm: the clock by which visits arrive."""
    return np.vstack([np.append(0, np.cumsum(busyness(rhythm))) for rhythm in RHYTHMS])


def opening_minutes(distance, rng):
    """Draw the minute of the day at which each visit begins.

    Parameters
    ----------
    distance : ndarray of bool, shape (n_visits,)
        Whether the visitor studies at a distance, and so mostly in the evening.
    rng : numpy.random.Generator
    """
    draws = rng.random(len(distance))
    minutes = np.empty(len(distance), dtype=int)
    for keep, profile in ((distance, "distance"), (~distance, "campus")):
        share = np.cumsum(HOURS[profile]) / np.sum(HOURS[profile])
        minutes[keep] = 60 * (7 + np.searchsorted(share, draws[keep]))
    return minutes + rng.integers(0, 60, len(distance))
