"""JupyterHub's settings for a class in a browser. The Deployment `hub` in hub.yaml sets the variables that are read here.

Documentation: https://jupyterhub.readthedocs.io/en/stable/, https://jupyterhub-kubespawner.readthedocs.io/en/latest/
"""

import hmac
import json
import os
import sys
from pathlib import Path

from aiohttp import ClientTimeout
from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_path_join
from tornado.web import HTTPError

c = get_config()  # noqa: F821  # JupyterHub defines it
LINKS = Path("/etc/workbook/links")
"""The Secret `links`: a file for each learner, which contains the token of the learner's link."""
NO_LINK = "Open the link that your instructor has given you."


class LinkHandler(BaseHandler):
    """Log in the learner whose token is in the address, also if another learner has used this browser before."""

    async def get(self) -> None:
        if not await self.login_user({"token": self.get_argument("token", "")}):
            raise HTTPError(403, NO_LINK)
        self.redirect(self.hub.base_url)  # without the token


class LinkAuthenticator(Authenticator):
    """Know learners by the tokens of their links, as JupyterHub's documentation recommends for links that log in.

    Documentation: https://jupyterhub.readthedocs.io/en/stable/howto/forced-login.html
    """

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> str | None:
        for file in LINKS.glob("[a-z]*"):
            if hmac.compare_digest(file.read_bytes(), data["token"].encode()):
                return file.name
        return None

    def get_handlers(self, app: object) -> list[tuple[str, type[BaseHandler]]]:
        return [("/link", LinkHandler)]

    def login_url(self, base_url: str) -> str:
        return url_path_join(base_url, "link")


c.JupyterHub.authenticator_class = LinkAuthenticator
c.Authenticator.allow_all = True  # each learner with a token
c.Authenticator.auto_login = True
c.JupyterHub.admin_access = False

# The hub: its state is in a volume, and the proxy is a Pod of its own. So the hub can restart while learners work.
c.JupyterHub.db_url = "sqlite:////srv/data/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "/srv/data/cookie_secret"
c.JupyterHub.hub_bind_url = "http://:8081"
c.JupyterHub.hub_connect_url = "http://hub.workbook-class:8081"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.cleanup_proxy = False
c.JupyterHub.last_activity_interval = 10  # seconds until a proxy that has restarted knows the desks again
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://proxy-api.workbook-class:8001"
# After a restart, the proxy has another address. The NetworkPolicy drops what is sent to the old one, so nothing refuses it.
c.JupyterHubHTTPClient.session_options = {"timeout": ClientTimeout(total=30, sock_connect=3)}
c.JupyterHubHTTPClient.connector_options = {"use_dns_cache": False}

# Desks that are not used are stopped. The next visit of the link starts them again, with the same files and open tabs.
idle = f"--timeout={os.environ['IDLE_SECONDS']}"
c.JupyterHub.services = [{"name": "culler", "command": [sys.executable, "-m", "jupyterhub_idle_culler", idle]}]
culling = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
c.JupyterHub.load_roles = [{"name": "culler", "scopes": culling, "services": ["culler"]}]

# A desk is a Pod in a namespace of its own, which `workbook class` has prepared.
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.enable_user_namespaces = True
c.KubeSpawner.user_namespace_template = "{username}-desk"
c.KubeSpawner.user_namespace_labels = {"workbook": "desk", "pod-security.kubernetes.io/enforce": "baseline"}
c.KubeSpawner.events_enabled = False  # reading them would take a permission for all namespaces
c.KubeSpawner.pod_name_template = "desk"
c.KubeSpawner.image = os.environ["DESK_IMAGE"]
c.KubeSpawner.image_pull_policy = "IfNotPresent"
c.KubeSpawner.cmd = ["python", "-m", "workbook.classroom.hub.desk"]
c.KubeSpawner.automount_service_account_token = False
c.KubeSpawner.cpu_guarantee, c.KubeSpawner.cpu_limit = 0.02, 2  # so that twenty desks fit on two CPUs
c.KubeSpawner.mem_guarantee, c.KubeSpawner.mem_limit = "384M", "2G"
c.KubeSpawner.extra_resource_guarantees = {"ephemeral-storage": "512Mi"}
c.KubeSpawner.extra_resource_limits = {"ephemeral-storage": "12Gi"}
c.KubeSpawner.storage_pvc_ensure = False
c.KubeSpawner.volumes = [
    {"name": "files", "persistentVolumeClaim": {"claimName": "files"}},
    {"name": "access", "secret": {"secretName": "access", "defaultMode": 0o400}},
    {"name": "images", "emptyDir": {"sizeLimit": "10Gi"}},
]
c.KubeSpawner.volume_mounts = [
    {"name": "files", "mountPath": "/home/learner"},
    {"name": "access", "mountPath": "/etc/workbook", "readOnly": True},
    {"name": "images", "mountPath": "/var/lib/containers"},
]
c.KubeSpawner.environment = {
    **json.loads(os.environ["DESK_VARIABLES"]),
    "HOME": "/home/learner",
    "KUBECONFIG": "/etc/workbook/kubeconfig",
    "DOCKER_CONFIG": "/etc/workbook",
    "DOCKER_HOST": "unix:///run/docker.sock",
    "WORKBOOK_CLUSTER": "existing",
    "WORKBOOK_CONTEXT": lambda spawner: spawner.user.name,
    "WORKBOOK_NAMESPACE": lambda spawner: spawner.user.name,
    "WORKBOOK_REGISTRY": lambda spawner: f"{os.environ['REGISTRY']}/{spawner.user.name}",
}
c.KubeSpawner.poll_interval = 5  # seconds until the hub notices that a desk has ended
c.KubeSpawner.start_timeout = 300
c.KubeSpawner.http_timeout = 120
