"""A class in a browser, without a cluster: names, links, Secrets, and manifests."""

import asyncio
import base64
import csv
import hashlib
import os
import shutil
import socket
import stat
from contextlib import suppress
from types import SimpleNamespace

import pytest
import yaml

from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.processes import CommandFailed
from workbook.bundle.manifest import CLASS
from workbook.classroom.administrator import Administrator
from workbook.classroom.hub import delete, deploy, desk, door, images, links, objects, tls
from workbook.cli import class_

SETTINGS = {name: name.lower() for name in ("SETTINGS", "HUB_IMAGE", "DESK_IMAGE", "REGISTRY", "IDLE_SECONDS")}


def test_learners_are_numbered():
    assert class_.numbered(2) == ("learner-01", "learner-02")
    assert class_.numbered(100)[::99] == ("learner-001", "learner-100")


def test_two_learners_with_the_same_name_are_refused():
    with pytest.raises(WorkbookError, match="Two learners have the name 'ada'"):
        deploy.check(("ada", "bob", "ada"))


@pytest.mark.parametrize("name", ["ada-desk", "ada-other", "Ada", "-", "../etc"])
def test_a_name_that_cannot_be_a_learners_is_refused(name):
    with pytest.raises(WorkbookError, match="cannot be the name"):
        deploy.check((name,))


def test_a_class_has_learners(monkeypatch):
    monkeypatch.setenv("WORKBOOK_CONTEXT", "context")
    monkeypatch.setattr(Administrator, "read", lambda self, *words: "")
    with pytest.raises(WorkbookError, match=r"no learners(.|\n)*make class LEARNERS=20"):
        deploy.deploy(SimpleNamespace(), ())


def test_tokens_of_earlier_learners_stay():
    first = links.tokens(["ada"], {})
    second = links.tokens(["bob"], first)
    assert list(second) == ["ada", "bob"] and second["ada"] == first["ada"]
    assert len(second["bob"]) >= 32 and second["bob"] != first["ada"]


def test_only_the_owner_may_read_the_links(tmp_path, monkeypatch):
    monkeypatch.setattr(links, "FILE", tmp_path / "classroom" / "links.csv")
    links.write(links.links("https://class.example.org:8000", {"ada": "a/b"}))
    rows = list(csv.DictReader(links.FILE.read_text(encoding="utf-8").splitlines()))
    assert rows == [{"name": "ada", "link": "https://class.example.org:8000/hub/link?token=a%2Fb"}]
    if os.name != "nt":
        assert stat.S_IMODE(links.FILE.stat().st_mode) == 0o600


def test_a_password_in_the_form_of_nginx():
    digest = base64.b64encode(hashlib.sha1(b"secret").digest()).decode()
    assert objects.htpasswd({"ada": "secret"}) == f"ada:{{SHA}}{digest}\n"


@pytest.mark.parametrize(("address", "server"), [("10.96.0.1", "https://10.96.0.1"), ("fd00::1", "https://[fd00::1]")])
def test_a_kubeconfig_for_inside_has_nothing_of_outside(address, server):
    config = {
        "clusters": [{"name": "kind", "cluster": {"server": "https://127.0.0.1:1", "insecure-skip-tls-verify": True}}],
        "users": [{"name": "ada", "user": {"token": "t"}}],
    }
    files = objects.inside(yaml.safe_dump(config), address, "CA")
    inside = yaml.safe_load(files["kubeconfig"])
    authority = base64.b64encode(b"CA").decode()
    assert inside["clusters"][0]["cluster"] == {"server": server, "certificate-authority-data": authority}
    assert inside["users"] == [{"name": "ada", "user": {"tokenFile": "token"}}] and files["token"] == "t"


def test_all_of_the_manifests_variables_have_values_and_all_namespaces_a_bound():
    made = [
        *objects.manifest("registry.yaml", HUB_IMAGE="image"),
        *objects.manifest("hub.yaml", DESK_VARIABLES="{}", **SETTINGS),
        *objects.desk("ada"),
    ]
    assert "$" not in str(made)
    for each in made:
        if each["kind"] == "Namespace":
            assert each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
        if each["kind"] == "Deployment":
            for container in each["spec"]["template"]["spec"]["containers"]:
                assert container["resources"].keys() == {"requests", "limits"}
                assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        if each["kind"].startswith("ClusterRole"):
            assert each["metadata"]["labels"] == {"workbook": "class"}, "the clean-up would leave it"


