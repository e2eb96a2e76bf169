"""Mediation with 1,000 bootstrap samples: the indirect association, its interval, and the total, to within chance."""

DRAWS = 1_000
TOLERANCE = 0.1


def make(folder, events):
    """A person to a thousand events, and no fewer than a thousand."""
    import numpy as np
    import pandas as pd

    people, rng = max(events // 1_000, 1_000), np.random.default_rng(0)
    frame = pd.DataFrame({"before": rng.normal(size=people), "experience": rng.normal(size=people)})
    frame["emotion"] = 0.5 * frame["experience"] + 0.2 * frame["before"] + rng.normal(size=people)
    frame["visits"] = 0.4 * frame["emotion"] + 0.3 * frame["experience"] + rng.normal(size=people)
    frame.to_parquet(folder / "answers.parquet")


def read(folder):
    import pandas as pd

    return pd.read_parquet(f"{folder}/answers.parquet")


def this_package(folder):
    from libengage_utils.effects.mediation import mediation

    table = mediation(read(folder), "experience", "emotion", "visits", covariates=["before"], draws=DRAWS).table
    return [*map(float, table.loc["indirect"]), float(table.loc["total", "estimate"])]


def hand_written_loop(folder):
    """Two least-squares fits a sample, in numpy."""
    import numpy as np

    frame, rng = read(folder), np.random.default_rng(0)
    design = np.column_stack([np.ones(len(frame)), frame["before"], frame["experience"], frame["emotion"]])
    emotion, visits = frame["emotion"].to_numpy(), frame["visits"].to_numpy()

    def fit(rows):
        first = np.linalg.lstsq(design[rows, :3], emotion[rows])[0]
        second = np.linalg.lstsq(design[rows], visits[rows])[0]
        return first[2] * second[3], first[2] * second[3] + second[2]

    indirect, total = fit(slice(None))
    samples = [fit(rng.integers(len(frame), size=len(frame)))[0] for _ in range(DRAWS)]
    return [indirect, *map(float, np.quantile(samples, [0.025, 0.975])), total]


def statsmodels_mediation(folder):
    import numpy as np
    from statsmodels.formula.api import ols
    from statsmodels.stats.mediation import Mediation

    frame = read(folder)
    np.random.seed(0)       # it draws from numpy's global state
    models = ols("visits ~ emotion + experience + before", frame), ols("emotion ~ experience + before", frame)
    found = Mediation(*models, "experience", "emotion").fit(n_rep=DRAWS, method="bootstrap").summary()
    return [*map(float, found.loc["ACME (average)"].iloc[:3]), float(found.loc["Total effect"].iloc[0])]


CONTENDERS = {"this package": this_package, "hand-written loop": hand_written_loop, "statsmodels": statsmodels_mediation}
LIBRARIES = {"this package": ["pyarrow", "libengage_utils.effects.mediation"],
             "hand-written loop": ["numpy", "pandas", "pyarrow"],
             "statsmodels": ["pyarrow", "statsmodels.formula.api", "statsmodels.stats.mediation"]}
