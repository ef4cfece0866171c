"""The packages: environment.yml and pyproject.toml name the same, and what a verb needs is installed when it asks."""

import hashlib
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workbook.base import paths
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.bundle import manifest
from workbook.machine import environment, host
from workbook.machine.findings import Facts

CONDA_NAMES = {"docker": "docker-py", "kubernetes": "python-kubernetes", "matplotlib": "matplotlib-base"}
CONDA_ONLY = {"python", "pip", "make", "minikube"}


def split(requirement: str) -> tuple[str, str]:
    """`pandas >=3,<4` → (pandas, >=3,<4)."""
    at = min((requirement.find(sign) for sign in "<>=!~ " if sign in requirement), default=len(requirement))
    return requirement[:at], requirement[at:].strip()


def test_the_pins_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pip = dict(map(split, project["dependencies"]))
    *packages, by_pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = dict(map(split, [*packages, *by_pip["pip"]]))
    assert conda["python"] == project["requires-python"]
    assert {CONDA_NAMES.get(name, name): pin for name, pin in pip.items()} == {
        name: pin for name, pin in conda.items() if name not in CONDA_ONLY
    }


def test_a_learner_installs_no_tools_of_developers():
    names = {split(requirement)[0] for requirement in environment.requirements()}
    assert names.isdisjoint({"coverage", "mypy", "nbval", "pre-commit", "pyright", "pytest", "ruff", "yamllint"})
    tools = {split(requirement)[0] for requirement in environment.requirements("test", "dev")} - names
    assert tools >= {"coverage", "mypy", "nbval", "pre-commit", "pyright[nodejs]", "pytest", "ruff", "yamllint"}


def test_a_bundle_contains_optional_dependencies_that_exist():
    assert environment.requirements(*manifest.EXTRAS) != environment.requirements()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A workbook in a separate folder, with nothing installed and no active environment."""
    root = tmp_path / "root"
    shutil.copytree(ROOT / "locks", root / "locks")
    shutil.copy(ROOT / "pyproject.toml", root)
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(environment, "ROOT", root)
    monkeypatch.setattr(paths, "ROOT", root)
    monkeypatch.setattr(environment, "VENV", root / ".venv")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    return root


@pytest.fixture
def folder(root, monkeypatch):
    """This workbook, whose interpreter only records what pip should install."""

    def create(place, **options):
        python = place / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(
            f"""#!/bin/sh\ncase "$*" in *" install "*) echo "$*" >> "{root}/pip";; *) echo "{{}}";; esac\n""",
            encoding="utf-8",
        )
        python.chmod(0o755)

    monkeypatch.setattr(environment.venv, "create", create)
    return root


def installed(folder: Path) -> list[list[str]]:
    """The names of the lock files in pip's arguments, in order."""
    lines = (folder / "pip").read_text(encoding="utf-8").splitlines()
    assert all("--require-hashes" in line for line in lines)
    files = [[Path(file) for file in re.findall(r"--requirement=(.+?\.txt)", line)] for line in lines]
    assert all(file.parent == folder / "locks" and file.exists() for line in files for file in line)
    return [[file.stem for file in line] for line in files]


def test_what_is_installed_is_not_installed_again(folder):
    assert environment.found() is None
    python = environment.python()
    assert environment.python() == environment.found() == python == folder / ".venv/bin/python"
    assert installed(folder) == [["learner"]]


def test_optional_dependencies_are_installed_when_a_verb_needs_them_and_are_kept(folder):
    environment.python()
    environment.python("handout")
    environment.python()
    environment.python("handout")
    assert installed(folder) == [["learner"], ["learner", "handout"]]
    (folder / "locks/bench.txt").write_text("", encoding="utf-8")
    environment.python()
    assert installed(folder)[2:] == [["learner", "handout"]]
    environment.python("test", "dev")
    assert installed(folder)[-1] == ["learner", "dev", "handout", "test"]
    assert environment.found("test") == environment.found("handout", "dev") and environment.found("bench") is None


