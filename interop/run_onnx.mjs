// Runs FOLDER/smallnet.onnx in ONNX Runtime on the input of
// FOLDER/expected.json, as a whole batch and picture by picture, and compares
// with PyTorch's output there.
//
// usage: NODE_PATH=... node run_onnx.mjs FOLDER
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ort = createRequire(import.meta.url)("onnxruntime-node");
const folder = process.argv[2];
const want = JSON.parse(readFileSync(join(folder, "expected.json")));
const pixels = new Uint8Array(Buffer.from(want.input, "base64"));
const session = await ort.InferenceSession.create(join(folder, "smallnet.onnx"));
const [n, ...rest] = want.dims;
const each = rest.reduce((a, b) => a * b, 1);

async function scores(from, count) {
  const input = new ort.Tensor("uint8", pixels.slice(from * each, (from + count) * each), [count, ...rest]);
  return Array.from((await session.run({ input })).scores.data);
}

const batch = await scores(0, n);
const single = [];
for (let i = 0; i < n; i++) single.push(...(await scores(i, 1)));
let worst = 0;
for (const got of [batch, single]) {
  if (got.length !== want.output.length) throw new Error(`${got.length} outputs, want ${want.output.length}`);
  got.forEach((v, i) => (worst = Math.max(worst, Math.abs(v - want.output[i]))));
}
console.log(`smallnet.onnx: ONNX Runtime ${ort.env.versions?.node ?? ""} differs from PyTorch by at most ${worst.toExponential(2)}`);
if (!(worst <= 1e-5)) process.exit(1);
