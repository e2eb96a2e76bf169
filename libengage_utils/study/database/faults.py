"""What went wrong with a database, in sentences that repeat nothing of its address, its queries or its values."""

from .address import PASSWORD

# What a fault is and what to do, by the SQLSTATE or its first two characters.
_FAULTS = {
    "08": "the connection to the server was lost before all rows had come. Try again; nothing was kept.",
    "22": "a value does not fit what the query does with it. Try the query in the database's own tool first.",
    "25": "the query would change the database. Write one that only reads.",
    "28": f"the server does not let this user into this database. Correct the user or the database in study.yml, or the "
          f"password in the environment variable {PASSWORD}.",
    "40": "the server broke off the reading, as a copy of another server does while it is brought up to date. Try again, "
          "at a quieter time.",
    "42": "the server does not understand the query. Try it in the database's own tool first.",
    "53": "the server has no room for another reader at present. Try again later.",
    "57": "the server broke off the reading, at a limit of time or by hand. Try again, or ask for less in a query.",
    "42000": "the server does not understand the query, or does not let this user read what it names. Try it in the "
             "database's own tool first.",
    "42501": "this user has no permission to read it. Have whoever keeps the database grant SELECT on it (and USAGE on its "
             "schema), or name only the columns that may be read in a query.",
    "42P01": "there is no such table. Correct its name in study.yml, with its schema: schema.table.",
    "42703": "a column that the query names is not there. Correct the query; names with capitals need quotation marks.",
    "no server": "no server answers at this address. See that host and port in study.yml are right, that the server runs, "
                 "and that this machine may reach it, encrypted where it asks for that (?sslmode=require).",
    "no password": f"the server asks for a password. Put it into the environment variable {PASSWORD}.",
    "no driver": "the driver that the database's address names is not installed. Install it; for PostgreSQL with "
                 "`pip install 'psycopg[binary]'`.",
    "no text": "it holds text in an encoding that is not the database's own. Turn that column into text in a query.",
    "no day": "it holds a day or time outside the years 1 to 9999, such as infinity. Write NULL in its place in a query.",
    "no file": "the file is no database that can be read. Give the path of another in study.yml.",
}
_FAULTS |= {"25006": _FAULTS["25"], "3D": _FAULTS["28"], "3F": _FAULTS["42P01"], "57P": _FAULTS["08"],
            "0A": _FAULTS["42"], "42S02": _FAULTS["42P01"], "42S22": _FAULTS["42703"]}
_SQLITE = {"no such table": "42P01", "no such column": "42703", "readonly": "25", "syntax": "42", "incomplete": "42",
           "decode": "no text", "unable to open": "no file", "not a database": "no file", "locked": "53"}


def fault_of(error, reached):
    """What went wrong and the remedy, in words of our own."""
    if isinstance(error, ImportError) or type(error).__name__ == "NoSuchModuleError":
        return _FAULTS["no driver"]
    if isinstance(error, UnicodeError):
        return _FAULTS["no text"]
    if isinstance(error, OSError):
        return f"the copy cannot be written ({error.strerror}). Make room where the study lies."
    cause = getattr(error, "orig", None) or error
    kind = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""
    if type(cause).__module__ == "sqlite3":
        kind = next((kind for words, kind in _SQLITE.items() if words in str(cause)), "")
    elif not kind and not reached and type(error).__name__ in ("OperationalError", "InterfaceError"):
        attempt = getattr(cause, "pgconn", None)
        kind = ("no password" if getattr(attempt, "needs_password", False) else
                "28" if getattr(attempt, "used_password", False) else "no server")
    elif not kind and getattr(error, "connection_invalidated", False):
        kind = "08"
    elif not kind and type(cause).__name__ == "DataError":
        kind = "no day"
    for length in (len(kind), 3, 2):
        if kind[:length] in _FAULTS:
            return _FAULTS[kind[:length]]
    return f"it cannot be read ({type(cause).__name__} {kind}".rstrip() + "). Try the same in the database's own tool."
