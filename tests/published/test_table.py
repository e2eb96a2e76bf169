"""The table of this folder's README is that of the figures."""

import pytest
from figures import HERE, Figure, table


def test_the_readme_shows_what_the_package_gives_now():
    try:
        now = table()
    except pytest.skip.Exception as lacking:
        pytest.skip(f"The table cannot be made whole. {lacking}")
    assert now in (HERE / "README.md").read_text(), "Write the table anew: .venv/bin/python tests/published"


@pytest.mark.parametrize(("here", "agrees"), [(0.33394, True), (0.33385, True), (0.33396, False), (0.33384, False)])
def test_a_figure_agrees_to_its_last_printed_decimal_and_no_further(here, agrees):
    assert Figure("", "0.3339", "", lambda: here, [], None, "").agrees() == agrees


def test_of_several_figures_each_has_to_agree():
    assert Figure("", "1,600 -.5", "", lambda: (1600.4, -0.54), [], None, "").agrees()
    assert not Figure("", "1,600 -.5", "", lambda: (1600.4, 0.5), [], None, "").agrees()
