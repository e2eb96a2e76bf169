"""What readers make of some 2,300 damaged files: read exactly, said to be damaged, or silently different, by kind of damage.

Other readers get text only, and the benefit of doubt: space around cells is trimmed, times and numbers that can be read
are, an absent heading counts as said, and so does any row that they reject, whichever it is.
"""

import sys
import tempfile
import unicodedata
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import test_polluted as judge
from polluting import DAY_FIRST, HEAD, READ, polluted

_OUTCOMES = ("exact", "said", "silently different")
_CLOCKS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M")


def pandas(connection, path, delimiter):
    return pd.read_csv(path, dtype=str), False


def duckdb_sniffing(connection, path, delimiter):
    return connection.execute("FROM read_csv(?, all_varchar = true)", [str(path)]).df(), False


def duckdb_declared(connection, path, delimiter):
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in HEAD)
    connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    frame = connection.execute(f"FROM read_csv(?, auto_detect = false, header = true, delim = '{delimiter}', quote = '\"', "
                               f"escape = '\"', columns = {{{columns}}}, store_rejects = true)", [str(path)]).df()
    return frame, connection.execute("SELECT count(*) > 0 FROM reject_errors").fetchone()[0]


def outcome(variant, reader, connection, folder):
    """`exact`, `said` or `silently different` for one of the readers above."""
    path = folder / ("events.csv.gz" if variant.content.startswith(b"\x1f\x8b") else "events.csv")
    path.write_bytes(variant.content)
    delimiter = max(",;\t|", key=variant.content.splitlines()[0].decode("utf-8", "replace").count)
    try:
        frame, rejects = reader(connection, path, delimiter)
        rows = [_row(row, variant.kind == DAY_FIRST) for row in frame[HEAD].itertuples(index=False)]
    except Exception:                              # whatever it says, it says something
        return "said"
    said = {line for line, _ in variant.truth or ()} if rejects else set()
    return judge.outcome(variant, rows, said)


def _row(cells, day_first):
    row = {name: unicodedata.normalize("NFC", cell.strip()) or None if isinstance(cell, str) else None
           for name, cell in zip(HEAD, cells, strict=True)}
    for form in (*_CLOCKS, "%d/%m/%Y %H:%M") if day_first else _CLOCKS:
        try:
            row["occurred_at"] = datetime.strptime(row["occurred_at"] or "", form)
        except (ValueError, TypeError):
            continue
        break
    try:
        row["quantity"] = float(row["quantity"] or 1)
    except ValueError:
        pass
    return tuple(row[name] or ("person" if name == "initiated_by" else None) for name in READ)


def main():
    found, readers = defaultdict(Counter), {"pandas": pandas, "DuckDB, sniffing": duckdb_sniffing,
                                            "DuckDB, declared": duckdb_declared}
    with tempfile.TemporaryDirectory() as folder, judge.engine(Path(folder) / "spill") as ours, duckdb.connect() as plain:
        ours.execute("SET threads = 1; CREATE TABLE gone (id VARCHAR)")
        plain.execute("SET threads = 1")
        for variant in polluted():
            found[variant.kind, "this package"][judge.outcome(variant, *judge.read(ours, variant, Path(folder)))] += 1
            for name, reader in readers.items():
                found[variant.kind, name][outcome(variant, reader, plain, Path(folder))] += 1
    names = ["this package", *readers]
    print("Of each kind: files read exactly / said to be damaged / silently different\n")
    print(f"{'kind of damage':55}" + "".join(f"{name:>20}" for name in names))
    kinds = dict.fromkeys(kind for kind, _ in found)
    for kind in kinds:
        print(f"{kind:55}" + "".join(f"{_said(found[kind, name]):>20}" for name in names))
    print(f"{'all':55}" + "".join(f"{_said(sum((found[kind, name] for kind in kinds), Counter())):>20}" for name in names))


def _said(counts):
    return " / ".join(f"{counts[outcome]:,}" for outcome in _OUTCOMES)


if __name__ == "__main__":
    main()
