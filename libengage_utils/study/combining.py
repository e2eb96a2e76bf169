"""Several rows of a source that make one row of a table: sums over a key, and requests that make one act."""


def combined(table, rows, said):
    """SQL for the rows of a table, joined as a recipe says.

    Parameters
    ----------
    table : Table
    rows : str
        SQL of the accepted rows.
    said : dict
        ``{sum: column}``: one row a key, with the sum of the column; or ``{gap_minutes: number}``: one act for acts of a
        person from one source that follow each other by no more, with their number as its quantity.
    """
    if "sum" in said:
        key = ", ".join(f'"{name}"' for name in table.key)
        kind = "BIGINT" if table[said["sum"]].kind == "integer" else "DOUBLE"
        others = ", ".join(f'CAST(sum("{name}") AS {kind}) AS "{name}"' if name == said["sum"] else
                           f'min("{name}") AS "{name}"' for name in table.names if name not in table.key)
        return f"(SELECT {key}, {others} FROM {rows} GROUP BY {key})"
    person = "PARTITION BY person_key, source ORDER BY occurred_at, event_id"
    begins = (f"person_key IS NULL OR coalesce(occurred_at - lag(occurred_at) OVER ({person}) > "
              f"INTERVAL {int(said['gap_minutes'])} MINUTE, true)")
    numbered = (f"SELECT *, sum(CAST(begins AS INTEGER)) OVER ({person}) AS act "
                f"FROM (SELECT *, {begins} AS begins FROM {rows})")
    others = ", ".join(f'first("{name}" ORDER BY occurred_at, event_id) AS "{name}"' for name in table.names
                       if name not in ("person_key", "source", "quantity"))
    return (f"(SELECT person_key, source, {others}, CAST(count(*) AS DOUBLE) AS quantity FROM ({numbered}) "
            "GROUP BY person_key, source, act)")
