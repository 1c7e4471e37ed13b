import urllib.request

from devtools.program import program


def test_the_program_runs_beside_a_simulator_and_opens_its_panel(tmp_path):
    with program(tmp_path) as shown:
        assert shown.discord["tokens"]
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(shown.link()) as page:
            assert page.status == 200
        again = shown.start()
        assert shown.link().startswith("http://127.0.0.1:")
        assert again.wait(20) == 0
