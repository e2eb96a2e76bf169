"""Download GoEmotions' training and development comments (CC BY 4.0) beside this file, to fit the emotion model anew."""

import gzip
from pathlib import Path

import pooch

ADDRESS = "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data"
FILES = {"train.tsv": "train.tsv.gz", "dev.tsv": "dev.tsv.gz", "emotions.txt": "labels.txt"}


if __name__ == "__main__":
    folder = Path(__file__).parent
    try:
        for name, wanted in FILES.items():
            if (folder / wanted).exists():
                continue
            content = Path(pooch.retrieve(f"{ADDRESS}/{name}", known_hash=None, fname=name, path=folder,
                                          progressbar=False)).read_bytes()
            (folder / wanted).write_bytes(gzip.compress(content, mtime=0) if wanted.endswith(".gz") else content)
            (folder / name).unlink()
    except OSError as error:
        raise SystemExit("GoEmotions cannot be reached; try again with a connection, or name a folder that holds "
                         f"{', '.join(FILES.values())}: make fit FILES=folder.") from error
    print("GoEmotions is in data/goemotions.")
