// Times ONNX Runtime on a model exported by torch_peer.py and prints one JSON
// line.
//
// usage: NODE_PATH=.../node_modules node ort_peer.mjs MODEL.onnx BATCH SIZE THREADS WARMUP STEPS
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const ort = require("onnxruntime-node");
const version = JSON.parse(readFileSync(require.resolve("onnxruntime-node/package.json"))).version;
const [model, ...rest] = process.argv.slice(2);
const [batch, size, threads, warmup, steps] = rest.map(Number);

const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
});
// Normal values by Box and Muller, as pictures are after normalisation.
const pixels = new Float32Array(batch * 3 * size * size);
for (let i = 0; i < pixels.length; i++) {
  pixels[i] = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
const input = new ort.Tensor("float32", pixels, [batch, 3, size, size]);
for (let i = 0; i < warmup; i++) await session.run({ input });
const times = [];
for (let i = 0; i < steps; i++) {
  const start = performance.now();
  await session.run({ input });
  times.push(performance.now() - start);
}
console.log(JSON.stringify({
  peer: `ONNX Runtime ${version}`, threads, times_ms: times,
  peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
}));
