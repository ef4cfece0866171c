"""The prose: no rule of tests/prose/styles finds an error, and the figures of notebooks and documents are good."""

import os
import re
import sys
from textwrap import dedent

import nbformat
import pytest
import yaml

from tests.prose.figures import RULES, listed, measure, sentences, total
from tests.prose.vale import files, lint
from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.bundle.choose import CHOSEN

DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")})  # pytest leaves one in its cache
EXAMPLES = {
    "Words": [
        "This mends the Deployment.",
        "The mended Deployment runs.",
        "The watch begins anew.",
        "It waited in vain.",
        "The Pod restarts by itself.",
        "The listing is beside the table.",
        "Held against the first Pod, the second is newer.",
        "The table tells the state.",
        "The state is told in the table.",
        "A Pod came to be.",
        "It suffices to run one.",
        "All run but for one.",
        "Somebody deletes the Pod.",
        "Everybody reads the Secret.",
        "The port is nobody's.",
        "Hence the Pod restarts.",
        "Thus the Pod restarts.",
        "These are notes for who teaches.",
        "The policy forbids to mount it.",
        "The controller compares it with what there is.",
        "What you want is three Pods.",
        "The controller makes it so.",
        "After that it goes on so.",
        "An image is named so.",
        "Say `make lab` to start.",
    ],
    "Kind": ["Three kinds of Pods exist.", "An object of the kind ConfigMap stores it.", "No two are of one kind."],
    "Riddles": ["Is it that the Pod hangs?", "Here is what nobody tests.", "Needed are Python and Docker."],
    "Doubtful": ["Someone deletes it.", "There is no one.", "The pattern has a label.", "The policy forbids it."],
    "Length": [f"A Pod {'and a Pod ' * 20}ends."],
}
"""For each rule, sentences that it reports."""
PLAIN = """\
`kind` creates an object of kind Deployment. The kind cluster runs next to it, and in the kind cluster a node.

Labels tell the Pods apart, and tell you why. A name tells one from another. So the Pod restarts, and does so only
once. Run `make lab`. It works so far, but for a class it is slow. Files of one kind cluster are kept.

{}ends.
""".format("A Pod and a Pod " * 7)
MODULE = '''\
"""A module anew."""

import os  # one: a comment anew
import sys  # in
import re  # vain

# A comment on two lines, in
# vain.

NAME = "web"
"""A constant anew."""
TEXT = """\\
    An indented line anew.
"""


class Pod:
    """A class anew."""

    async def get(self, name: str) -> None:
        """A method.

        Args:
            name: an argument anew.
        """
        raise ValueError("a message anew", f"a value {name} anew", os.name) from OSError(fix="a fix " "anew")


PROGRAM = """
print(anew = 1)
"""
'''
# The text is the same on all systems. A bundle does not contain what Vale is compiled from.
needs_vale = (
    pytest.mark.vale if sys.platform == "linux" and CHOSEN not in os.environ else pytest.mark.skip("for Linux, online")
)


@needs_vale
def test_no_errors():
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the workbook is no clone")
    errors = [str(finding) for finding in lint(files()) if finding.is_error]
    assert not errors, "\n".join(errors)


@needs_vale
@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_rule_reports_its_examples(rule, tmp_path):
    path = tmp_path / "examples.md"
    path.write_text("\n\n".join(EXAMPLES[rule]) + "\n", encoding="utf-8")
    found = {finding.place for finding in lint([path]) if finding.rule == rule}
    assert found == {str(2 * index + 1) for index in range(len(EXAMPLES[rule]))}
    assert {finding.is_error for finding in lint([path]) if finding.rule == rule} == {rule != "Doubtful"}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_each_word_of_a_rule_has_an_example(path):
    rule = yaml.safe_load(path.read_text(encoding="utf-8"))
    examples = re.sub("`.+?`", "CODE", "\n".join(EXAMPLES[path.stem]))
    for word in rule.get("swap") or rule.get("tokens") or [rule["token"]]:
        assert re.search(word, examples, re.IGNORECASE), word


