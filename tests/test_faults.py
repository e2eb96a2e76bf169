"""Whatever happens while a study is read or reported on: no half-written file, no stale result, nothing left behind."""

import gzip
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import duckdb
import nbformat
import pandas as pd
import pytest
from conftest import EVENTS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from libengage_utils.demo import write_demo
from libengage_utils.report import ReportError, build_index, export, print_pdf
from libengage_utils.study import StudyError, keeping, open_study

TWO = {"people": "people.csv", "events": "events.csv"}
MORE = "e4,u3,2025-02-01 10:00,borrow,loan,person,desk\n"
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def many_events(rows, people=2000):
    chance = random.Random(0)
    return EVENTS.splitlines()[0] + "\n" + "".join(
        f"e{n},u{chance.randrange(people)},2025-0{1 + n % 8}-{10 + n % 18} 10:{10 + n % 50},borrow,loan,person,desk\n"
        for n in range(rows))


def many_people(people=2000):
    return "person_id,eligible_from\n" + "".join(f"u{n},2024-09-01\n" for n in range(people))


def shelf(folder):
    return sorted(path.name for path in (folder / ".prepared").glob("*"))


def whole(copy):
    """Whether every file of a prepared copy is there and can be read to its end."""
    about = json.loads((copy / "prepared.json").read_text())
    return all(pd.read_parquet(copy / name).shape for name in about["files"])


def refusal(folder, **options):
    with pytest.raises(StudyError) as caught:
        open_study(folder, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and str(folder) not in sentence
    return sentence


def command(*words, **options):
    return subprocess.Popen([sys.executable, "-m", "libengage_utils", *map(str, words)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


# Runs, in a child that is ready to begin at once, what its caller hands it, and tells when it was ended.
def in_child(work, *given, killed_after=None, told=None):
    child = os.fork()
    if not child:
        try:
            work(*given)
            os._exit(0)
        except BaseException as problem:
            os.write(2, f"{type(problem).__name__}: {problem}\n".encode())
            os._exit(1)
    if killed_after is not None:
        time.sleep(killed_after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# --- killed ---

# In a process that has no threads yet, so that its children may be forked: prepares a study anew each time, and is killed.
KILLED = """
import sys, time
from pathlib import Path
from test_faults import MORE, in_child, shelf, whole
from libengage_utils.study import open_study

folder, *delays = Path(sys.argv[1]), *map(float, sys.argv[2:])
begun = time.perf_counter()
assert in_child(open_study, folder) == 0
took, ended = time.perf_counter() - begun, []
for share in delays:
    with open(folder / "events.csv", "a") as file:
        file.write(MORE.replace("e4", f"more-{len(ended)}"))
    ended.append(in_child(open_study, folder, killed_after=share * took))
    assert all(whole(folder / ".prepared" / name) for name in shelf(folder) if name != "lock" and "unfinished" not in name)
    assert in_child(open_study, folder) == 0
    (left,) = shelf(folder)
    assert whole(folder / ".prepared" / left), left
print(*ended)
"""


def script(text, *words):
    done = subprocess.run([sys.executable, "-c", text, *map(str, words)], capture_output=True, text=True, timeout=100,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)})
    assert done.returncode == 0, done.stderr
    return done.stdout


@forks
def test_a_preparation_killed_at_any_moment_leaves_no_half_written_copy_and_the_next_one_clears_up(write_study):
    folder = write_study(people=many_people(), events=many_events(60_000))
    chance = random.Random(7)
    delays = [(moment + chance.random()) / 12 for moment in range(12)]          # one in each twelfth of the run
    ended = script(KILLED, folder, *delays).split()
    assert len(ended) == 12 and ended.count("-9") >= 6


SPILT = """
import os, signal, sys, threading, time
from pathlib import Path
from test_faults import in_child, shelf
from libengage_utils.study import open_study

def spill(folder):
    study = open_study(folder)
    def die_once_it_spills():
        while not list(study.folder.glob("spill/*storage*")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Thread(target=die_once_it_spills, daemon=True).start()
    study.connection.execute("SET memory_limit = '40MB'; SET threads = 1")
    study.connection.execute("CREATE TABLE big AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(20_000_000)")

folder = Path(sys.argv[1])
assert in_child(open_study, folder) == 0
assert in_child(spill, folder) == -9
(copy,) = (folder / ".prepared").iterdir()
assert list((copy / "spill").iterdir())
study = open_study(folder)
assert not (copy / "spill").exists() and len(study.events) == 3
"""


@forks
def test_what_a_killed_reader_had_put_off_to_the_disk_goes_with_the_next_run(write_study):
    script(SPILT, write_study())


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_a_preparation_stopped_on_purpose_leaves_nothing(write_study, sent):
    folder = write_study(people=many_people(), events=many_events(120_000))
    run = command("prepare", folder)
    while "read people.csv" not in (line := run.stdout.readline()):
        assert line, "the run ended before it was stopped"
    run.send_signal(getattr(signal, sent))
    said = run.communicate(timeout=30)[0]
    assert run.returncode == 1 and said.splitlines()[-1] == "Stopped." and "Traceback" not in said
    assert shelf(folder) == []


def notebook_in(folder, *code):
    path = folder / "01-who.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Who?\n\nWho came?", id="a"), *(
        new_code_cell(line, id=f"c{at}") for at, line in enumerate(code))]), path)
    return path


