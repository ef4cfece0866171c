"""Is this machine able to run the workbook? Its Python environment, checks, set-up, JupyterLab, browser."""