def test_the_proxy_gets_the_certificate():
    hub = objects.manifest("hub.yaml", DESK_VARIABLES="{}", **SETTINGS)
    deploy._serve_tls(hub)
    (proxy,) = (each for each in hub if each["kind"] == "Deployment" and each["metadata"]["name"] == "proxy")
    assert "--ssl-cert=/etc/workbook/certificate/tls.crt" in proxy["spec"]["template"]["spec"]["containers"][0]["args"]


@pytest.mark.parametrize(
    ("room", "restarted", "said"), [([5000], 0, ""), ([16, 5000], 1, ""), ([16, 17], 1, ": 17 MB are left")]
)
def test_a_registry_that_is_almost_full_is_tidied(monkeypatch, capsys, room, restarted, said):
    commands, answers = [], iter(room)

    def read(self, *words):
        commands.append(words)
        return f"   Avail\n{next(answers)}MB\n" if "df" in words else ""

    monkeypatch.setattr(Administrator, "read", read)
    deploy._make_room(Administrator("context"))
    assert sum("restart" in words for words in commands) == restarted
    assert (said in capsys.readouterr().out) if said else ("almost full" not in capsys.readouterr().out)


def administrator(monkeypatch, existing):
    """An administrator of a cluster with these namespaces, by the label `workbook`; and the commands that were run."""
    commands = []

    def names(self, resource, selector):
        return [name for name, label in existing.items() if not selector or selector == f"workbook={label}"]

    monkeypatch.setattr(Administrator, "names", names)
    monkeypatch.setattr(Administrator, "run", lambda self, *words, **_: commands.append(words))
    return Administrator("context"), commands


def test_a_namespace_that_was_not_made_for_a_class_is_not_used(monkeypatch):
    asked, _ = administrator(monkeypatch, {"ada-desk": "", "bob-desk": "desk", "workbook-class": "class"})
    deploy._refuse_taken(asked, ["bob"])
    with pytest.raises(WorkbookError, match="'ada-desk' already exists"):
        deploy._refuse_taken(asked, ["ada", "bob"])


@pytest.mark.parametrize(
    ("existing", "learners"),
    [
        ({"ada": "learner", "ada-desk": "desk", "bob": "learner"}, ("ada",)),
        ({"ada": "learner", "ada-desk": "desk"}, ()),  # all that there are
        ({"ada-desk": "desk"}, ()),  # the last clean-up was interrupted after the learners
        ({"bob": "learner"}, None),  # the class in a browser is gone
    ],
)
def test_a_clean_up_deletes_the_learners_of_the_class_in_a_browser(monkeypatch, existing, learners):
    asked, commands = administrator(monkeypatch, existing)
    deleted = []
    monkeypatch.setattr(delete.clean_up, "delete", lambda _, names=(): deleted.append(names))
    delete.delete(asked)
    assert deleted == ([] if learners is None else [learners])
    assert all("--selector=workbook=class" in words or "--selector=workbook=desk" in words for words in commands)


def test_the_images_are_the_packages_and_the_workbooks_files(monkeypatch, tmp_path):
    """In a folder that is not a clone, as one from a bundle."""
    contents, loaded = {}, []
    cluster = SimpleNamespace(
        docker=lambda: "engine",
        settings=SimpleNamespace(bundle=SimpleNamespace(workbook=tmp_path / "workbook.tar.gz")),
        load=lambda *tags: loaded.extend(tags),
        reference=lambda tag: f"registry/{tag}",
    )
    own = [images.ROOT / name for name in ("workbook/__init__.py", "tests/conftest.py", "classroom/hub/nginx.conf")]
    monkeypatch.setattr(images, "own_files", lambda packed: own if packed == tmp_path / "workbook.tar.gz" else [])
    monkeypatch.setattr(images, "packages", lambda engine, bundle: {name: f"{name}:bundle-1" for name in CLASS})

    def built(engine, beginning, dockerfile, files, arguments):
        assert arguments == {"PACKAGES": f"{dockerfile.stem}:bundle-1"}
        contents[beginning] = [path.name for path in files]
        return f"{beginning}1"

    monkeypatch.setattr(images, "built", built)
    assert images.provide(cluster) == {"hub": "registry/workbook-hub:1", "desk": "registry/workbook-desk:1"}
    assert loaded == ["workbook-hub:1", "workbook-desk:1"]
    assert contents == {"workbook-hub:": ["nginx.conf"], "workbook-desk:": ["__init__.py", "nginx.conf"]}


