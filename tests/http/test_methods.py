"""Methods, paths, HEAD, OPTIONS, static replies."""

from daemon import DaemonCase, JSON_TYPE

GETS = ("/v1/losses", "/v1/metrics", "/livez", "/readyz", "/healthz", "/metrics", "/openapi.json",
        "/", "/v2", "/v2/", "/v2/health/live", "/v2/health/ready", "/v2/models/ndcg",
        "/v2/models/evaluate/versions/1", "/v2/models/softmax/ready",
        "/v2/models/evaluate/versions/1/ready")
POSTS = ("/v1/losses/pairwise_hinge", "/v1/metrics/ndcg", "/v1/evaluate", "/v2/models/auc/infer",
         "/v2/models/evaluate/versions/1/infer")
BODY = b'{"y_true":[1,0],"y_pred":[0,1]}'


class Methods(DaemonCase):
    def test_every_get(self):
        for path in GETS:
            with self.subTest(path):
                self.assertEqual(self.daemon.get(path).status, 200)

    def test_head_equals_get_without_the_body(self):
        for path in GETS:
            with self.subTest(path), self.daemon.connect() as wire:
                got = self.daemon.exchange("GET", path, wire=wire)
                head = self.daemon.exchange("HEAD", path, wire=wire)
                self.assertEqual(head.status, 200)
                self.assertEqual(head.body, b"")
                for name in ("Content-Type", "ETag", "Cache-Control"):
                    self.assertEqual(head.header(name), got.header(name))
                if path != "/metrics":
                    self.assertEqual(head.header("Content-Length"), got.header("Content-Length"))
                # Nothing of a body may follow: the next reply starts right away.
                self.assertEqual(self.daemon.exchange("GET", "/livez", wire=wire).status, 200)

    def allowed(self, reply):
        return {word.strip() for word in reply.header("Allow").split(",")}

    def test_options_lists_methods(self):
        for path in GETS + POSTS:
            with self.subTest(path):
                reply = self.daemon.exchange("OPTIONS", path, check=False)
                self.assertEqual(reply.status, 204)
                want = {"GET", "HEAD", "OPTIONS"} if path in GETS else {"POST", "OPTIONS"}
                self.assertEqual(self.allowed(reply), want)

    def test_options_of_the_whole_server(self):
        reply = self.daemon.exchange("OPTIONS", "*", check=False)
        self.assertEqual(reply.status, 204)

    def test_wrong_methods(self):
        for path in GETS:
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                with self.subTest(path=path, method=method):
                    reply = self.daemon.exchange(method, path, JSON_TYPE, BODY, check=False)
                    self.refused(reply, 405, inference=path.startswith("/v2"))
                    self.assertEqual(self.allowed(reply), {"GET", "HEAD", "OPTIONS"})
        for path in POSTS:
            for method in ("GET", "HEAD", "PUT", "DELETE"):
                with self.subTest(path=path, method=method):
                    reply = self.daemon.exchange(method, path, check=False)
                    self.assertEqual(reply.status, 405)
                    self.assertEqual(self.allowed(reply), {"POST", "OPTIONS"})

    def test_methods_are_case_sensitive_and_unknown_ones_are_refused(self):
        for method in ("get", "Get", "BREW", "TRACE", "CONNECT"):
            reply = self.daemon.exchange(method, "/livez", check=False)
            self.assertEqual(reply.status, 405, method)

    def test_unknown_paths(self):
        for path in ("/nope", "/v1", "/v1/", "/v1/losses/", "/v1/losses/pairwise_hinge/",
                     "/v1/losses/nope", "/v1/metrics/pairwise_hinge", "/v1/losses/ndcg",
                     "/livez/", "//livez", "/V1/losses", "/metrics/x", "/openapi.yaml"):
            with self.subTest(path):
                self.refused(self.daemon.get(path, check=False), 404)
                self.refused(self.daemon.exchange("POST", path, JSON_TYPE, BODY, check=False), 404)

    def test_unknown_paths_below_v2(self):
        for path in ("/v2/x", "/v2/models", "/v2/models/", "/v2/models/nope", "/v2/models/ndcg/",
                     "/v2/models/ndcg/x", "/v2/models/ndcg/versions/2", "/v2/models/compare",
                     "/v2/models/ndcg/versions/1/", "/v2/models/ndcg/ready/infer",
                     "/v2/models/" + "n" * 100 + "/infer", "/v2/health", "/v2/health/x"):
            with self.subTest(path):
                self.refused(self.daemon.get(path, check=False), 404, inference=True)
                self.refused(self.daemon.exchange("POST", path, {}, b"{}", check=False), 404,
                             inference=True)
        self.refused(self.daemon.get("/v2x", check=False), 404)

    def test_a_query_is_ignored(self):
        self.assertEqual(self.daemon.get("/livez?verbose=1&x").status, 200)
        self.assertEqual(self.daemon.post("/v1/losses/pairwise_hinge?x=1", BODY).status, 200)

    def test_absolute_form(self):
        reply = self.daemon.exchange("GET", "http://localhost/livez", check=False)
        self.assertEqual(reply.status, 200)

    def test_static_replies_have_etags(self):
        for path in ("/", "/openapi.json"):
            first = self.daemon.get(path)
            tag = first.header("ETag")
            self.assertRegex(tag, r'^"[^"]+"$')
            again = self.daemon.get(path, {"If-None-Match": tag})
            self.assertEqual((again.status, again.body), (304, b""))
            self.assertEqual(again.header("ETag"), tag)
            for other in (f'"x", {tag}', f"W/{tag}", "*"):
                self.assertEqual(self.daemon.get(path, {"If-None-Match": other}).status, 304, other)
            self.assertEqual(self.daemon.get(path, {"If-None-Match": '"x"'}).status, 200)

    def test_page_cannot_be_framed_or_sniffed(self):
        page = self.daemon.get("/")
        self.assertEqual(page.media_type, "text/html")
        self.assertIn("frame-ancestors 'none'", page.header("Content-Security-Policy"))
        self.assertEqual(page.header("X-Content-Type-Options"), "nosniff")

    def test_results_are_not_cached(self):
        self.assertEqual(self.daemon.post(POSTS[0], BODY).header("Cache-Control"), "no-store")

    def test_dates_and_server(self):
        reply = self.daemon.get("/livez")
        self.assertRegex(reply.header("Date"), r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")

    def test_keep_alive_over_many_kinds_of_replies(self):
        with self.daemon.connect() as wire:
            for _ in range(50):
                self.assertEqual(self.daemon.post(POSTS[0], BODY, wire=wire).status, 200)
                self.assertEqual(self.daemon.post(POSTS[0], b"{", wire=wire).status, 400)
                self.assertEqual(self.daemon.get("/nope", wire=wire, check=False).status, 404)
                self.assertEqual(self.daemon.post("/livez", BODY, wire=wire,
                                                  check=False).status, 405)

    def test_http_1_0(self):
        with self.daemon.connect() as wire:
            wire.send("GET /livez HTTP/1.0\r\n\r\n")
            reply = wire.read_reply()
            self.assertEqual(reply.status, 200)
            self.assertTrue(wire.is_closed())

    def test_expect_100_continue(self):
        with self.daemon.connect() as wire:
            wire.send(f"POST {POSTS[0]} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                      f"Content-Length: {len(BODY)}\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(wire._until(b"\r\n\r\n").split(b" ")[1], b"100")
            wire.send(BODY)
            self.assertEqual(wire.read_reply().status, 200)

    def test_chunked_bodies(self):
        with self.daemon.connect() as wire:
            wire.request("POST", POSTS[0], {**JSON_TYPE, "Transfer-Encoding": "chunked"})
            for byte in BODY:
                wire.send(b"1;ext=1\r\n%c\r\n" % byte)
            wire.send(b"0\r\nTrailer: x\r\n\r\n")
            self.assertEqual(wire.read_reply().status, 200)
            self.assertEqual(self.daemon.get("/livez", wire=wire).status, 200)

    def test_body_in_many_small_pieces(self):
        with self.daemon.connect() as wire:
            wire.request("POST", POSTS[0], {**JSON_TYPE, "Content-Length": str(len(BODY))})
            for byte in BODY:
                wire.send(bytes([byte]))
            self.assertEqual(wire.read_reply().json()["loss"], 1)

    def test_get_with_a_body(self):
        with self.daemon.connect() as wire:
            reply = wire.exchange("GET", "/livez", JSON_TYPE, BODY)
            self.assertEqual(reply.status, 200)
            if (reply.header("Connection") or "").lower() != "close":
                self.assertEqual(wire.exchange("GET", "/livez").status, 200)
