import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createService } from "../src/service.js";

const service = createService({ greeting: "hello", version: "1.2.3", pod: "pod-a" });
let base;

before(async () => {
  await new Promise((ready) => service.listen(0, "127.0.0.1", ready));
  base = `http://127.0.0.1:${service.address().port}`;
});
after(() => service.close());

test("greets, and tells what runs", async () => {
  assert.equal(await (await fetch(base)).text(), "hello\n");
  assert.equal(await (await fetch(`${base}/healthz`)).text(), "ok\n");
  assert.deepEqual(await (await fetch(`${base}/version`)).json(), { version: "1.2.3", pod: "pod-a" });
});

test("renders Markdown", async () => {
  const answer = await fetch(`${base}/render`, { method: "POST", body: "# Grüße\n\n*you*" });
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "<h1>Grüße</h1>\n<p><em>you</em></p>\n");
});

test("refuses what it does not know", async () => {
  assert.equal((await fetch(`${base}/nothing`)).status, 404);
  const answer = await fetch(`${base}/render`);
  assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "POST"]);
  const large = await fetch(`${base}/render`, { method: "POST", body: "x".repeat(1024 * 1024 + 1) });
  assert.equal(large.status, 413);
});
