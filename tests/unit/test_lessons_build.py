"""Building, running and removing images: what cells are shown, without an engine."""

from types import SimpleNamespace

import pytest
from docker.errors import ContainerError, ImageNotFound

import workbook
from workbook.base.errors import WorkbookError
from workbook.base.labels import MANAGED
from workbook.engine import find


@pytest.fixture
def engine(api_server, monkeypatch):
    """An engine whose containers print, or raise, `engine.result`."""

    def run(image, arguments, **options):
        engine.calls.append((image, arguments, options))
        if isinstance(engine.result, Exception):
            raise engine.result
        return engine.result

    engine = SimpleNamespace(containers=SimpleNamespace(run=run), calls=[], result=b"")
    monkeypatch.setattr(find, "ensure_engine", lambda **_: engine)
    return engine


def test_an_image_the_workbook_does_not_have():
    with pytest.raises(WorkbookError, match=r"no image 'web-app:7'(.|\n)*web-app:1.0"):
        workbook.build("web-app:7")


def test_a_program_runs_in_a_container_without_a_network(engine):
    engine.result = b"Python 3.14\n"
    assert workbook.docker_run("web-app:1.0", "python", "--version") == "Python 3.14"
    [(image, arguments, options)] = engine.calls
    assert (image, arguments, options["entrypoint"]) == ("web-app:1.0", ["--version"], "python")
    assert options["network_mode"] == "none" and options["remove"] and options["labels"] == MANAGED


def test_an_image_that_is_not_built(engine):
    engine.result = ImageNotFound("no such image")
    with pytest.raises(WorkbookError, match=r"no image 'web-app:1.0'(.|\n)*`build\('web-app:1.0'\)`"):
        workbook.docker_run("web-app:1.0", "python")


@pytest.mark.parametrize("stderr", [b"no such file\n", "no such file", None])
def test_a_program_that_fails(engine, stderr):
    engine.result = ContainerError("container", 3, "python", "web-app:1.0", stderr)
    with pytest.raises(WorkbookError) as failed:
        workbook.docker_run("web-app:1.0", "python", "app.py")
    assert failed.value.what == "The program in web-app:1.0 ended with exit status 3."
    assert failed.value.why == ("no such file" if stderr else "")
