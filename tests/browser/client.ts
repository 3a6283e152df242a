/*
 * client.ts: what a user of the generated types writes. Compiled and run by openapi.test.mjs.
 */
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

declare const process: { argv: string[] };
const client = createClient<paths>({ baseUrl: process.argv[2] });

const hinge = await client.POST("/v1/losses/{loss}", {
    params: { path: { loss: "pairwise_hinge" } },
    body: {
        y_true: [1, 0, 1, 3],
        y_pred: [1, 3, 2, 4],
        reduction: "sum_over_batch_size",
        include: ["gradient"],
    },
});
if (!hinge.data || typeof hinge.data.loss !== "number") throw new Error("no loss");

const many = await client.POST("/v1/evaluate", {
    body: {
        y_true: {
            labels: [
                [1, null],
                [2, 0],
            ],
            mask: [
                [true, true],
                [1, 0],
            ],
        },
        y_pred: [
            [0.5, null],
            [1, 3],
        ],
        losses: ["pairwise_logistic"],
        metrics: [{ name: "ndcg", k: 5 }],
    },
});
const results = many.data?.results ?? [];
for (const result of results)
    if (!("metric" in result) && result.totals.pairs < 0) throw new Error("fewer than no pairs");

const catalogue = await client.GET("/v1/losses");
const wrong = await client.POST("/v1/losses/{loss}", {
    params: { path: { loss: "list_mle" } },
    body: { y_true: [1, 0], y_pred: [1] },
});

console.log(
    JSON.stringify({
        hinge: hinge.data.loss,
        names: results.map((result) => result.name),
        losses: catalogue.data?.losses.length,
        problem: wrong.error?.errors?.[0]?.pointer,
    }),
);
