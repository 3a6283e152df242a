/* verdict.js: what a comparison says, in words that claim no more than its tests do. */

const isLoss = (name) => name in LOSSES;
const measureWord = (name) => LOSSES[name] ?? METRICS[name];
const measureTitle = (entry) => measureWord(entry.name) + (entry.k ? ` (k = ${entry.k})` : "");
const levelWord = (level) => `${format(100 * level, 3)} %`;

/* A difference, signed so that larger is better; of a loss, less is better. */
const betterBy = (name, difference) => (isLoss(name) ? -difference : difference);

const withSign = (value, word) => (value > 0 ? `+${word}` : value < 0 ? `−${word}` : word);
const signed = (value, digits = 4) => withSign(value, format(Math.abs(value), digits));

/* A number in a column, with fixed decimals so that the points line up. */
function steady(value) {
    const size = Math.abs(value ?? 0);
    return value === undefined || size >= 1e5 || (size > 0 && size < 1e-4)
        ? format(value, 4)
        : value.toFixed(4);
}

const steadySigned = (value) => withSign(value, steady(Math.abs(value)));

function chanceWord(p) {
    if (p === null) return "–";
    return p < 0.0001 ? "p < 0.0001" : `p = ${format(p, 2)}`;
}

/*
 * better or worse: both tests say so. split: only one of them does. open: neither. same: no list
 * differs. few: fewer than two lists count, so there is no spread to go by. none: no list counts.
 */
function judge(name, comparison, level) {
    const { better, equal, worse, p_value, difference } = comparison;
    if (better + equal + worse === 0) return "none";
    if (better + worse === 0) return "same";
    if (p_value.t === null) return "few";
    const passed = [p_value.t, p_value.randomization].filter((p) => p < 1 - level).length;
    if (passed < 2) return passed === 1 ? "split" : "open";
    return betterBy(name, difference) > 0 ? "better" : "worse";
}

const VERDICT_WORDS = {
    better: "better",
    worse: "worse",
    split: "tests disagree",
    open: "not significant",
    same: "the same",
    few: "too few lists",
    none: "nothing labelled",
};

/* The interval that the words and pictures quote: Student's where there is one. */
const intervalOf = (comparison) => comparison.t ?? comparison.bootstrap;

function verdictTitle(verdict, { a, b }, level) {
    return {
        better: `${b} is better than ${a}`,
        worse: `${b} is worse than ${a}`,
        split: `Undecided at ${levelWord(level)}: the two tests disagree`,
        open: `No significant difference at ${levelWord(level)}`,
        same: `${b} and ${a} score the same on every list`,
        few: "Too few lists to tell",
        none: "Nothing to judge by",
    }[verdict];
}

function verdictSentence(verdict, entry, comparison, level) {
    const [low, high] = intervalOf(comparison) ?? [];
    const range = `the ${levelWord(level)} interval runs from ${signed(low)} to ${signed(high)}`;
    const change = `${measureTitle(entry)} changes by ${signed(comparison.difference)}`;
    const direction = isLoss(entry.name) ? " Less is better." : "";
    return {
        better: `${change}; ${range}.${direction}`,
        worse: `${change}; ${range}.${direction}`,
        split: `${change}; ${range}. Collect more lists before you decide.`,
        open: `${change}, as chance alone could; ${range}. This does not show that the two are equal.`,
        same: "There is no difference to test.",
        few: `${change}, but one list says nothing about others.`,
        none: "No list has a labelled item.",
    }[verdict];
}
