"""What the page is built with: Plotly, DataTables through itables, and Jinja2, all of the extra ``html``."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Template

SHORTEST_PAGED = 25


@dataclass(frozen=True)
class Libraries:
    """The template of the page, and the scripts that it carries: Plotly, and the tables' with their styles."""

    template: Template
    plotly: str
    tables: str


def load_libraries() -> Libraries:
    """Import the libraries of the extra.

    Raises:
        UsageError: one of them is not installed.
    """
    try:
        from itables.javascript import generate_init_offline_itables_html
        from itables.utils import find_package_file
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from plotly.offline.offline import get_plotlyjs
    except ImportError as error:
        raise UsageError(
            f"--format html needs {error.name}, which is not installed; get it with pip install 'fusebench[html]'"
        ) from None
    environment = Environment(
        loader=PackageLoader("bench.report.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    tables = generate_init_offline_itables_html(find_package_file("html", "dt_bundle.js"))
    return Libraries(environment.get_template("page.html"), get_plotlyjs(), tables)


# What is shown and what is sorted by; the library has no option for how a missing number is shown.
MISSING_SHOWN, MISSING_EMPTY = r"[\"NaN\", \"___NaN___\"]", r"[\"\", \"___NaN___\"]"


def sortable(table: pd.DataFrame, name: str, filters: bool = True, chooses: bool = False) -> str:
    """A table as HTML: sorted by the arrows of a header, filtered as a whole and by column; texts are escaped,
    and a missing number shows nothing.

    Args:
        name: id of the table, unique in the page. filters: whether each column has a filter of its own.
        chooses: whether columns can be hidden and shown.
    """
    from itables import to_html_datatable

    buttons: dict[str, Any] = {"buttons": [{"extend": "colvis", "text": "Columns"}]} if chooses else {}
    text = to_html_datatable(
        table,
        table_id=name,
        connected=False,
        showIndex=False,
        allow_html=False,
        maxBytes=0,
        classes="display compact nowrap",
        style="width:100%",
        scrollX=True,
        fixedColumns={"start": 1},
        paging=len(table) > SHORTEST_PAGED,
        pageLength=SHORTEST_PAGED,
        lengthMenu=[SHORTEST_PAGED, 100, -1],
        order=[],
        **buttons,
        column_filters="footer" if filters else False,
    )
    # The library escapes all but the headers below.
    below, escaped = (
        json.dumps("".join(f"<th>{written(column)}</th>" for column in table.columns))[1:-1]
        for written in (str, html.escape)
    )
    return text.replace(f"<tfoot>{below}<", f"<tfoot>{escaped}<").replace(MISSING_SHOWN, MISSING_EMPTY)
