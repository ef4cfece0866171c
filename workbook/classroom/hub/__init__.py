"""A class in a browser: JupyterHub on the class's cluster, with a JupyterLab for each learner."""