def test_pip_is_asked_to_install_without_a_network(folder):
    environment.python(offline=["--no-index", "--find-links", "/bundle/wheels"])
    assert "--no-index --find-links /bundle/wheels --require-hashes" in (folder / "pip").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("printed", "offline", "advice"),
    [
        ("no route to host", [], "HTTPS_PROXY"),
        ("no such wheel", ["--no-index"], "Verify the bundle"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", [], "another index"),
    ],
)
def test_packages_that_cannot_be_installed(folder, monkeypatch, printed, offline, advice):
    create = environment.venv.create

    def create_without_network(place, **options):
        create(place, **options)
        script = f"""#!/bin/sh\ncase "$*" in *" install "*) echo '{printed}' >&2; exit 1;; *) echo "{{}}";; esac\n"""
        (place / "bin" / "python").write_text(script, encoding="utf-8")

    monkeypatch.setattr(environment.venv, "create", create_without_network)
    with pytest.raises(WorkbookError, match="could not be installed") as raised:
        environment.python(offline=offline)
    assert printed in raised.value.why and advice in raised.value.fix
    assert environment.found() is None


@pytest.mark.parametrize(
    ("problem", "reason", "advice"),
    [
        (OSError(28, "No space left on device"), "No space left on device", "free space"),
        (ValueError("Refusing to create a venv: the path contains ':'"), "Refusing", f"without `{os.pathsep}`"),
        (subprocess.CalledProcessError(1, ["python", "-m", "ensurepip"], b"no zlib\n"), "no zlib", "another Python"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_environment_that_cannot_be_created(folder, monkeypatch, problem, reason, advice):
    def fail(place, **options):
        raise problem

    monkeypatch.setattr(environment.venv, "create", fail)
    with pytest.raises(WorkbookError, match=r"could not be created") as raised:
        environment.python()
    assert reason in raised.value.why and advice in raised.value.fix
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    with pytest.raises(WorkbookError) as raised:
        environment.python()
    assert "python3-venv" in raised.value.fix


def test_a_folder_that_cannot_be_written(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "file" / "caches"))
    with pytest.raises(WorkbookError, match=r"could not be created(.|\n)*file"):
        environment.python()


@pytest.fixture(scope="module")
def psutil_wheel(tmp_path_factory) -> Path:
    """A wheel of a package named psutil, made here, so that pip has something small to install."""
    wheel = tmp_path_factory.mktemp("wheels") / "psutil-7.0-py3-none-any.whl"
    about = "psutil-7.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("psutil.py", "")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: psutil\nVersion: 7.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return wheel


@pytest.fixture(scope="module")
def empty_venv(tmp_path_factory) -> Path:
    """An environment that `environment` has created, without packages: made once, since pip takes seconds to install."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("root")
        patch.setattr(environment, "ROOT", root)
        patch.setattr(paths, "ROOT", root)
        patch.setattr(environment, "VENV", root / ".venv")
        patch.setenv("WORKBOOK_HOME", str(root / "caches"))
        (root / "locks").mkdir()
        (root / "locks/learner.txt").write_text("", encoding="utf-8")
        patch.delenv("CONDA_PREFIX", raising=False)
        patch.setattr(sys, "prefix", sys.base_prefix)
        environment.python()
        (root / ".venv/workbook.installed").unlink()
        return root / ".venv"


@pytest.fixture
def small(root, psutil_wheel, empty_venv, monkeypatch):
    """A workbook that needs one package, which pip finds through its settings. The environment is a copy, which is quicker."""
    sha256 = hashlib.sha256(psutil_wheel.read_bytes()).hexdigest()
    (root / "locks/learner.txt").write_text(f"psutil==7.0 --hash=sha256:{sha256}\n", encoding="utf-8")

    def create(place, **options):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(empty_venv, place, symlinks=True)

    monkeypatch.setattr(environment.venv, "create", create)
    monkeypatch.setenv("PIP_FIND_LINKS", psutil_wheel.parent.as_uri())  # pip splits it at spaces
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return root


def works(python: Path) -> bool:
    return subprocess.run([python, "-I", "-c", "import psutil"]).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows copies Python, which finds its libraries all the same")
def test_an_environment_has_a_link_to_its_python(small):
    """A copy may not find its libraries: Homebrew's, uv's and pyenv's look for them next to the program."""
    assert environment.python().is_symlink()


def test_a_package_with_another_hash_is_refused(small):
    (small / "locks/learner.txt").write_text(f"psutil==7.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    with pytest.raises(WorkbookError, match=r"DO NOT MATCH THE HASHES(.|\n)*another index"):
        environment.python()


@pytest.mark.parametrize("setting", ["user", "target", "constraint", "dry-run"])
def test_a_users_settings_of_pip_do_not_move_the_packages(small, monkeypatch, tmp_path, setting):
    other = tmp_path / "elsewhere"
    values = {"user": "true", "dry-run": "true", "constraint": str(tmp_path / "constraint"), "target": str(other)}
    (tmp_path / "constraint").write_text("psutil<7\n", encoding="utf-8")
    config = tmp_path / "pip.conf"
    config.write_text(f"[install]\n{setting} = {values[setting]}\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv(f"PIP_{setting.upper().replace('-', '_')}", values[setting])
    assert works(environment.python())
    assert not other.exists()


def test_packages_on_pythonpath_do_not_count(small, monkeypatch, tmp_path, psutil_wheel):
    """The packages are importable only while the variable is set."""
    zipfile.ZipFile(psutil_wheel).extractall(tmp_path / "theirs")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "theirs"))
    assert works(environment.python())


def test_how_to_reach_an_index_is_taken_from_a_users_settings(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://global/simple\ncert = /ca.pem\nuser = true\nextra-index-url =\n  https://a\n  https://b\n"
        "[install]\nindex-url = https://install/simple\ntrusted-host = install\n[wheel]\nproxy = http://other:1\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_TRUSTED_HOST", "variable")
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    settings = environment.pip_settings(Path(sys.executable))
    assert settings.pop("PIP_EXTRA_INDEX_URL").split() == ["https://a", "https://b"]
    assert settings == {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://install/simple",
        "PIP_CERT": "/ca.pem",
        "PIP_TRUSTED_HOST": "variable",
        "PIP_REQUIRE_VIRTUALENV": "",
    }


def change_version(venv: Path) -> None:
    (lib,) = venv.glob("lib/python3.*")
    lib.rename(lib.with_name("python3.10"))


def remove_python(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to(venv / "no-longer-there")


def break_package(venv: Path) -> None:
    (module,) = venv.glob("lib/python3.*/site-packages/psutil.py")
    module.write_text("raise ImportError('wrong architecture')", encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="the folders of an environment have other names there")
@pytest.mark.parametrize("damage", [change_version, remove_python, break_package])
def test_an_environment_that_no_longer_works_is_made_again(small, damage):
    assert works(environment.python()) and host.packages(Facts()).ok
    damage(small / ".venv")
    assert environment.found() is None
    finding = host.packages(Facts())
    assert not finding.ok and ".venv no longer works: " in finding.found and "make up" in finding.fix
    assert works(environment.python()) and environment.found() and host.packages(Facts()).ok


def test_an_active_environment_that_has_everything_is_used(root, monkeypatch):
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")  # conda's is none, to pip
    assert environment.found() == environment.python() == Path(sys.executable)
    assert not environment.VENV.exists()


def test_an_active_environment_without_a_package_is_not_used(root, monkeypatch):
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    (root / "pyproject.toml").write_text(
        project.replace('"docker>=', '"a-package-that-does-not-exist>=1",\n    "docker>='), encoding="utf-8"
    )
    assert environment.found() is None


def test_a_python_that_is_not_of_the_active_environment_is_not_used(root, monkeypatch, tmp_path):
    """For example the system's Python while conda's is active: nothing may be written into its folder."""
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    assert environment.found() is None


def make_venv(place: Path) -> Path:
    venv.create(place, symlinks=os.name != "nt")
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_conda(place: Path) -> Path:
    """An environment as conda makes them: a whole Python, with no pyvenv.cfg. Links stand for its standard library."""
    base = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    lib = place / "lib" / base.name
    (lib / "site-packages").mkdir(parents=True)
    for path in base.iterdir():
        if path.name != "site-packages":
            (lib / path.name).symlink_to(path)
    (place / "bin").mkdir()
    shutil.copy(Path(sys._base_executable).resolve(), place / "bin/python")
    return place / "bin/python"


@pytest.fixture(
    params=[
        make_venv,
        pytest.param(
            make_conda,
            marks=pytest.mark.skipif(
                sys.platform != "linux" or "deb_system" in sysconfig.get_scheme_names(),
                reason="built for Linux; Debian's own Python has its packages in other folders than conda's",
            ),
        ),
    ]
)
def another(request, tmp_path, monkeypatch):
    """The Python of an active environment that has the packages, but not the workbook; variables as in a user's terminal."""
    prefix = tmp_path / "another"
    python = request.param(prefix)
    for name in ("PYTHONPATH", "CONDA_PREFIX", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONDA_PREFIX" if request.param is make_conda else "VIRTUAL_ENV", str(prefix))
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (site_packages,) = prefix.glob("**/site-packages")
    packages = next(folder for folder in site.getsitepackages() if Path(folder, "psutil").exists())
    # Without the .pth files of that folder.
    (site_packages / "packages.pth").write_text(f"{packages}\n", encoding="utf-8")
    return python


def start(python: Path, code: str, cwd: Path = ROOT) -> str:
    env = os.environ | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([python, "-c", code], cwd=cwd, env=env, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The workbook's own environment would be used first: here it has none.
WITHOUT_OWN = "from pathlib import Path; from workbook.machine import environment as e; e.VENV = Path('/nonexistent')\n"
RUN = """
import sys
from pathlib import Path
import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from workbook.base import notebooks
from workbook.cli.main import main
from workbook.publish import run

notebooks.NOTEBOOKS, run.COPIES, run.up = Path({folder!r}), Path({folder!r}, "copies"), lambda: None
nbformat.write(new_notebook(cells=[new_code_cell("import workbook, tests; print(workbook.__file__)")]), {folder!r} + "/00_a.ipynb")
sys.exit(main(["run", "00"]))
"""


def test_in_an_active_environment_kernels_find_the_workbook(another, tmp_path):
    """All of `make run` except the cluster; then a kernel that an editor starts, and `make clean`."""
    with pytest.raises(AssertionError, match="No module named 'workbook'"):
        start(another, "import workbook", cwd=tmp_path)
    start(another, WITHOUT_OWN + RUN.format(folder=str(tmp_path)))
    assert str(ROOT / "workbook") in (tmp_path / "copies/00_a.ipynb").read_text(encoding="utf-8")
    assert str(ROOT / "workbook") in start(another, "import workbook; print(workbook.__file__)", cwd=tmp_path)
    lines = start(another, f"{WITHOUT_OWN}print(*e.links(), sep='\\n')").splitlines()
    (link,) = map(Path, lines)
    assert link.is_relative_to(tmp_path / "another")


def test_in_an_active_environment_that_has_the_extras_nothing_is_installed(another):
    extras = ("test", "dev", "handout", "site")
    installed = {canonicalize_name(each.name) for each in metadata.distributions()}
    if not {canonicalize_name(Requirement(text).name) for text in environment.requirements(*extras)} <= installed:
        pytest.skip("this environment does not have all optional dependencies itself")
    assert start(another, f"{WITHOUT_OWN}print(e.found{extras})").strip() == str(another)


def test_an_environment_that_cannot_be_written_is_used_as_it_is(root, monkeypatch, tmp_path):
    monkeypatch.setattr(environment.sysconfig, "get_path", lambda name: str(tmp_path / "missing"))
    environment.link()
    assert environment.links() == []


def test_links_are_noted_and_found_again_from_elsewhere(root, monkeypatch, tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(environment.sysconfig, "get_path", lambda _, name=name: str(tmp_path / name))
        environment.link()
        environment.link()
    (tmp_path / "two/kubernetes-workbook.pth").write_text("/another/copy/of/the/workbook\n", encoding=environment.PTH)
    found = [path.parent.name for path in environment.links()]
    assert found == ["one", "three"]
    assert (tmp_path / "caches/linked").read_text(encoding="utf-8").count("\n") == 3


def test_import_path_keeps_what_the_user_has_set(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert environment.import_path() == {"PYTHONPATH": str(ROOT)}
    for theirs in ("/theirs", os.pathsep.join([str(ROOT), "/theirs"])):
        monkeypatch.setenv("PYTHONPATH", theirs)
        assert environment.import_path()["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "/theirs"]
