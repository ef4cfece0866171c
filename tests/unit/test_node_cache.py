"""The cache of built files."""

import pytest

from node.cache import digest, folder, made


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))


def build(text):
    return lambda target: (target / "file").write_text(text, encoding="utf-8")


def unexpected(target):
    raise AssertionError(f"built {target} although it is in the cache")


def test_a_result_is_built_once():
    place = made("part", "0123456789ab", build("first"))
    assert place == folder() / "part-0123456789ab" and (place / "file").read_text(encoding="utf-8") == "first"
    assert made("part", "0123456789ab", unexpected) == place


def test_another_key_replaces_the_older_result_of_that_name_only():
    other = made("part-b", "0123456789ab", build("other"))
    old = made("part", "0123456789ab", build("old"))
    new = made("part", "ba9876543210", build("new"))
    assert (new / "file").read_text(encoding="utf-8") == "new"
    assert not old.exists() and other.exists()


def test_an_interrupted_build_leaves_no_result():
    def interrupted(target):
        (target / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made("part", "0123456789ab", interrupted)
    assert not (folder() / "part-0123456789ab").exists()
    place = made("part", "0123456789ab", build("whole"))
    assert [path.name for path in place.iterdir()] == ["file"]
    assert [path.name for path in folder().iterdir() if path.is_dir()] == ["part-0123456789ab"]


def test_a_hash_depends_on_contents_names_and_order(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_text("1", encoding="utf-8")
    first = digest(tree, "text", b"bytes")
    assert len(first) == 12 and first == digest(tree, b"text", "bytes")
    assert digest("ab", "c") != digest("a", "bc") and digest("a", "b") != digest("b", "a")
    assert digest(tree / "a") != digest("1")
    (tree / "a").write_text("2", encoding="utf-8")
    changed = digest(tree, "text", b"bytes")
    (tree / "a").rename(tree / "b")
    assert len({first, changed, digest(tree, "text", b"bytes")}) == 3
