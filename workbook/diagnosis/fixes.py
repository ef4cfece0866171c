"""Causes and fixes that faults of different types share."""

TOO_LOW = "Its memory limit is too low to start a container."
MEMORY_FIX = "Raise `resources.limits.memory` in the manifest, or find out why the program needs so much."
REPLACE_FIX = "Delete the Pod. Its controller, such as a Deployment, creates another one."
DISK_FIX = "Free some space on the node, for example with `docker system prune`."
