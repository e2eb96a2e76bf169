"""Imported first: keeps a check of web addresses, which no notebook needs, from costing every page seconds of its start.

`jsonschema`, which nbformat imports, looks for `rfc3987_syntax`, and that compiles some forty grammars as it is imported.
Where it is missing, jsonschema goes on without.
"""

import sys

_WITHOUT = "rfc3987_syntax"
if _WITHOUT not in sys.modules:
    sys.modules[_WITHOUT] = None        # an import of it now fails, as if it were not installed
    import jsonschema  # noqa: F401

    del sys.modules[_WITHOUT]
