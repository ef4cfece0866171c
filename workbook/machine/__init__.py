"""Is this machine able to run the workbook? Its Python environment, its checks, its browser."""