REPORT_KILLED = """
import sys
from pathlib import Path
from test_faults import in_child
from libengage_utils.report import build_index, export
from libengage_utils.study import open_study

notebook, out, *delays = sys.argv[1:]
out = Path(out)

def report():
    study = open_study(Path(notebook).parent)
    export(notebook, out / "01-who.html", study=study)
    build_index(out, study)

for delay in map(float, delays):
    ended = in_child(report, killed_after=delay)
    for page in out.glob("*.html"):
        assert page.read_text().rstrip().endswith("</html>"), page
    assert in_child(report) == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == ["01-who-code.html", "01-who-notes.html", "01-who-slides.html", "01-who.html", "01-who.json",
                     "index.html"], names
    print(ended)
"""


@forks
def test_a_report_killed_at_any_moment_leaves_no_half_written_page_and_the_next_one_clears_up(write_study, tmp_path):
    notebook = notebook_in(write_study(), "6 * 7")
    chance = random.Random(3)
    ended = script(REPORT_KILLED, notebook, tmp_path / "out", *(round(0.4 + 0.6 * at + 0.6 * chance.random(), 2)
                                                               for at in range(4))).split()
    assert len(ended) == 4 and ended[0] == "-9"


@forks
def test_a_demo_killed_while_its_files_take_their_names_is_no_study_and_the_next_one_clears_up(tmp_path):
    script("""
import os, signal, sys
from pathlib import Path
from test_faults import in_child
from libengage_utils.demo import write_demo
rename = Path.replace
def dies_at(last):
    left = [last]
    def replace(draft, path):
        left[0] -= 1
        return rename(draft, path) if left[0] else os.kill(os.getpid(), signal.SIGKILL)
    Path.replace = replace
    write_demo(sys.argv[1], people=200)
assert in_child(dies_at, 6) == -9
assert not Path(sys.argv[1], "study.yml").exists()
""", tmp_path / "demo")
    write_demo(tmp_path / "demo", people=200)
    assert not [path for path in (tmp_path / "demo").iterdir() if path.name.startswith(".")]
    assert (tmp_path / "demo" / "study.yml").exists()


# --- two at once ---

def test_a_second_run_waits_for_the_first_and_takes_its_copy(write_study):
    folder = write_study(people=many_people(), events=many_events(120_000))
    first = command("prepare", folder)
    while "read people.csv" not in first.stdout.readline():
        assert first.poll() is None
    said = []
    study = open_study(folder, progress=said.append)
    assert said == ["another run is preparing this study; waiting for it"]
    assert first.wait() == 0 and len(study.events) == 120_000 and len(shelf(folder)) == 1


def test_a_copy_that_is_read_stays_until_nobody_reads_it(write_study):
    folder = write_study()
    study = open_study(folder)
    (folder / "events.csv").write_text(EVENTS + MORE)
    assert study.changed()
    other = command("check", folder)
    assert "another run" not in other.communicate()[0] and other.returncode == 0
    assert len(shelf(folder)) == 2 and len(study.events) == 3 and len(study.events.df()) == 3
    del study
    assert len(open_study(folder).events) == 4 and len(shelf(folder)) == 1


def test_a_copy_that_is_gone_nevertheless_is_said(write_study):
    folder = write_study()
    study = open_study(folder)
    study.folder.rename(study.folder.with_name("elsewhere"))
    with pytest.raises(StudyError, match="was removed while it was read"):
        study.events  # noqa: B018


