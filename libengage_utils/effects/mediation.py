"""How much of an association of experience with later engagement passes through emotion, and how sure that is."""

from collections import namedtuple
from copy import deepcopy
from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import pandas as pd

from ..privacy import about
from ..resampling import over_samples, people_drawn, told
from .probit import LEAST, LOST, mean_probabilities, probit
from .strata import as_numbers

KINDS = ("linear", "probit")
RHOS = tuple(np.linspace(-0.9, 0.9, 19).round(1))

# Slopes, leftover variances and spreads on scaled columns, arrays whose first entry is of all and the others of samples:
# experience to emotion, experience to outcome with emotion left free, (co)variances of what is left of emotion (m) and
# outcome (y), their correlation, standard deviations; and a function from the slope of what passes through emotion to
# the indirect, direct and total association. For a probit, y is the propensity behind the outcome, with eyy = 1.
Fit = namedtuple("Fit", "a total emm emy eyy joint sx sm sy split")


@dataclass(frozen=True)
class Mediation:
    """An association of experience with an outcome, and the part that passes through emotion; made by `mediation`.

    Attributes
    ----------
    paths : DataFrame
        Rows first (experience to emotion), second (emotion to outcome) and direct (experience to outcome): from, to,
        estimate, low, high, in standard deviations of the second for one of the first, covariates held fixed. A
        yes-or-no outcome has the standard deviation of the propensity behind it.
    table : DataFrame
        Rows indirect, direct, total and proportion (of the total, that is indirect; missing where the interval of the
        total holds 0): estimate, low, high. In units of the outcome, or for a probit in probability, as the experience
        goes from the first to the second value of `contrast`.
    vanishes_at : Series
        Correlation of the errors of emotion and outcome at which nothing is left of the indirect association: estimate,
        low, high.
    n, people, dropped : int
        Rows, people, and rows left out because something was missing.
    kind, contrast
        As given.
    """

    paths: pd.DataFrame = field(repr=False)
    table: pd.DataFrame
    vanishes_at: pd.Series
    n: int
    people: int
    dropped: int
    kind: str
    contrast: tuple
    _fit: object = field(repr=False)

    @property
    def summary(self):
        """The finding in three sentences."""
        experience, emotion, outcome = self.paths.loc["first", "from"], *self.paths["to"].iloc[:2]
        show = "{:+.1%}" if self.kind == "probit" else "{:+.2g}"
        indirect, total = ("{} (95% interval {} to {})".format(*(show.format(number) for number in self.table.loc[row]))
                           for row in ("indirect", "total"))
        share = self.table.loc["proportion", "estimate"]
        of_total = "" if np.isnan(share) else f", {share:.0%} of it"
        gone = "{:+.2f} (95% interval {:+.2f} to {:+.2f})".format(*self.vanishes_at)
        return (f"{experience[:1].upper()}{experience[1:]} from {self.contrast[0]:g} to {self.contrast[1]:g} goes with a "
                f"difference in {outcome} of {total}; of this, {indirect} passes through {emotion}{of_total} "
                f"({about(self.people)} people). This is an association in the order assumed, and something unmeasured may "
                "be behind it. Nothing would be left if, for such a reason, "
                f"the unexplained parts of {emotion} and {outcome} correlated by {gone}.")

    def sensitivity(self, rhos=RHOS):
        """The indirect association if the errors of emotion and outcome correlated, by something unmeasured, by `rhos`.

        Parameters
        ----------
        rhos : array-like of float
            Correlations, above -1 and below 1.

        Returns
        -------
        DataFrame
            rho, estimate, low, high; in the units of `table`.

        Raises
        ------
        ValueError
            If a correlation is none.
        """
        rhos = np.atleast_1d(np.asarray(rhos, dtype=float))
        if not (np.abs(rhos) < 1).all():
            raise ValueError("The correlations for which to tell the indirect association lie between -1 and 1.")
        fit, joint, rho = self._fit, self._fit.joint, rhos[:, np.newaxis]
        slope = fit.a * np.sqrt(fit.eyy / fit.emm) * (joint - rho * np.sqrt((1 - joint**2) / (1 - rho**2)))
        rows = [(rho, *told(row, self.people)) for rho, row in zip(rhos, fit.split(slope)[0], strict=True)]
        return pd.DataFrame(rows, columns=["rho", "estimate", "low", "high"])

    def corrected(self, reliability):
        """The associations if emotion was measured with error, independent of all else, and of known reliability.

        Of the measure's variance s2, (1 - reliability) s2 is error; of e2, what experience and covariates leave of it,
        just as much. So the second path comes out too small by the factor 1 - (1 - reliability) s2 / e2, and is divided
        by it. The total stays.

        Parameters
        ----------
        reliability : float
            Share of the variance of the measured emotion that is no error, above 0 and up to 1; taken as known.

        Returns
        -------
        DataFrame
            As `table`.

        Raises
        ------
        ValueError
            If emotion cannot be so unreliable, given what it goes with in these data.
        """
        if not 0 < reliability <= 1:
            raise ValueError(f"A reliability is a share above 0 and up to 1; it is {reliability}.")
        fit = self._fit
        kept = 1 - (1 - reliability) * fit.sm**2 / fit.emm
        possible = kept > fit.joint ** 2
        if not possible[0] or (~possible).mean() > LOST:
            least = 1 - fit.emm[0] / fit.sm[0] ** 2 * (1 - fit.joint[0] ** 2)
            raise ValueError(
                f"Emotion cannot have a reliability of {reliability:g} here: the error would be all, or nearly all, that "
                f"experience and covariates leave of it. Give one above {least:.2f}, with a margin for chance.")
        return _decomposed(fit, fit.a * fit.emy / fit.emm / np.where(possible, kept, np.nan), self.people)


