"""The Makefile: what it lists, and one clear sentence for whatever stands in the way of the environment."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def clone(tmp_path):
    """The files make needs, without an environment."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(HOME / name, tmp_path)
    for folder in ("libengage_utils", "notebooks", "data"):
        shutil.copytree(HOME / folder, tmp_path / folder,
                        ignore=shutil.ignore_patterns("__pycache__", ".prepared", "*.csv.gz", "*.zip"))
    return tmp_path


def make(clone, *words, **variables):
    done = subprocess.run(["make", *words], cwd=clone, capture_output=True, text=True, timeout=120,
                          env={**{k: v for k, v in os.environ.items() if not k.startswith("MAKE")}, **variables})
    return done.returncode, done.stdout + done.stderr


def pretend(folder, body):
    """An interpreter that answers as told."""
    script = folder / "python-pretend"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    return script


def test_make_alone_lists_the_targets(clone):
    code, said = make(clone)
    assert code == 0
    assert all(f"make {target}" in said for target in ("report", "test", "lab", "bench", "check", "clean"))
    assert not (clone / ".venv").exists()


def test_a_missing_python_gets_a_sentence(clone):
    code, said = make(clone, "report", "PYTHON=no-such-python")
    assert code and "install Python 3.11 or later" in said


def test_an_old_python_gets_a_sentence(clone):
    old = pretend(clone, 'case "$2" in *version_info*) exit 1;; *platform*) echo 3.9.2;; esac')
    code, said = make(clone, "report", f"PYTHON={old}")
    assert code and "Python 3.11 or later is needed" in said and "is 3.9.2" in said


def test_a_missing_venv_module_gets_a_sentence(clone):
    bare = pretend(clone, 'case "$2" in *ensurepip*) exit 1;; esac')
    code, said = make(clone, "report", f"PYTHON={bare}")
    assert code and "python3-venv" in said


def test_an_environment_that_is_a_link_is_never_emptied(clone):
    (clone / "shared").mkdir()
    (clone / "shared" / "kept").touch()
    (clone / ".venv").symlink_to("shared")
    code, said = make(clone, "report")
    assert code and ".venv is a link" in said and (clone / "shared" / "kept").exists()


def test_no_network_gets_a_sentence(clone):
    away = {name: "" for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL")}
    code, said = make(clone, "report", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_CACHE_DIR="1", PIP_RETRIES="0",
                      PIP_CONFIG_FILE=os.devnull, **away)
    assert code and "there is no connection to PyPI" in said
    assert not (clone / ".venv" / ".ready").exists()


def test_a_missing_notebook_or_study_gets_a_sentence(clone):
    code, said = make(clone, "report", "NOTEBOOK=99-nothing")
    assert code and "no notebook called '99-nothing'" in said and "01-who-engages" in said
    code, said = make(clone, "report", "STUDY=nowhere/study.yml")
    assert code and "There is no study at 'nowhere/study.yml'" in said


def test_a_path_with_a_space_gets_a_sentence(clone):
    for word in ("STUDY=my study/study.yml", "NOTEBOOK=01 who"):
        name, _, path = word.partition("=")
        code, said = make(clone, "report", word)
        assert code and f"{name} may hold no space, as '{path}' does" in said


def test_a_study_whose_pages_would_lie_among_the_sheets_gets_a_sentence(clone):
    shutil.copytree(clone / "data" / "sfpl", clone / "club")
    code, said = make(clone, "report", "STUDY=club/study.yml")
    assert code and "The folder of a study may not be called club" in said


@pytest.fixture
def at_work(clone):
    """An environment whose interpreter writes down what it is asked and makes what make waits for."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    script = pretend(clone, """
echo "$*" >> asked
case "$3" in
  prepare) for last; do :; done; [ ! -e given ] || cp given "$(dirname "$last")/.inputs" ;;
  report) [ ! -e slow ] || { touch begun; sleep 20; exit 1; }
    [ "$(basename "$4" .ipynb)" != "$(cat broken 2> /dev/null)" ] || { echo "it stopped"; exit 1; }
    for last; do :; done; page="$last/$(basename "$4" .ipynb)"; touch "$page.html" "$page.json" ;;
  index) for last; do :; done; touch "$last/index.html" ;;