def test_where_files_cannot_be_locked_what_a_day_has_left_alone_is_dead(write_study, monkeypatch):
    monkeypatch.setattr(keeping, "fcntl", None)
    folder = write_study()
    open_study(folder)
    for name, age in {"unfinished-now": 0, "unfinished-old": 2, "unfinished-by-a-clock-ahead": -2}.items():
        (folder / ".prepared" / name).mkdir()
        os.utime(folder / ".prepared" / name, (time.time() - age * 86_400,) * 2)
    assert len(open_study(folder).events) == 3
    assert shelf(folder)[1:] == ["unfinished-now"]


# --- inputs that change ---

def changing(folder, change):
    """A progress that changes the log once the roster has been read."""
    return lambda sentence: change(folder / "events.csv") if "people.csv" in sentence else None


def append(path):
    path.write_text(EVENTS + MORE)


def rewrite_with_its_times(path):
    about = path.stat()
    path.write_text(EVENTS.replace("chat", "talk"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.mark.parametrize("change", [append, rewrite_with_its_times])
def test_a_file_that_changes_while_it_is_read_is_refused(write_study, change):
    folder = write_study()
    assert "events.csv changed while it was read" in refusal(folder, progress=changing(folder, change))
    assert shelf(folder) == []
    assert open_study(folder).counts["rejected"].tolist() == [0, 0]


def test_other_contents_of_the_same_size_and_time_are_read(write_study):
    folder = write_study()
    open_study(folder)
    rewrite_with_its_times(folder / "events.csv")
    assert open_study(folder).events.filter("touchpoint = 'talk'").df().shape[0] == 1


def test_a_page_of_files_that_changed_while_its_notebook_ran_is_not_written(write_study, tmp_path):
    folder = write_study()
    notebook = notebook_in(folder, f"open({str(folder / 'events.csv')!r}, 'a').write({MORE!r})")
    with pytest.raises(ReportError, match="files of the study changed while it ran"):
        export(notebook, tmp_path / "out" / "01.html", study=open_study(folder))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("days", [-4000, 4000])
def test_a_clock_that_was_set_hides_no_change(write_study, days):
    folder = write_study()
    open_study(folder)
    (folder / "events.csv").write_text(EVENTS + MORE)
    os.utime(folder / "events.csv", (time.time() + days * 86_400,) * 2)
    assert len(open_study(folder).events) == 4 and len(shelf(folder)) == 1


# --- sources that are not what they should be ---

def parquet():
    out = io.BytesIO()
    pd.read_csv(io.StringIO(EVENTS)).to_parquet(out)
    return out.getvalue()


def zeroed(content):
    return content[:40] + bytes(200) + content[240:]


def zipped(content=b"event_id,person_id", locked=False):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("events.csv", content)
    packed = bytearray(out.getvalue())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(mark) + at] |= locked
    return bytes(packed)


BIG = many_events(400).encode()


@pytest.mark.parametrize(("name", "content", "words"), [
    ("e.parquet", parquet()[:-1000], "e.parquet cannot be read as a Parquet file: it is cut short. Export or copy it"),
    ("e.parquet", b"", "e.parquet is empty. Export it again"),
    ("e.parquet", b"PAR1", "e.parquet cannot be read: it is damaged"),
    ("e.parquet", zeroed(parquet()), "e.parquet cannot be read: it is damaged or cut short. Export or copy it again."),
    ("e.parquet", EVENTS.encode(), "e.parquet is not a Parquet file, but text, or of another kind. Correct its name"),
    ("e.csv", parquet(), "e.csv is a Parquet file, which its name does not say. Give it a name that ends in .parquet"),
    ("e.csv", gzip.compress(EVENTS.encode()), "e.csv is a gzip file, which its name does not say"),
    ("e.csv", zipped(), "e.csv is a spreadsheet or a zip file, which its name does not say. Save its table as CSV"),
    ("e.csv.gz", EVENTS.encode(), "e.csv.gz is not a gzip file, but text"),
    ("e.csv.gz", zipped(), "e.csv.gz is not a gzip file, but a zip file"),
    ("e.csv.gz", zeroed(gzip.compress(BIG)), "it is damaged or cut short. Export or copy it again."),
    ("e.csv.bz2", EVENTS.encode(), "e.csv.bz2 is not a bzip2 file"),
    ("e.csv.xz", EVENTS.encode(), "e.csv.xz is not an xz file"),
    ("e.zip", EVENTS.encode(), "e.zip is not a zip file"),
    ("e.zip", zipped()[:100], "e.zip cannot be unpacked: it is damaged or cut short"),
    ("e.zip", zeroed(zipped(BIG)), "it is damaged or cut short. Export or copy it again."),
    ("e.zip", zipped(locked=True), "e.zip is locked with a password. Unpack it"),
    ("e.csv", Path.mkdir, "e.csv, the source of the table events, is a folder"),
    ("e.csv", lambda path: path.symlink_to("nowhere.csv"), "is a link to a file that is not there"),
    ("e.csv", lambda path: path.symlink_to(path), "is a link to a file that is not there"),
    ("e.csv", lambda path: os.mkfifo(path), "is not in the folder given"),
], ids=lambda value: value if isinstance(value, str) else "so")
def test_a_source_that_is_not_what_it_should_be_gets_a_sentence(write_study, name, content, words):
    folder = write_study(sources={"people": "people.csv", "events": name})
    content(folder / name) if callable(content) else (folder / name).write_bytes(content)
    assert words in refusal(folder) and shelf(folder) == []


def test_a_file_that_may_not_be_read_gets_a_sentence(write_study):
    folder = write_study()
    (folder / "events.csv").chmod(0)
    obeying = [] if os.geteuid() else ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]    # as others must
    if obeying and not shutil.which("setpriv"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("root reads every file, and setpriv is missing to hinder it")
    done = subprocess.run([*obeying, sys.executable, "-m", "libengage_utils", "check", folder], capture_output=True,
                          text=True)
    assert done.returncode == 1 and done.stderr == (
        "events.csv cannot be read (Permission denied). See that you may read it and that its disk is there, or copy it to "
        "a folder of your own.\n")


# --- the copy itself ---

@pytest.mark.parametrize("damage", [
    lambda copy: (copy / "prepared.json").write_text((copy / "prepared.json").read_text()[:40]),
    lambda copy: (copy / "prepared.json").write_text("[]"),
    lambda copy: (copy / "prepared.json").unlink(),
    lambda copy: (copy / "events.parquet").unlink(),
    lambda copy: (copy / "rejected.parquet").write_bytes(b""),
    lambda copy: (copy / "events.parquet").write_bytes((copy / "events.parquet").read_bytes()[:-9]),
    lambda copy: (copy / "events.parquet").write_bytes(bytes((copy / "events.parquet").stat().st_size)),
])
def test_a_damaged_copy_is_made_anew(write_study, damage):
    folder = write_study()
    open_study(folder)
    (copy,) = (folder / ".prepared").iterdir()
    damage(copy)
    study = open_study(folder)
    assert len(study.events) == 3 and len(study.rejected) == 0 and whole(copy) and shelf(folder) == [copy.name]


# --- no room, no leave to write ---

@pytest.fixture
def disk(tmp_path):
    """Mount a small disk; where that is not allowed the test is skipped, and fails in continuous integration."""
    place = tmp_path / "disk"

    def mount(size, *options):
        place.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", str(place)],
                              capture_output=True, text=True)
        if done.returncode:
            root = getattr(os, "geteuid", lambda: 1)() == 0
            (pytest.fail if os.environ.get("CI") and root else pytest.skip)(f"No disk can be mounted: {done.stderr.strip()}")
        return place

    yield mount
    subprocess.run(["umount", str(place)], capture_output=True)


