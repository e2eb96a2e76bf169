"""Fit the emotion model on GoEmotions, byte for byte the same each time, and measure it on comments kept apart."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from .features import SIGNS, Vocabulary, clean, read
from .model import SCHEMES, SHIPPED, UNSURE_BELOW, EmotionModel, decide, mapping

FEATURES = 30_000  # words, pairs and parts kept
FOLDS = 5
HALVINGS = 10  # of the development comments, for figures
BINS = 15  # of probability, for the calibration error
CARD = "model-card.md"
BEGIN, END = "<!-- figures: written by the fitting command -->", "<!-- end of figures -->"


class FittingError(ValueError):
    """What stands in the way of fitting, as a sentence."""


def read_comments(path, labels):
    """Comments and their labels.

    Parameters
    ----------
    path : Path
        A file of GoEmotions: text, label numbers joined by commas, and id, separated by tabs; no heading.
    labels : list of str
        The names the numbers stand for.

    Returns
    -------
    texts : list of str
        Cleaned; comments of which nothing is left are dropped.
    given : ndarray of shape (n_comments, n_labels), bool

    Raises
    ------
    FittingError
        If the file is missing or has another shape.
    """
    try:
        table = pd.read_csv(path, sep="\t", header=None, quoting=3, keep_default_na=False, dtype=str)
        numbers = table[1].str.split(",")
        given = np.zeros((len(table), len(labels)), dtype=bool)
        given[np.repeat(np.arange(len(table)), numbers.str.len()), numbers.explode().astype(int)] = True
    except FileNotFoundError:
        raise FittingError(f"{path.name} is not in {path.parent}: give the folder of GoEmotions' files.") from None
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise FittingError(
            f"{path.name} is not in GoEmotions' shape (text, label numbers, id, separated by tabs): {error}."
        ) from None
    texts = table[0].map(clean)
    if missing := [label for label, there in zip(labels, given.any(axis=0), strict=True) if not there]:
        raise FittingError(f"{path.name} has no comment labelled {', '.join(missing)}: give the whole file.")
    return texts[texts != ""].tolist(), given[(texts != "").to_numpy()]


def fit(train, dev, labels, say=lambda sentence: None):
    """Fit, calibrate and measure the model.

    Each output is a linear support vector machine on features weighted by how much they tell about it. A second
    stage, logistic on the scores of all outputs, lets labels correct each other; the mean of both is a linear
    map again. Its log odds and thresholds come from scores of comments that the scoring model was not fitted on:
    the training comments out of fold, and the development comments.

    Parameters
    ----------
    train, dev : tuple of (list of str, ndarray)
        Comments and their labels, as `read_comments` gives them.
    labels : list of str
    say : callable, optional
        Called with a sentence on what is being done.

    Returns
    -------
    dict of str to ndarray
        What `EmotionModel` is made of.

    References
    ----------
    Wang and Manning (2012), Baselines and bigrams, ACL, 90-94. Platt (2000), in Advances in Large Margin
    Classifiers, 61-74. Demszky et al. (2020), GoEmotions, ACL, 4040-4054.
    """
    gathered = {name: {label: [label] for label in labels} if name == "labels" else mapping()[name] for name in SCHEMES}
    outputs = list(dict.fromkeys(frozenset(group) for scheme in gathered.values() for group in scheme.values()))
    columns = [[labels.index(label) for label in sorted(output)] for output in outputs]
    given, dev_given = (np.stack([each[1][:, place].any(axis=1) for place in columns], axis=1) for each in (train, dev))
    places = {name: [outputs.index(frozenset(group)) for group in scheme.values()] for name, scheme in gathered.items()}

    say(f"Reading {len(train[0]):,} comments to fit on and {len(dev[0]):,} to measure on.")
    reading = read(train[0])
    every = Vocabulary.of(reading)
    features = _narrow(every.matrix(reading))
    fold = np.random.default_rng(0).permutation(len(given)) % FOLDS
    scores = np.zeros(given.shape)
    for number in range(FOLDS):
        say(f"Fitting {len(outputs)} outputs without part {number + 1} of {FOLDS}.")
        others = fold != number
        kept = _telling(features[others], given[others], len(every.rarity))
        weights, offset = _machines(_narrow(features[:, kept]), given, others)
        scores[~others] = features[~others][:, kept] @ weights + offset
    say("Fitting on all comments.")
    kept = _telling(features, given, len(every.rarity))
    vocabulary = every.keep(kept[: -len(SIGNS)])
    features = _narrow(vocabulary.matrix(reading))
    weights, offset = _machines(features, given, np.ones(len(given), dtype=bool))

    say("Letting labels correct each other.")
    centre, spread = scores.mean(axis=0), scores.std(axis=0)
    scores = (scores - centre) / spread
    corrected = np.zeros(scores.shape)
    for number in range(FOLDS):
        mixing, shift = _second_stage(scores[fold != number], given[fold != number])
        corrected[fold == number] = _mixed(scores[fold == number], mixing) + shift
    mixing, shift = _second_stage(scores, given)
    weights, offset = _mixed(weights / spread, mixing), _mixed(((offset - centre) / spread)[np.newaxis], mixing)[0] + shift

    terms = len(vocabulary.rarity)
    scale = np.abs(weights[:terms]).max(axis=0) / 127
    rounded = np.round(weights[:terms] / scale).astype(np.int8)
    dev_scores = vocabulary.matrix(read(dev[0])) @ np.vstack([rounded * scale, weights[terms:]]) + offset

    say("Calibrating, and measuring on halves of the development comments in turn.")
    slope, intercept, thresholds = _calibrated(np.vstack([corrected, dev_scores]), np.vstack([given, dev_given]))
    figures = _measured(corrected, given, dev_scores, dev_given, places, gathered)
    figures["train_comments"], figures["dev_comments"] = len(given), len(dev_given)
    inside = dev_scores * slope + intercept
    figures["macro_f1_in_sample"] = {name: _macro_f1(inside, dev_given, thresholds, places[name], name) for name in SCHEMES}
    arrays = {
        "words": _bytes("\n".join(vocabulary.words)), "parts": _bytes("\n".join(vocabulary.parts)),
        "single": vocabulary.single.astype(np.int32), "pairs": vocabulary.pairs.astype(np.int32),
        "rarity": vocabulary.rarity, "weights": np.ascontiguousarray(rounded.T), "scale": scale * slope,
        "sign_weights": (weights[terms:] * slope), "offset": offset * slope + intercept, "thresholds": thresholds,
        "labels": _bytes("\n".join(labels)), "outputs": _bytes(json.dumps([sorted(output) for output in outputs])),
        "figures": _bytes("{}"),
    }
    figures["probes"] = _probed(EmotionModel(arrays))
    return arrays | {"figures": _bytes(json.dumps(figures))}


def _telling(features, given, terms):
    """Places of the features that tell most about some output, by the largest standardised excess; signs stay."""
    strength = abs(features)
    expected = np.asarray(strength.sum(axis=0)).reshape(-1, 1) * given.mean(axis=0)
    spread = np.sqrt(expected * (1 - given.mean(axis=0)) + 0.3)
    excess = np.abs((strength.T @ given.astype(float) - expected) / spread).max(axis=1)
    best = np.argsort(-excess[:terms], kind="stable")[:FEATURES]
    return np.concatenate([np.sort(best), np.arange(terms, features.shape[1])])


def _machines(features, given, rows):
    """Weights (n_features, n_outputs) and offsets of a support vector machine for each output."""
    features, given = features[rows], given[rows]
    weights, offset = np.zeros((features.shape[1], given.shape[1])), np.full(given.shape[1], -1.0)
    strength, squares = abs(features), np.asarray(features.power(2).sum(axis=0)).ravel()
    total, values, scaled = np.asarray(strength.sum(axis=0)).ravel(), features.data, features.copy()
    for place in np.flatnonzero(given.any(axis=0)):
        own = strength.T @ given[:, place].astype(float) + 0.3
        other = total + 0.6 - own
        telling = np.sqrt(np.abs(np.log(own / own.sum()) - np.log(other / other.sum())))
        telling /= np.sqrt((telling**2 * squares).sum() / squares.sum())
        scaled.data = values * telling[features.indices]
        machine = LinearSVC(C=0.1, dual=True, tol=0.01, max_iter=1000, random_state=0).fit(scaled, given[:, place])
        weights[:, place], offset[place] = machine.coef_[0] * telling, machine.intercept_[0]
    return weights, offset


def _second_stage(scores, given):
    """Each output's own score plus its log odds given all scores, as a matrix (from, to) and a shift."""
    mixing, shift = np.eye(given.shape[1]), np.zeros(given.shape[1])
    for place in np.flatnonzero(given.any(axis=0)):
        stage = LogisticRegression(C=0.03, solver="liblinear", random_state=0).fit(scores, given[:, place])
        mixing[:, place] += stage.coef_[0]
        shift[place] = stage.intercept_[0]
    return mixing, shift