def test_a_desk_keeps_what_a_learner_has_changed(tmp_path):
    image, mine = tmp_path / "image", tmp_path / "mine"
    for name, text in {"notebooks/00.ipynb": "new", "workbook/a.py": "new", "app/x/Dockerfile": "new"}.items():
        (image / name).parent.mkdir(parents=True, exist_ok=True)
        (image / name).write_text(text, encoding="utf-8")
    for name in ("notebooks/00.ipynb", "workbook/a.py"):
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text("old", encoding="utf-8")
    desk.furnish(image, mine)
    found = {path.relative_to(mine).as_posix(): path.read_text(encoding="utf-8") for path in mine.rglob("*.*y*")}
    assert found == {"notebooks/00.ipynb": "old", "workbook/a.py": "new"}
    assert (mine / "app/x/Dockerfile").exists()


def test_a_door_that_is_open_already_is_reported(monkeypatch):
    monkeypatch.setattr(door, "is_open", lambda port: True)
    with pytest.raises(WorkbookError, match="Port 8000 is already in use"):
        door.hold_open(Administrator("context"), door.LOOPBACK, 8000)


def test_a_forwarding_that_ends_is_started_again(monkeypatch):
    begun = []

    def run(self, *words, **_):
        begun.append(words)
        if len(begun) == 3:
            raise KeyboardInterrupt
        raise CommandFailed(["kubectl"], 1, "lost connection to pod")

    monkeypatch.setattr(door, "is_open", lambda port: False)
    monkeypatch.setattr(door, "_node", lambda administrator: None)
    monkeypatch.setattr(door, "PAUSE", 0)
    monkeypatch.setattr(Administrator, "run", run)
    with pytest.raises(KeyboardInterrupt):
        door.hold_open(Administrator("context"), door.ALL, 8443)
    assert "--address=0.0.0.0" in begun[0] and "8443:8000" in begun[0]


@pytest.mark.parametrize("remove", [True, False])
def test_without_a_context_it_is_the_workbooks_own_cluster(monkeypatch, tmp_path, remove):
    for name in ("WORKBOOK_CONTEXT", "KUBECONFIG", "WORKBOOK_USERS_KUBECONFIG"):
        monkeypatch.setenv(name, "")
    own = SimpleNamespace(context="kind-workbook", kubeconfig=tmp_path / "kubeconfig")
    started = []
    monkeypatch.setattr(class_, "current", lambda: own)
    monkeypatch.setattr(class_, "up", started.append)
    assert class_.choose(remove=remove) is own and started == ([] if remove else [own])
    assert os.environ["WORKBOOK_CONTEXT"] == "kind-workbook" and Administrator.from_environment().context


