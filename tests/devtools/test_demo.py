import json
import tomllib

import pytest

from devtools.demo import DemoError, read_heard, session_file, token_variable

DISCORD = {
    "guild": "1",
    "channels": {"Team Red": "10", "Team Blue": "20", "Casters": "30"},
    "api_base": "https://127.0.0.1:1/api/v10",
    "gateway_url": "wss://127.0.0.1:1/",
    "ca_file": "C:\\Temp\\ca.pem",
    "tokens": {"relay-red": "secret-red"},
}


def test_the_session_file_names_places_and_variables_and_no_token():
    text = session_file(DISCORD)
    file = tomllib.loads(text)
    assert [each["channel"] for each in file["sources"]] == ["10", "20"]
    assert file["destinations"][0] == {"channel": "30", "token_env": "DVC_TOKEN_RELAY_CASTERS", "name": "Casters"}
    assert file["endpoint"]["ca_file"] == DISCORD["ca_file"]
    assert file["sources"][0]["token_env"] == token_variable("relay-red")
    assert "secret-red" not in text


@pytest.mark.parametrize("tick_ms", [20, 10])
def test_the_session_file_says_the_tick(tick_ms):
    assert tomllib.loads(session_file(DISCORD, tick_ms))["tick_ms"] == tick_ms


@pytest.mark.parametrize("content", [None, "", '{"talkers": ['])
def test_a_simulator_that_ended_without_its_report_is_said_in_words(tmp_path, content):
    file = tmp_path / "heard.json"
    if content is not None:
        file.write_text(content, "utf-8")
    with pytest.raises(DemoError, match="simulator ended"):
        read_heard(file)


def test_a_whole_report_is_read(tmp_path):
    file = tmp_path / "heard.json"
    file.write_text(json.dumps({"one_way": True}), "utf-8")
    assert read_heard(file) == {"one_way": True}
