"""The requests that `make bench` sends: seeded, made by the load-testing kit's generator."""
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/loadtest"))
from workloads import MSLR, Workload, body, fixed, spread, write_one  # noqa: E402

SEED = 20
ALL_EIGHT = {"losses": ["pairwise_hinge", "pairwise_logistic", "pairwise_mean_squared_error",
                        "list_mle"],
             "metrics": ["ndcg", "mean_reciprocal_rank", "mean_average_precision",
                         {"name": "precision_at_k", "k": 10}]}
SUM = {"reduction": "sum"}
NDCG = "/v1/metrics/ndcg"
# One body of each is enough: nothing on the way caches, and the peers get the same.
BODIES = {
    "one-5": Workload("one list of 5", 1, fixed(5), MSLR, 1),
    "32x10": Workload("32 lists x 10", 32, fixed(10), MSLR, 1),
    "1000x100": Workload("1000 lists x 100, 8 or 9 digits", 1000, fixed(100), MSLR, 1, extra=SUM,
                         decimals=8),
    "1000x100-17": Workload("1000 lists x 100, 17 digits", 1000, fixed(100), MSLR, 1, extra=SUM,
                            decimals=17),
    "ragged": Workload("200 lists like MSLR-WEB30K", 200, spread(120, 0.5), MSLR, 1, extra=SUM,
                       decimals=8),
    "one-100k": Workload("one list of 100,000", 1, fixed(100_000), MSLR, 1, extra=SUM,
                         decimals=8),
    "one-1m": Workload("one list of 1,000,000", 1, fixed(1_000_000), MSLR, 1, extra=SUM, decimals=8),
    "one-1m-squared": Workload("one list of 1,000,000, mean squared error", 1, fixed(1_000_000), MSLR, 1,
                               "/v1/losses/pairwise_mean_squared_error", SUM, decimals=8),
    "none": Workload("1000 lists x 100, reduction none", 1000, fixed(100), MSLR, 1,
                     extra={"reduction": "none"}, decimals=8),
    "ndcg": Workload("1000 lists x 100, ndcg", 1000, fixed(100), MSLR, 1, NDCG, decimals=8),
    "clicks": Workload("100 lists x 1000, 2 % clicked, ndcg", 100, fixed(1000), (0.98, 0.02), 1,
                       NDCG, decimals=8),
    "catalogue": Workload("20 lists x 5000, about one relevant, ndcg", 20, fixed(5000),
                          (0.9998, 0.0002), 1, NDCG, decimals=8),
    "evaluate-8": Workload("1000 lists x 100, 8 losses and metrics", 1000, fixed(100), MSLR, 1,
                           "/v1/evaluate", ALL_EIGHT, decimals=8),
}


def write(folder, names=None):
    """Writes folder/NAME/000.json and its other forms; returns {name: the path of the JSON}."""
    paths = {}
    for name in names or BODIES:
        target = pathlib.Path(folder) / name
        target.mkdir(parents=True, exist_ok=True)
        text, _ = body(BODIES[name], random.Random(f"{SEED}/{name}"))
        write_one(target / "000", text)
        paths[name] = target / "000.json"
    return paths
