"""FAULTS 31 to 46: JSON text. Each refusal says line, column and offset and keeps the connection."""

import glob
import os
import unittest

from daemon import SLOW, Daemon, DaemonCase

HINGE = "/v1/losses/pairwise_hinge"
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'
CORPUS = os.environ.get("JSONTESTSUITE", "")

# Files of the corpus that are JSON but refused on purpose: duplicate members would make the meaning
# depend on the reader, and a NUL in a name would be cut by C.
REFUSED_ON_PURPOSE = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",
                      "y_object_escaped_null_in_key.json"}


def wrap(member):
    """A request with one more member, whose text stands where a value goes."""
    return BODY[:-1] + b',"name":' + member + b"}"


class JsonText(DaemonCase):
    flags = ("--max-depth", 32)

    def setUp(self):
        super().setUp()
        self.wire = self.daemon.connect()
        self.addCleanup(self.wire.close)

    def syntax(self, text, line=None, column=None, offset=None):
        """A 400 that names a place inside the text, on a connection that stays."""
        reply = self.daemon.post(HINGE, text, wire=self.wire)
        problem = self.refused(reply, 400)
        self.assertTrue({"line", "column", "offset"} <= set(problem), problem)
        at = problem["offset"]
        self.assertTrue(0 <= at <= len(text), problem)
        before = text[:at]
        self.assertEqual(problem["line"], before.count(b"\n") + 1, problem)
        self.assertGreaterEqual(problem["column"], 1)
        self.assertLessEqual(problem["column"], at - (before.rfind(b"\n") + 1) + 1)
        for name, want in (("line", line), ("column", column), ("offset", offset)):
            if want is not None:
                self.assertEqual(problem[name], want, problem)
        self.assertEqual(self.daemon.post(HINGE, BODY, wire=self.wire).status, 200)
        return problem

    def test_fault_31_empty_bodies(self):
        self.syntax(b"", line=1, column=1, offset=0)
        self.syntax(b" \n\t ")

    def test_fault_32_cut_off_anywhere(self):
        text = b'{"y_true":{"labels":[[1,-0.5e1],[true]],"mask":[[1,0],[1]]},"y_pred":[[0,1],[2]]}'
        for end in range(len(text)):
            self.syntax(text[:end])

    def test_fault_33_trailing_garbage(self):
        for tail in (b"x", b"}", b"]", b"{}", b"0", b",", b'""', b" \n null", b"//"):
            self.syntax(BODY + tail)

    def test_fault_34_raw_nul(self):
        for text in (BODY[:15] + b"\0" + BODY[15:], BODY + b"\0", b"\0" + BODY,
                     BODY.replace(b"1,0", b"1\0,0"), BODY.replace(b"1,0", b"true\0,0"),
                     wrap(b'"a\0b"'), BODY.replace(b":", b"\0:", 1), b"\0"):
            self.syntax(text)

    def test_fault_35_byte_order_mark(self):
        self.syntax(b"\xef\xbb\xbf" + BODY, line=1)
        self.syntax(BODY.decode().encode("utf-16"))
        self.syntax(BODY.decode().encode("utf-32-le"))

    def test_fault_36_bad_utf_8(self):
        for bad in (b"\xff", b"\xc3", b"\xc3(", b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80",
                    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\x80", b"\xe0\x80\xaf"):
            with self.subTest(bad):
                self.syntax(wrap(b'"a' + bad + b'"'))
                self.syntax(wrap(b'"a"')[:-1] + b',"' + bad + b'":1}')
                self.syntax(BODY + bad)

    def test_fault_37_lone_surrogates(self):
        for text in (rb'"\ud800"', rb'"\udc00"', rb'"\ud800\ud800"', rb'"\ud800x"', rb'"\ud800\n"',
                     rb'"\udc00\ud800"', rb'"\ud800\u0041"'):
            self.syntax(wrap(text))
        self.assertEqual(self.daemon.post(HINGE, wrap(rb'"\ud83d\ude00"')).status, 200)

    def test_fault_38_escaped_nul_in_a_name_of_a_member(self):
        self.syntax(BODY[:-1] + rb',"a\u0000b":1}')
        self.syntax(BODY[:-1] + rb',"name\u0000":"x"}')

    def test_fault_38_escaped_nul_in_a_value_is_never_taken(self):
        reply = self.daemon.post(HINGE, wrap(rb'"a\u0000b"'))
        self.assertEqual(reply.status, 422)

    def test_fault_39_duplicate_members(self):
        for text in (BODY[:-1] + b',"y_true":[1,0]}', b'{"temperature":1,"temperature":1,'
                     + BODY[1:], BODY[:-1] + rb',"y_tru\u0065":[1,0]}',
                     b'{"y_true":{"labels":[1],"labels":[1]},"y_pred":[1]}'):
            self.syntax(text)

    def test_fault_40_nan_and_infinity(self):
        for word in (b"NaN", b"nan", b"Infinity", b"-Infinity", b"inf", b"-inf", b"+NaN", b"1.#INF",
                     b"True", b"None", b"nil", b"undefined", b"nul", b"nulls", b"truE", b"fals"):
            for text in (BODY.replace(b"[0,1]", b"[0," + word + b"]"),
                         BODY[:-1] + b',"temperature":' + word + b"}"):
                with self.subTest(text):
                    self.syntax(text)

    def test_fault_41_numbers_beyond_double(self):
        for number in (b"1e999", b"-1e999", b"1" + b"0" * 400, b"1e309", b"1.8e308",
                       b"1e99999999999999999999"):
            for text in (BODY.replace(b"[0,1]", b"[0," + number + b"]"),
                         BODY[:-1] + b',"temperature":' + number + b"}"):
                reply = self.daemon.post(HINGE, text, wire=self.wire)
                self.refused(reply, 400)
        for number in (b"1e-999", b"0e999", b"-0", b"1e-99999999999999999999", b"0." + b"0" * 500
                       + b"1"):
            reply = self.daemon.post(HINGE, BODY.replace(b"[0,1]", b"[0," + number + b"]"))
            self.assertEqual(reply.status, 200, number[:20])

    def test_fault_42_what_is_nearly_a_number_or_nearly_json(self):
        for number in (b"01", b"1.", b".5", b"+1", b"-", b"--1", b"1e", b"1e+", b"1.e5", b"-.5",
                       b"1.2.3", b"0x10", b"1_000", b"00", b"-01", b"1 2", b"1'", b"1f", b"1e5.0",
                       b"\xef\xbc\x91"):
            for text in (BODY.replace(b"[0,1]", b"[0," + number + b"]"),
                         BODY[:-1] + b',"temperature":' + number + b"}"):
                with self.subTest(text):
                    self.syntax(text)
        for text in (b'{"y_true":[1,0,],"y_pred":[0,1]}', b'{"y_true":[1,0],"y_pred":[0,1],}',
                     b'{"y_true":[,1,0],"y_pred":[0,1]}', b'{"y_true":[1,,0],"y_pred":[0,1]}',
                     b'{"y_true" [1,0],"y_pred":[0,1]}', b'{"y_true":[1 0],"y_pred":[0,1]}',
                     b"{'y_true':[1,0],'y_pred':[0,1]}", b'{y_true:[1,0],"y_pred":[0,1]}',
                     b'{"y_true":[1,0]/* c */,"y_pred":[0,1]}', b'{"y_true":[1,0],"y_pred":[0,1]',
                     b'{"y_true":[[1,0],"y_pred":[0,1]}', b'{"y_true":[1,0]],"y_pred":[0,1]}',
                     b'{"y_true":(1,0),"y_pred":[0,1]}', b'{"y_true":[1,0};"y_pred":[0,1]}',
                     b'{"y_true":[1,0]\x0c,"y_pred":[0,1]}', b'{"y_true":[1,0]\xc2\xa0}',
                     wrap(b'"a\nb"'), wrap(b'"a\tb"'), wrap(rb'"\x41"'), wrap(rb'"\u12"'),
                     wrap(rb'"\u12g4"'), wrap(b'"a')):
            with self.subTest(text):
                self.syntax(text)

    def test_fault_42_the_place_is_told(self):
        self.syntax(b'{"y_true":[1,2x],\n"y_pred":[0,1]}', line=1, offset=14)
        self.syntax(b'{"y_true":[1,2],\n "y_pred":[0,x1]}', line=2, offset=30, column=14)
        self.syntax(b'{"y_true":[1,2],\n\n"y_pred":[0,1],}', line=3)
        self.syntax(b'{"y_true":[1,2]\r\n,"y_pred":[0,01]}', line=2)
        # What was lifted out before an error in the rest must not shift the place.
        self.syntax(b'{"y_true":[[1,2,3,4,5],[6]],\n"y_pred":[[1,2,3,4,5],[6]],\n"name" "x"}',
                    line=3, offset=64)

    def test_fault_43_deep_nesting(self):
        for text in (b"[" * 100000, b'{"y_true":' + b"[" * 100000, b'{"a":' * 100000,
                     b"[" * 100000 + b"]" * 100000,
                     b'{"y_true":' + b"[" * 50000 + b"1" + b"]" * 50000 + b',"y_pred":[1]}',
                     b'{"x":[{"a":' * 33000 + b"1" + b"}]" * 33000 + b"}"):
            reply = self.daemon.post(HINGE, text, wire=self.wire)
            self.refused(reply, 400)
            self.assertEqual(self.daemon.post(HINGE, BODY, wire=self.wire).status, 200)

    def test_fault_43_the_deepest_that_is_allowed(self):
        for depth, status in ((20, 422), (31, 422), (33, 413)):
            text = b'{"x":' + b"[" * (depth - 1) + b'"a"' + b"]" * (depth - 1) + b"}"
            reply = self.daemon.post(HINGE, text)
            self.assertEqual(reply.status, status, depth)

    def test_fault_44_not_an_object_at_the_top(self):
        for text in (b"1", b"-0.5", b"true", b"null", b'"text"', b"[]", b"[1,2]", b'["a"]', b"[{}]"):
            reply = self.daemon.post(HINGE, text, wire=self.wire)
            self.refused(reply, 400)

    def test_fault_46_json_test_suite(self):
        if not os.path.isdir(CORPUS):
            self.skipTest("the JSONTestSuite corpus is not here (JSONTESTSUITE names its folder)")
        files = sorted(glob.glob(os.path.join(CORPUS, "[yn]_*.json")))
        self.assertEqual(len(files), 283)
        for path in files:
            name = os.path.basename(path)
            with open(path, "rb") as file:
                text = file.read()
            with self.subTest(name):
                self.check_corpus_file(name, text)

    def check_corpus_file(self, name, text):
        """As a member's value: a good text is an unknown member, a bad one is malformed."""
        embedded = BODY[:-1] + b',"x":' + text + b"}"
        reply = self.daemon.post(HINGE, embedded, wire=self.wire)
        if name.startswith("n_"):
            self.assertEqual(reply.status, 400, reply)
            whole = self.daemon.post(HINGE, text, wire=self.wire)
            self.assertEqual(whole.status, 400, whole)
        elif name in REFUSED_ON_PURPOSE:
            self.refused(reply, 400)
        else:
            self.refused(reply, 422, "/x")


class Bombs(unittest.TestCase):
    def test_fault_45_texts_longer_than_the_budget(self):
        """jansson's lexer must not run on when its buffer cannot grow: every length around the
        sizes at which it would."""
        with Daemon("--max-json-memory", "64KiB") as daemon, daemon.connect() as wire:
            for length in [*range(150, 9000, 501), *range(10000, 200000, 3001)]:
                for text in (BODY[:-1] + b',"name":"' + b"a" * length + b'"}',
                             BODY[:-1] + b',"' + b"b" * length + b'":"c"}',
                             BODY[:-1] + b',"x":["' + b'","'.join([b"d" * 40] * (length // 43 + 1))
                             + b'"]}'):
                    reply = daemon.post(HINGE, text, wire=wire)
                    self.assertIn(reply.status, (413, 422))

    def test_fault_45_small_text_that_would_take_much_memory(self):
        """Refused with memory bounded to a small multiple of the body."""
        with Daemon("--max-json-memory", "8MiB") as daemon:
            daemon.post(HINGE, BODY)
            for unit in (b"{},", b'"",', b"[],", b'[""],', b'{"":[]},', b'"\\u0061",'):
                body = (b'{"y_true":[' + unit * ((8 << 20) // len(unit)))[:-1] + b"]}"
                daemon.reset_peak()
                before = daemon.peak_rss()
                reply = daemon.post(HINGE, body)
                self.assertEqual(reply.status, 422 if unit == b"[]," else 413, unit)
                grown = daemon.peak_rss() - before
                self.assertLess(grown, 4 * len(body) * (3 if SLOW > 1 else 1), unit)
                self.assertEqual(daemon.post(HINGE, BODY).status, 200)
