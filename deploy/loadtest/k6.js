// The same workloads for k6 (https://k6.io): open loop, at a constant rate.
//
//   deploy/loadtest/run.py --bodies-only
//   k6 run -e URL=http://127.0.0.1:8080 -e WORKLOAD=mslr -e RATE=50 deploy/loadtest/k6.js
//
// BODIES: the folder that run.py wrote, as seen from this file; COUNT: how many bodies of it to
// send in turn; P99: the objective in milliseconds; DURATION; TOKEN.
import http from "k6/http";
import { check } from "k6";

const url = __ENV.URL || "http://127.0.0.1:8080";
const workload = __ENV.WORKLOAD || "mslr";
const count = Number(__ENV.COUNT || 2);
const paths = { mslr: "/v1/evaluate", istella: "/v1/losses/pairwise_logistic" };
const path = paths[workload] || "/v1/losses/pairwise_hinge";
const folder = `${__ENV.BODIES || "../../build/load/bodies"}/${workload}`;
const bodies = Array.from({ length: count }, (_, i) => open(`${folder}/${String(i).padStart(3, "0")}.json`));
const headers = { "Content-Type": "application/json" };
if (__ENV.TOKEN) headers.Authorization = `Bearer ${__ENV.TOKEN}`;

export const options = {
  scenarios: {
    open: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE || 50),
      timeUnit: "1s",
      duration: __ENV.DURATION || "30s",
      preAllocatedVUs: 50,
      maxVUs: 500,
    },
  },
  thresholds: {
    http_req_failed: ["rate==0"],
    http_req_duration: [`p(99)<${__ENV.P99 || 150}`],
    dropped_iterations: ["count==0"],
  },
  summaryTrendStats: ["avg", "p(50)", "p(90)", "p(99)", "p(99.9)", "max"],
};

let turn = 0;

export default function () {
  turn = (turn + 1) % bodies.length;
  const reply = http.post(url + path, bodies[turn], { headers });
  check(reply, { "status is 200": (r) => r.status === 200 });
}