def mediation(frame, experience, emotion, outcome, *, covariates=(), person=None, kind="linear", contrast=(0, 1), draws=1000,
              random_state=0, minimum_count=10):
    """How much of an association of experience with a later outcome passes through emotion, covariates held fixed.

    Emotion is regressed by least squares on experience and covariates; the outcome on emotion, experience and
    covariates, by least squares or, if it is yes or no, by a probit. What passes through emotion is the change in the
    outcome as the emotion expected at one value of experience gives way to that at another; for a probit its mean over
    the rows, with experience kept at either value. Intervals are percentiles over samples of people. A causal reading
    needs more: nothing unmeasured behind any two of the three, and this order in time.

    Parameters
    ----------
    frame : frame
        A row a person, or a person and term, of any kind Narwhals supports.
    experience, emotion, outcome : str
        Columns of numbers.
    covariates : list of str
        What is held fixed, such as earlier engagement: numbers as they are, words each against the commonest.
    person : str, optional
        Column that says whose row it is, where people repeat.
    kind : {"linear", "probit"}
    contrast : tuple of float
        The two values of experience to compare.
    draws : int
        Samples of people.
    random_state : int or numpy.random.Generator
    minimum_count : int
        Fewest people, and for a probit fewest with either outcome.

    Returns
    -------
    Mediation

    Raises
    ------
    ValueError
        If a column is missing, no number, constant or a copy of others; the outcome of a probit is not 0 and 1; or
        there are too few people.

    References
    ----------
    Imai, Keele & Tingley (2010), Psychological Methods 15(4), 309-334. Sensitivity: Imai, Keele &
    Yamamoto (2010), Statistical Science 25(1), 51-71, theorem 4. Error in emotion: Fuller (1987), Measurement Error
    Models, ch. 1-2; VanderWeele, Valeri & Ogburn (2012), Epidemiology 23(4), 561-564.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"experience": rng.normal(size=800)})
    >>> frame["emotion"] = 0.5 * frame.experience + rng.normal(size=800)
    >>> frame["visits"] = 0.4 * frame.emotion + 0.1 * frame.experience + rng.normal(size=800)
    >>> mediation(frame, "experience", "emotion", "visits").table.loc["indirect"].round(1).tolist()
    [0.2, 0.2, 0.3]
    """
    if kind not in KINDS:
        raise ValueError(f'`kind` is "linear" or "probit", not {kind!r}.')
    names = [experience, emotion, outcome]
    columns, key, dropped = _columns(frame, names, list(covariates), person)
    people = _enough(columns, names, key, kind, contrast, minimum_count)
    order = np.lexsort([*([] if person is None else [key]), *columns.to_numpy().T])
    columns, key = columns.iloc[order], np.arange(len(key)) if person is None else key[order]
    centre, spread = columns.mean(), columns.std()
    z = ((columns - centre) / spread).to_numpy()
    design = np.column_stack([np.ones(len(z)), z[:, 3:], z[:, 0]])
    _full_rank(design, z[:, 1], emotion)
    rng = np.random.default_rng(random_state)

    def samples():      # the same ones each time
        return people_drawn(people, draws, deepcopy(rng))

    y = columns[outcome].to_numpy() if kind == "probit" else z[:, 2]
    change = (np.asarray(contrast, dtype=float) - centre[experience]) / spread[experience]
    fit = _fitted(kind, design, z[:, 1], y, key, samples, change, spread[outcome])
    through = fit.a * fit.emy / fit.emm
    rows = {"first": (experience, emotion, fit.a * fit.sx / fit.sm),
            "second": (emotion, outcome, fit.emy / fit.emm * fit.sm / fit.sy),
            "direct": (experience, outcome, (fit.total - through) * fit.sx / fit.sy)}
    paths = pd.DataFrame([(*ends, *told(path, people)) for *ends, path in rows.values()], index=rows,
                         columns=["from", "to", "estimate", "low", "high"])
    table = _decomposed(fit, through, people)
    vanishes_at = pd.Series(told(fit.joint, people), index=["estimate", "low", "high"])
    return Mediation(paths, table, vanishes_at, len(z), people, dropped, kind, tuple(contrast), fit)


