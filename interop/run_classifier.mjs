// Runs FOLDER/input.onnx, pixels.onnx and whole.onnx in ONNX Runtime on the pictures
// that interop/classifier prepared and compares with what Whippet computed.
//
// usage: NODE_PATH=... node run_classifier.mjs FOLDER
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ort = createRequire(import.meta.url)("onnxruntime-node");
const folder = process.argv[2];
const want = JSON.parse(readFileSync(join(folder, "expected.json")));
const n = want.files.length;
const s = want.size;
const bytes = (name) => new Uint8Array(readFileSync(join(folder, name)));

function softmax(row) {
  const top = Math.max(...row);
  const e = row.map((v) => Math.exp(v - top));
  const sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum);
}

// difference returns how far got, [N·C] values, is from want, N rows.
function difference(got, rows) {
  const flat = rows.flat();
  if (got.length !== flat.length) throw new Error(`${got.length} outputs, want ${flat.length}`);
  let worst = 0;
  flat.forEach((v, i) => (worst = Math.max(worst, Math.abs(v - got[i]))));
  return Number.isNaN(worst) ? Infinity : worst;
}

let failed = false;
function report(what, worst, limit) {
  console.log(`${want.arch} ${what}: ONNX Runtime ${ort.env.versions?.node ?? ""} differs by at most ${worst.toExponential(2)} (${limit.toExponential(0)} allowed)`);
  if (!(worst <= limit)) failed = true;
}

const input = new Float32Array(bytes("input.f32").buffer);
const net = await ort.InferenceSession.create(join(folder, "input.onnx"));
const logits = Array.from((await net.run({ input: new ort.Tensor("float32", input, [n, 3, s, s]) })).logits.data);
const scale = Math.max(1, ...want.logits.flat().map(Math.abs));
report("logits, relative to the largest", difference(logits, want.logits) / scale, 1e-4);
const c = want.logits[0].length;
const probs = [];
for (let i = 0; i < n; i++) probs.push(...softmax(logits.slice(i * c, (i + 1) * c)));
report("probabilities", difference(probs, want.probabilities), 1e-4);
const each = 3 * s * s;
const single = [];
for (let i = 0; i < n; i++) {
  const one = new ort.Tensor("float32", input.slice(i * each, (i + 1) * each), [1, 3, s, s]);
  single.push(...(await net.run({ input: one })).logits.data);
}
report("logits one picture at a time", difference(single, want.logits) / scale, 1e-4);

const withPixels = await ort.InferenceSession.create(join(folder, "pixels.onnx"));
const pixels = new ort.Tensor("uint8", bytes("pixels.u8"), [n, s, s, 3]);
report("probabilities from pixels", difference(Array.from((await withPixels.run({ pixels })).probabilities.data), want.of_pixels), 1e-4);

if (existsSync(join(folder, "whole.onnx"))) {
  const whole = await ort.InferenceSession.create(join(folder, "whole.onnx"));
  const data = bytes("whole.u8");
  const got = [];
  let at = 0;
  for (const [h, w] of want.shapes) {
    const one = new ort.Tensor("uint8", data.slice(at, at + 3 * h * w), [1, h, w, 3]);
    at += 3 * h * w;
    got.push(...(await whole.run({ pixels: one })).probabilities.data);
  }
  report("probabilities from whole pictures", difference(got, want.probabilities), 1e-4);
}
process.exit(failed ? 1 : 0);
