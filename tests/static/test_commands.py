"""The commands of the book's chapter: each is run in a notebook as a reader would type it, or its page says what replaced it."""

import re

import nbformat
import pytest

from workbook.base.notebooks import NOTEBOOKS, find

RUN = {
    # The chapter's command: how it is typed today, where names and numbers of Pods may differ.
    "docker build -t web-app:1.0 .": r"docker build .*-t web-app:1\.0 app/webapp",
    "docker images": r"docker images web-app:1\.0",
    "kubectl apply -f webapp-deployment.yaml": r"kubectl apply -f manifests/1-03-webapp-deployment\.yaml",
    "kubectl get deployments": r"kubectl get deployments",
    "kubectl get replicasets": r"kubectl get replicasets",
    "kubectl get pods": r"kubectl get pods",
    "kubectl get pods -o wide": r"kubectl get pods -o wide",
    "kubectl log -f POD 5000:5000": r"kubectl log -f \S+ 5000:5000",
    "kubectl logs POD": r"kubectl logs deployment/webapp-deployment",
    "kubectl apply -f webapp-service.yaml": r"kubectl apply -f manifests/1-04-webapp-service\.yaml",
    "kubectl describe service webservice": r"kubectl describe service webservice",
    "kubectl exec POD env": r"kubectl exec deployment/webapp-deployment -- env",
    "kubectl get service webservice": r"kubectl get service webservice",
    "kubectl scale": r"kubectl scale --replicas=2 deployment webapp-deployment",
    "kubectl delete pod": r"kubectl delete pod \{\w+\} --grace-period=0 --force",
    "docker build of the next version": r"docker build -t web-app:2\.0 .*app/webapp",
    "kubectl apply -f webapp-deployment-v2.yaml": r"kubectl apply -f manifests/1-11-webapp-deployment-v2\.yaml",
    "docker build of version 3": r"docker build -t web-app:3\.0 .*app/webapp",
    "kubectl apply of version 3": r"kubectl apply -f manifests/1-13-webapp-deployment-v3\.yaml",
    "docker build of version 4": r"docker build -t web-app:4\.0 .*app/webapp",
    "kubectl apply of version 4": r"kubectl apply -f manifests/1-15-webapp-deployment-v4\.yaml.*",
}
PRINTED = {
    # These run until someone stops them, or depend on the cluster: a function runs them, and prints which one it is.
    "kubectl port-forward": r"\$ kubectl port-forward deployment/webapp-deployment 5000:5000",
    "minikube start, or kind's": r"\$ (minikube start|docker start|kind create cluster)\b.*",
    "minikube stop, or kind's": r"\$ (minikube stop|docker stop)\b.*",
}
REPLACED = {
    # These install programs, or exist on minikube alone: a page has what replaced them.
    "curl -LO …/kubectl": ("SETUP.md", r"curl -LO .*dl\.k8s\.io"),
    "curl -Lo minikube": ("SETUP.md", r"curl -LO .*minikube"),
    "chmod +x, sudo mv": ("SETUP.md", r"sudo install "),
    "choco install": ("SETUP.md", r"winget install .*minikube"),
    "apt-key add": ("01_meet-the-cluster.ipynb", r"`apt-key add`"),
    "add-apt-repository": ("01_meet-the-cluster.ipynb", r"`add-apt-repository`"),
    "JDK 8": ("01_meet-the-cluster.ipynb", r"\(JDK\) 8"),
    "get-pip.py, pip install flask": ("02_build-the-image.ipynb", r"you install pip and Flask on your own machine"),
    "eval $(minikube docker-env)": ("02_build-the-image.ipynb", r"eval \$\(minikube docker-env\)"),
    "minikube dashboard": ("01_meet-the-cluster.ipynb", r"`minikube dashboard`"),
}
CODE = [cell for path in find() for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("command", RUN)
def test_each_command_of_the_chapter_is_run_as_itself(command):
    lines = [line.strip() for cell in CODE for line in cell.source.splitlines()]
    typed = [found[1].strip() for line in lines if (found := re.search(r"(?:^|= )%((?:kubectl|docker) .*)$", line))]
    assert [line for line in typed if re.fullmatch(RUN[command], line)]


@pytest.mark.parametrize("command", PRINTED)
def test_a_command_that_a_function_runs_is_printed(command):
    printed = "".join(output.get("text", "") for cell in CODE for output in cell.outputs)
    assert re.search(PRINTED[command], printed)


@pytest.mark.parametrize("command", REPLACED)
def test_a_page_says_what_replaced_a_command(command):
    name, text = REPLACED[command]
    assert re.search(text, (NOTEBOOKS / name).read_text(encoding="utf-8"))
