"""Compares the histories of runs with what real trackers say about them. See README.md.

usage: tracking.py WHIPPET tensorboard|mlflow...
"""
import csv, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request

SETTINGS = ["--data", "photos", "--label", "csv:photos/labels.csv", "--valid", "column:is_valid", "--arch", "resnet10_small", "--weights", "none", "--size", "32", "--presize", "36", "--batch", "8", "--threads", "1", "--metrics", "error_rate,f1_score"]


def whippet(*args, **kw):
    return subprocess.run([program, *args], check=True, stdout=subprocess.DEVNULL, **kw)


def start(*args, **kw):
    return subprocess.Popen([program, *args], stdout=subprocess.DEVNULL, **kw)


def wait_for(what, seconds=120):
    for _ in range(seconds * 10):
        if what():
            return
        time.sleep(0.1)
    sys.exit("it did not happen within %d s" % seconds)


def rows(run):
    path = os.path.join(run, "history.csv")
    return list(csv.DictReader(open(path))) if os.path.exists(path) else []


def killed(out, *args, **kw):
    """Kills a run twice after an epoch, and lets it go on to its end."""
    p = start("train", *SETTINGS, *args, "--out", out, **kw)
    for epochs in (3, 7):
        wait_for(lambda: len(rows(out + ".partial")) >= epochs or p.poll() is not None)
        p.send_signal(signal.SIGKILL)
        p.wait()
        p = start("train", "--resume", out, **kw)
    if p.wait() != 0:
        sys.exit("the resumed run failed")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url, body=None):
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as r:
        return json.load(r)


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=5).read()
        return True
    except (urllib.error.URLError, OSError):
        return False


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got!r}, want {want!r}")
    print("ok  ", what)


def tensorboard():
    import numpy as np
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    whippet("train", *SETTINGS, "--epochs", "4", "--seed", "1", "--out", "runs/whole", "--tensorboard", "boards")
    killed("runs/killed", "--epochs", "12", "--seed", "2", "--save-best", "--tensorboard", "boards")
    for name, epochs in (("whole", 4), ("killed", 12)):
        board = EventAccumulator(os.path.join("boards", name), size_guidance={"scalars": 0})
        board.Reload()
        history = rows(os.path.join("runs", name))
        expect(f"{name}: epochs", len(history), epochs)
        for column in ("train_loss", "valid_loss", "error_rate", "f1_score"):
            got = [e.value for e in board.Scalars("epoch/" + column)]
            expect(f"{name}: {column} equals the history's", got, [float(np.float32(row[column])) for row in history])
        steps = [e.step for e in board.Scalars("step/loss")]
        expect(f"{name}: every step is there once", steps, list(range(1, len(steps) + 1)))
        ends = [e.step for e in board.Scalars("epoch/train_loss")]
        expect(f"{name}: epochs end where they did", ends, [len(steps) // epochs * (i + 1) for i in range(epochs)])
        walls = [e.wall_time for e in board.Scalars("step/loss")]
        expect(f"{name}: times do not go back", walls, sorted(walls))
    port = free_port()
    server = subprocess.Popen([os.path.join(os.path.dirname(sys.executable), "tensorboard"), "--logdir", "boards", "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/data/"
        wait_for(lambda: answers(url + "runs"))
        wait_for(lambda: sorted(get(url + "runs")) == ["killed", "whole"])
        points = get(url + "plugin/scalars/scalars?run=killed&tag=epoch/error_rate")
        expect("TensorBoard shows every epoch", len(points), 12)
        wait_for(lambda: get(url + "plugin/hparams/experiment", {"experimentName": ""})["hparamInfos"])
        experiment = get(url + "plugin/hparams/experiment", {"experimentName": ""})
        expect("HPARAMS has the settings", {"arch", "lr", "seed"} <= {h["name"] for h in experiment["hparamInfos"]}, True)
        request = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS"], "colParams": [{"metric": m["name"]} for m in experiment["metricInfos"]], "startIndex": 0, "sliceSize": 10}
        groups = get(url + "plugin/hparams/session_groups", request)["sessionGroups"]
        expect("HPARAMS has both runs, done", sorted(g["hparams"]["seed"] for g in groups), [1.0, 2.0])
        last = {v["name"]["tag"]: v["value"] for g in groups if g["hparams"]["seed"] == 2.0 for v in g["metricValues"]}
        expect("with the last error rate", last["epoch/error_rate"], float(np.float32(rows("runs/killed")[-1]["error_rate"])))
    finally:
        server.terminate()
        server.wait()


def mlflow():
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    bin = os.path.dirname(sys.executable)
    server = subprocess.Popen([os.path.join(bin, "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri", "sqlite:///mlflow.db",
                               "--artifacts-destination", "artifacts"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PATH": bin + os.pathsep + os.environ["PATH"]}, start_new_session=True)
    try:
        wait_for(lambda: answers(url + "/health"), 600)
        killed("runs/tracked", "--epochs", "12", "--seed", "2", "--mlflow", "env", env={**os.environ, "MLFLOW_TRACKING_URI": url, "MLFLOW_EXPERIMENT_NAME": "pets"})
        api = url + "/api/2.0/mlflow/"
        experiment = get(api + "experiments/get-by-name?experiment_name=pets")["experiment"]["experiment_id"]
        found = get(api + "runs/search", {"experiment_ids": [experiment]})["runs"]
        expect("MLflow has one run, of the folder's name, finished", [(r["info"]["run_name"], r["info"]["status"]) for r in found], [("tracked", "FINISHED")])
        run = found[0]["info"]["run_id"]
        expect("with the settings", {p["key"]: p["value"] for p in found[0]["data"]["params"]}["arch"], "resnet10_small")
        points = lambda key: get(api + f"metrics/get-history?run_id={run}&metric_key={key}&max_results=10000")["metrics"]
        history = rows("runs/tracked")
        for column in ("train_loss", "valid_loss", "error_rate", "f1_score"):
            expect(f"{column} equals the history's", [m["value"] for m in sorted(points(column), key=lambda m: m["step"])], [float(row[column]) for row in history])
        steps = sorted(m["step"] for m in points("step/loss"))
        expect("every step is there once", steps, list(range(1, len(steps) + 1)))
        for name in ("model.safetensors", "history.csv", "config.json"):
            stored = urllib.request.urlopen(f"{url}/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/{name}").read()
            expect(f"{name} is an artifact", stored == open("runs/tracked/" + name, "rb").read(), True)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


program, checks = os.path.abspath(sys.argv[1]), sys.argv[2:]
folder = tempfile.mkdtemp()
subprocess.run(["go", "run", "../tests/browser/pictures", os.path.join(folder, "photos")], check=True, cwd=os.path.dirname(os.path.abspath(__file__)))
os.chdir(folder)
try:
    for check in checks:
        {"tensorboard": tensorboard, "mlflow": mlflow}[check]()
finally:
    os.chdir("/")
    shutil.rmtree(folder)
