"""One turn of a peer: steps to warm up, steps that count, one JSON line."""
import argparse
import json
import resource
import time


def arguments(**more):
    a = argparse.ArgumentParser()
    for name, options in more.items():
        a.add_argument(name, **options)
    a.add_argument("--batch", type=int, default=32)
    a.add_argument("--size", type=int, default=224)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--warmup", type=int, default=2)
    a.add_argument("--steps", type=int, default=5)
    return a


def measure(peer, step, options):
    for _ in range(options.warmup):
        step()
    times = []
    for _ in range(options.steps):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps({
        "peer": peer, "times_ms": times,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
