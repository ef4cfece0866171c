"""Build a kind node image and base images from source, for machines that cannot pull images. See README.md."""

from node import machine as machine
from node.config import BOUNDS as BOUNDS
from node.config import KEEP_VOLUMES as KEEP_VOLUMES
from node.config import MANY_REQUESTS as MANY_REQUESTS
from node.config import NODE_PORT as NODE_PORT
from node.config import STORAGE_CLASS as STORAGE_CLASS
from node.config import kind_config as kind_config
from node.config import kubeadm_patches as kubeadm_patches
from node.config import masquerade as masquerade
from node.config import pod_network as pod_network
from node.config import pod_range as pod_range
from node.image import base_image as base_image
from node.image import base_tag as base_tag
from node.image import node_image as node_image
from node.image import node_tag as node_tag
from node.image import remove_older as remove_older
from node.network import network_image as network_image
from node.network import network_tag as network_tag
from node.toolchain import installed_kind as installed_kind
from node.toolchain import kind as kind
from node.versions import official as official
