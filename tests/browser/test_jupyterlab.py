"""JupyterLab as `make lab` starts it, in a real browser, with the keyboard only: what a reader sees of notebooks 00 to 03.

The notebooks are copies without outputs: what is on the screen is of this run, and JupyterLab saves into the copies.
"""

import re
import shutil

import nbformat
import pytest

from tests.cells import code_cells
from tests.kernel import await_kernel
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.polling import poll
from workbook.cli.lab import FIRST_NOTEBOOK
from workbook.lessons.begin import begin
from workbook.lessons.tables import pods
from workbook.machine.jupyterlab import serve
from workbook.publish.execute import failed

playwright = pytest.importorskip("playwright.sync_api", reason="`make test` installs what drives a browser")
expect = playwright.expect
expect.set_options(timeout=30_000)  # milliseconds, for a machine that is busy

pytestmark = pytest.mark.cluster
DESKTOP = {"width": 1440, "height": 900}
TABLET = {"width": 820, "height": 1180}
SLOWEST = 300_000
"""Milliseconds that a notebook may take."""
PATIENCE = 3_000, 10_000, 30_000
"""Milliseconds that the palette gets to open, one attempt after the other."""
RAN, BEGUN = (re.compile(rf"^\[{inside}\]:$") for inside in (r"\d+", r"(\*|\d+)"))
"""The prompt to the left of a cell."""
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: elsewhere
contexts: [{name: elsewhere, context: {cluster: elsewhere, user: elsewhere, namespace: elsewhere}}]
clusters: [{name: elsewhere, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: elsewhere, user: {token: elsewhere}}]
"""


class Reader:
    """A user of JupyterLab who only has a keyboard."""

    def __init__(self, page):
        self.page, self.keyboard = page, page.keyboard
        self.notebook = page.locator(".jp-NotebookPanel:visible")
        self.disturbances = page.locator(".jp-Dialog, .Toastify__toast")

    def choose(self, command, effect=lambda: None):
        """Choose a command in the palette by its name. `effect` waits until the page shows that it has begun.

        On a busy machine, JupyterLab may take the focus back late, and that closes the palette, even just before the Enter
        key, which then does something else: so open it again if there is no effect. What is typed must go to the palette
        only, since a notebook in command mode takes each letter for a command.
        """
        palette = self.page.locator("#modal-command-palette")
        search = palette.locator(".lm-CommandPalette-input")
        chosen = palette.locator(".lm-mod-active .lm-CommandPalette-itemLabel").filter(has_text=command)
        for milliseconds in PATIENCE:
            self.keyboard.press("ControlOrMeta+Shift+KeyC")
            try:
                search.fill(command, timeout=milliseconds)
                expect(chosen).to_have_text(command, timeout=milliseconds)
                search.press("Enter")
                effect()
                return
            except (AssertionError, playwright.Error):
                if milliseconds == PATIENCE[-1]:
                    raise

    def open(self, name):
        """Open a notebook by its path in place of the one before, and wait until its kernel is ready."""
        self.show(name)
        self.settle(name.split("/")[-1])

    def show(self, name):
        """Open a notebook by its path in place of the one before.

        Each check searches the whole page, and so those that stay open make it slow.
        """
        self.choose("Close All Tabs", lambda: expect(self.notebook).to_have_count(0))
        self.choose("Open from Path…", lambda: expect(self.page.locator(".jp-Dialog input")).to_be_focused())
        self.keyboard.type(name)
        self.keyboard.press("Enter")

    def settle(self, name=""):
        """Wait until a notebook is open, has the focus, and its kernel is ready: before that, JupyterLab takes the focus away again.

        Without cells, a command such as *Run All Cells* does nothing.
        """
        expect(self.page.locator(".lm-DockPanel-tabBar .lm-mod-current")).to_contain_text(name)
        expect(self.notebook.locator(".jp-Spinner")).to_have_count(0)
        expect(self.notebook.locator(".jp-Cell")).not_to_have_count(0)
        await_kernel(self.notebook, SLOWEST)
        expect(self.notebook.locator(":focus")).to_have_count(1)

    def run_all(self, cells):
        """Run the whole notebook, and wait until this number of cells show that they have run."""
        prompts = self.notebook.locator(".jp-InputPrompt")
        self.choose("Run All Cells", lambda: expect(prompts.filter(has_text=BEGUN)).not_to_have_count(0))
        # Between two cells, none shows that it waits. So this waits for the number of those that ran, not of those that wait.
        expect(prompts.filter(has_text=RAN)).to_have_count(cells, timeout=SLOWEST)
        self.settle()

    def save(self):
        self.keyboard.press("ControlOrMeta+KeyS")
        expect(self.page.locator(".lm-DockPanel-tabBar .lm-mod-current.jp-mod-dirty")).to_have_count(0)

    def walk(self, key, cells):
        """Go from cell to cell with an arrow key, and yield each cell with its element on the page.

        JupyterLab's keys pass over a cell that is collapsed.
        """
        self.keyboard.press("Escape")
        (first, _), *_ = cells
        for number, cell in cells:
            element = self.notebook.locator(f".jp-Cell[data-windowed-list-index='{number}']")
            if not hidden(cell):
                expect(element).to_contain_class("jp-mod-active")
                if number != first:  # which outputs may have pushed away since the reader came there
                    expect(element).to_be_in_viewport()
                expect(self.notebook.locator(".jp-Cell:focus-within")).to_have_attribute(
                    "data-windowed-list-index", str(number)
                )
            yield number, cell, element
            if not hidden(cell):
                self.keyboard.press(key)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The notebooks as a reader has them, but without outputs."""
    copies = shutil.copytree(NOTEBOOKS, tmp_path_factory.mktemp("lab") / "notebooks")
    shutil.copytree(NOTEBOOKS.parent / "app", copies.parent / "app")  # notebook 02 runs the program from there
    for path in copies.glob("*.ipynb"):
        book = nbformat.read(path, as_version=4)
        for cell in book.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(book, path)
    return copies


