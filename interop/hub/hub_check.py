"""Compares Whippet's cache of the Hugging Face Hub with huggingface_hub's.

    go build -o hub ./interop/hub && python interop/hub/hub_check.py ./hub

needs huggingface_hub. Each client downloads from the same local server into a cache
of its own; the caches must look the same, and each must find offline what the other
one downloaded.
"""
import os
import subprocess
import sys
import tempfile

program = os.path.abspath(sys.argv[1])
server = subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
endpoint = server.stdout.readline().strip()
files = ["config.json", "model.safetensors"]

PEER = """
import sys, huggingface_hub as h
for f in sys.argv[1:]:
    print(h.hf_hub_download("org/net", f))
"""


def peer(cache, **env):
    e = dict(os.environ, HF_ENDPOINT=endpoint, HF_HUB_CACHE=cache, HF_TOKEN="hf_test", HF_HUB_DISABLE_XET="1", **env)
    return subprocess.run([sys.executable, "-c", PEER, *files], env=e, check=True, capture_output=True, text=True).stdout.split()


def ours(cache, **env):
    e = dict(os.environ, HF_ENDPOINT=endpoint, HF_HUB_CACHE=cache, HF_TOKEN="hf_test", **env)
    return [subprocess.run([program, "get", f], env=e, check=True, capture_output=True, text=True).stdout.strip() for f in files]


def look(cache):
    """Files and links of a cache, but for locks and notes about a folder."""
    found = {}
    for folder, _, names in os.walk(cache):
        for n in names:
            p = os.path.join(folder, n)
            rel = os.path.relpath(p, cache)
            if rel.startswith(".locks") or n == "CACHEDIR.TAG" or not rel.startswith("models--"):
                continue
            found[rel] = os.readlink(p) if os.path.islink(p) else open(p, "rb").read()
    return found


try:
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        ours(a)
        peer(b)
        x, y = look(a), look(b)
        y = {k: v for k, v in y.items() if "/blobs/" in k or "/refs/" in k or "/snapshots/" in k}
        assert x == y, (sorted(x), sorted(y))
        for find, cache, other in ((peer, a, "Whippet"), (ours, b, "huggingface_hub")):
            before = look(cache)
            paths = find(cache, HF_HUB_OFFLINE="1")
            assert [os.path.basename(p) for p in paths] == files and all(p.startswith(os.path.realpath(cache)) or p.startswith(cache) for p in paths), paths
            assert look(cache) == before
            print("offline, what", other, "downloaded is found")
        print("the caches are the same:", len(x), "entries")
finally:
    server.stdin.close()
    server.wait()
