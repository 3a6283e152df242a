"""Names of losses and metrics as people write them: "ndcg@10", a dict, or an object of a class."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Union

__all__ = ["Spec", "as_specs", "label"]

#: "ndcg", "ndcg@10", {"name": "ndcg", "k": 10}, or one of this package's losses and metrics.
Spec = Union[str, Mapping[str, Any], Any]


NOT_SHOWN = ("name", "k", "include", "top_k")
DEFAULTS = {"temperature": 1, "reduction": "sum_over_batch_size"}


def as_spec(spec: Spec) -> Dict[str, Any]:
    """The entry of an evaluate request."""
    if isinstance(spec, str):
        name, at, k = spec.partition("@")
        if not at:
            return {"name": name}
        if not k.isdigit() or int(k) < 1:
            raise ValueError(f"{spec!r}: a whole number above 0 must follow the @")
        return {"name": name, "k": int(k)}
    if isinstance(spec, Mapping):
        if not isinstance(spec.get("name"), str):
            raise ValueError(f"an evaluation needs a name: {dict(spec)!r}")
        return dict(spec)
    if hasattr(spec, "spec"):
        return dict(spec.spec())
    raise TypeError(f"neither a name, a mapping, a loss nor a metric: {spec!r}")


def as_specs(specs: Union[Spec, Sequence[Spec]]) -> List[Dict[str, Any]]:
    """The same for one or many."""
    if isinstance(specs, (str, Mapping)) or hasattr(specs, "spec"):
        return [as_spec(specs)]
    return [as_spec(one) for one in specs]


def label(spec: Mapping[str, Any]) -> str:
    """What a result is called: "ndcg@10", and every parameter that is not the default after it."""
    text = str(spec["name"])
    if spec.get("k") is not None:
        text += f"@{spec['k']}"
    rest = [f"{name}={value}" for name, value in sorted(spec.items())
            if name not in NOT_SHOWN and value is not None and DEFAULTS.get(name) != value]
    return text + (f"({', '.join(rest)})" if rest else "")
