"""The configuration of Sphinx: https://www.sphinx-doc.org/en/master/usage/configuration.html.

The sources are the repository's own pages and notebooks, in their places. `workbook.publish.site.sources` says what
changes while they are read.
"""

from workbook.bundle import manifest
from workbook.publish.site import sources

project = "Learn Kubernetes by driving it"
author = "the maintainers of the Kubernetes workbook"
copyright = f"{author}. License: Apache 2.0"
release = manifest.version()

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.githubpages", sources.__name__]
root_doc = "index"
include_patterns = sources.PATTERNS
nitpicky = True
nitpick_ignore_regex = [  # the types of other projects, and parts of `Overview`
    ("py:.*", r"(collections|pandas|pathlib)\..*|workbook\.lessons\.overview\..*"),
]

# MyST: https://myst-nb.readthedocs.io/en/latest/configuration.html
nb_execution_mode = "off"  # the outputs are the recorded ones
nb_merge_streams = True  # otherwise each printed line is a separate output
nb_code_prompt_show = "Show the solution"  # only solutions are hidden
nb_code_prompt_hide = "Hide the solution"
myst_heading_anchors = 4

# The functions for notebooks, from their docstrings, which are written as in Markdown: `code`
default_role = "code"
autodoc_member_order = "groupwise"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"

linkcheck_ignore = [r"http://(localhost|127\.0\.0\.1)\b"]  # a learner's own machine
linkcheck_anchors_ignore_for_url = [r"https://github\.com/"]  # its pages add their anchors in the browser

# https://pydata-sphinx-theme.readthedocs.io/en/stable/user_guide/
html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["print.js"]
templates_path = ["templates"]
html_sidebars = {"**": ["contents.html"]}
html_sourcelink_suffix = ""  # so that a notebook's source can be opened as a notebook
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc", "sourcelink"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version", "theme-version"],
    "show_toc_level": 2,
}
