import assert from "node:assert/strict";
import { test } from "node:test";
import { TransferRate } from "../../quart_app/static/js/uploads/transfer-rate.js";
import { UploadQueue } from "../../quart_app/static/js/uploads/upload-queue.js";

test("the rate covers the last seconds only", () => {
  const rate = new TransferRate();
  assert.equal(rate.bytesPerSecond, null);
  rate.add(0, 0);
  rate.add(400, 1000);
  assert.equal(rate.bytesPerSecond, null, "too short to tell");
  rate.add(1000, 5000);
  assert.equal(rate.bytesPerSecond, 5000);
  rate.add(6000, 5000);
  rate.add(7000, 6000);
  assert.equal(rate.bytesPerSecond, 1000);
  rate.reset();
  assert.equal(rate.bytesPerSecond, null);
});

/** An upload that does what the test says. */
class FakeUpload {
  state = "queued";
  onStateChange = () => {};

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  start() {
    this.become("uploading");
  }

  /** @param {string} state */
  become(state) {
    this.state = state;
    this.onStateChange();
  }
}

/** @param {number} count */
function queueOf(count) {
  const ended = { count: 0 };
  const queue = new UploadQueue(() => {
    ended.count += 1;
  });
  const uploads = Array.from({ length: count }, (_, n) => new FakeUpload(`${n}.csv`));
  for (const upload of uploads) queue.add(upload);
  queue.startNext();
  return { queue, uploads, ended, states: () => uploads.map(({ state }) => state) };
}

test("three uploads run at a time, in their order", () => {
  const { queue, uploads, ended, states } = queueOf(5);
  assert.deepEqual(states(), ["uploading", "uploading", "uploading", "queued", "queued"]);
  uploads[1].become("ended");
  assert.deepEqual(states(), ["uploading", "ended", "uploading", "uploading", "queued"]);
  assert.equal(ended.count, 1);
  assert.equal(queue.has("1.csv"), false);
  assert.equal(queue.has("4.csv"), true);
});

test("a paused upload gives its place to the next and queues for a new one", () => {
  const { uploads, states } = queueOf(4);
  uploads[0].become("paused");
  assert.deepEqual(states(), ["paused", "uploading", "uploading", "uploading"]);
  uploads[0].become("queued");
  assert.deepEqual(states(), ["queued", "uploading", "uploading", "uploading"]);
  uploads[3].become("ended");
  assert.deepEqual(states(), ["uploading", "uploading", "uploading", "ended"]);
});

test("a cancelled upload counts as active until the server has forgotten it", () => {
  const { queue, uploads, ended } = queueOf(1);
  uploads[0].become("cancelling");
  assert.equal(queue.uploading, false);
  assert.equal(queue.has("0.csv"), true);
  assert.equal(ended.count, 0);
  uploads[0].become("ended");
  assert.equal(queue.has("0.csv"), false);
  assert.equal(ended.count, 1);
});
