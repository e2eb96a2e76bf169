"""The house stands as its plan says: walls between modules, one list of dependencies, notebooks in shape."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from libengage_utils.schema import TABLES

HOME = Path(__file__).parent.parent
PACKAGE = HOME / "libengage_utils"
NOTEBOOKS = sorted((HOME / "notebooks").glob("*.ipynb"))
ORDER = ["schema", "privacy", "demo", "study", "engagement", "roster", "segments", "agreement", "valleys", "clusters",
         "latent", "dimensions", "standardisation", "nonusers", "survey", "resampling", "emotions", "journeys", "uptake",
         "coverage", "recapture", "surveyed", "themes", "reading_lists", "attention", "letters", "effects",
         "mistakes", "specifications", "claims", "planning", "charts", "club", "report", "__main__"]


def room(path):
    """The module, or the sub-package, that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """Modules a file imports, those of the package by the name of their room."""
    inside = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield node.module
            elif node.level > len(inside):
                yield from ([f"libengage_utils.{node.module}"] if node.module else
                            [f"libengage_utils.{alias.name}" for alias in node.names])


FILES = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py" or path.parent != PACKAGE]


def test_every_room_has_its_place():
    assert {room(path) for path in FILES} == set(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_modules_before_it(path):
    for module in imports(path):
        match = re.match(r"libengage_utils\.(\w+)", module)
        if match and match[1] != "__version__":
            assert ORDER.index(match[1]) <= ORDER.index(room(path)), f"{path.name} imports {match[1]}"


@pytest.mark.parametrize(("library", "rooms"), [
    ("matplotlib", {"charts"}), ("seaborn", {"charts"}), ("nbconvert", {"report"}), ("nbclient", {"report"}),
    ("duckdb", {"study"}), ("ipywidgets", {"club"}), ("requests", set()), ("urllib", set()), ("socket", set()),
    ("http", set()),
    ("pyspark", {"study"}), ("sqlalchemy", {"study"})])
def test_only_its_room_uses_a_library(library, rooms):
    users = {room(path) for path in FILES for module in imports(path) if module.split(".")[0] == library}
    assert users <= rooms


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_stays_small_and_says_its_responsibility(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 350 and ast.get_docstring(ast.parse(text))


# --- dependencies ---

PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]


def test_conda_users_get_the_same_list():
    listed = [entry for entry in yaml.safe_load((HOME / "environment.yml").read_text())["dependencies"]
              if isinstance(entry, str) and entry != "pip"]
    wanted = [f"python{PROJECT['requires-python']}", *PROJECT["dependencies"]]
    assert [entry.replace("python-duckdb", "duckdb") for entry in listed] == wanted


def test_the_lock_names_every_dependency_with_hashes_and_no_address():
    lock = (HOME / "requirements.lock").read_text()
    assert "://" not in lock and "--index" not in lock
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.M))
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    extras = dict(PROJECT["optional-dependencies"])
    more = (HOME / "requirements-extras.lock").read_text()
    assert "://" not in more and "--index" not in more and more.count("--hash=sha256:") > more.count("==")
    for requirement in extras.pop("spark") + extras.pop("database"):
        assert f"\n{re.match(r'[a-z]+', requirement)[0]}==" in f"\n{more}"
    for requirement in [*PROJECT["dependencies"], *(name for names in extras.values() for name in names)]:
        assert re.match(r"[\w-]+", requirement)[0].replace("_", "-") in pinned
    for name, floor in {"pandas": 3, "narwhals": 2, "duckdb": 2}.items():
        assert pinned[name].split(".")[0] == str(floor)
    assert not {"lifelines", "acro", "pm4py", "rdrobust", "ibis-framework"} & set(pinned)


def test_every_column_is_in_the_data_dictionary():
    dictionary = (HOME / "data" / "README.md").read_text()
    for table in TABLES.values():
        section = dictionary.split(f"### {table.name}\n")[1].split("\n### ")[0]
        assert re.findall(r"^\| `(\w+)`", section, re.M) == [column.heading for column in table.columns]


# --- notebooks ---

@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return json.loads(request.param.read_text())["cells"]


def source(cell):
    return "".join(cell["source"])


def test_a_notebook_keeps_no_outputs(notebook):
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook)


def test_a_cell_is_at_most_fifteen_lines_and_defines_nothing(notebook):
    for cell in notebook:
        if cell["cell_type"] == "code":
            assert len([line for line in source(cell).splitlines() if line.strip()]) <= 15
            assert not re.search(r"^\s*(def|class|lambda)\s", source(cell), re.M)


def test_a_notebook_has_its_parts_in_order(notebook):
    prose = "\n".join(source(cell) for cell in notebook if cell["cell_type"] == "markdown")
    parts = ["# ", "## Predict", "## The data", "## Spot what is wrong", "## How sure are we?", "## For discussion",
             "## References"]
    if "## How to run a session" in prose:      # the notebook that leads into the others
        parts.remove("## Spot what is wrong")
    assert prose.splitlines()[0].endswith("?")
    assert [prose.index(part) for part in parts] == sorted(prose.index(part) for part in parts)
    assert [cell["metadata"].get("tags") for cell in notebook[1:4]] == [["in-short"], None, ["parameters"]]


def test_no_finding_is_typed_by_hand(notebook):
    """Prose holds no percentage and no decimal, and no verdict outside the list of the four."""
    for cell in notebook:
        if cell["cell_type"] == "markdown" and not source(cell).startswith("## For discussion"):
            assert not re.search(r"(?<!of )\b\d+(\.\d+)?%|\b\d+\.\d+\b", source(cell))


def test_notebooks_never_import_from_each_other(notebook):
    for cell in notebook:
        for module in re.findall(r"^(?:from|import) (\w+)", source(cell), re.M) if cell["cell_type"] == "code" else []:
            assert module in {"IPython", "numpy", "pandas", "libengage_utils"}