def fill(place, but):
    """Take all room of a disk but so many bytes."""
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    (place / "taken").write_bytes(bytes(free - but))


@pytest.mark.parametrize(("name", "room"), [("events.csv", 4096), ("events.csv", 81_920), ("events.csv.gz", 122_880)])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(write_study, disk, name, room):
    place = disk("8m")
    text = many_events(20_000)
    (place / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    folder = write_study(people=many_people(), sources={"people": "people.csv", "events": name})
    for file in ("people.csv", "study.yml"):
        (place / file).write_bytes((folder / file).read_bytes())
    fill(place, room)
    run = command("prepare", place)
    said = run.communicate()[0].splitlines()
    assert run.returncode == 1 and said[-1].startswith("There is no room to prepare the study: it needs more than"), said
    assert shelf(place) == []
    (place / "taken").unlink()
    assert len(open_study(place).events) == 20_000


def test_a_page_on_a_full_disk_is_one_sentence_and_the_last_one_stays(write_study, disk):
    study, place = open_study(write_study()), disk("4m")
    notebook = notebook_in(study.path.parent, "6 * 7")
    export(notebook, place / "01.html", study=study)
    build_index(place, study)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    notebook = notebook_in(study.path.parent, "6 * 8")
    fill(place, 60_000)
    run = command("report", notebook, study.path, "--to", place / ".")
    with pytest.raises(ReportError, match=r"^01\.html cannot be written to its folder \(No space left on device\); make"):
        export(notebook, place / "01.html", study=study)
    said = run.communicate()[0]
    assert run.returncode == 1 and "01-who.html cannot be written" in said and "Traceback" not in said
    (place / "taken").unlink()
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_a_copy_on_a_disk_that_cannot_be_written_is_read(write_study, disk):
    folder, place = write_study(), disk("2m")
    for name in ("people.csv", "events.csv", "study.yml"):
        (place / name).write_bytes((folder / name).read_bytes())
    open_study(place)
    (place / ".prepared" / "unfinished-by-a-dead-process").mkdir()
    disk("2m", "remount", "ro")
    assert len(open_study(place).events) == 3
    disk("2m", "remount", "rw")
    (place / "events.csv").write_text(EVENTS + MORE)
    disk("2m", "remount", "ro")
    assert "cannot be written (Read-only file system). Copy the study to a folder of your own." in refusal(place)


def test_a_study_too_large_for_memory_and_disk_gets_a_sentence(write_study, monkeypatch):
    def prepare(*_):
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed to offload data block")

    monkeypatch.setattr("libengage_utils.study.shelf.prepare", prepare)
    folder = write_study()
    assert "There is no room to prepare the study" in refusal(folder) and shelf(folder) == []


def test_a_notebook_too_large_for_memory_gets_a_sentence(write_study, tmp_path):
    notebook = notebook_in(write_study(), "import duckdb\n\nraise duckdb.OutOfMemoryException('Error\\n\\n* advice')")
    with pytest.raises(ReportError, match="stopped under “Who\\?”: there is no room, in memory or on the disk"):
        export(notebook, tmp_path / "out" / "01.html", study=open_study(tmp_path))


@pytest.mark.parametrize("name", ["l'été & \"Bücher\" 100%", "図書館 $HOME; `x` *", "a#b\\c"])
def test_the_name_of_a_folder_may_hold_what_it_likes(write_study, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    for file in ("people.csv", "events.csv", "study.yml"):
        (folder / file).write_bytes((write_study() / file).read_bytes())
    assert len(open_study(folder).events) == 3
    study = open_study(folder)
    export(notebook_in(folder, "6 * 7"), folder / "out" / "01.html", study=study)
    assert build_index(folder / "out", study).is_file()


# --- printing ---

def browser(folder, body):
    path = folder / "browser"
    path.write_text(f'#!/bin/sh\nfor word; do case "$word" in --print-to-pdf=*) to="${{word#*=}}";; esac; done\n{body}\n')
    path.chmod(0o755)
    return str(path)


def test_a_print_that_was_cut_off_is_no_print(tmp_path, monkeypatch):
    (tmp_path / "01.html").write_text("<p>One</p>")
    monkeypatch.setenv("CHROMIUM", browser(tmp_path, 'printf "%%PDF-1.4 half" > "$to"'))
    with pytest.raises(ReportError, match=r"printed 01\.html in part only; make room on the disk"):
        print_pdf(tmp_path / "01.html", tmp_path / "01.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01.html", "browser"]


def test_what_a_killed_print_left_goes_with_the_next_one_and_that_of_others_stays(tmp_path, monkeypatch):
    (tmp_path / "01.html").write_text("<p>One</p>")
    monkeypatch.setenv("CHROMIUM", browser(tmp_path, 'echo > "$to.begun"; sleep 30'))
    run = subprocess.Popen([sys.executable, "-c", "import sys; from libengage_utils.report import print_pdf; "
                            "print_pdf(sys.argv[1], sys.argv[2])", tmp_path / "01.html", tmp_path / "01.pdf"])
    while not list(tmp_path.glob("printing-*/page.pdf.begun")):
        assert run.poll() is None
        time.sleep(0.02)
    run.kill()
    run.wait()
    (tmp_path / "printing-01-slides.pdf-x").mkdir()
    monkeypatch.setenv("CHROMIUM", browser(tmp_path, 'printf "%%PDF-1.4 whole %%%%EOF" > "$to"'))
    print_pdf(tmp_path / "01.html", tmp_path / "01.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01.html", "01.pdf", "browser", "printing-01-slides.pdf-x"]
