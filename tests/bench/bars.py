"""Draws groups of horizontal bars on one logarithmic axis, as an SVG for light and dark pages."""
import html
import math

COLOURS = ("#2c7fb8", "#e6550d", "#41ab5d", "#8856a7", "#c51b8a", "#8c6d31")
STYLE = ("text{font:13px system-ui,sans-serif;fill:#1a1a1a}.dim{fill:#595959}.grid{stroke:#d9d9d9}"
         ".back{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#eee}.dim{fill:#b5b5b5}"
         ".grid{stroke:#444}.back{fill:#14161a}}")
LEFT, PLOT, RIGHT, BAR, GAP, TOP = 230, 520, 110, 17, 14, 64


def si(value):
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def bars(title, unit, groups):
    """groups: [(label, [(series, value)…])…]; values > 0, the more the longer."""
    values = [value for _, rows in groups for _, value in rows]
    low = math.floor(math.log10(min(values)))
    high = max(low + 1, math.ceil(math.log10(max(values))))
    series = list(dict.fromkeys(name for _, rows in groups for name, _ in rows))
    colour = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(series)}

    def width(value):
        return max(2.0, PLOT * (math.log10(value) - low) / (high - low))

    height = TOP + sum(len(rows) * BAR + GAP for _, rows in groups) + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + PLOT + RIGHT} {height}" '
           f'role="img" aria-label="{html.escape(title)}"><style>{STYLE}</style>',
           '<rect class="back" width="100%" height="100%"/>',
           f'<text x="16" y="24" font-weight="600">{html.escape(title)}</text>']
    x = 16
    for name in series:
        out.append(f'<rect x="{x}" y="36" width="11" height="11" fill="{colour[name]}"/>'
                   f'<text x="{x + 16}" y="46">{html.escape(name)}</text>')
        x += 34 + 7 * len(name)
    for power in range(low, high + 1):
        at = LEFT + PLOT * (power - low) / (high - low)
        out.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP - 6}" y2="{height - 22}"/>'
                   f'<text class="dim" x="{at}" y="{height - 6}" text-anchor="middle">'
                   f'{si(10 ** power)}</text>')
    out.append(f'<text class="dim" x="{LEFT + PLOT + 40}" y="{height - 6}">{html.escape(unit)}'
               '</text>')
    y = TOP
    for label, rows in groups:
        middle = y + len(rows) * BAR / 2 + 4
        out.append(f'<text x="{LEFT - 12}" y="{middle}" text-anchor="end">{html.escape(label)}'
                   '</text>')
        for name, value in rows:
            out.append(f'<rect x="{LEFT}" y="{y + 1}" width="{width(value):.1f}" '
                       f'height="{BAR - 3}" fill="{colour[name]}"><title>{html.escape(name)}: '
                       f'{si(value)} {html.escape(unit)}</title></rect>'
                       f'<text class="dim" x="{LEFT + width(value) + 6:.1f}" y="{y + 13}">'
                       f'{si(value)}</text>')
            y += BAR
        y += GAP
    return "\n".join(out + ["</svg>\n"])
