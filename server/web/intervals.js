/*
 * intervals.js: draws the interval of a difference beside the line of no difference. Right of the line
 * is better, also for a loss, whose difference is then negative.
 */

/* How far from zero a comparison reaches. */
function reachOf({ difference, t, bootstrap }) {
    return Math.max(...[difference, ...(t ?? []), ...(bootstrap ?? [])].map(Math.abs));
}

/*
 * look: {reach, width, height, pad, verdict}. What reaches further than `reach` is cut off at
 * the edge, without the bar that marks an end.
 */
function intervalPicture(name, comparison, look) {
    const { width, height, pad, verdict } = look;
    const middle = height / 2;
    const half = width / 2 - pad;
    const at = (value) => width / 2 + (betterBy(name, value) / (look.reach || 1)) * half;
    const inside = (x) => Math.max(pad / 2, Math.min(width - pad / 2, x));
    const ends = (interval) => interval.map(at).sort((a, b) => a - b);
    const picture = shape("svg", {
        class: `interval ${verdict}`,
        viewBox: `0 0 ${width} ${height}`,
        width,
        height,
        role: "img",
        "aria-label": intervalWords(comparison),
    });
    picture.append(shape("path", { class: "zero", d: `M${width / 2} 1V${height - 1}` }));
    if (comparison.bootstrap) {
        const [from, to] = ends(comparison.bootstrap).map(inside);
        const size = { x: from, y: middle - 6, width: Math.max(1, to - from), height: 12, rx: 3 };
        picture.append(shape("rect", { class: "band", ...size }));
    }
    if (comparison.t)
        picture.append(shape("path", { class: "line", d: whiskers(ends(comparison.t), inside, middle) }));
    picture.append(
        shape("circle", { class: "mean", cx: inside(at(comparison.difference)), cy: middle, r: 4 }),
    );
    return picture;
}

/* A line between two ends, each with a bar unless it was cut off. */
function whiskers([from, to], inside, middle) {
    const bar = (x) => (inside(x) === x ? `M${x} ${middle - 5}V${middle + 5}` : "");
    return `M${inside(from)} ${middle}H${inside(to)}${bar(from)}${bar(to)}`;
}

function intervalWords(comparison) {
    const interval = intervalOf(comparison);
    const mean = `Difference ${signed(comparison.difference)}`;
    return interval ? `${mean}, interval from ${signed(interval[0])} to ${signed(interval[1])}` : mean;
}
