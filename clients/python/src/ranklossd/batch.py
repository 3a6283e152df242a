"""A batch of ranking lists as flat columns, made from whatever holds the user's data.

Any object with a buffer, __array__ or __dlpack__ is an array here: numpy, torch and JAX tensors,
pandas and polars columns. None of those packages is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Batch", "is_array"]

Array = npt.NDArray[Any]


def is_array(value: Any) -> bool:
    """Whether `value` speaks one of the array protocols (a str or bytes does not count)."""
    if isinstance(value, (str, bytes, bytearray, list, tuple, Mapping)):
        return False
    if any(hasattr(value, name) for name in ("__array__", "__dlpack__", "__array_interface__")):
        return True
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def as_array(value: Any) -> Array:
    """`value` as a numpy array of numbers, without a copy where the protocol allows it.

    Missing values (None, pandas.NA) become NaN. Tensors on a device or in a graph are brought to
    the host by the names that torch gives those steps.
    """
    for step in ("detach", "cpu", "resolve_conj"):
        if not isinstance(value, np.ndarray) and callable(getattr(value, step, None)):
            value = getattr(value, step)()
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        return np.asarray(np.from_dlpack(value))
    try:
        array = np.asarray(value)
    except (TypeError, RuntimeError):  # bfloat16 and other types that numpy lacks
        if not callable(getattr(value, "float", None)):
            raise
        array = np.asarray(value.float())
    if array.dtype == object:
        array = np.array([np.nan if _is_missing(x) else x for x in array.ravel()],
                         dtype=np.float64).reshape(array.shape)
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"an array of numbers was expected, not of {array.dtype}")
    return array


def _is_missing(value: Any) -> bool:
    # pandas.NA compares as neither true nor false with itself, NaN as different.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


@dataclass(frozen=True)
class Batch:
    """Lists of items, one after the other.

    labels, scores: one number per item. A label below 0 or NaN is not labelled; a score may be NaN
    only where the item is masked or not labelled (or not retrieved, see from_trec).
    lengths: items of each list, int64; None: one list, unbatched, as a Keras array of rank 1.
    mask: bool per item, or None. weights: None, a number, one per list, or one per item.
    width: items of every list where the batch came from a matrix, else None.
    list_ids, groups: one text per list, or None.
    parameters: defaults of what evaluations of this batch say, such as definition="trec_eval".
    """

    labels: Array
    scores: Array
    lengths: Optional[Array] = None
    mask: Optional[Array] = None
    weights: Any = None
    width: Optional[int] = None
    list_ids: Optional[Sequence[str]] = None
    groups: Optional[Sequence[str]] = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        items = self.scores.shape[0]
        for name in ("labels", "mask"):
            column = getattr(self, name)
            if column is not None and column.shape != (items,):
                raise ValueError(f"{name} has shape {column.shape}, the scores have ({items},)")
        if self.lengths is not None:
            if self.lengths.ndim != 1 or (self.lengths < 0).any():
                raise ValueError("lengths must be one number of items, 0 or more, per list")
            if int(self.lengths.sum()) != items:
                raise ValueError(f"lengths add up to {int(self.lengths.sum())}, "
                                 f"there are {items} items")
        for name in ("list_ids", "groups"):
            texts = getattr(self, name)
            if texts is not None and len(texts) != self.lists:
                raise ValueError(f"{name} has {len(texts)} texts for {self.lists} lists")
        if (np.ndim(self.weights) == 1 and self.lengths is not None and len(self.weights) == items
                == self.lists and (self.lengths != 1).any()):
            raise ValueError(f"{items} weights may be one per list or one per item here: "
                             "put the arrays of a weight per item into a list")
        if np.ndim(self.weights) == 1 and len(self.weights) not in (self.lists, items):
            raise ValueError(f"{len(self.weights)} weights for {self.lists} lists of "
                             f"{items} items in all")

    # ---- Ways to make one ------------------------------------------------------------------------

    @classmethod
    def of(cls, y_true: Any, y_pred: Any, sample_weight: Any = None, *,
           list_ids: Optional[Sequence[Any]] = None, groups: Optional[Sequence[Any]] = None
           ) -> "Batch":
        """Arrays as Keras takes them: [items], [lists, items], or a sequence of arrays of [items].

        y_true may be {"labels": …, "mask": …}. sample_weight: a number, one per list, or one per
        item; for one list of [items], one per item.
        """
        mask = None
        if isinstance(y_true, Mapping):
            if "labels" not in y_true:
                raise ValueError('y_true is a mapping without "labels"')
            y_true, mask = y_true["labels"], y_true.get("mask")
        scores, lengths, width = _columns(y_pred, "y_pred")
        labels = _matching(y_true, "y_true", lengths, width)
        if mask is not None:
            mask = _matching(mask, "mask", lengths, width).astype(bool)
        return cls(labels, scores, lengths, mask, _weights(sample_weight), width,
                   _texts(list_ids), _texts(groups))

    @classmethod
    def from_lengths(cls, labels: Any, scores: Any, lengths: Any, *, mask: Any = None,
                     sample_weight: Any = None, list_ids: Optional[Sequence[Any]] = None,
                     groups: Optional[Sequence[Any]] = None) -> "Batch":
        """Flat arrays of all items, and the number of items of each list (LightGBM's `group`)."""
        return cls(as_array(labels), as_array(scores), as_array(lengths).astype(np.int64),
                   None if mask is None else as_array(mask).astype(bool),
                   _weights(sample_weight), None, _texts(list_ids), _texts(groups))

    @classmethod
    def from_ids(cls, ids: Any, labels: Any, scores: Any, *, mask: Any = None,
                 sample_weight: Any = None, list_weight: Any = None, groups: Any = None
                 ) -> "Batch":
        """Flat arrays of all items with the id of each item's list (XGBoost's `qid`).

        Lists are in the order in which their ids first occur; their items need not be adjacent.
        sample_weight: one per item, or a number. list_weight, groups: one weight or text of the
        list, repeated at each of its items.
        """
        if sample_weight is not None and list_weight is not None:
            raise ValueError("weights are one per item or one per list, not both")
        order, lengths, names = _by_first(ids)

        def pick(column: Array) -> Array:
            return column if order is None else column[order]

        starts = np.cumsum(lengths) - lengths

        def of_lists(column: Array, what: str) -> Array:
            first: Array = column[starts]
            if (column != np.repeat(first, lengths)).any():
                raise ValueError(f"the items of one list have different {what}")
            return first

        texts = None
        if groups is not None:
            of_items = pick(np.asarray(groups, dtype=object))
            texts = [str(text) for text in of_lists(of_items, "groups")]
        if list_weight is not None:
            weights = of_lists(pick(as_array(list_weight)), "list weights")
        else:
            weights = _weights(sample_weight)
            weights = pick(weights) if np.ndim(weights) else weights
        return cls(pick(as_array(labels)), pick(as_array(scores)), lengths,
                   None if mask is None else pick(as_array(mask).astype(bool)),
                   weights, None, [str(name) for name in names], texts)

    @classmethod
    def from_rows(cls, rows: Collection[Mapping[str, Any]]) -> "Batch":
        """One mapping per list: labels, scores; mask, weight (a number, or one per item), id and
        group on all of them or on none."""
        rows = tuple(rows)
        if not rows:
            raise ValueError("a batch needs at least one list")
        scores = [np.asarray(row["scores"], dtype=np.float64) for row in rows]
        labels = [np.asarray(row["labels"], dtype=np.float64) for row in rows]
        for number, (one, other) in enumerate(zip(labels, scores)):
            if one.shape != other.shape or one.ndim != 1:
                raise ValueError(f"list {number}: labels and scores differ in shape")

        def column(name: str) -> Optional[List[Any]]:
            given = [row[name] for row in rows if row.get(name) is not None]
            if given and len(given) != len(rows):
                raise ValueError(f"{name} must be in every row or in none")
            return given or None

        masks, weights = column("mask"), column("weight")
        if weights is not None and np.ndim(weights[0]):
            weights = [np.asarray(one, dtype=np.float64) for one in weights]
        return cls(np.concatenate(labels), np.concatenate(scores),
                   np.array([len(one) for one in scores], dtype=np.int64),
                   None if masks is None else np.concatenate(
                       [np.asarray(one, dtype=bool) for one in masks]),
                   _weights(weights), None, _texts(column("id")), _texts(column("group")))

    @classmethod
    def from_trec(cls, qrels: Any, run: Any, *, complete: bool = True) -> "Batch":
        """TREC qrels and a run: files, lines, or mappings of mappings; one list per judged topic.

        Judged documents that were not retrieved count, as in trec_eval, whose definition the batch
        carries. complete: a topic that the run lacks counts as nothing retrieved (trec_eval -c).
        trec.batches makes batches of several runs that can be compared.
        """
        from .trec import batches
        return batches(qrels, {"run": run}, complete=complete)["run"]

    @classmethod
    def from_frame(cls, frame: Any, *, by: str = "qid", label: str = "label",
                   score: str = "score", mask: Optional[str] = None,
                   weight: Optional[str] = None, list_weight: Optional[str] = None,
                   group: Optional[str] = None) -> "Batch":
        """A pandas, polars or other table whose columns are had by frame[name]. One row per item.

        by: the column that says which list a row belongs to. weight: one per item. list_weight:
        one per list, repeated in its rows. group: the group of lists (a language, a market) that
        results are given for as well, repeated likewise.
        """
        def column(name: Optional[str]) -> Any:
            return None if name is None else frame[name]
        return cls.from_ids(np.asarray(frame[by]), frame[label], frame[score], mask=column(mask),
                            sample_weight=column(weight), list_weight=column(list_weight),
                            groups=column(group))

    # ---- What it holds ---------------------------------------------------------------------------

    @property
    def lists(self) -> int:
        return 1 if self.lengths is None else len(self.lengths)

    @property
    def items(self) -> int:
        return int(self.scores.shape[0])

    @property
    def weight_per_item(self) -> bool:
        """Whether weights are one per item. One per list wins where both would fit."""
        if np.ndim(self.weights) != 1:
            return False
        return self.lengths is None or len(self.weights) != self.lists

    def nested(self, flat: Any) -> List[Any]:
        """A flat column as the nested lists of a JSON body, NaN as None."""
        values: List[Any] = _plain(flat)
        if self.lengths is None:
            return values
        ends = np.cumsum(self.lengths).tolist()
        return [values[end - length:end] for end, length in zip(ends, self.lengths.tolist())]

    def shaped(self, flat: Array) -> Any:
        """One value per item in the form in which the scores came: an array, or one per list."""
        if self.lengths is None:
            return flat
        if self.width is not None:
            return flat.reshape(self.lists, self.width)
        return np.split(flat, np.cumsum(self.lengths)[:-1])

    def split(self, items: int) -> Iterator["Batch"]:
        """Parts of whole lists, each of at least `items` items but the last."""
        if self.lengths is None:
            yield self
            return
        ends = np.cumsum(self.lengths)
        first = start = 0
        while first < self.lists:
            last = int(np.searchsorted(ends, start + items)) + 1
            last = min(last, self.lists)
            stop = int(ends[last - 1])
            yield self._part(slice(first, last), slice(start, stop))
            first, start = last, stop

    def _part(self, lists: slice, items: slice) -> "Batch":
        assert self.lengths is not None
        weights = self.weights
        if np.ndim(weights) == 1:
            weights = weights[items if self.weight_per_item else lists]
        return replace(
            self, labels=self.labels[items], scores=self.scores[items],
            lengths=self.lengths[lists], mask=None if self.mask is None else self.mask[items],
            weights=weights,
            list_ids=None if self.list_ids is None else self.list_ids[lists],
            groups=None if self.groups is None else self.groups[lists])

    def shuffled(self, generator: np.random.Generator) -> "Batch":
        """The items of each list in a random order, which breaks ties of scores at random."""
        lengths = np.array([self.items]) if self.lengths is None else self.lengths
        owner = np.repeat(np.arange(len(lengths)), lengths)
        order = np.lexsort((generator.random(self.items), owner))
        return replace(self, labels=self.labels[order], scores=self.scores[order],
                       mask=None if self.mask is None else self.mask[order],
                       weights=self.weights[order] if self.weight_per_item else self.weights)

    def members(self) -> Dict[str, Any]:
        """The members of a JSON request body."""
        if np.isinf(self.scores).any():
            at = int(np.flatnonzero(np.isinf(self.scores))[0])
            where = (f"item {at}" if self.lengths is None else
                     "item {1} of list {0}".format(*self.place(at)))
            raise ValueError(f"y_pred: {where} is infinite")
        body: Dict[str, Any] = {"y_true": self.nested(self.labels),
                                "y_pred": self.nested(self.scores)}
        if self.mask is not None:
            body["y_true"] = {"labels": body["y_true"], "mask": self.nested(self.mask)}
        if self.weights is not None:
            body["sample_weight"] = (self.nested(self.weights) if self.weight_per_item
                                     else _plain(self.weights))
        for name in ("list_ids", "groups"):
            if getattr(self, name) is not None:
                body[name] = list(getattr(self, name))
        return body

    def place(self, item: int) -> Tuple[int, int]:
        """The list that an item is in, and its place there. The batch must have lengths."""
        assert self.lengths is not None
        ends = np.cumsum(self.lengths)
        at = int(np.searchsorted(ends, item, side="right"))
        return at, item - int(ends[at] - self.lengths[at])


def _columns(value: Any, name: str) -> Tuple[Array, Optional[Array], Optional[int]]:
    """A flat column, the lengths of its lists, and their common length where it was a matrix."""
    if isinstance(value, (list, tuple)):
        parts = [as_array(part) if is_array(part) else np.asarray(part, dtype=np.float64)
                 for part in value]
        if any(part.ndim != 1 for part in parts):
            raise ValueError(f"{name}: a sequence of arrays must hold arrays of one axis")
        flat = np.concatenate(parts) if parts else np.empty(0)
        return flat, np.array([len(part) for part in parts], dtype=np.int64), None
    array = as_array(value)
    if array.ndim == 1:
        return array, None, None
    if array.ndim != 2:
        raise ValueError(f"{name} has {array.ndim} axes; [items] or [lists, items] was expected")
    return array.reshape(-1), np.full(array.shape[0], array.shape[1], np.int64), array.shape[1]


def _matching(value: Any, name: str, lengths: Optional[Array], width: Optional[int]
              ) -> Array:
    """A column in the shape of the scores; nested lists beside arrays are taken too."""
    if isinstance(value, (list, tuple)) and (lengths is None or width is not None):
        value = np.array(value, dtype=np.float64)  # None becomes NaN
    flat, own, _ = _columns(value, name)
    same = own is lengths if own is None or lengths is None else np.array_equal(own, lengths)
    if not same:
        raise ValueError(f"{name} and y_pred differ in shape")
    return flat


def _weights(value: Any) -> Any:
    """None, a number, or one flat array. A column of one weight per list is flattened."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)) and any(is_array(part) for part in value):
        return np.concatenate([as_array(part).ravel() for part in value])
    array = as_array(value) if is_array(value) else np.asarray(value, dtype=np.float64)
    return float(array) if array.ndim == 0 else array.reshape(-1)


def _texts(values: Optional[Sequence[Any]]) -> Optional[List[str]]:
    return None if values is None else [str(value) for value in values]


def _by_first(ids: Any) -> Tuple[Optional[Array], Array, Array]:
    """(order of items, None where they are adjacent already; lengths; ids) by first occurrence."""
    array = np.asarray(ids)
    if array.ndim != 1:
        raise ValueError("ids of lists must be one per item")
    if not len(array):
        return None, np.empty(0, np.int64), array
    changes = np.flatnonzero(array[1:] != array[:-1]) + 1
    starts = np.append(0, changes)
    if len(set(array[starts].tolist())) == len(starts):
        return None, np.diff(np.append(starts, len(array))).astype(np.int64), array[starts]
    _, first, inverse, counts = np.unique(array, return_index=True, return_inverse=True,
                                          return_counts=True)
    rank = np.empty(len(first), np.int64)
    by_first = np.argsort(first, kind="stable")
    rank[by_first] = np.arange(len(first))
    order = np.argsort(rank[inverse], kind="stable")
    return order, counts[by_first].astype(np.int64), array[first[by_first]]


def _plain(values: Any) -> Any:
    """Numbers as json writes them, NaN as None."""
    array = np.asarray(values)
    plain = array.tolist()
    if array.dtype.kind == "f" and array.ndim:
        for at in np.flatnonzero(np.isnan(array)):
            plain[at] = None
    return plain
