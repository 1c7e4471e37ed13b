"""Who may come in: links that work once, cookies that run out, names and origins that are ours."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tray.panel.auth import (
    COOKIE_SECONDS,
    LINK_SECONDS,
    MOST_LINKS,
    Asked,
    Keys,
    Refusal,
    cookies,
    login_links,
    refusal,
)

PORT = 4321
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"


def asked(**what):
    return Asked(**({"method": "GET", "hosts": (HOST,)} | what))


def counted(seconds=10.0, most=3):
    numbers = itertools.count()
    return Keys(seconds, most, lambda: f"key{next(numbers)}")


def test_a_link_works_once():
    links = login_links()
    key = links.issue(0).reveal()
    assert links.redeem(key, 1)
    assert not links.redeem(key, 1)


def test_a_link_works_for_a_minute_and_a_cookie_for_a_week():
    links, held = login_links(), cookies()
    link, cookie = links.issue(0).reveal(), held.issue(0).reveal()
    assert not links.redeem(link, LINK_SECONDS)
    assert held.valid(cookie, COOKIE_SECONDS - 1)
    assert held.valid(cookie, COOKIE_SECONDS - 1)
    assert not held.valid(cookie, COOKIE_SECONDS)


def test_keys_are_long_and_never_the_same():
    keys = {login_links().issue(0).reveal() for _ in range(100)}
    assert len(keys) == 100
    assert min(len(key) for key in keys) >= 43  # 256 bits in base64


def test_another_key_replaces_the_oldest():
    links = login_links()
    keys = [links.issue(0).reveal() for _ in range(MOST_LINKS + 1)]
    assert len(links) == MOST_LINKS
    assert [links.redeem(key, 0) for key in keys] == [False] + [True] * MOST_LINKS


@given(st.text())
def test_nothing_else_is_a_key(text):
    book = counted()
    assert not book.valid(text, 0)
    issued = book.issue(0).reveal()
    assert book.valid(text, 0) is (text == issued)


@given(st.lists(st.tuples(st.sampled_from(["issue", "redeem"]), st.floats(0, 8)), max_size=30))
def test_a_book_of_keys_is_bounded_and_knows_no_key_twice(steps):
    book, now, issued, used = counted(), 0.0, [], set()
    for step, later in steps:
        now += later
        if step == "issue":
            issued.append((book.issue(now).reveal(), now))
        elif issued:
            key, since = issued[-1]
            assert book.redeem(key, now) is (key not in used and now < since + 10)
            used.add(key)
        assert len(book) <= 3


@pytest.mark.parametrize("hosts", [(HOST,), (f"localhost:{PORT}",), (f"LOCALHOST:{PORT}",)])
def test_our_names_are_ours(hosts):
    assert refusal(asked(hosts=hosts), PORT) is None


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("",),
        ("127.0.0.1",),
        ("evil.example",),
        (f"evil.example:{PORT}",),
        (f"127.0.0.1:{PORT + 1}",),
        (f"127.0.0.1.evil.example:{PORT}",),
        (f"127.0.0.1:{PORT}@evil.example",),
        (f"[::1]:{PORT}",),
        (HOST, HOST),
        (HOST, "evil.example"),
    ],
)
def test_other_names_are_misdirected(hosts):
    assert refusal(asked(hosts=hosts), PORT) is Refusal.MISDIRECTED


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "ANYTHING"])
def test_what_may_change_something_comes_from_our_page(method):
    assert refusal(asked(method=method), PORT) is Refusal.FOREIGN
    assert refusal(asked(method=method, origins=(ORIGIN,)), PORT) is None


def test_a_socket_comes_from_our_page():
    assert refusal(asked(socket=True), PORT) is Refusal.FOREIGN
    assert refusal(asked(socket=True, origins=(ORIGIN,)), PORT) is None


@pytest.mark.parametrize(
    "origins",
    [
        ("null",),
        ("",),
        ("http://evil.example",),
        (f"https://{HOST}",),
        (f"http://127.0.0.1:{PORT + 1}",),
        (f"http://localhost:{PORT}",),
        (f"{ORIGIN}/",),
        (f"{ORIGIN}.evil.example",),
        (ORIGIN, ORIGIN),
    ],
)
@pytest.mark.parametrize("socket", [False, True])
def test_another_origin_is_foreign_whatever_it_asks(origins, socket):
    assert refusal(asked(origins=origins, socket=socket), PORT) is Refusal.FOREIGN


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ((), None),
        (("none",), None),
        (("same-origin",), None),
        (("same-site",), Refusal.FOREIGN),
        (("cross-site",), Refusal.FOREIGN),
        (("",), Refusal.FOREIGN),
        (("none", "same-origin"), Refusal.FOREIGN),
    ],
)
def test_the_browser_s_word_on_where_a_request_comes_from_counts(sites, expected):
    assert refusal(asked(sites=sites), PORT) is expected