def _mixed(scores, mixing):
    """Matrix product in one order of adding up, whatever the machine."""
    return np.einsum("ij,jk->ik", scores, mixing)


def _calibrated(scores, given):
    """Slope and intercept to log odds (Platt 2000) of each output, and the log odds above which F1 is best."""
    slope, intercept, thresholds = np.ones((3, scores.shape[1]))
    for place, (score, label) in enumerate(zip(scores.T, given.T, strict=True)):
        target = np.where(label, (label.sum() + 1) / (label.sum() + 2), 1 / ((~label).sum() + 2))
        a, b = 1.0, np.log(target.mean() / (1 - target.mean()))
        for _ in range(50):
            chance = expit(a * score + b)
            weight, miss = chance * (1 - chance), target - chance
            aa, ab, bb = (weight * score**2).sum() + 1e-6, (weight * score).sum(), weight.sum() + 1e-6
            ga, gb = (miss * score).sum(), miss.sum()
            step = np.array([bb * ga - ab * gb, aa * gb - ab * ga]) / (aa * bb - ab**2)
            step *= min(1.0, 1.0 / np.abs(step).max())
            a, b = a + step[0], b + step[1]
            if np.abs(step).max() < 1e-9:
                break
        order = np.argsort(-score, kind="stable")
        hits = np.cumsum(label[order])
        best = (2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])).argmax()
        cut = score[order[[best, min(best + 1, len(order) - 1)]]].mean()
        slope[place], intercept[place], thresholds[place] = a, b, a * cut + b
    return slope, intercept, thresholds