esac""")
    script.rename(clone / ".venv" / "bin" / "python")
    (clone / ".venv" / ".ready").touch()

    def run(*words):
        (clone / "asked").unlink(missing_ok=True)
        code, said = make(clone, "report", "-j1", *words)
        asked = (clone / "asked").read_text().splitlines() if (clone / "asked").exists() else []
        return code, said, [" ".join(Path(word).stem for word in line.split()[2:4]) for line in asked]

    return clone, run


EVERY_PAGE = [f"report {path.stem}" for path in sorted((HOME / "notebooks").glob("*.ipynb"))]


def test_a_second_run_runs_nothing(at_work):
    _, run = at_work
    first, *pages, last = run("-j2")[2]
    assert (first, last) == ("prepare study", "index study")
    assert sorted(pages) == EVERY_PAGE
    assert run()[2] == []


def later(path):
    os.utime(path, (time.time() + 60, time.time() + 60))


def test_a_changed_notebook_makes_its_page_alone_anew(at_work):
    clone, run = at_work
    run()
    later(clone / "notebooks" / "01-who-engages.ipynb")
    assert run()[2] == ["report 01-who-engages", "index study"]


def test_a_page_whose_manifest_is_lost_is_made_anew(at_work):
    clone, run = at_work
    run()
    (clone / "reports" / "01-who-engages.json").unlink()
    assert run()[2] == ["report 01-who-engages", "index study"]
    assert run()[2] == []


def test_one_notebook_is_printed_alone(at_work):
    clone, run = at_work
    run("pdf", "NOTEBOOK=01-who-engages")
    assert (clone / "asked").read_text().splitlines()[-1] == "-m libengage_utils pdf reports --notebook 01-who-engages"
    run("pdf")
    assert (clone / "asked").read_text().splitlines()[-1] == "-m libengage_utils pdf reports"


def test_a_changed_package_makes_every_page_anew(at_work):
    clone, run = at_work
    run()
    later(clone / "libengage_utils" / "claims" / "rules.py")
    assert run()[2] == ["prepare study", *EVERY_PAGE, "index study"]


def test_another_study_gets_a_folder_of_its_own(at_work):
    clone, run = at_work
    code, _, asked = run("NOTEBOOK=01-who-engages", "STUDY=data/sfpl/study.yml", "FILES=elsewhere")
    assert code == 0 and asked == ["prepare study", "report 01-who-engages", "index study"]
    assert (clone / "reports" / "sfpl" / "index.html").exists() and not (clone / "reports" / "index.html").exists()


def test_two_studies_whose_folders_share_a_name_never_share_a_page(at_work):
    clone, run = at_work
    for place in ("a", "b"):
        (clone / place / "lib").mkdir(parents=True)
        shutil.copy(clone / "data" / "sfpl" / "study.yml", clone / place / "lib" / "study.yml")
    run("STUDY=a/lib/study.yml")
    assert "report 01-who-engages" in run("STUDY=b/lib/study.yml")[2]


def test_a_plan_wants_a_day_and_a_campaign_before_anything_else(clone):
    code, said = make(clone, "plan", "ON=2025-08-01")
    assert code and "Name the day and the campaign: make plan ON=2026-09-01 CAMPAIGN=autumn" in said
    assert not (clone / ".venv").exists()


def test_a_plan_writes_its_three_files_beside_the_study(clone, write_study):
    people = "person_id,eligible_from\n" + "".join(f"u{i},2023-09-01\n" for i in range(40))
    events = "event_id,person_id,occurred_at,event_type,touchpoint,initiated_by,source\n" + "".join(
        f"e{i},u{i},2023-10-0{1 + i % 2} 10:00,borrow,loan,person,desk\n" for i in range(40))
    write_study(people=people, events=events, coverage=[
        {"source": "desk", "from": "2023-09-01", "to": "2025-08-31", "identity": "person"}])
    (clone / ".venv" / "bin").mkdir(parents=True)
    pretend(clone, f'exec "{sys.executable}" "$@"').rename(clone / ".venv" / "bin" / "python")
    (clone / ".venv" / ".ready").touch()
    code, said = make(clone, "plan", "STUDY=study.yml", "ON=2025-08-01", "CAMPAIGN=autumn")
    assert code == 0 and "nothing was sent" in said
    assert sorted(path.name for path in (clone / "plan-autumn").iterdir()) == ["contacts.csv", "letters.csv", "protocol.yml"]


def test_a_notebook_that_fails_keeps_no_other_from_its_page_and_its_old_page_goes(at_work):
    clone, run = at_work
    run()
    later(clone / "notebooks" / "01-who-engages.ipynb")
    later(clone / "notebooks" / "02-emotional-journeys.ipynb")
    (clone / "broken").write_text("01-who-engages")
    for name in ("01-who-engages-slides.html", "01-who-engages.pdf", "index.pdf", "02-emotional-journeys.pdf"):
        (clone / "reports" / name).touch()
    for asked in (["report 01-who-engages", "report 02-emotional-journeys", "index study"],
                  ["report 01-who-engages", "report 02-emotional-journeys", "index study"]):
        code, said, found = run()
        assert code and "it stopped" in said
        assert "Not made, for the reasons given above, and not in the index: 01-who-engages\n" in said
        assert found == asked
    left = [path.name for path in (clone / "reports").iterdir()]
    assert not [name for name in left if name.startswith("01-")] and "index.pdf" not in left and "index.html" in left
    assert "02-emotional-journeys.html" in left and "02-emotional-journeys.pdf" in left
    (clone / "broken").unlink()
    code, said, found = run()
    assert code == 0 and found[0] == "report 01-who-engages"
    assert (clone / "reports" / "01-who-engages.html").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_run_stopped_on_purpose_takes_no_page_away(at_work, sent):
    clone, run = at_work
    run()
    later(clone / "notebooks" / "01-who-engages.ipynb")
    (clone / "slow").touch()
    started = subprocess.Popen(["make", "report"], cwd=clone, start_new_session=True, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while not (clone / "begun").exists():
        assert started.poll() is None
        time.sleep(0.02)
    os.killpg(started.pid, sent)
    assert started.wait(timeout=30) != 0
    assert (clone / "reports" / "01-who-engages.html").exists() and (clone / "reports" / "index.html").exists()


def test_a_source_that_another_takes_the_place_of_is_noticed_however_old_it_is(at_work):
    clone, run = at_work
    source = clone / "an export's (1).csv"
    for name, text in ((source, "old"), (clone / "other", "new")):
        name.write_text(text)
        os.utime(name, (1_600_000_000, 1_600_000_000))
    (clone / "given").write_text(f"reports/.prepared: x\n{source.name.replace(' ', chr(92) + ' ')}:\n")
    run()
    assert run()[2] == []
    (clone / "other").rename(source)
    assert run()[2] == ["prepare study", *EVERY_PAGE, "index study"]
    assert run()[2] == []
    source.unlink()
    assert run()[2][0] == "prepare study"


def test_pages_made_before_a_clock_was_set_back_are_made_anew(at_work):
    clone, run = at_work
    run()
    for name in ("01-who-engages.html", "index.html"):
        os.utime(clone / "reports" / name, (time.time() + 86_400,) * 2)
    assert run()[2] == ["report 01-who-engages", "index study"]
    assert run()[2] == []
    os.utime(clone / "reports" / ".prepared", (time.time() + 86_400,) * 2)
    assert run()[2] == ["prepare study", *EVERY_PAGE, "index study"]


def test_a_list_of_inputs_that_was_cut_off_is_made_anew(at_work):
    clone, run = at_work
    (clone / "people.csv").touch()
    (clone / "given").write_text("reports/.prepared: people.csv\npeople.csv:\n")
    run()
    (clone / "reports" / ".inputs").write_text("reports/.prepared: peo")
    assert run()[2][0] == "prepare study"
    assert run()[2] == []


@pytest.mark.parametrize("name", ["o'brien", "a \"b\" c", "Bücher 100%"])
def test_the_folder_of_the_checkout_may_be_called_what_it_likes(at_work, name):
    clone, _ = at_work
    moved = clone / name
    moved.mkdir()
    for path in [path for path in clone.iterdir() if path != moved]:
        path.rename(moved / path.name)
    code, said = make(moved, "report", "FILES=o'hare's files")
    assert code == 0 and (moved / "reports" / "index.html").exists(), said
    assert "--files o'hare's files" in (moved / "asked").read_text()
    (moved / "asked").unlink()
    assert make(moved, "report", "FILES=o'hare's files")[0] == 0 and not (moved / "asked").exists()


def test_a_demo_whose_writing_was_killed_can_be_written_anew(at_work):
    clone, _ = at_work
    (clone / "data" / "demo" / "study.yml").unlink()
    assert make(clone, "report")[0] != 0
    assert make(clone, "demo")[0] == 0 and "libengage_utils demo data/demo" in (clone / "asked").read_text()


def test_two_runs_at_once_prepare_before_they_report(at_work):
    _, run = at_work
    assert run("-j8")[2][0] == "prepare study"
