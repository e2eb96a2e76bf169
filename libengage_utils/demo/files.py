"""Write the demo's files so that the same content always gives the same bytes."""

import gzip
import io
from pathlib import Path

import yaml


def write_table(frame, folder, name):
    """Write a frame as CSV, compressed when the name ends in .gz, with no clock in its bytes.

    Parameters
    ----------
    frame : pandas.DataFrame
    folder : path
    name : str
        File name, ``.csv`` or ``.csv.gz``.
    """
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n", float_format="%.6g")
    content = text.getvalue().encode()
    if name.endswith(".gz"):
        content = gzip.compress(content, compresslevel=9, mtime=0)
    (Path(folder) / name).write_bytes(content)


def write_yaml(content, folder, name, preface=""):
    """Write a mapping as YAML in the order given, after an optional comment."""
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    (Path(folder) / name).write_text(preface + text, encoding="utf-8", newline="\n")


def in_words(booleans):
    """Write booleans as ``true`` and ``false``."""
    return booleans.map({True: "true", False: "false"})
