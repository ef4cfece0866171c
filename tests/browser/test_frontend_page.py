"""The frontend's page as visitors see it: what each version of the web application answers, and the error."""

import re

import pytest

from tests import undisturbed
from workbook import page
from workbook.cluster.current import current
from workbook.engine.catalog import is_current
from workbook.lessons.build import build

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="`make test` installs it")
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.cluster
SIZES = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
AT_ONCE = "import runpy, time; time.sleep = lambda seconds: None; runpy.run_path('app.py', run_name='__main__')"
"""Python code that runs the program in an image without the minute in which version 3 starts. Notebook 09 waits for that."""
NOW = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+"
SAYS = {
    "gone": ("alert", r"ERROR RECEIVED"),
    "v1": ("status", r"Welcome!"),
    "v2": ("status", rf"Welcome user! current time is {NOW}"),
    "v3": ("status", rf"Welcome user! current time in v3 is {NOW}"),
}


@pytest.fixture(scope="module")
def run():
    """A function that runs a container of one of the workbook's images, with a port on this machine."""
    if current().provider == "minikube":
        pytest.skip("the engine is in minikube's node, whose ports are not this machine's")
    engine, started = current().docker(), []

    def start(image, port, command=None, **environment):
        with undisturbed.image():
            if not is_current(engine, image):
                build(image, log=False)
            container = engine.containers.run(
                image, command, detach=True, environment=environment, ports={f"{port}/tcp": ("127.0.0.1", None)}
            )
        started.append(container)
        container.reload()
        container.inside = f"http://{container.attrs['NetworkSettings']['Networks']['bridge']['IPAddress']}:{port}"
        container.outside = f"http://127.0.0.1:{container.ports[f'{port}/tcp'][0]['HostPort']}"
        return container

    yield start
    for container in started:
        container.remove(force=True)


@pytest.fixture(scope="module")
def frontends(run):
    """For each answer the address of a frontend that shows it."""
    webapps = {version: run(f"web-app:{version[1]}.0", 5000, ["-c", AT_ONCE]) for version in ("v3", "v2", "v1")}
    gone = run("web-app:1.0", 5000)
    gone.stop(timeout=10)
    return {
        version: run("frontend:1.0", 8080, WEBAPP_URL=webapp.inside).outside
        for version, webapp in {**webapps, "gone": gone}.items()
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("version", SAYS)
def test_a_visitor_reads_the_answer(chromium, shoot, frontends, version, size):
    role, text = SAYS[version]
    page(frontends[version], until=f'role="{role}"', timeout=90)
    with chromium.new_context(**SIZES[size]) as context:
        visit = context.new_page()
        visit.goto(frontends[version])
        expect(visit).to_have_title("Frontend")
        expect(visit.get_by_role("heading", level=1)).to_have_text("The webapp says")
        expect(visit.get_by_role(role)).to_have_text(re.compile(rf"^{text}$"))
        expect(visit.get_by_role(role)).to_be_in_viewport(ratio=1)
        assert visit.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        found = axe.Axe().run(visit, options={}).response
        assert [problem["help"] for problem in found["violations"]] == []
        assert "color-contrast" in [rule["id"] for rule in found["passes"]]
        shoot(visit, f"frontend-{version}-{size}")
