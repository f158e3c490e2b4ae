"""How the documentation site is built: ``sphinx-build -E -W --keep-going -n -b html docs OUT``."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from pytest_adyen_creds import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
_PROJECT: dict[str, Any] = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
_URLS: dict[str, str] = _PROJECT.get("urls", {})

project = "pytest-adyen-creds"
version = release = __version__
html_title = f"{project} {version}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "from_code"]
exclude_patterns = ["_build", "**/.pytest_cache", "**/.venv", "**/node_modules"]

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "undoc-members": True}
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
nitpick_ignore_regex = [  # types that are shown by name: of others, and of ours what users only hand on
    ("py:class", r"(collections\.abc|datetime|pathlib|httpx)\..*|Path|timedelta|SearchStrategy"),
    ("py:class", r"Answers|Baseline|Change|Server|types\.EllipsisType"),
    ("py:class", r".*\.(Answered|Responses|SandboxTransport|ShownCredential|Subject|Validator)"),
]
add_module_names = False
python_use_unqualified_type_names = True
python_display_short_literal_types = True

smartquotes = False
html_theme = "furo"
pygments_style, pygments_dark_style = "friendly", "monokai"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_baseurl = _URLS.get("Documentation", "")
html_theme_options = {
    "source_repository": _URLS.get("Source", ""),
    "source_branch": "main",
    "source_directory": "docs/",
}
copybutton_exclude = ".linenos, .gp, .go"