def forwarded(find):
    """Two answers by a program that is reached through the door.

    Args:
        find: is given the program's address and one where nothing listens; returns where the door leads first, and what it
            finds at each search.
    """

    async def echo(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    async def ask():
        program = await asyncio.start_server(echo, door.LOOPBACK, 0)
        with socket.create_server((door.LOOPBACK, 0)) as free, socket.create_server((door.LOOPBACK, 0)) as other:
            near, nowhere = free.getsockname(), other.getsockname()
        first, search = find(program.sockets[0].getsockname(), nowhere)
        held = asyncio.create_task(door.forward(near, first, search))
        answers = []
        while len(answers) < 2:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(*near)
                writer.write(b"a line\n")
                if answer := await reader.read():  # the door closes a connection that leads nowhere
                    answers.append(answer)
                writer.close()
            await asyncio.sleep(0.01)
        held.cancel()
        program.close()
        return answers

    return asyncio.run(asyncio.wait_for(ask(), timeout=30))


def test_connections_are_forwarded_in_both_directions():
    assert forwarded(lambda program, nowhere: (program, None)) == [b"A LINE\n"] * 2


def test_a_node_with_another_address_is_found_again():
    searches = []

    def search(program):
        """The cluster doesn't answer, then the proxy doesn't, then both do."""
        searches.append(program)
        if len(searches) == 1:
            raise CommandFailed(["kubectl"], 1, "connection refused")
        return program if len(searches) > 2 else None

    answers = forwarded(lambda program, nowhere: (nowhere, lambda: search(program)))
    assert answers == [b"A LINE\n"] * 2 and len(searches) == 3


def test_a_connection_without_an_answer_does_not_hold_up_a_browser(monkeypatch):
    hole, connect = ("192.0.2.1", 8000), asyncio.open_connection

    async def unanswered(*address):
        if address == hole:
            await asyncio.sleep(60)
        return await connect(*address)

    monkeypatch.setattr(asyncio, "open_connection", unanswered)
    monkeypatch.setattr(door, "CONNECT", 0.1)
    assert forwarded(lambda program, nowhere: (hole, lambda: program)) == [b"A LINE\n"] * 2


@pytest.fixture
def opened(monkeypatch, tmp_path, home):
    """`make class` on a cluster where everything works; the calls of the functions that do it."""
    calls = []
    monkeypatch.setenv("WORKBOOK_CONTEXT", "context")
    monkeypatch.setattr(links, "FILE", class_.ROOT / "build" / "test-of-links.csv")
    monkeypatch.setattr(links, "write", lambda written: calls.append(written))
    monkeypatch.setattr(tls, "certificate", lambda host: {"tls.crt": host})
    monkeypatch.setattr(
        deploy, "deploy", lambda cluster, names, certificate: calls.append(certificate) or dict.fromkeys(names, "t")
    )
    monkeypatch.setattr(door, "hold_open", lambda administrator, *where: calls.append(where))
    monkeypatch.setattr(delete, "delete", lambda administrator: calls.append("deleted"))
    return calls


def test_without_a_host_the_class_is_for_this_machine(opened):
    class_.class_(["1"], host="", address="", remove=False)
    written = {"learner-01": "http://127.0.0.1:8000/hub/link?token=t"}
    assert opened == [None, written, ("127.0.0.1", 8000)]


def test_with_a_host_it_is_for_others_and_encrypted(opened):
    class_.class_(["ada"], host="class.example.org", address="", remove=False)
    written = {"ada": "https://class.example.org:8000/hub/link?token=t"}
    assert opened == [{"tls.crt": "class.example.org"}, written, ("0.0.0.0", 8000)]


def test_with_an_address_the_cluster_has_a_door_and_the_class_can_be_deleted(opened):
    class_.class_(["ada"], host="", address="https://class.example.org/", remove=False)
    class_.class_([], host="", address="", remove=True)
    assert opened == [None, {"ada": "https://class.example.org/hub/link?token=t"}, "deleted"]


@pytest.mark.parametrize(("host", "address"), [("", "class.example.org"), ("class", "https://class.example.org")])
def test_an_address_is_a_url_and_stands_alone(opened, host, address):
    with pytest.raises(WorkbookError, match="address"):
        class_.class_(["ada"], host=host, address=address, remove=False)
    assert not opened


def test_a_class_that_is_started_twice_at_the_same_time_is_reported(opened, home):
    with (
        lock(home / "class.lock", "make class"),
        pytest.raises(WorkbookError, match=r"busy: process \d+ .*`make class`"),
    ):
        class_.class_(["ada"], host="", address="", remove=False)
    assert opened == []


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
@pytest.mark.parametrize("host", ["class.example.org", "192.0.2.1"])
def test_a_certificate_is_made_once_and_yours_is_used(home, host):
    made = tls.certificate(host)
    assert made.keys() == {"tls.crt", "tls.key"} and "BEGIN CERTIFICATE" in made["tls.crt"]
    assert tls.certificate(host) == made
    (home / "class" / host / "tls.crt").write_text("mine", encoding="utf-8")
    assert tls.certificate(host)["tls.crt"] == "mine"