@pytest.fixture(scope="module")
def users_kubeconfig(tmp_path_factory):
    """The user's own kubeconfig, whose current context is another cluster."""
    path = tmp_path_factory.mktemp("user") / "config"
    path.write_text(KUBECONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(path))
        yield path


@pytest.fixture(scope="module")
def reader(folder, users_kubeconfig, chromium):
    """A user who has opened the first notebook in JupyterLab."""
    with serve(folder.parent, FIRST_NOTEBOOK) as address:
        page = chromium.new_page(viewport=DESKTOP)
        page.goto(address)
        reader = Reader(page)
        reader.settle(find()[0].name)
        yield reader


@pytest.fixture(autouse=True)
def picture_of_a_failure(request, reader, shoot):
    failures = request.session.testsfailed
    yield
    if request.session.testsfailed > failures:
        shoot(reader.page, f"{request.node.name} failed")


def hidden(cell):
    return "solution" in cell.metadata.get("tags", [])


def seen(element, cell):
    """Assert that a cell, as it is saved, is visible in its `element`."""
    if cell.cell_type == "markdown":
        expect(element.locator(".jp-RenderedMarkdown")).to_be_visible()
        for table in element.locator("table").all():
            expect(table).to_be_visible()
        for picture in element.locator("img").all():
            visible_picture(picture)
        assert element.locator("img").count() == cell.source.count("![")
        return
    expect(element.locator(".jp-InputPlaceholder")).to_have_count(int(hidden(cell)))
    expect(element.locator(".jp-InputArea-editor")).to_be_visible(visible=not hidden(cell))
    errors = element.locator("[data-mime-type='application/vnd.jupyter.stderr']")  # an error's, too
    expect(errors).to_have_count(int("raises-exception" in cell.metadata.get("tags", [])))
    html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    tables = element.locator(".jp-OutputArea table")
    expect(tables).to_have_count(html.count("<table"))
    expect(tables.locator("tr")).to_have_count(html.count("<tr"))
    for table in tables.all():
        expect(table).to_be_visible()
    for output in cell.outputs:
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data) or "<img" in data.get("text/html", ""):
            visible_picture(element.locator(".jp-OutputArea img, .jp-RenderedSVG svg"))
        for line in output.get("text", "").splitlines():
            if line.startswith(("✓", "✗")):
                expect(element.locator(".jp-OutputArea").get_by_text(line)).to_be_visible()
        if output.output_type == "error":
            expect(errors).to_contain_text(output.ename)


