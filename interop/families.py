"""Takes a network of every family through the whole command, and compares what it writes with timm, torchvision and ONNX Runtime.

    go build -o whippet ./cmd/whippet && python interop/families.py ./whippet [ARCHITECTURE...]

needs torch, torchvision, timm, onnxruntime and pillow. For each network, on a few drawn pictures: lr-find, train, interpret with its
page, predict, serve, export to ONNX (graph of whole pictures and of normalized ones) and to a folder for timm; then interpret,
predict, serve and export of that folder. Two bodies are trained under fastai's head besides ("fastai:resnet18" is one), and if
WHIPPET_TESTDATA names a folder with weights/tf_efficientnet_lite0, published weights in the Hub's layout are run and trained from
("published"). It stops at the first difference and says how large the others are.
"""
import base64, csv, io, json, math, os, random, re, subprocess, sys, tempfile, urllib.request
import numpy as np, onnxruntime, timm, torch, torchvision
from PIL import Image, ImageDraw
from timm.data import create_transform, resolve_data_config

# By name: the side of the pictures. Networks that timm does not have are compared with torchvision's.
NETWORKS = {
    "mobilenet_v2": 64, "mobilenetv2_050": 64, "mobilenet_v3_small": 64, "mobilenetv3_small_100": 64, "mobilenetv4_conv_small": 64,
    "efficientnet_b0": 64, "tf_efficientnet_b0": 64, "efficientnet_v2_s": 64, "tf_efficientnetv2_s": 64,
    "efficientnet_lite0": 64, "tf_efficientnet_lite0": 64, "convnext_atto": 64, "convnextv2_atto": 64, "regnet_y_400mf": 64,
    "regnetx_004": 64, "regnety_004": 64, "resnet18": 64, "resnet18d": 64, "seresnet18": 64, "resnext50_32x4d": 64, "resnet14t": 64, "resnetblur18": 64,
    "densenet121": 64, "shufflenet_v2_x0_5": 64, "squeezenet1_1": 64,
    "vit_tiny_patch16_224": 64, "deit3_small_patch16_224": 64, "vit_small_patch14_dinov2": 70, "vit_small_patch14_reg4_dinov2": 70,
}
# Bodies as fastai's vision_learner cuts them: the network, and what of it computes the maps.
FASTAI = {
    "resnet18": (lambda: torchvision.models.resnet18(weights=None), lambda m: torch.nn.Sequential(*list(m.children())[:-2])),
    "mobilenetv3_small_100": (lambda: timm.create_model("mobilenetv3_small_100"), lambda m: m.forward_features),
}
TORCHVISION = ["shufflenet_v2_x0_5", "squeezenet1_1", "mobilenet_v3_small", "efficientnet_v2_s"]
CLASSES = ["disc", "square", "stripes"]
CLOSE = 1e-4   # probabilities of the same network on the same pixels
TIMM = 1e-3    # the same with timm's transform, which rounds pixels elsewhere


def draw(folder):
    """Twelve pictures of each class, of several sizes."""
    r, paths = random.Random(5), []
    for c in CLASSES:
        os.makedirs(os.path.join(folder, c))
        for i in range(12):
            w, h = r.randint(90, 140), r.randint(90, 140)
            m = Image.effect_noise((w, h), 60).convert("RGB")
            d, ink = ImageDraw.Draw(m), tuple(r.randint(0, 255) for _ in range(3))
            x, y, s = r.randint(10, 40), r.randint(10, 40), r.randint(30, 50)
            if c == "disc": d.ellipse((x, y, x + s, y + s), fill=ink)
            if c == "square": d.rectangle((x, y, x + s, y + s), fill=ink)
            if c == "stripes": [d.line((0, k, w, k), fill=ink, width=4) for k in range(0, h, 12)]
            paths.append(os.path.join(folder, c, f"{i}.png"))
            m.save(paths[-1])
    return paths[::5]


