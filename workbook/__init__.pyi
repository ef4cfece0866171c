"""The names that notebooks import, with their types. `workbook/__init__.py` reads here in which module each is defined.

One line per name, `from .room.module import name as name`; https://typing.python.org/en/latest/spec/distributing.html
explains the form. If you move a function, edit its line.
"""

from IPython.core.interactiveshell import InteractiveShell

from .classroom.board import board as board
from .lessons.begin import begin as begin
from .lessons.build import remove_image as remove_image
from .lessons.check import check as check
from .lessons.check import exercise as exercise
from .lessons.compare import compare as compare
from .lessons.components import components as components
from .lessons.diagnose import diagnose as diagnose
from .lessons.dns_lookup import dns_lookup as dns_lookup
from .lessons.exam import requirements as requirements
from .lessons.kubectl import apply as apply
from .lessons.kubectl import delete as delete
from .lessons.kubectl import logs as logs
from .lessons.kubectl import scale as scale
from .lessons.on_node import containers_on_node as containers_on_node
from .lessons.on_node import end_on_node as end_on_node
from .lessons.on_node import run_on_node as run_on_node
from .lessons.overview import overview as overview
from .lessons.page import page as page
from .lessons.port_forward import port_forward as port_forward
from .lessons.preflight import preflight as preflight
from .lessons.prober import prober as prober
from .lessons.progress import progress as progress
from .lessons.raw import raw as raw
from .lessons.raw import raw_watch as raw_watch
from .lessons.recorder import recorder as recorder
from .lessons.show import show as show
from .lessons.snapshot import first_snapshot as first_snapshot
from .lessons.snapshot import snapshot as snapshot
from .lessons.start import delete_cluster as delete_cluster
from .lessons.start import service_url as service_url
from .lessons.start import start as start
from .lessons.start import start_node as start_node
from .lessons.start import stop as stop
from .lessons.start import stop_node as stop_node
from .lessons.tables import deployments as deployments
from .lessons.tables import events as events
from .lessons.tables import get as get
from .lessons.tables import images as images
from .lessons.tables import nodes as nodes
from .lessons.tables import pods as pods
from .lessons.tables import replicasets as replicasets
from .lessons.tables import services as services
from .lessons.tables import status as status
from .lessons.timeline import timeline as timeline
from .lessons.wait import endpoints as endpoints
from .lessons.wait import gone as gone
from .lessons.wait import pods_ready as pods_ready
from .lessons.wait import restarted as restarted
from .lessons.wait import rollout_status as rollout_status
from .lessons.wait import wait_for as wait_for
from .lessons.wait import waiting_for as waiting_for
from .lessons.watch import watch as watch

OLDEST: tuple[int, int]

def load_ipython_extension(ipython: InteractiveShell) -> None: ...
def unload_ipython_extension(ipython: InteractiveShell) -> None: ...