def visible_picture(picture):
    box = picture.bounding_box()
    assert box and box["width"] > 100 and box["height"] > 100, "a picture has no size"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.same_image] * (number == 2))
        for number, path in enumerate(find()[:4])
    ],
)
def test_a_reader_runs_a_notebook_and_sees_all_of_it(reader, folder, shoot, path):
    if path != find()[0]:
        reader.open(f"notebooks/{path.name}")
    blank = nbformat.read(folder / path.name, as_version=4)
    shown = [cell for cell in code_cells(blank) if not hidden(cell)]
    reader.run_all(len(shown))
    reader.save()
    book = nbformat.read(folder / path.name, as_version=4)
    code = code_cells(book)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert [failed(cell) for cell in code] == ["raises-exception" in cell.metadata.get("tags", []) for cell in code]
    cells = list(enumerate(book.cells))
    for size, name, key, way in (
        (DESKTOP, "desktop", "ArrowUp", cells[::-1]),  # from the end, where the run has left the reader
        (TABLET, "tablet", "ArrowDown", cells),
    ):
        reader.page.set_viewport_size(size)
        for number, cell, element in reader.walk(key, way):
            seen(element, cell)
            if cell.source.startswith(("#", "**Figure")):
                shoot(reader.page, f"{path.stem}-{name}-{number:02}")
    reader.choose("Expand All Code")
    expect(reader.notebook.locator(".jp-InputPlaceholder")).to_have_count(0)
    reader.save()
    reader.page.set_viewport_size(DESKTOP)
    expect(reader.disturbances).to_have_count(0)


def test_it_can_be_dark(reader, shoot):
    reader.choose("Use Theme: JupyterLab Dark")
    expect(reader.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    shoot(reader.page, "dark")


def test_a_reader_who_runs_cells_before_there_is_a_kernel_is_told(reader):
    """Unless a setting is changed, JupyterLab runs one of the cells, and says nothing about the others."""
    starts = []  # of a kernel

    def hold(route):
        if route.request.method == "POST":
            starts.append(route)
        else:
            route.continue_()

    reader.save()  # JupyterLab asks before it closes a notebook that is not saved
    reader.page.route("**/api/sessions?*", hold)
    path = find()[4]
    reader.show(f"notebooks/{path.name}")
    expect(reader.notebook.locator(".jp-Cell")).not_to_have_count(0)
    reader.choose("Run All Cells", lambda: expect(reader.disturbances).to_contain_text("still initializing"))
    poll(lambda: reader.page.wait_for_timeout(100) or starts, timeout=30)  # JupyterLab may only now ask for a kernel
    for route in starts:
        route.continue_()
    reader.settle(path.name)
    expect(reader.notebook.locator(".jp-InputPrompt").filter(has_text=BEGUN)).to_have_count(0)


def test_the_terminal_is_on_the_workbooks_cluster(reader, users_kubeconfig, shoot):
    begin(4)
    names = list(pods(wide=True).index)
    assert names
    printed = []  # by the terminal, whose page draws it on a canvas
    with reader.page.expect_websocket(lambda socket: "/terminals/" in socket.url) as opened:
        reader.choose("New Terminal")
    terminal = opened.value
    terminal.on("framereceived", lambda frame: printed.append(frame))  # Playwright accepts no built-in method
    expect(reader.page.locator(".jp-Terminal textarea")).to_be_focused()
    with terminal.expect_event(
        "framereceived", lambda _: all(name in "".join(printed) for name in names), timeout=60_000
    ):
        reader.keyboard.type("kubectl get pods\n")
    shoot(reader.page, "terminal")
    assert users_kubeconfig.read_bytes() == KUBECONFIG.encode()
