#!/usr/bin/env bash
# ranklossd with curl: a loss, its gradient and worst pairs, a gzipped body, and an error.
#
#   examples/curl/losses.sh [URL]       RANKLOSSD_TOKEN: a bearer token, if the daemon asks for one
set -euo pipefail
url=${1:-${RANKLOSSD_URL:-http://127.0.0.1:8080}}

post() { # PATH: the JSON on standard input; further arguments go to curl
    local path=$1
    shift
    curl --silent --show-error --max-time 30 --retry 3 \
        --header 'Content-Type: application/json' \
        ${RANKLOSSD_TOKEN:+--header "Authorization: Bearer $RANKLOSSD_TOKEN"} \
        --data-binary @- "$@" "$url$path"
    echo
}

echo '# The pairwise hinge loss of two lists, with weights'
post /v1/losses/pairwise_hinge <<'JSON'
{
  "y_true": [[1.0, 0.0, 1.0, 3.0], [0.0, 1.0, 2.0, 3.0]],
  "y_pred": [[1.0, 3.0, 2.0, 4.0], [1.0, 1.8, 2.0, 3.0]],
  "sample_weight": [[2, 3, 1, 1], [2, 1, 0, 0]]
}
JSON

echo '# One list with a masked item: its gradient, and the pairs that add most to the loss'
post /v1/losses/pairwise_logistic <<'JSON'
{
  "y_true": {"labels": [2, 0, 1, 0, 1], "mask": [true, true, true, false, true]},
  "y_pred": [0.2, 0.9, 0.4, null, 0.1],
  "temperature": 0.5,
  "include": ["gradient", "top_pairs"], "top_k": 3
}
JSON

echo '# Losses and metrics of one batch in one request, with a gzipped body'
gzip --stdout <<'JSON' | post /v1/evaluate --header 'Content-Encoding: gzip' --compressed
{
  "y_true": [[3, 0, 1, 2], [0, 1]],
  "y_pred": [[2.1, 0.3, 0.9, 1.7], [0.2, 0.8]],
  "losses": ["pairwise_hinge", {"name": "list_mle", "reduction": "sum"}],
  "metrics": [{"name": "ndcg", "k": 3}]
}
JSON

echo '# A mistake: the reply (422) says where it is'
post /v1/losses/pairwise_hinge <<'JSON'
{"y_true": [[1, 0]], "y_pred": [[0.3, "high"]]}
JSON

echo '# The catalogue of losses'
curl --silent --show-error --max-time 30 \
    ${RANKLOSSD_TOKEN:+--header "Authorization: Bearer $RANKLOSSD_TOKEN"} "$url/v1/losses"
echo
