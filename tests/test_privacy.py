"""What may enter and what may leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libengage_utils.privacy import PSEUDONYM, PrivacyError, Pseudonymiser, release_problems, scrub

KEY = bytes(range(32))


# --- pseudonyms ---

@given(st.lists(st.text(min_size=1), unique=True))
def test_pseudonyms_never_collide_and_never_change(identifiers):
    one, other = Pseudonymiser(KEY), Pseudonymiser(KEY)
    pseudonyms = [one(i) for i in identifiers]
    assert len(set(pseudonyms)) == len(identifiers)
    assert pseudonyms == [other(i) for i in identifiers]
    assert all(PSEUDONYM.fullmatch(p) for p in pseudonyms)


def test_a_second_key_gives_other_pseudonyms():
    assert Pseudonymiser(KEY)("u1") != Pseudonymiser(KEY[::-1])("u1")


def test_a_short_key_is_refused():
    with pytest.raises(PrivacyError, match="at least 16"):
        Pseudonymiser(b"short")


def test_a_key_is_never_shown():
    assert KEY.hex() not in repr(Pseudonymiser(KEY)) and repr(KEY) not in repr(Pseudonymiser(KEY))


def test_a_key_file_that_others_may_read_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("KEY", raising=False)
    file = tmp_path / "key"
    file.write_text(KEY.hex())
    monkeypatch.setenv("KEY_FILE", str(file))
    file.chmod(0o644)
    with pytest.raises(PrivacyError, match="mode 600"):
        Pseudonymiser.from_environment("KEY")
    file.chmod(0o600)
    assert Pseudonymiser.from_environment("KEY")("u1") == Pseudonymiser(KEY)("u1")


def test_a_key_that_is_not_hexadecimal_is_refused_without_being_repeated(monkeypatch):
    monkeypatch.setenv("KEY", "not-a-key-at-all")
    with pytest.raises(PrivacyError, match="not hexadecimal") as refused:
        Pseudonymiser.from_environment("KEY")
    assert "not-a-key" not in str(refused.value)


# --- free text ---

@pytest.mark.parametrize("secret", [
    "a.reader@example.org", "https://example.org/me?id=7", "www.example.org/u7", "020 7946 0000", "+44 20 7946 0000",
    "u0042170", "B0012345", "00123456"])
def test_what_points_at_a_person_is_scrubbed_from_text(secret):
    assert secret not in scrub(f"Ask me: {secret}, please.")


@pytest.mark.parametrize("text", ["I waited 40 minutes in 2025.", "Room 12 on floor 3 is cold!", "5/5", "Opens at 9.30"])
def test_ordinary_numbers_stay(text):
    assert scrub(text) == text


# --- the exit ---

@pytest.mark.parametrize(("breach", "words"), [
    ("<script>x</script>", "script"), ("<p onclick=x>", "event handler"), ("<a href='javascript:x'>", "script link"),
    ("<img src='https://example.org/x.png'>", "elsewhere"), ("<iframe src=x>", "elsewhere"),
    ("<style>@import 'https://example.org/x.css'</style>", "style from elsewhere"),
    ("p_" + "0" * 24, "pseudonym"), ("Traceback (most recent call last)", "traceback"),
    ("/home/ann/study", "path"), ("C:\\Users\\ann", "path"), ("ann@example.org", "e-mail"),
])
def test_a_breach_is_named(breach, words):
    (problem,) = release_problems(f"<p>{breach}</p>")
    assert words in problem and "ann" not in problem


def test_an_embedded_picture_is_read_too():
    import base64
    picture = base64.b64encode(b"<svg><text>p_" + b"a" * 24 + b"</text></svg>").decode()
    assert release_problems(f"<img src='data:image/svg+xml;base64,{picture}'>") == [
        "An image on the page holds a person's pseudonym."]


def test_forbidden_words_are_found_and_not_repeated():
    (problem,) = release_problems("<p>Quillfeather-77</p>", forbidden=["Quillfeather-77"])
    assert "Quillfeather" not in problem


def test_links_to_literature_may_stay():
    assert release_problems("<a href='https://doi.org/10.1080/10691316.2015.1081084'>paper</a>") == []
