"""A page of a notebook as HTML: nbconvert exporters of one self-contained file, without script or request."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from nbconvert import HTMLExporter

from ..claims import SIGNS
from .pages import Page

TEMPLATES = Path(__file__).parents[1] / "templates"


def style_sheets(*names):
    """What every template needs: the style sheets joined, their digest for the security policy, the verdicts' signs."""
    css = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)
    return {"css": Markup(css), "css_hash": base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
            "signs": SIGNS}


def render(template, sheets=("page.css",), **resources):
    """A template as HTML, with what every template needs."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    return environment.get_template(template).render(resources={**style_sheets(*sheets), **resources})


class ReportExporter(HTMLExporter):
    """nbconvert exporter of one self-contained page: no script, nothing from elsewhere.

    `from_notebook_node` takes in `resources` the ``name`` errors give the notebook, the ``study``, a dict as
    `report.particulars` makes it, and a `Page` of the notebook read before, if there is one; it returns in them the
    `Page` as ``page``.

    Parameters
    ----------
    code : bool
        Whether the code is there, folded, as researchers want it; a page to hand over is without.

    Examples
    --------
    >>> import nbformat
    >>> notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Who came?", id="a")])
    >>> html, resources = ReportExporter().from_notebook_node(notebook)
    >>> resources["page"].title, "<script" in html
    ('Who came?', False)
    """

    layout, sheets = "page.html.j2", ("page.css",)

    def __init__(self, code=True, **keywords):
        super().__init__(template_name="base", template_file=self.layout,
                         extra_loaders=[FileSystemLoader(TEMPLATES)], **keywords)
        self.code = code

    def _create_environment(self):
        environment = super()._create_environment()
        environment.autoescape = True
        return environment

    def from_notebook_node(self, nb, resources=None, **keywords):
        resources = {"name": "The notebook"} | dict(resources or {})
        page = resources.get("page") or Page(nb, resources["name"])
        return super().from_notebook_node(nb, {
            **resources, **style_sheets(*self.sheets), "page": page, "code": self.code,
            **self.besides(page, nb, resources)}, **keywords)

    def besides(self, page, nb, resources):
        """What the template shows besides the page itself, by the names it has there."""
        return {}
