"""What a reader should know of a study's data although nothing was rejected for it, in sentences."""

from ..schema import TABLES


def notices_of(connection, settings, counts):
    """The sentences, from the staged tables and their counts."""
    one = lambda query: connection.execute(query).fetchone()  # noqa: E731
    few = lambda people: f"{people:,}" if people >= settings.minimum_count or not people else (  # noqa: E731
        f"fewer than {settings.minimum_count}")
    notices = [f"{count['file']} has no rows: the study is taken to have no {count['table'].replace('_', ' ')}."
               for count in counts if not count["read"]]
    alike = one("SELECT count(*) FROM (SELECT lower(person_key) FROM staged_people WHERE problem IS NULL "
                "GROUP BY 1 HAVING count(*) > 1)")[0]
    if alike:
        notices.append(f"{few(alike)} identifiers on the roster differ from another only by capital letters; they are "
                       "kept as different people. If they are one person, write them alike in the export.")
    notices += _floor(connection)
    notices += _blind_spots_that_apply_to_nobody(connection, settings)
    roster = "SELECT person_key FROM staged_people WHERE problem IS NULL"
    if any(count["table"] == "contacts" for count in counts):
        strangers = one("SELECT count(DISTINCT person_key) FROM staged_contacts WHERE problem IS NULL "
                        f"AND person_key NOT IN ({roster})")[0]
        if strangers:
            notices.append(f"Contacts of {few(strangers)} people who are not on the roster are kept, but counted for "
                           "nobody.")
    if any(count["table"] == "events" for count in counts):
        connection.execute("CREATE TABLE seen AS SELECT person_key FROM staged_events WHERE problem IS NULL "
                           "AND person_key IS NOT NULL GROUP BY 1")
        strangers = one(f"SELECT count(*) FROM seen ANTI JOIN ({roster}) USING (person_key)")[0]
        if strangers:
            padded = one("SELECT count(DISTINCT s.person_key) FROM seen s JOIN staged_people p ON "
                         "ltrim(s.person_key, '0') = ltrim(p.person_key, '0') AND s.person_key <> p.person_key "
                         f"WHERE s.person_key NOT IN ({roster})")[0]
            zeros = f" {few(padded)} of them match it but for leading zeros: export identifiers as text." if padded else ""
            notices.append(f"Events of {few(strangers)} people who are not on the roster are kept, but counted "
                           f"for nobody.{zeros}")
        silent, = one(f"SELECT count(*) FROM ({roster}) ANTI JOIN seen USING (person_key)")
        everybody, = one(f"SELECT count(*) FROM ({roster})")
        share = f" ({silent / everybody:.0%})" if min(silent, everybody - silent) >= settings.minimum_count else ""
        notices.append(f"{few(silent)} of {everybody:,} people on the roster{share} have no event.")
        last = one("SELECT max(occurred_at) FROM staged_events WHERE problem IS NULL")[0].date()
        if (settings.as_of - last).days > 31:
            notices.append(f"The log ends on {last}, {(settings.as_of - last).days} days before the as-of date: "
                           "people may look quiet because nothing was recorded.")
    return notices


def _blind_spots_that_apply_to_nobody(connection, settings):
    """Notice a blind spot that names a column of the roster which is empty, so that those people count as visible."""
    spots = {spot.strip() for spots in settings.coverage["blind_spots"] for spot in spots.split(";") if "=" in spot}
    columns = {spot.partition("=")[0].strip() for spot in spots} & set(TABLES["people"].names)
    empty = [column for column in sorted(columns) if not connection.execute(
        f'SELECT count("{column}") FROM staged_people WHERE problem IS NULL').fetchone()[0]]
    return [f"The coverage names people by {column.replace('_', ' ')}, and the roster does not have it: people whom no "
            "source can see are counted as visible. Add it to the roster." for column in empty]


def _floor(connection):
    """Notice an earliest year that holds far more people than the next: a migration's floor."""
    years = connection.execute("SELECT year(eligible_from) AS year, count(*) AS people FROM staged_people "
                               "WHERE problem IS NULL AND eligible_from IS NOT NULL GROUP BY 1 ORDER BY 1").df()
    if len(years) < 3 or years["people"][0] < 3 * years["people"][1] or years["people"][0] < 0.05 * years["people"].sum():
        return []
    first, second = years["people"][:2]
    return [f"{first:,} people ({first / years['people'].sum():.0%}) became eligible in {years['year'][0]}, the earliest "
            f"year on record and {first / second:.1f} times as many as in the year after: a floor such as a migration "
            "of systems leaves. For them the true beginning is unknown, and rates over time are approximate."]