@needs_vale
def test_plain_text_is_not_reported(tmp_path):
    path = tmp_path / "plain.md"
    path.write_text(PLAIN, encoding="utf-8")
    assert [*map(str, lint([path]))] == []
    assert [word for sentence in sentences(path) for word in listed(sentence)] == []


@needs_vale
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("module.py", [1, 3, 7, 11, 12, 18, 23, 26, 26, 26]),
        ("module.pyi", [1, 3, 7, 11, 12, 18, 23, 26, 26, 26]),
        ("test_module.py", [1, 3, 7, 11, 18, 23]),
    ],
)
def test_comments_docstrings_and_messages_are_read(name, lines, tmp_path):
    path = tmp_path / name
    path.write_text(MODULE, encoding="utf-8")
    found = lint([path])
    assert {(finding.path, finding.rule) for finding in found} == {(path, "Words")}
    assert sorted(int(finding.place) for finding in found) == lines


@needs_vale
def test_markdown_cells_and_documents_are_read(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("# A title\n\nText."),
        nbformat.v4.new_code_cell("# a comment anew"),
        nbformat.v4.new_markdown_cell("| a | table |\n|---|---|\n| of Pods | anew |\n\n```\nanew\n```"),
        nbformat.v4.new_markdown_cell("> **Figure 1-5.** It begins with `new`, `anew`, *anew*, and waits in\n> vain."),
    ]
    book, document = tmp_path / "book.ipynb", tmp_path / "document.md"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), book)
    document.write_text("# A title\n\nText.\n\n> A quote anew.\n", encoding="utf-8")
    message = "Write 'again' instead of 'anew'. (Words)"
    assert [str(finding) for finding in lint([book, document])] == [
        f"{book}:cell 3: {message}",
        f"{book}:cell 4: {message}",
        f"{book}:cell 4: Write 'timed out' instead of 'in vain'. (Words)",
        f"{document}:5: {message}",
    ]


def test_the_repository_has_files_of_each_type():
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the workbook is no clone")
    assert {*DOCUMENTS, *find(), ROOT / "workbook/__init__.pyi", ROOT / "tests/prose/vale.py"} <= {*files()}


@pytest.mark.parametrize("path", find(), ids=lambda path: path.stem)
def test_the_sentences_of_a_notebook_are_neither_long_nor_choppy(path):
    assert 10 <= measure(path).mean <= 18


def test_the_figures_of_the_notebooks():
    figures = total(map(measure, find()))
    assert 12 <= figures.mean <= 18
    assert figures.share_of_long <= 0.12
    assert figures.listed_per_1000 <= 1, figures.listed


def test_the_figures_of_the_documents():
    figures = total(map(measure, DOCUMENTS))
    assert 12 <= figures.mean <= 18
    assert figures.share_of_long <= 0.12
    assert figures.listed_per_1000 <= 1, figures.listed


def test_what_is_measured(tmp_path):
    text = """\
        # A heading anew

        One sentence with `some code` in it. "Another one?" *No*,
        that is *all* of the [text](http://anew.example) but for
        one.

        - Listing 1-3. A part of a list
        - The end of an entry. Notebook [04](book.ipynb). [Documentation](http://anew.example)
        - Notebook 04 is read. So is it.

        > **What the book says (7).** <!-- A1 --> It is so.
        >
        > **Today: wrong.** It isn't.

        | a | table anew |
        |---|---|
        | b | c |
        """
    path = tmp_path / "text.md"
    path.write_text(dedent(text), encoding="utf-8")
    figures = measure(path)
    assert [*sentences(path)] == [
        "One sentence with CODE in it.",
        '"Another one?',
        "No, that is all of the text but for one.",
        "A part of a list",
        "The end of an entry.",
        "Notebook 04 is read.",
        "So is it.",
        "It is so.",
        "It isn't.",
    ]
    assert figures.lengths == (6, 2, 10, 5, 5, 4, 3, 3, 2) and figures.listed == ("but for",)
    assert total([figures, figures]).listed_per_1000 == pytest.approx(1000 / 40)
    assert figures.mean == pytest.approx(40 / 9) and figures.share_of_long == 0
