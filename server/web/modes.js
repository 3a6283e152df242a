/* modes.js: tabs, and which of the page's two halves is shown: Evaluate or Compare. */

let mode = "evaluate";

function selectTab(tabs, id, focus) {
    for (const tab of tabs.children) {
        const chosen = tab.id === id;
        tab.setAttribute("aria-selected", String(chosen));
        tab.tabIndex = chosen ? 0 : -1;
        if (chosen && focus) tab.focus();
    }
}

/* Calls choose(id, focus) for the tab that was clicked, or that an arrow key, Home or End leads to. */
function listenToTabs(tabs, choose) {
    const ids = [...tabs.children].map((tab) => tab.id);
    tabs.addEventListener("click", (event) => {
        if (ids.includes(event.target.id)) choose(event.target.id, false);
    });
    tabs.addEventListener("keydown", (event) => {
        const at = ids.indexOf(event.target.id);
        const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: ids.length - 1 }[event.key];
        if (next === undefined) return;
        event.preventDefault();
        choose(ids[(next + ids.length) % ids.length], true);
    });
}

/* The card with the code serves both halves, and moves to the one that is shown. */
function chooseMode(name, focus = false) {
    mode = name;
    selectTab($("modes"), `mode-${name}`, focus);
    const results = { evaluate: "results", compare: "cmp-results" }[name];
    $("evaluate").hidden = name !== "evaluate";
    $("compare").hidden = name !== "compare";
    $("skip").setAttribute("href", `#${results}`);
    $(results).append($("code-card"));
    history.replaceState(null, "", name === "compare" ? "#compare" : location.pathname + location.search);
    if (name === "compare") openComparison();
    else drawEditor();
    if (name === "evaluate" && state.main) redrawResults();
    drawCode();
}