def _fitted(kind, design, m, y, key, samples, change, unit):
    """Fit all samples at once, from sums of squares and products by person."""
    z = np.column_stack([design, m, y])
    size, p = z.shape[1], design.shape[1]
    one, other = np.triu_indices(size)
    products = np.column_stack([np.bincount(key, z[:, i] * z[:, j]) for i, j in zip(one, other, strict=True)])
    place = np.zeros((size, size), dtype=int)
    place[one, other] = place[other, one] = range(len(one))
    sums = over_samples(samples(), products)[:, place]
    n = sums[:, 0, 0]
    spread = (np.diagonal(sums, axis1=1, axis2=2) - sums[:, 0] ** 2 / n[:, np.newaxis]) / (n - 1)[:, np.newaxis]
    sx, sm, sy = np.sqrt(np.maximum(spread[:, [p - 1, p, p + 1]], LEAST)).T
    slopes = np.linalg.solve(sums[:, :p, :p] + LEAST * n[0] * np.eye(p), sums[:, :p, p:])
    left = (sums[:, p:, p:] - sums[:, p:, :p] @ slopes) / (n - p)[:, np.newaxis, np.newaxis]
    a, total = slopes[:, -1, 0], slopes[:, -1, 1]
    emm, emy, eyy = left[:, 0, 0], left[:, 0, 1], left[:, 1, 1]
    if kind == "linear":
        def split(slope):
            return [unit * (change[1] - change[0]) * part for part in (slope, total - slope, total)]

        return Fit(a, total, emm, emy, eyy, emy / np.sqrt(emm * eyy), sx, sm, sy, split)

    chosen = probit(np.column_stack([design, m]), y, key, samples())
    push = chosen[:, -1] * np.sqrt(emm)
    shrunk = 1 / np.sqrt(1 + push**2)  # to the scale on which what emotion leaves open has variance 1
    marginal = (chosen[:, :-1] + chosen[:, -1:] * slopes[:, :, 0]) * shrunk[:, np.newaxis]
    moments = sums[:, :p, :p] / n[:, np.newaxis, np.newaxis]
    sy = np.sqrt(1 + np.einsum("bi,bij,bj->b", marginal, moments, marginal)
                 - np.einsum("bi,bi->b", marginal, moments[:, 0]) ** 2)
    total = marginal[:, -1]

    def split(slope):
        lower, upper = change[:, np.newaxis] * total
        step = (change[1] - change[0]) * np.atleast_2d(slope)
        shifts = np.vstack([[lower, upper], lower + step, upper - step])
        shares = mean_probabilities(design[:, :-1], marginal[:, :-1], shifts, key, samples())
        (least, most), (through, past) = shares[:2], np.split(shares[2:], 2)
        indirect = ((through - least + most - past) / 2).reshape(slope.shape)
        return [indirect, most - least - indirect, most - least]

    return Fit(a, total, emm, push * shrunk * np.sqrt(emm), np.ones(len(emm)), push * shrunk, sx, sm, sy, split)


