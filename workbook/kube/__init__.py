"""The Kubernetes API: connection, requests, watches, and what an object's JSON says."""
