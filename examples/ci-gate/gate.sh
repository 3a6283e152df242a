#!/bin/sh
# Fails a pipeline when a candidate ranks significantly worse than the baseline.
#
#   gate.sh DATA.csv BASELINE CANDIDATE
#
# DATA has the columns qid and label, and one column of scores for each model. The daemon is
# $RANKLOSSD_URL; METRIC (default ndcg@5) and LEVEL (default 0.95) come from the environment.
# Exit status: 0 not significantly worse, 1 significantly worse, 2 no result.
data=$1 baseline=$2 candidate=$3
${PYTHON:-python3} -m ranklossd compare "$data" --system "$baseline" --system "$candidate" \
    --metric "${METRIC:-ndcg@5}" --level "${LEVEL:-0.95}" --fail-if-worse
case $? in
    0) echo "gate: passed" ;;
    3) echo "gate: $candidate is significantly worse than $baseline"; exit 1 ;;
    *) echo "gate: no result" >&2; exit 2 ;;
esac
