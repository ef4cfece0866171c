"""Find the causes of faults in the JSON of Kubernetes objects, and the fixes. Nothing here reads the cluster."""