def calibration_error(probabilities, labelled):
    """Expected calibration error: mean distance of probability from share, over 15 bins of equal width.

    Examples
    --------
    >>> calibration_error(np.array([0.1, 0.1, 0.9, 0.9]), np.array([False, False, True, False]))
    0.25
    """
    bins = np.minimum((np.ravel(probabilities) * BINS).astype(int), BINS - 1)
    distance = np.bincount(bins, np.ravel(probabilities) - np.ravel(labelled), BINS)
    return float(np.abs(distance).sum() / np.size(probabilities))


def _macro_f1(margins, given, thresholds, places, scheme):
    said, given = decide(margins[:, places], thresholds[places], scheme != "groups"), given[:, places]
    return float((2 * (said & given).sum(axis=0) / np.maximum(said.sum(axis=0) + given.sum(axis=0), 1)).mean())


def _measured(scores, given, dev_scores, dev_given, places, gathered):
    """Figures of development comments, calibration and thresholds being from the others; means over halvings."""
    rng, rows, by_label = np.random.default_rng(0), [], []
    for _ in range(HALVINGS):
        halves = np.array_split(rng.permutation(len(dev_given)), 2)
        for own, other in (halves, halves[::-1]):
            slope, intercept, thresholds = _calibrated(
                np.vstack([scores, dev_scores[own]]), np.vstack([given, dev_given[own]]))
            margins, labelled = dev_scores[other] * slope + intercept, dev_given[other]
            row = {name: _macro_f1(margins, labelled, thresholds, places[name], name) for name in SCHEMES}
            at = places["labels"]
            chance, said = expit(margins[:, at]), decide(margins[:, at], thresholds[at], True)
            hits, truth = (said & labelled[:, at]).sum(axis=0), labelled[:, at].sum(axis=0)
            errors = [calibration_error(*pair) for pair in zip(chance.T, labelled[:, at].T, strict=True)]
            by_label.append([hits / np.maximum(said.sum(axis=0), 1), hits / np.maximum(truth, 1),
                             2 * hits / np.maximum(said.sum(axis=0) + truth, 1), expit(thresholds[at]), errors])
            row["calibration_error"] = calibration_error(chance, labelled[:, at])
            row["calibration_error_mean_over_labels"] = float(np.mean(errors))
            groups = expit(margins[:, places["groups"]])
            right = labelled[:, places["groups"]][np.arange(len(other)), groups.argmax(axis=1)]
            sure, surest = groups.max(axis=1), np.argsort(-groups.max(axis=1), kind="stable")[: len(other) // 5]
            row |= {"top_accuracy": right.mean(), "top_accuracy_surest_fifth": right[surest].mean(),
                    "unsure": (sure < UNSURE_BELOW).mean(), "top_accuracy_when_sure": right[sure >= UNSURE_BELOW].mean(),
                    "in_no_group": 1 - labelled[:, places["groups"]].any(axis=1).mean()}
            rows.append(row)
    means = {name: round(float(value), 4) for name, value in pd.DataFrame(rows).mean().items()}
    names = ["precision", "recall", "f1", "threshold", "calibration_error"]
    table = pd.DataFrame(np.mean(by_label, axis=0).T, columns=names)
    table.insert(0, "dev", dev_given[:, places["labels"]].sum(axis=0))
    table.insert(0, "train", given[:, places["labels"]].sum(axis=0))
    table.insert(0, "label", list(gathered["labels"]))
    return {"macro_f1": {name: means.pop(name) for name in SCHEMES}, **means, "by_label": table.round(4).to_dict("records")}


def _probed(model):
    """What the model says of the comments in labels.yml, beside what a person says."""
    probes = pd.DataFrame(mapping()["probes"])
    scored = model.score(probes["text"])
    probes["model"] = model.probabilities(probes["text"], "sentiment").idxmax(axis=1)
    probes["valence"], probes["top"] = scored["valence"].round(2), scored["top"]
    return probes.to_dict("records")


def tables(figures):
    """The figures as the card shows them (str, Markdown)."""
    names = {"labels": "28 labels", "ekman": "Ekman's six, neutral", "sentiment": "sentiment", "groups": "reader's groups"}
    inside = figures["macro_f1_in_sample"]
    lines = [
        f"Fitted on {figures['train_comments']:,} comments and measured on {figures['dev_comments']:,} others.", "",
        "| scheme | macro-F1 | with thresholds from the same comments (no estimate) |", "|---|---|---|",
        *(f"| {names[name]} | {figures['macro_f1'][name]:.3f} | {inside[name]:.3f} |" for name in SCHEMES), "",
        "| other figures | |", "|---|---|",
        f"| calibration error, all label probabilities together | {figures['calibration_error']:.4f} |",
        f"| calibration error, mean over labels | {figures['calibration_error_mean_over_labels']:.4f} |",
        f"| top group right, all comments | {figures['top_accuracy']:.1%} |",
        f"| top group right, surest fifth | {figures['top_accuracy_surest_fifth']:.1%} |",
        f"| left unsure (confidence below {UNSURE_BELOW}) | {figures['unsure']:.1%} |",
        f"| top group right, where not unsure | {figures['top_accuracy_when_sure']:.1%} |",
        f"| comments that raters put in no group, so that any top is wrong | {figures['in_no_group']:.1%} |", "",
        "| label | to fit on | to measure on | precision | recall | F1 | threshold | calibration error |",
        "|" + "---|" * 8,
        *("| {label} | {train:,} | {dev:,} | {precision:.2f} | {recall:.2f} | {f1:.2f} | {threshold:.2f} | "
          "{calibration_error:.4f} |".format(**row) for row in figures["by_label"]), "",
        "| probe | comment | a person | the model | valence | top group |", "|---|---|---|---|---|---|",
        *("| {kind} | {text} | {person} | {model} | {valence:+.2f} | {top} |".format(**row) for row in figures["probes"]),
    ]
    return "\n".join(lines)


def _bytes(text):
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _narrow(matrix):
    """The matrix with 32-bit indices, as scikit-learn wants them."""
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix


def main(arguments=None):
    """Fit the model from the command line; exit status (0 or 1)."""
    parser = argparse.ArgumentParser(prog="python -m libengage_utils.emotions.fitting", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of train.tsv.gz, dev.tsv.gz and labels.txt of GoEmotions")
    parser.add_argument("--to", type=Path, default=SHIPPED, help="file to write; the card beside it is brought up to date")
    asked = parser.parse_args(arguments)
    try:
        if asked.to.suffix != ".npz" or not asked.to.parent.is_dir():
            raise FittingError(f"{asked.to} cannot be written: give a name that ends in .npz, in a folder that exists.")
        names = asked.folder / "labels.txt"
        if not names.is_file():
            raise FittingError(f"labels.txt is not in {asked.folder}: give the folder of GoEmotions' files.")
        labels = names.read_text(encoding="utf-8").split()
        train, dev = (read_comments(asked.folder / f"{part}.tsv.gz", labels) for part in ("train", "dev"))
        arrays = fit(train, dev, labels, say=lambda sentence: print(sentence, flush=True))
        np.savez_compressed(asked.to, **arrays)
    except (FittingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    figures, card = json.loads(arrays["figures"].tobytes()), asked.to.with_name(CARD)
    prose = card.read_text(encoding="utf-8") if card.is_file() else ""
    if BEGIN in prose and END in prose:
        before, after = prose.split(BEGIN)[0], prose.split(END)[1]
        card.write_text(f"{before}{BEGIN}\n\n{tables(figures)}\n\n{END}{after}", encoding="utf-8")
    print(f"Wrote {asked.to}: {asked.to.stat().st_size / 1e6:.2f} MB, macro-F1 over {len(labels)} labels "
          f"{figures['macro_f1']['labels']:.3f}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
