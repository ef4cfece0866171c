"""Show the workbook's files in a notebook, with highlighted syntax."""

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT

LANGUAGES = {".yaml": "yaml", ".py": "python", ".java": "java", ".toml": "toml", "Dockerfile": "dockerfile"}


class Listing(str):
    """A file's text, which a notebook shows with highlighted syntax, and a terminal as plain text."""

    language: str

    def _repr_markdown_(self) -> str:
        return f"```{self.language}\n{self.rstrip()}\n```"

    def __repr__(self) -> str:
        return self.rstrip()


def show(file: str) -> Listing:
    """Return the text of one of the workbook's files, which a notebook shows with highlighted syntax.

    Args:
        file: its path from the repository's root, such as `"manifests/1-03-webapp-deployment.yaml"`.

    Raises:
        WorkbookError: there is no such file in the repository.
    """
    path = (ROOT / file).resolve()
    if not path.is_relative_to(ROOT) or not path.is_file():
        fix = "Correct its path, which starts at the repository's root."
        raise WorkbookError(f"There is no file {file!r} in the workbook.", fix=fix)
    listing = Listing(path.read_text(encoding="utf-8"))
    listing.language = LANGUAGES.get(path.suffix or path.name, "text")
    return listing
