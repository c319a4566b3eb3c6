"""How well the strangeness of a picture tells classes that a model has never seen: trains without them, and
prints, for each set of unseen classes, the area under the ROC curve (scikit-learn's) by the strangeness and by
the score of the best class, of validation pictures against unseen ones.

usage: strangeness.py WHIPPET FOLDER LABEL UNSEEN[,UNSEEN...]... -- TRAIN-FLAGS...

FOLDER has the pictures, LABEL is --label of them (folder or regex:PATTERN), UNSEEN are classes to leave out, a
training for each argument. TRAIN-FLAGS are further flags of whippet train. PICTURES=N takes the first N
pictures of each class alone.
"""
import collections, csv, json, os, re, subprocess, sys, tempfile

from sklearn.metrics import roc_auc_score

program, root, label = sys.argv[1:4]
at = sys.argv.index("--")
held, flags = sys.argv[4:at], sys.argv[at + 1:]
program = os.path.abspath(program)

classes = collections.defaultdict(list)
for folder, _, names in sorted(os.walk(root)):
    for name in sorted(names):
        if not name.lower().endswith((".jpg", ".jpeg", ".png")):
            continue
        found = os.path.basename(folder)
        if label != "folder":
            match = re.search(label.removeprefix("regex:"), name)
            if not match:
                continue
            found = match.group(1)
        classes[found].append(os.path.abspath(os.path.join(folder, name)))
for name in classes:
    classes[name] = classes[name][: int(os.environ.get("PICTURES", 10**9))]

for unseen in held:
    unseen = unseen.split(",")
    with tempfile.TemporaryDirectory() as work:
        for name, files in classes.items():
            if name not in unseen:
                os.makedirs(os.path.join(work, "known", name))
                for i, f in enumerate(files):
                    os.symlink(f, os.path.join(work, "known", name, "%05d%s" % (i, os.path.splitext(f)[1])))
        run = os.path.join(work, "run")
        subprocess.run([program, "train", "--data", os.path.join(work, "known"), "--label", "folder", "--seed", "42", "--strangeness", "0.95", "--out", run, *flags],
                       check=True, stdout=subprocess.DEVNULL)
        rows = list(csv.DictReader(open(os.path.join(run, "pictures.csv"))))
        valid = [os.path.join(work, "known", r["path"]) for r in rows if r["set"] == "valid"]

        def answers(files):
            said = subprocess.run([program, "predict", run, "--files-from", "-", "--json"], check=True, input="\n".join(files), text=True, capture_output=True).stdout
            return [json.loads(line)["predictions"][0] for line in said.splitlines()]

        known = answers(valid)
        new = answers([f for name in unseen for f in classes[name]])
        y = [0] * len(known) + [1] * len(new)
        far = roc_auc_score(y, [a["strangeness"] for a in known + new])
        unsure = roc_auc_score(y, [-a["score"] for a in known + new])
        share = lambda of: sum(a["label"] == "unknown" for a in of) / len(of)
        print("unseen %s: %d known, %d unseen pictures; AUROC by strangeness %.3f, by score %.3f; answered unknown: %.1f %% and %.1f %%"
              % (", ".join(unseen), len(known), len(new), far, unsure, 100 * share(known), 100 * share(new)), flush=True)
