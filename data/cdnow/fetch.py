"""Take the purchases of the CDNOW sample (Fader & Hardie) out of the package lifetimes, and put them beside this file."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE, FILE = "lifetimes==0.11.3", "cdnow_customers_summary.csv"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run([sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps",
                            "--only-binary", ":all:", "--dest", folder, PACKAGE], check=True)
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{PACKAGE} cannot be fetched; try again with a connection, or put the file {FILE} of that "
                             "package into data/cdnow by hand.") from error
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            (Path(__file__).parent / FILE).write_bytes(wheel.read(f"lifetimes/datasets/{FILE}"))
    print(f"data/cdnow/{FILE} is there.")
