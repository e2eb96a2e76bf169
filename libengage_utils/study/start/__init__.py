"""From exports to a study.yml to complete: what each file seems to be, tried on its rows, and what is unsure."""
