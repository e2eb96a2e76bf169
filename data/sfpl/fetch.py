"""Download San Francisco's "Library Usage" from the city's open data portal, beside this file."""

from pathlib import Path

import pooch

ADDRESS = "https://data.sfgov.org/api/views/qzz6-2jup/rows.csv?accessType=DOWNLOAD"


if __name__ == "__main__":
    folder = Path(__file__).parent
    try:
        pooch.retrieve(ADDRESS, known_hash=None, fname="Library_Usage.csv", path=folder, progressbar=False)
    except OSError as error:
        raise SystemExit("The open data portal cannot be reached; try again with a connection, or put the file "
                         "Library_Usage.csv into data/sfpl by hand.") from error
    print("data/sfpl/Library_Usage.csv is there. The portal offers its newest release: in data/sfpl/study.yml name "
          "this file in both sources, and set as_of and the period's end to the last month it holds.")
