"""This machine: its Python environment, checks of its suitability, set-up, JupyterLab, browser."""