class Check:
    def __init__(self, program, folder, pictures, name):
        self.program, self.pictures, self.name, self.size, self.largest = program, pictures, name, NETWORKS.get(name, 64), {}
        self.data, self.folder = folder + "/pictures", f"{folder}/{name.replace(':', '-')}"
        os.makedirs(self.folder)

    def run(self, *args, fails=None):
        p = subprocess.run([self.program, *args], capture_output=True, text=True)
        if (p.returncode != 0) != (fails is not None) or fails and fails not in p.stderr:
            sys.exit(f"{self.name}: whippet {' '.join(args)}: exit code {p.returncode}\n{p.stdout[-2000:]}\n{p.stderr[-2000:]}")
        return p.stdout

    def same(self, what, got, want, close):
        d = float(np.abs(np.asarray(got, dtype=np.float64) - np.asarray(want, dtype=np.float64)).max())
        self.largest[what] = d
        if not d <= close:
            sys.exit(f"{self.name}: {what}: probabilities differ by {d:.2g}\n{np.round(got, 5)}\n{np.round(want, 5)}")

    def predict(self, model):
        return of_classes(self.best(model, 3))

    def best(self, model, n):
        """The scores of the n best labels of each picture."""
        rows = [json.loads(l) for l in self.run("predict", model, *self.pictures, "--json", "--topk", str(n)).splitlines()]
        return [{p["label"]: p["score"] for p in r["predictions"]} for r in rows]

    def interpret(self, model):
        page, table = self.folder + "/report.html", self.folder + "/table.csv"
        self.run("interpret", model, "--data", self.data, "--label", "folder", "--all", "--out", page, "--table", table)
        key = lambda path: "/".join(path.split("/")[-2:])
        rows = {key(r["path"]): float(r["actual_probability"]) for r in csv.DictReader(open(table))}
        html = open(page).read()
        assert len(re.findall('"heat":"/9j/', html)) >= 4, f"{self.name}: the page has no heat maps"
        return [rows[key(p)] for p in self.pictures]

    def actual(self, scores):
        """The probabilities of the pictures' own classes."""
        return [r[CLASSES.index(p.split("/")[-2])] for p, r in zip(self.pictures, scores)]

    def serve(self, model):
        return of_classes(self.serve_best(model, 3))

    def serve_best(self, model, n):
        p = subprocess.Popen([self.program, "serve", "net=" + model, "--address", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        try:
            log = ""
            while not (found := re.search(r"http://[0-9.]+:[0-9]+", log)):
                line = p.stderr.readline()
                if not line: sys.exit(f"{self.name}: serve {model} ended: {log}")
                log += line
            post = lambda path, b: urllib.request.urlopen(urllib.request.Request(found[0] + path, data=b), timeout=60)
            scores = []
            for f in self.pictures:
                ps = json.load(post(f"/predict?topk={n}", open(f, "rb").read()))
                scores.append({p["label"]: p["score"] for p in ps})
            heat = post("/explain", open(self.pictures[0], "rb").read()).read().decode()
            jpegs = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", heat)
            assert len(jpegs) == 2 and all(Image.open(io.BytesIO(base64.b64decode(j))).size[0] > 10 for j in jpegs), heat[:300]
            return scores
        finally:
            p.terminate()
            p.wait()

    def onnx(self, model):
        """The probabilities that the exported graph of whole pictures gives."""
        path = self.folder + "/net.onnx"
        self.run("export", model, "--out", path, "--preprocess", "--softmax")
        s = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        pixels = lambda f: np.asarray(Image.open(f).convert("RGB"))[None]
        return [s.run(None, {s.get_inputs()[0].name: pixels(f)})[0][0] for f in self.pictures]

    def timm(self, folder):
        m = timm.create_model("local-dir:" + folder, pretrained=True).eval()
        t = create_transform(**resolve_data_config({}, model=m))
        return self.torch(m, [t(Image.open(f).convert("RGB")) for f in self.pictures])

    def torch(self, m, pictures):
        with torch.no_grad():
            return torch.cat([m(x[None]).softmax(-1) for x in pictures]).numpy()

    def torchvision(self, run):
        """torchvision's network on pixels from timm's transform, and in ONNX Runtime."""
        path, graph = self.folder + "/net.safetensors", self.folder + "/plain.onnx"
        self.run("export", run, "--out", path, "--out", graph, "--softmax")
        from safetensors.torch import load_file
        m = getattr(torchvision.models, self.name)(weights=None, num_classes=len(CLASSES))
        m.load_state_dict(load_file(path))
        t = create_transform((3, self.size, self.size), interpolation="bicubic", crop_pct=0.875)
        x = [t(Image.open(f).convert("RGB")) for f in self.pictures]
        want = self.torch(m.eval(), x)
        s = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self.same("ONNX, normalized", s.run(None, {s.get_inputs()[0].name: torch.stack(x).numpy()})[0], want, CLOSE)
        return want

    def settings(self, arch):
        return ["--data", self.data, "--label", "folder", "--valid", "0.25", "--arch", arch, "--weights", "none",
            "--size", str(self.size), "--presize", "0", "--crop-pct", "0.875", "--interpolation", "bicubic", "--batch", "8", "--seed", "3"]

    def under_fastais_head(self):
        run, path, arch = self.folder + "/run", self.folder + "/net.safetensors", self.name.removeprefix("fastai:")
        self.run("train", *self.settings(arch), "--epochs", "1", "--freeze-epochs", "1", "--out", run)
        scores = self.predict(run)
        self.same("interpret", self.interpret(run), self.actual(scores), CLOSE)
        self.same("serve", self.serve(run), scores, CLOSE)
        self.same("ONNX, whole pictures", self.onnx(run), scores, CLOSE)
        self.run("export", run, "--out", self.folder + "/timm/", fails="the head is fastai's, which timm does not have")
        self.run("export", run, "--out", path)
        from safetensors.torch import load_file
        arrays, (network, cut) = load_file(path), FASTAI[arch]
        head = {k.removeprefix("head."): v for k, v in arrays.items() if k.startswith("head.")}
        features = head["2.weight"].numel()
        top = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Identity(), torch.nn.BatchNorm1d(features), torch.nn.Identity(),
            torch.nn.Linear(features, 512, bias=False), torch.nn.ReLU(), torch.nn.BatchNorm1d(512), torch.nn.Identity(),
            torch.nn.Linear(512, len(CLASSES), bias=False))
        top.load_state_dict(head)
        network = network().eval()
        network.load_state_dict({**network.state_dict(), **{k: v for k, v in arrays.items() if not k.startswith("head.")}})
        maps, top = cut(network), top.eval()
        t = create_transform((3, self.size, self.size), interpolation="bicubic", crop_pct=0.875)
        net = lambda x: top(torch.cat([maps(x).amax((2, 3)), maps(x).mean((2, 3))], 1))
        self.same("PyTorch", self.torch(net, [t(Image.open(f).convert("RGB")) for f in self.pictures]), scores, TIMM)

    def published(self, folder):
        names, n = timm.data.ImageNetInfo(), 5
        want = self.timm(folder)
        best = [[int(i) for i in np.argsort(-w)[:n]] for w in want]
        label = lambda i: names.index_to_description(i, detailed=False).split(",")[0]
        for what, rows in ("predict", self.best(folder, n)), ("serve", self.serve_best(folder, n)):
            assert [list(r) for r in rows] == [[label(i) for i in b] for b in best], f"{what}: {rows}"
            self.same(what, [list(r.values()) for r in rows], [w[b] for w, b in zip(want, best)], TIMM)
        self.same("ONNX, whole pictures", self.onnx(folder), want, TIMM)
        self.run("export", folder, "--out", self.folder + "/timm/")
        self.same("timm, exported", self.timm(self.folder + "/timm"), want, CLOSE)
        run = self.folder + "/run"
        on = ["--data", self.data, "--label", "folder", "--valid", "0.25", "--weights", folder, "--head", "own", "--size", "96", "--batch", "8"]
        self.run("train", *on, "--epochs", "1", "--freeze-epochs", "1", "--seed", "4", "--crop-pct", "0.875", "--out", run)
        self.run("export", run, "--out", run + ".timm/")
        self.same("timm, trained", self.timm(run + ".timm"), self.predict(run), TIMM)

    def whole(self):
        run, timms = self.folder + "/run", self.folder + "/timm"
        settings = self.settings(self.name) + ["--head", "own"]
        found = self.run("lr-find", *settings, "--steps", "20", "--json", "--table", self.folder + "/lr.csv", *["--end", "1"])
        assert '"suggestions"' in found and len(open(self.folder + "/lr.csv").readlines()) > 5, found
        self.run("train", *settings, "--epochs", "2", "--freeze-epochs", "0", "--lr", "1e-3", "--layer-decay", "0.9", "--out", run)
        scores = self.predict(run)
        assert all(math.isfinite(s) for r in scores for s in r) and np.allclose(np.sum(scores, 1), 1, atol=1e-4), scores
        self.same("interpret", self.interpret(run), self.actual(scores), CLOSE)
        self.same("serve", self.serve(run), scores, CLOSE)
        self.same("ONNX, whole pictures", self.onnx(run), scores, CLOSE)
        if self.name in TORCHVISION:
            self.run("export", run, "--out", timms + "/", fails="timm has no network that computes what " + self.name)
            self.same("torchvision", self.torchvision(run), scores, TIMM)
            return
        self.run("export", run, "--out", timms + "/")
        self.same("timm", self.timm(timms), scores, TIMM)
        self.same("the folder: predict", self.predict(timms), scores, CLOSE)
        self.same("the folder: interpret", self.interpret(timms), self.actual(scores), CLOSE)
        self.same("the folder: serve", self.serve(timms), scores, CLOSE)
        self.same("the folder: ONNX", self.onnx(timms), scores, CLOSE)
        # Training goes on from the folder, for vision transformers with other positions than the architecture's.
        size = str(2 * self.size)
        on = ["--data", self.data, "--label", "folder", "--valid", "0.25", "--weights", timms, "--head", "own", "--size", size, "--batch", "8"]
        self.run("train", *on, "--epochs", "0", "--freeze-epochs", "1", "--seed", "4", "--crop-pct", "0.875", "--out", run + "2")
        self.run("export", run + "2", "--out", timms + "2/")
        again = self.predict(run + "2")
        self.same("timm, of another size", self.timm(timms + "2"), again, TIMM)
        self.same("ONNX, of another size", self.onnx(run + "2"), again, CLOSE)


def of_classes(rows):
    return [[r[c] for c in CLASSES] for r in rows]


def main():
    program, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    published = os.path.join(os.environ.get("WHIPPET_TESTDATA", ""), "weights/tf_efficientnet_lite0")
    if not names:
        names = list(NETWORKS) + ["fastai:" + a for a in FASTAI] + ["published"] * os.path.isdir(published)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        pictures = draw(folder + "/pictures")
        for name in names:
            c = Check(program, folder, pictures, name)
            if name == "published": c.published(published)
            elif name.startswith("fastai:"): c.under_fastais_head()
            else: c.whole()
            print(name, ", ".join(f"{k} {v:.1e}" for k, v in c.largest.items()), flush=True)


main()
