"""Times a runtime on a network that export.py wrote and prints one JSON line.

usage: runtime_peer.py onnxruntime|openvino|ncnn ARCH FOLDER --batch N [--size 224]
       [--threads N] [--warmup N] [--steps N] [--hint latency|throughput]
"""
import os

import numpy as np

import turn


def onnxruntime(path, x, o):
    import onnxruntime as ort
    s = ort.SessionOptions()
    s.intra_op_num_threads, s.inter_op_num_threads = o.threads, 1
    s.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(path + ".onnx", s, providers=["CPUExecutionProvider"])
    return "ONNX Runtime " + ort.__version__, lambda: session.run(None, {"input": x})


def openvino(path, x, o):
    """With the hint for latency a step is one request. With that for throughput the
    batch is divided among as many requests as OpenVINO wants, which run together."""
    import openvino as ov
    core = ov.Core()
    model = core.read_model(path + ".onnx")
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": o.threads, "PERFORMANCE_HINT": o.hint.upper()}
    compiled = core.compile_model(model, "CPU", settings)
    n = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") if o.hint == "throughput" else 1
    parts = np.array_split(x, min(n, len(x)))
    model.reshape([parts[0].shape[0] if len(x) % len(parts) == 0 else -1, *x.shape[1:]])
    compiled = core.compile_model(model, "CPU", settings)
    requests = [compiled.create_infer_request() for _ in parts]

    def step():
        for r, part in zip(requests, parts):
            r.start_async({0: part}, share_inputs=True)
        for r in requests:
            r.wait()
    return "OpenVINO " + ov.__version__.split("-")[0], step


def ncnn(path, x, o):
    import ncnn
    net = ncnn.Net()
    net.opt.num_threads = o.threads
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, "use_" + option, False)
    if net.load_param(path + ".ncnn.param") or net.load_model(path + ".ncnn.bin"):
        raise SystemExit("ncnn does not read " + path)
    pictures = [ncnn.Mat(p).clone() for p in x]

    def step():
        for p in pictures:
            e = net.create_extractor()
            e.input("in0", p)
            if e.extract("out0")[0]:
                raise SystemExit("ncnn cannot run " + path)
    return "ncnn " + ncnn.__version__, step


a = turn.arguments(runtime={"choices": ["onnxruntime", "openvino", "ncnn"]}, arch={}, folder={})
a.add_argument("--hint", choices=["latency", "throughput"], default="latency")
o = a.parse_args()
x = np.random.default_rng(1).standard_normal((o.batch, 3, o.size, o.size), dtype=np.float32)
name, run = globals()[o.runtime](os.path.join(o.folder, o.arch), x, o)
turn.measure(name, run, o)
