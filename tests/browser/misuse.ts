/*
 * misuse.ts: each line marked wrong must not type-check against the generated types.
 */
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type LossRequest = components["schemas"]["LossRequest"];
const client = createClient<paths>({ baseUrl: "/" });
const good: LossRequest = { y_true: [1, 0], y_pred: [1, 2] };

export const missing: LossRequest = { y_true: [1, 0] }; // wrong
export const text: LossRequest = { ...good, temperature: "1" }; // wrong
export const reduction: LossRequest = { ...good, reduction: "median" }; // wrong
export const unknown: LossRequest = { ...good, temprature: 1 }; // wrong
export const mask: LossRequest = { ...good, y_true: { labels: [1, 0], mask: [2, 0] } }; // wrong
export const call = client.POST("/v1/losses/{loss}", { params: { path: { loss: "cosine" } }, body: good }); // wrong
