"""Draws measurements over time as an SVG: panels one below the other, sharing the time axis."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 760, 130, 70, 16, 26, 36
COLOURS = ("#1f6fb4", "#c8501e", "#3a8a3a", "#7a4fb0")


def nice_top(value):
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value and power > 1e-9:
        power /= 10
    for factor in (1, 2, 2.5, 5, 10):
        if power * factor >= value:
            return power * factor
    return value


def text(x, y, words, size=11, anchor="start", colour="#444"):
    words = str(words).replace("&", "&amp;").replace("<", "&lt;")
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}">{words}</text>')


def polyline(points, colour):
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.4"/>'


def panel(top, title, unit, times, series):
    """series: {name: values}, values as many as times; None leaves a gap out."""
    highest = nice_top(max((v for values in series.values() for v in values if v is not None),
                           default=1) or 1)
    span = max(times[-1] - times[0], 1e-9)
    inner = WIDTH - LEFT - RIGHT
    parts = [text(LEFT, top - 8, title, 13, colour="#111")]
    for step in range(5):
        y = top + HEIGHT - HEIGHT * step / 4
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" '
                     'stroke="#ddd"/>')
        parts.append(text(LEFT - 6, y + 4, f"{highest * step / 4:g} {unit}", anchor="end"))
    for index, (name, values) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = [(LEFT + inner * (time - times[0]) / span, top + HEIGHT * (1 - value / highest))
                  for time, value in zip(times, values) if value is not None]
        parts.append(polyline(points, colour))
        parts.append(text(WIDTH - RIGHT - 110 * (len(series) - index - 1), top - 8, name,
                          anchor="end", colour=colour))
    return parts


def draw(path, title, times, panels):
    """panels: [(title, unit, {name: values})]; times in seconds."""
    height = TOP + 24 + len(panels) * (HEIGHT + GAP) + 16
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
             f'font-family="sans-serif" role="img"><title>{title}</title>',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             text(WIDTH / 2, 20, title, 14, "middle", "#111")]
    top = TOP + 28
    for name, unit, series in panels:
        parts += panel(top, name, unit, times, series)
        top += HEIGHT + GAP
    for step in range(6):
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / 5
        moment = times[0] + (times[-1] - times[0]) * step / 5
        parts.append(text(x, top - GAP + 18, f"{moment:.0f} s", anchor="middle"))
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n</svg>\n")
