"""What is wrong with an infer request: each error names its place and leaves the connection open."""

import json

import numpy as np

from daemon import DaemonCase
from tensors import SIZES, Tensor, infer, message

MODEL = "/v2/models/ndcg/infer"
TRUE = Tensor("y_true", "INT8", [[1, 0, 2], [0, 1, 1]])
PRED = Tensor("y_pred", "FP32", [[0.5, 0.25, -1], [3, 1.5, 0.1]])
PAIR = (TRUE, PRED)


def changed(tensor, **members):
    """The tensor with other members in its description."""
    class Changed(Tensor):
        def __init__(self):
            self.__dict__.update(tensor.__dict__)

        def described(self):
            about = {**tensor.described(), **members}
            return {key: value for key, value in about.items() if value is not None}
    return Changed()


class Errors(DaemonCase):
    flags = ("--max-lists", "50", "--max-items", "1000")

    def fails(self, tensors, pointer, words, status=422, model="ndcg", **how):
        reply = infer(self.daemon, model, tensors, status=status, **how)
        self.refused(reply, status, pointer, words, inference=True)

    # ---- Values --------------------------------------------------------------------------------

    def test_fault_86_a_score_that_is_no_number_at_a_valid_item(self):
        for kind in ("FP32", "FP64", "FP16", "BF16"):
            scores = np.arange(8.0)
            scores[5] = np.nan
            tensors = [Tensor("y_true", "INT8", np.ones(8)), Tensor("y_pred", kind, scores)]
            self.fails(tensors, "/inputs/1/data/5", "y_pred: .*neither masked nor unlabelled")
            for hidden in (Tensor("mask", "BOOL", np.arange(8) != 5),):
                self.assertEqual(len(infer(self.daemon, "ndcg", [*tensors, hidden])[0]), 1)
            infer(self.daemon, "ndcg", tensors, parameters={"unretrieved": "count"})
            tensors[0] = Tensor("y_true", "INT8", np.where(np.arange(8) == 5, -1, 1))
            infer(self.daemon, "ndcg", tensors)

    def test_fault_86_a_weight_that_is_no_number(self):
        weights = Tensor("sample_weight", "FP64", [1, np.nan])
        self.fails([*PAIR, weights], "/inputs/2/data/1", "sample_weight: .*not-a-number")

    def test_fault_87_infinite_numbers(self):
        for kind in ("FP32", "FP64", "FP16", "BF16"):
            for name, place in (("y_true", 0), ("y_pred", 1), ("sample_weight", 2)):
                values = np.arange(700.0) % 5
                values[600] = -np.inf
                tensors = [Tensor("y_true", "INT8", np.ones(700)),
                           Tensor("y_pred", "FP32", np.ones(700))]
                tensors[place:place + 1] = [Tensor(name, kind, values)]
                mask = Tensor("mask", "BOOL", np.arange(700) != 600)  # which is no excuse
                self.fails([*tensors, mask], f"/inputs/{place}/data/600", f"{name}: .*finite")

    def test_numbers_beyond_the_dtype(self):
        scores = Tensor("y_pred", "FP64", [[1, 2, 3], [1, 1e39, 2]])
        self.fails([TRUE, scores], "/inputs/1/data/4", "y_pred: beyond the range of float32")
        infer(self.daemon, "ndcg", [TRUE, scores], parameters={"dtype": "float64"})

    def test_booleans_other_than_0_and_1(self):
        for name, place in (("y_true", 0), ("mask", 2)):
            odd = Tensor(name, "BOOL", [[1, 0, 1], [0, 1, 1]])
            odd.raw = b"\1\0\1\0\2\1"
            tensors = [odd, PRED] if name == "y_true" else [*PAIR, odd]
            self.fails(tensors, f"/inputs/{place}/data/4", f"{name}: the byte 0 or 1")

    def test_data_that_its_datatype_does_not_have(self):
        for kind, data, words in (
                ("INT8", [1, 0, 128], "range"), ("UINT8", [1, 0, -1], "range"),
                ("INT32", [1, 0, 1.5], "whole number"), ("INT16", [1, 0, None], "null"),
                ("FP32", [1, 0, 1e39], "range of FP32"), ("FP32", [1, 0, True], "true or false"),
                ("BOOL", [1, 0, 2], "range")):
            odd = changed(Tensor("y_true", kind, [0, 0, 0], binary=False), data=data)
            self.fails([odd, Tensor("y_pred", "FP32", [1, 2, 3])], "/inputs/0/data/2",
                       "y_true: .*" + words)
        odd = changed(Tensor("y_true", "FP16", [1, 0], binary=False))
        self.fails([odd, Tensor("y_pred", "FP32", [1, 2])], "/inputs/0/data", "FP16 .*binary")

    def test_places_in_nested_data(self):
        odd = changed(TRUE, data=[[1, 0, 2], [0, 1, 1000]], parameters=None)
        odd.raw = None
        self.fails([odd, PRED], "/inputs/0/data/1/2", "y_true: .*range")

    # ---- Sizes and shapes ------------------------------------------------------------------------

    def test_fault_88_sizes_that_do_not_match_shapes(self):
        for kind in SIZES:
            right = Tensor("y_true", kind, np.zeros((2, 3)))
            size = len(right.raw)
            for wrong in (size - 1, size + 1, 0, -1, size + 0.5, 1e300):
                odd = changed(right, parameters={"binary_data_size": wrong})
                self.fails([odd, PRED], "/inputs/0/parameters/binary_data_size",
                           f"y_true: its shape takes {size} bytes of {kind}")

    def test_fault_88_bytes_that_are_missing_or_left_over(self):
        fields, body = message(PAIR)
        for short in (1, 23, 24, 29):
            reply = self.daemon.exchange("POST", MODEL, fields, body[:-short])
            self.refused(reply, 422, "/inputs/%d/parameters/binary_data_size" % (short < 25),
                         "ends .* short", inference=True)
        reply = self.daemon.exchange("POST", MODEL, fields, body + b"12")
        self.refused(reply, 422, "/inputs", "2 bytes follow", inference=True)

    def test_fault_89_a_wrong_header_length(self):
        fields, body = message(PAIR)
        name = "Inference-Header-Content-Length"
        right = int(fields[name])
        for wrong in ("", "x", "-1", "1.5", "0x10", "9" * 30, str(len(body) + 1), f"{right} 1"):
            reply = self.daemon.exchange("POST", MODEL, {name: wrong}, body, check=False)
            self.refused(reply, 400, words=name, inference=True)
        for wrong in (0, 1, right - 1, right + 1, len(body)):
            reply = self.daemon.exchange("POST", MODEL, {name: str(wrong)}, body, check=False)
            self.refused(reply, 400, words="offset", inference=True)
        self.refused(self.daemon.exchange("POST", MODEL, {}, body), 400, inference=True)

    def test_a_second_header_length(self):
        fields, body = message(PAIR)
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        with self.daemon.connect() as wire:
            wire.send(f"POST {MODEL} HTTP/1.1\r\nHost: x\r\n{lines}{lines}"
                      f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            self.assertEqual(wire.read_reply().status, 400)

    def test_shapes(self):
        for shape, words in (([], "0 dimensions"), ([1, 2, 3], "3 dimensions"), (6, "list"),
                             ([2, "3"], "list"), ([[2], [3]], "list"), ([2, None], "list"),
                             (None, "missing"), ([True], "list")):
            self.fails([changed(TRUE, shape=shape), PRED], "/inputs/0/shape", words)
        for shape, place in (([-1, 3], 0), ([2, 1.5], 1), ([2, 1e20], 1), ([2, -3], 1)):
            self.fails([changed(TRUE, shape=shape), PRED], f"/inputs/0/shape/{place}", "whole")

    def test_fault_90_products_that_overflow(self):
        for shape in ([2**32, 2**32], [2**52, 2**52], [2**31, 2**31], [2**50, 2**11]):
            reply = infer(self.daemon, "ndcg", [changed(TRUE, shape=shape), PRED], status=413)
            self.refused(reply, 413, "/inputs/0/shape", "too many", inference=True)

    def test_shapes_that_differ(self):
        for odd in ([[1, 0], [2, 1], [1, 1]], [1, 0, 2, 0, 1, 1], [[1, 0, 2]]):
            self.fails([Tensor("y_true", "INT8", odd), PRED], "/inputs/0/shape",
                       r"y_true: \[2, 3\], as in y_pred, was expected, found \[")
        self.fails([*PAIR, Tensor("mask", "BOOL", [1, 0])], "/inputs/2/shape", "mask: ")
        for odd in ([1, 2, 3], [[1, 2], [1, 2]], [1], [[1, 2]]):
            self.fails([*PAIR, Tensor("sample_weight", "FP32", odd)], "/inputs/2/shape",
                       r"sample_weight: \[lists\]")

    def test_weights_of_items_where_a_loss_has_none(self):
        weights = Tensor("sample_weight", "FP32", np.ones((2, 3)))
        self.fails([*PAIR, weights], "/inputs/2", "list_mle takes", model="list_mle")
        reply = infer(self.daemon, "evaluate", [*PAIR, weights], status=422, parameters={
            "losses": '["pairwise_hinge", "softmax"]'})
        self.refused(reply, 422, "/parameters/losses/1", "softmax takes", inference=True)

    def test_fault_91_lengths_that_do_not_add_up(self):
        flat = [Tensor("y_true", "INT8", np.ones(6)), Tensor("y_pred", "FP32", np.ones(6))]
        for kind in ("INT32", "INT64"):
            for lengths, pointer, words in (
                    ([2, 3], "/inputs/2", "6 items were expected, as in y_pred, found 5"),
                    ([2, 3, 2], "/inputs/2/data/2", "longer than y_pred"),
                    ([2, -3, 7], "/inputs/2/data/1", "at least 0"),
                    ([2**31 - 1], "/inputs/2/data/0", "longer"),
                    ([], "/inputs/2/shape", "at least one list")):
                odd = Tensor("lengths", kind, np.array(lengths, int))
                self.fails([*flat, odd], pointer, words)
        for length in (2**62, 2**63 - 1, -2**63):
            odd = Tensor("lengths", "INT64", [6, length])
            self.fails([*flat, odd], "/inputs/2/data/1", "lengths: ")
        self.fails([*PAIR, Tensor("lengths", "INT64", [3, 3])], "/inputs/1/shape", "lengths")

    def test_empty_batches(self):
        for shape in ([0], [0, 5]):
            empty = [Tensor("y_true", "INT8", np.zeros(shape)),
                     Tensor("y_pred", "FP32", np.zeros(shape))]
            self.fails(empty, "/inputs/1/shape", "at least one list or one item")
        infer(self.daemon, "ndcg", [Tensor("y_true", "INT8", np.zeros((2, 0))),
                                    Tensor("y_pred", "FP32", np.zeros((2, 0)))])

    def test_limits(self):
        for shape, words in (([51, 1], "max-lists"), ([20, 51], "max-items"), ([1001], "max-items")):
            large = [Tensor("y_true", "INT8", np.zeros(shape)),
                     Tensor("y_pred", "FP32", np.zeros(shape))]
            self.fails(large, "/inputs/1/shape", words, status=413)
        flat = [Tensor("y_true", "INT8", np.zeros(60)), Tensor("y_pred", "FP32", np.zeros(60))]
        self.fails([*flat, Tensor("lengths", "INT32", np.ones(60))], "/inputs/2/shape",
                   "max-lists", status=413)

    # ---- Names -----------------------------------------------------------------------------------

    def test_fault_92_inputs(self):
        self.fails([TRUE], "/inputs", "y_pred is missing")
        self.fails([PRED], "/inputs", "y_true is missing")
        self.fails([*PAIR, TRUE], "/inputs/2/name", "a second y_true")
        self.fails([*PAIR, Tensor("y_tru", "INT8", [1])], "/inputs/2/name", "y_true, y_pred, mask")
        self.fails([changed(TRUE, name=None), PRED], "/inputs/0/name", "missing")
        self.fails([changed(TRUE, name=1), PRED], "/inputs/0/name", "found a number")
        self.fails([changed(TRUE, x=1), PRED], "/inputs/0/x", "no member")
        self.fails([changed(TRUE, data=[1]), PRED], "/inputs/0", "either data or")
        self.fails([changed(TRUE, parameters=None), PRED], "/inputs/0", "either data or")
        self.fails([changed(TRUE, parameters={"shared_memory_region": "x"}), PRED],
                   "/inputs/0/parameters/shared_memory_region", "binary_data_size")
        self.fails([changed(TRUE, parameters=[]), PRED], "/inputs/0/parameters", "an object")
        for kind, name in (("INT4", "y_true"), ("BYTES", "y_true"), ("INT8", "y_pred"),
                           ("BOOL", "y_pred"), ("INT8", "mask"), ("INT32", "sample_weight"),
                           ("FP32", "lengths"), ("int8", "y_true")):
            odd = changed(Tensor(name, "INT8", np.zeros((2, 3)), [6] if name == "lengths" else None),
                          datatype=kind)
            tensors = [*PAIR, odd] if name not in ("y_true", "y_pred") else (
                [odd, PRED] if name == "y_true" else [TRUE, odd])
            place = tensors.index(odd)
            self.fails(tensors, f"/inputs/{place}/datatype", f"{name}: .*expected, found \"{kind}\"")

    def post(self, value):
        return self.daemon.exchange("POST", MODEL, {}, json.dumps(value).encode())

    def test_the_form_of_inputs_and_outputs(self):
        for value, pointer in (({}, "/inputs"), ({"inputs": {}}, "/inputs"),
                               ({"inputs": 1}, "/inputs"), ({"inputs": [1]}, "/inputs/0"),
                               ({"inputs": ["x"]}, "/inputs/0"), ({"inputs": []}, "/inputs"),
                               ({"inputs": [], "x": 1}, "/x"), ({"parameters": []}, "/parameters"),
                               ({"id": 7}, "/id"), ({"model_name": "auc"}, "/model_name")):
            self.refused(self.post(value), 422, pointer, inference=True)
        for text in (b"", b"{", b"[]", b"{}x", b'{"inputs":[],"inputs":[]}'):
            reply = self.daemon.exchange("POST", MODEL, {}, text)
            self.refused(reply, 400, words="line 1, column", inference=True)

    def test_fault_93_outputs(self):
        for outputs, pointer, words in (
                ([{"name": "loss"}], "/outputs/0/name", "metric, per_list.metric"),
                ([{"name": "metric"}, {"name": "gradient"}], "/outputs/1/name", "no output"),
                ([{"name": "metric"}, {"name": "metric"}], "/outputs/1/name", "before"),
                ([{}], "/outputs/0/name", "missing"), (["metric"], "/outputs/0", "an object"),
                ([{"name": "metric", "x": 1}], "/outputs/0/x", "no member"),
                ([{"name": "metric", "parameters": {"binary_data": 1}}],
                 "/outputs/0/parameters/binary_data", "true or false"),
                ([{"name": "metric", "parameters": {"classification": 1}}],
                 "/outputs/0/parameters/classification", "binary_data"),
                ([{"name": "metric", "parameters": 1}], "/outputs/0/parameters", "an object"),
                ({}, "/outputs", "a list")):
            self.fails(PAIR, pointer, words, outputs=outputs)
        for name in ("loss", "results.1.loss", "results.0.metric", "results.00.loss", "results..loss",
                     "results.0loss", "results.-1.loss", "results.18446744073709551616.loss"):
            self.fails(PAIR, "/outputs/0/name", "results.0.", model="evaluate",
                       outputs=[{"name": name}], parameters={"losses": '["softmax"]'})

    def test_fault_94_parameters(self):
        for parameters, pointer, words in (
                ({"temperature": 1}, "temperature", "no member"),
                ({"k": 0}, "k", "at least 1"), ({"k": True}, "k", "a number"),
                ({"dtype": "half"}, "dtype", "float32, float64 or null"),
                ({"gain": "square"}, "gain", "exponential, linear"),
                ({"gain": "[1, -1]"}, "gain/1", "at least 0"),
                ({"gain": "[1, 0"}, "gain", "not JSON"),
                ({"gain": "[1],1"}, "gain", "not JSON"),
                ({"gain": '[1],"x":[1]'}, "gain", "one list"),
                ({"gain": '["a"]'}, "gain", "list"),
                ({"y_true": [1]}, "y_true", "no member"), ({"include": ["per_list"]}, "include", "no"),
                ({"binary_data_output": 1}, "binary_data_output", "true or false"),
                ({"sample_weight": [1, 2]}, "sample_weight", "a number"),
                ({"sample_weight": 1e39}, "sample_weight", "float32"),
                ({"sequence_id": 5}, "sequence_id", "no member")):
            self.fails(PAIR, f"/parameters/{pointer}", words, parameters=parameters)
        self.fails([*PAIR, Tensor("sample_weight", "FP32", [1, 2])], "/parameters/sample_weight",
                   "as well", parameters={"sample_weight": 1})
        for parameters, pointer, words in (
                ({}, "", "at least one entry"), ({"losses": "pairwise_hinge"}, "losses", "a list"),
                ({"losses": '["nope"]'}, "losses/0", "no loss is named"),
                ({"metrics": '["auc", {"name": "ndcg", "k": 0}]'}, "metrics/1/k", "at least 1"),
                ({"metrics": '[{"name": "ndcg", "include": []}]'}, "metrics/0/include", "no member"),
                ({"losses": "[1]"}, "losses/0", "a loss was expected")):
            self.fails(PAIR, "/parameters" + ("/" + pointer if pointer else ""), words,
                       model="evaluate", parameters=parameters)

    def test_labels_that_a_table_of_gains_does_not_have(self):
        self.fails(PAIR, "/inputs/0/data/2", "a grade of the table", parameters={"gain": "[0, 1]"})

    def test_a_result_that_is_not_finite(self):
        scores = Tensor("y_pred", "FP32", [[3e38, -3e38, 0], [0, 0, 0]])
        labels = Tensor("y_true", "INT8", [[0, 1, 2], [0, 1, 1]])
        self.fails([labels, scores], "/y_pred/0", "not finite", model="pairwise_hinge",
                   parameters={"reduction": "sum"})

    def test_the_connection_stays_open(self):
        fields, body = message(PAIR)
        with self.daemon.connect() as wire:
            for _ in range(3):
                bad = self.daemon.exchange("POST", MODEL, fields, body[:-1], wire=wire)
                self.assertEqual(bad.status, 422)
                self.assertEqual(self.daemon.exchange("POST", MODEL, fields, body, wire=wire).status,
                                 200)