def _decomposed(fit, slope, people):
    indirect, direct, total = fit.split(slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = [told(part, people) for part in (indirect, direct, total, indirect / total)]
    if rows[2][1] <= 0 <= rows[2][2]:
        rows[3] = (np.nan,) * 3
    return pd.DataFrame(rows, index=["indirect", "direct", "total", "proportion"], columns=["estimate", "low", "high"])


def _columns(frame, names, covariates, person):
    """Complete rows as numbers (experience, emotion, outcome, covariates), their people, and how many others."""
    frame = nw.from_native(frame).lazy().collect().to_pandas()
    wanted = [*names, *covariates, *([person] if person else [])]
    if absent := [name for name in wanted if name not in frame]:
        raise ValueError(f"The frame has no column {' and no column '.join(absent)}; it has {', '.join(map(str, frame))}.")
    if len(set(wanted)) < len(wanted):
        raise ValueError("A column is named twice: experience, emotion, outcome, covariates and person are different ones.")
    whole = frame[wanted].replace([np.inf, -np.inf], np.nan).dropna()
    if words := [name for name in names if not pd.api.types.is_numeric_dtype(whole[name].dtype)]:
        raise ValueError(f"The column {words[0]} holds no numbers: give experience, emotion and outcome as numbers.")
    if flat := [name for name in [*names, *covariates] if whole[name].nunique() < 2 <= len(whole)]:
        raise ValueError(f"The column {' and the column '.join(flat)} is the same in every complete row: leave it out.")
    key = pd.factorize(whole[person], sort=True)[0] if person else np.arange(len(whole))
    return pd.concat([whole[names].astype(float), as_numbers(whole, covariates)], axis=1), key, len(frame) - len(whole)


def _enough(columns, names, key, kind, contrast, minimum_count):
    """The number of people; or a sentence on why no model can be fitted."""
    people = int(key.max(initial=-1) + 1)
    if people < (needed := max(minimum_count, 3 * (columns.shape[1] + 1))):
        raise ValueError(f"Fewer people have a complete row than this model needs, {needed}: hold fewer covariates.")
    if len(contrast) != 2 or contrast[0] == contrast[1]:
        raise ValueError("`contrast` is two different values of the experience to compare, such as (0, 1).")
    if kind == "probit":
        y, x = columns[names[2]], columns[names[0]]
        if not y.isin([0, 1]).all():
            raise ValueError(f"A probit needs an outcome of 0 and 1, and {names[2]} holds other values: recode it.")
        if min(len(set(key[y == 0])), len(set(key[y == 1]))) < minimum_count:
            raise ValueError(f"Fewer than {minimum_count} people have one of the two outcomes of {names[2]}: too few.")
        if min(contrast) < x.min() or max(contrast) > x.max():
            raise ValueError(f"{names[0]} lies between {x.min():g} and {x.max():g}: give two values within as `contrast`.")
    return people


def _full_rank(design, m, emotion):
    """Refuse columns that follow from others."""
    left = np.diag(np.linalg.qr(np.column_stack([design, m]), mode="r")) ** 2 / len(m)
    if left[:-1].min() < LEAST:
        raise ValueError("Experience and covariates are not apart: one of them follows from the others. Leave one out.")
    if left[-1] < LEAST:
        raise ValueError(f"{emotion} follows wholly from experience and covariates: measure it apart from them.")
