"""JupyterLab as a club meets it: a notebook run from its menu, a figure held back, a dial turned."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HOME = Path(__file__).parents[1]
PATIENCE = 300     # seconds a slow machine may take
QUIET = {"apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
         "notebook-extension/tracker": {"windowingMode": "none"}}     # every cell is in the page, not only those in sight
SESSION = [new_markdown_cell("# Who is never seen?"), *map(new_code_cell, (
    "from types import SimpleNamespace\n\nimport pandas as pd\n\nfrom libengage_utils import club\n\nROOM = True",
    'guess = club.predict("Of a hundred people, how many are never seen?", low=0, high=100, room=ROOM)\nguess',
    'guess.reveal(pd.DataFrame, {"never seen": [21]}, truth=21)',
    """def share(among):
    return SimpleNamespace(estimate=among, low=among - 0.1, high=among + 0.1, summary=f"A share of {among}.")

club.dials("C02", share, {"among": {"everybody": 0.55, "people seen": 0.71}}, {"among": "people seen"},
           words={"among": "counted among"})"""))]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab of its own, on a copy of the notebooks and the demo study."""
    home = tmp_path_factory.mktemp("lab")
    for folder in ("notebooks", "data/demo"):
        shutil.copytree(HOME / folder, home / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    kernel = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(new_notebook(cells=SESSION, metadata={"kernelspec": kernel}), home / "notebooks/session.ipynb")
    for name, settings in QUIET.items():
        path = home / f"jupyterlab_settings_dir/@jupyterlab/{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = [f"JUPYTER_{what}_DIR" for what in ("CONFIG", "DATA", "RUNTIME")] + ["IPYTHONDIR"]
    own += [f"JUPYTERLAB_{what}_DIR" for what in ("SETTINGS", "WORKSPACES")]
    places = {name: str(home / name.lower()) for name in own}
    with open(home / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--expose-app-in-browser",
             f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=club", "--notebook-dir=notebooks"],
            cwd=home, stdout=log, stderr=log, env={**os.environ, **places})
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token=club", server, home / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token=club&reset"
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address, server, log):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            return urlopen(address).close()
        except URLError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-1000:]}")


@pytest.fixture
def run_all(browser, lab):
    """Open a notebook and run all its cells from the menu, as people do; the page when the kernel is done."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE * 1000)

    def run(name):
        page.goto(lab.format(name))
        page.wait_for_function("""() => {
            const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
            return kernel?.connectionStatus == 'connected' && kernel.status == 'idle';
        }""")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_function("""() => {
            const said = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.textContent);
            return /[0-9]/.test(said[0]) && !said.some(one => one.includes('*'));
        }""")
        return page

    yield run
    page.close()


def unrun(page):
    """What went wrong: errors shown, and cells that an error kept from running."""
    return [*page.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts(),
            *page.locator(".jp-CodeCell:has(.jp-InputPrompt:not(:text-matches('[0-9]')))").all_inner_texts()]


def test_a_notebook_runs_from_the_menu_and_a_turned_dial_judges_its_claim_again(run_all):
    page = run_all("01-who-engages.ipynb")
    assert unrun(page) == []
    turn_a_dial(page)


def turn_a_dial(page):
    """Choose what was not chosen: the card's numbers and the line on what was changed follow; and back again."""
    dials = page.locator(".club:has(.card)").first
    card, moved, back = dials.locator(".card"), dials.locator(".moved"), dials.get_by_role("button", name="as judged")
    judged = card.inner_text()
    assert "Change one" in moved.inner_text() and back.is_disabled()
    dials.get_by_role("button").filter(has_not_text="\N{CHECK MARK}").first.click()
    dials.get_by_text("As judged:").wait_for()
    assert card.inner_text() != judged
    back.click()
    dials.get_by_text("Change one, and see").wait_for()
    assert card.inner_text() == judged


def test_a_room_guesses_before_a_figure_shows_and_turns_what_was_assumed(run_all):
    page = run_all("session.ipynb")
    assert unrun(page) == []
    held = page.locator(".jp-CodeCell").nth(2)
    show, figure = held.get_by_role("button", name="Show"), held.locator("table")
    assert show.is_disabled() and figure.count() == 0
    page.get_by_label("Your guess").fill("30")
    page.get_by_role("button", name="Commit this guess").click()
    page.get_by_text("1 guess is in. Next, please.").wait_for()
    assert page.get_by_label("Your guess").input_value() == ""
    assert figure.count() == 0
    show.click()
    figure.wait_for()
    assert "The study: 21" in held.inner_text() and "30" not in held.inner_text()
    turn_a_dial(page)
