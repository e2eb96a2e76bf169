"""Write the table of README.md anew: python tests/published."""

from figures import HERE, table

README = HERE / "README.md"
HEAD = "## The table\n\n"

if __name__ == "__main__":
    above = README.read_text().split(HEAD)[0]
    README.write_text(above + HEAD + table())
    print(f"{README.name} is written.")
