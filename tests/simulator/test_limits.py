from simulator.clock import HandClock
from simulator.limits import GLOBAL_LIMIT, ROUTE_LIMIT, Refusal, Renames, RequestLimits, SessionStarts


def test_a_route_is_limited_per_token_and_the_rest_is_not(clock: HandClock):
    limits = RequestLimits(clock)
    verdicts = [limits.judge("t", "GET /a", "/a") for _ in range(ROUTE_LIMIT + 1)]
    assert [verdict.retry_after is None for verdict in verdicts] == [True] * ROUTE_LIMIT + [False]
    assert verdicts[-1].retry_after == 1.0
    assert limits.judge("t", "GET /b", "/b").retry_after is None
    assert limits.judge("u", "GET /a", "/a").retry_after is None
    clock.turn(1.0)
    assert limits.judge("t", "GET /a", "/a").retry_after is None


def test_all_routes_together_are_limited(clock: HandClock):
    limits = RequestLimits(clock)
    for number in range(GLOBAL_LIMIT):
        assert limits.judge("t", f"GET /{number}", "/").retry_after is None
    verdict = limits.judge("t", "GET /x", "/x")
    assert verdict.is_global
    assert verdict.headers["X-RateLimit-Global"] == "true"


def test_windows_that_ended_are_forgotten(clock: HandClock):
    limits = RequestLimits(clock)
    for number in range(20 * GLOBAL_LIMIT):
        limits.judge(f"t{number}", "GET /a", "/a")
        clock.turn(0.1)
    assert len(limits._windows) <= 10 * GLOBAL_LIMIT + 2


def test_a_forced_refusal_is_used_up(clock: HandClock):
    limits = RequestLimits(clock)
    limits.forced.append(Refusal(2, 4.0, is_global=True, path="/users"))
    verdicts = [limits.judge("t", "GET /users/@me", "/users/@me") for _ in range(3)]
    assert [verdict.retry_after for verdict in verdicts] == [4.0, 4.0, None]


def test_session_starts_are_counted_by_day(clock: HandClock):
    starts = SessionStarts(clock, total=2)
    assert [starts.count(1) for _ in range(3)] == [True, True, False]
    assert starts.describe(1)["remaining"] == 0
    clock.turn(3600)
    assert starts.describe(1)["reset_after"] == 23 * 3_600_000
    clock.turn(23 * 3600)
    assert starts.count(1)
    assert starts.used(2) == 0


def test_a_name_is_changed_twice_an_hour(clock: HandClock):
    renames = Renames(clock)
    assert [renames.count(1) for _ in range(3)] == [True, True, False]
    assert renames.count(2)
    clock.turn(3600)
    assert renames.count(1)
