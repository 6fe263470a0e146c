"""The page that a sandbox shows in a browser: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape

import msgspec

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1d2733}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.25rem 0 1rem;color:#52606d}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;color:#52606d}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #d9e2ec}
th{font-weight:600;white-space:nowrap}td{white-space:pre-line}a{color:#0b5cad}code{background:#f0f4f8;padding:0 .25rem}
"""


class Table(msgspec.Struct, frozen=True):
    """A table on the page; cells are plain text."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def index_page(*, title: str, about: str, tables: list[Table], links: list[str]) -> str:
    """Return the page; `links` are paths of control calls that can be read by GET."""
    items = "".join(f'<li><a href="{escape(link)}">{escape(link)}</a></li>' for link in links)
    body = "".join(map(_table, tables))
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p>{escape(about)}</p>{body}<h2>Control API</h2><ul>{items}</ul></body></html>"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    empty = "" if table.rows else "<p>Nothing yet.</p>"
    return (
        f'<h2>{escape(table.title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{empty}"
    )
