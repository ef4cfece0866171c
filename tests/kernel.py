"""When a notebook that JupyterLab shows can be run."""


def await_kernel(notebook, timeout):
    """Wait until the notebook's kernel is ready.

    Until JupyterLab has begun to start the kernel, its notebook has none, but is called idle already. *Run All Cells* then
    only runs the first cell, and says nothing about the others. So the kernel's name comes first. The status bar may still
    show the last notebook's kernel, and so the one in the notebook's own toolbar counts.

    Args:
        notebook: the locator of the notebook's panel.
        timeout: milliseconds.
    """
    notebook.locator(".jp-KernelName", has_text="Python 3").wait_for(state="attached", timeout=timeout)
    indicator = notebook.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    indicator.wait_for(state="attached", timeout=timeout)
