/* groupfigures.js: the difference within each group, drawn small, one beside the other, on one scale. */

const DRAWN_GROUPS = 24;

function drawGroups(entry) {
    const groups = groupsOf(entry);
    $("cmp-groups-card").hidden = groups.length < 2;
    if (groups.length < 2) return;
    const reach = groups.reduce((most, { comparison }) => Math.max(most, sureReach(comparison)), 0);
    $("cmp-groups-title").textContent = `${measureTitle(entry)} by group`;
    $("cmp-groups").replaceChildren(
        ...groups.slice(0, DRAWN_GROUPS).map((group) => groupFigure(entry.name, group, 1.25 * reach)),
    );
    $("cmp-groups-note").textContent = groupsNote(groups.length);
}

/* The worst first. */
function groupsOf(entry) {
    return Object.entries(entry.groups ?? {})
        .map(([name, { systems, comparisons }]) => ({ name, systems, comparison: comparisons[0] }))
        .sort(
            (x, y) =>
                betterBy(entry.name, x.comparison.difference) - betterBy(entry.name, y.comparison.difference),
        );
}

/* The bootstrap sets the scale: Student's interval of two or three lists would flatten all others. */
const sureReach = ({ difference, bootstrap }) => reachOf({ difference, bootstrap });

function groupFigure(measure, { name, systems, comparison }, reach) {
    const { names, reply } = comparing;
    const verdict = judge(measure, comparison, reply.level);
    const lists = comparison.better + comparison.equal + comparison.worse;
    const interval = intervalOf(comparison);
    const range = interval ? `${signed(interval[0], 3)} to ${signed(interval[1], 3)}` : "no interval";
    const look = { reach, width: 220, height: 30, pad: 8, verdict };
    const values = SIDES.map((side) => format(valueOf(systems[names[side]]), 4)).join(" → ");
    return element(
        "li",
        {},
        element(
            "p",
            { class: "head" },
            element("b", {}, name === "" ? "(no group)" : name),
            verdictChip(verdict),
        ),
        intervalPicture(measure, comparison, look),
        element(
            "p",
            { class: "group-words" },
            element("b", {}, signed(comparison.difference, 3)),
            ` (${range})`,
        ),
        element("p", { class: "note" }, `${values} · ${plural(lists, "list")}`),
    );
}

function groupsNote(count) {
    const { level } = comparing.reply;
    const left = count > DRAWN_GROUPS ? `The ${DRAWN_GROUPS} worst of ${format(count)} groups. ` : "";
    return (
        `${left}Worst first, on one scale. Each group is tested by itself: at ${levelWord(level)} about ` +
        `${format(100 * (1 - level), 2)} in 100 groups look significant by chance.`
    );
}
