import assert from "node:assert/strict";
import { test } from "node:test";
import * as messages from "../../quart_app/static/js/messages.js";

test("counts have their plural", () => {
  assert.equal(messages.selectedFiles(0), "0 files selected");
  assert.equal(messages.selectedFiles(1), "1 file selected");
  assert.equal(messages.selectedFiles(2), "2 files selected");
});

test("a question names a single file and counts several", () => {
  const { confirmBulk } = messages;
  assert.equal(confirmBulk("cancel", ["a.csv"]), "Cancel “a.csv”? Running jobs stop immediately.");
  assert.equal(confirmBulk("remove", ["a.csv"]), "Delete “a.csv” and its results?");
  assert.equal(confirmBulk("remove", ["a.csv", "b.csv"]), "Delete 2 files and their results?");
  assert.equal(confirmBulk("retry", ["a.csv", "b.csv"]), "Retry 2 files?");
});

test("a few changes of status are named, many are counted", () => {
  const change = (/** @type {number} */ n) => ({ name: `${n}.csv`, status: "Ok" });
  assert.equal(messages.statusChanges([1, 2].map(change)), "1.csv: Ok. 2.csv: Ok.");
  assert.equal(messages.statusChanges([1, 2, 3, 4].map(change)), "4 files changed status.");
});

test("a few picked files are named, many are counted", () => {
  assert.equal(messages.pickedFiles([]), "");
  assert.equal(messages.pickedFiles(["a.csv", "b.csv"]), "a.csv, b.csv");
  assert.equal(messages.pickedFiles(["a", "b", "c", "d"]), "4 files selected");
});

test("progress leaves out what is not known", () => {
  const facts = { sent: "1.0 MB", total: "4.0 MB" };
  assert.equal(messages.uploadProgress(facts), "1.0 MB of 4.0 MB");
  assert.equal(
    messages.uploadProgress({ ...facts, speed: "1.5 MB", remaining: "2 s" }),
    "1.0 MB of 4.0 MB · 1.5 MB/s · about 2 s left",
  );
});

test("a finished upload says its number if it has one", () => {
  assert.equal(messages.uploaded("a.csv", "7"), "“a.csv” uploaded – queued as #7.");
  assert.equal(messages.uploaded("a.csv", undefined), "“a.csv” uploaded.");
});

test("a failed upload says why and what to do", () => {
  const { uploadFailed } = messages;
  assert.equal(uploadFailed("a.csv", 415, "“a.csv” is empty."), "“a.csv” is empty.");
  assert.equal(uploadFailed("a.csv", 503, "The disk is full."), "“a.csv”: The disk is full.");
  assert.equal(
    uploadFailed("a.csv", 0),
    "Upload of “a.csv” stopped: can't reach the server. Choose the same file to resume.",
  );
  assert.match(uploadFailed("a.csv", 502), /the server answered with status 502\. Choose/);
});

test("stopped uploads say how far they came", () => {
  const [a, b] = [
    { name: "a.csv", percent: 51 },
    { name: "b.csv", percent: 3 },
  ];
  assert.equal(
    messages.stoppedUploads([a]),
    "Upload of “a.csv” stopped at 51 %. Choose the same file to resume.",
  );
  assert.equal(
    messages.stoppedUploads([a, b]),
    "Uploads stopped: “a.csv” at 51 %, “b.csv” at 3 %. Choose the same files to resume.",
  );
});
