"""Draws the runs of a load test as one SVG: latency from p50 to p99.9 on a logarithmic axis."""

import html
import math

ROW, TOP, LEFT, PLOT, RIGHT = 26, 84, 210, 560, 250
MARKS = (("p50_ms", "p50", "#2c7fb8", 4.5), ("p90_ms", "p90", "#41ab5d", 4.5),
         ("p99_ms", "p99", "#e6550d", 5.5), ("p99.9_ms", "p99.9", "#a63603", 3.5))
STYLE = ("text{font:13px system-ui,sans-serif;fill:#1a1a1a}.dim{fill:#595959}"
         ".missed{fill:#b00020;font-weight:600}.grid{stroke:#d9d9d9}.band{stroke:#bdbdbd}"
         ".aim{stroke:#b00020;stroke-dasharray:3 3}")


def axis_bounds(rows):
    values = [row[key] for row in rows for key, *_ in MARKS if row[key] > 0]
    values += [row["aim_ms"] for row in rows if row.get("aim_ms")]
    low = 10 ** math.floor(math.log10(min(values)))
    high = 10 ** math.ceil(math.log10(max(values)))
    return (low, high if high > low else low * 10)


def place(value, low, high):
    share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
    return LEFT + PLOT * min(share, 1.0)


def duration(milliseconds):
    return f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:g} ms"


def grid(low, high, bottom):
    value = low
    while value <= high * 1.001:
        x = place(value, low, high)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12}" y2="{bottom}"/>'
        yield f'<text class="dim" x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">' \
              f'{duration(value)}</text>'
        value *= 10


def legend():
    x = LEFT
    for _, name, colour, radius in MARKS:
        yield f'<circle cx="{x}" cy="38" r="{radius}" fill="{colour}"/>'
        yield f'<text x="{x + 9}" y="42">{name}</text>'
        x += 66
    yield f'<line class="aim" x1="{x}" x2="{x}" y1="31" y2="46"/>'
    yield f'<text x="{x + 7}" y="42">objective for p99</text>'


def one_row(row, number, low, high):
    y = TOP + ROW * number + ROW / 2
    name = html.escape(f"{row['workload']} {row['encoding']}, {row['mode']}")
    yield f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{name}</text>'
    if row.get("aim_ms"):
        x = place(row["aim_ms"], low, high)
        yield f'<line class="aim" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 11}" y2="{y + 11}"/>'
    ends = [place(row[key], low, high) for key, *_ in MARKS]
    yield f'<line class="band" x1="{min(ends):.1f}" x2="{max(ends):.1f}" y1="{y}" y2="{y}"/>'
    for key, label, colour, radius in MARKS:
        yield f'<circle cx="{place(row[key], low, high):.1f}" cy="{y}" r="{radius}" ' \
              f'fill="{colour}"><title>{label} {row[key]:.2f} ms</title></circle>'
    kind = "missed" if row["missed"] else "dim"
    said = f"{row['rps']:,.0f}/s, {row['items_per_s']:,.0f} items/s"
    yield f'<text class="{kind}" x="{LEFT + PLOT + 16}" y="{y + 4}">{said}' \
          f'{", missed" if row["missed"] else ""}</text>'


def svg(rows, title):
    """The whole picture as text. rows: as run.py makes them; at least one."""
    low, high = axis_bounds(rows)
    bottom, width = TOP + ROW * len(rows) + 6, LEFT + PLOT + RIGHT
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bottom + 14}" '
             f'viewBox="0 0 {width} {bottom + 14}" role="img" aria-label="{html.escape(title)}">',
             f"<style>{STYLE}</style>", '<rect width="100%" height="100%" fill="#fff"/>',
             f'<text x="16" y="24" font-weight="600">{html.escape(title)}</text>']
    parts += legend()
    parts += grid(low, high, bottom)
    for number, row in enumerate(rows):
        parts += one_row(row, number, low, high)
    return "\n".join(parts + ["</svg>\n"])
