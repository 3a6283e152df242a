"""Draws lines over two logarithmic axes, as an SVG for light and dark pages."""
import html
import math

from bars import COLOURS, STYLE, si

PALETTE = COLOURS + ("#0f9b9b", "#808080")
LEFT, TOP, WIDTH, HEIGHT, ROW = 74, 62, 760, 400, 20


def decades(values):
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def time_text(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size * 0.999:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.1g} s"


def legend(series, columns=4):
    """Yields (x, y, index) of each entry."""
    for i in range(len(series)):
        yield LEFT + (i % columns) * (WIDTH // columns), 42 + ROW * (i // columns), i


def lines(title, x_title, series, y_text=time_text, x_text=si, columns=4):
    """series: [(name, dashed, [(x, y)…])…], everything > 0."""
    xs = [x for _, _, points in series for x, _ in points]
    ys = [y for _, _, points in series for _, y in points]
    (x_low, x_high), (y_low, y_high) = decades(xs), decades(ys)
    top = TOP + ROW * ((len(series) - 1) // columns)
    height = top + HEIGHT + 52

    def at(x, y):
        return (LEFT + WIDTH * (math.log10(x) - x_low) / (x_high - x_low),
                top + HEIGHT * (1 - (math.log10(y) - y_low) / (y_high - y_low)))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 26} {height}" '
           f'role="img" aria-label="{html.escape(title)}"><style>{STYLE}'
           'path{fill:none;stroke-width:2}</style>',
           '<rect class="back" width="100%" height="100%"/>',
           f'<text x="16" y="22" font-weight="600">{html.escape(title)}</text>']
    for power in range(x_low, x_high + 1):
        x, _ = at(10.0 ** power, 10.0 ** y_low)
        out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + HEIGHT}"/>'
                   f'<text class="dim" x="{x:.1f}" y="{top + HEIGHT + 18}" text-anchor="middle">'
                   f'{x_text(10.0 ** power)}</text>')
    for power in range(y_low, y_high + 1):
        _, y = at(10.0 ** x_low, 10.0 ** power)
        out.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" '
                   f'y2="{y:.1f}"/><text class="dim" x="{LEFT - 8}" y="{y + 4:.1f}" '
                   f'text-anchor="end">{y_text(10.0 ** power)}</text>')
    out.append(f'<text class="dim" x="{LEFT + WIDTH / 2}" y="{top + HEIGHT + 40}" '
               f'text-anchor="middle">{html.escape(x_title)}</text>')
    for x, y, i in legend(series, columns):
        name, dashed, points = series[i]
        colour = PALETTE[i % len(PALETTE)]
        dash = ' stroke-dasharray="7 4"' if dashed else ""
        path = " ".join(f"{'ML'[k > 0]}{a:.1f} {b:.1f}"
                        for k, (a, b) in enumerate(at(*point) for point in points))
        out.append(f'<path d="{path}" stroke="{colour}"{dash}/>'
                   f'<path d="M{x} {y - 4}h24" stroke="{colour}"{dash}/>'
                   f'<text x="{x + 30}" y="{y}">{html.escape(name)}</text>')
        for point in points:
            a, b = at(*point)
            out.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}">'
                       f'<title>{html.escape(name)}: {x_text(point[0])} items, '
                       f'{y_text(point[1])}</title></circle>')
    return "\n".join(out + ["</svg>\n"])
