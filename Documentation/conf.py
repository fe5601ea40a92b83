# SPDX-License-Identifier: GPL-2.0
"""Sphinx's settings for `make docs`; scripts/make-docs calls it."""

project = "vhost-tap"
author = "The vhost-tap developers"
copyright = "2026, " + author       # pylint: disable=redefined-builtin
extensions = []
exclude_patterns = []
html_theme = "alabaster"
html_theme_options = {
    "description": "vhost-net's interface, faster",
    "fixed_sidebar": True,
    "page_width": "1080px",
    "sidebar_width": "230px",
}
html_sidebars = {"**": ["about.html", "globaltoc.html", "searchbox.html"]}
html_copy_source = False
html_show_copyright = False
highlight_language = "none"
nitpicky = False
