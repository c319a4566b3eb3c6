"""Checks manifests of Kubernetes against schemas: unknown fields, and values of another type.

usage: manifests.py MANIFEST... -- CRD...

needs PyYAML, jsonschema and the package kubernetes (its models describe what Kubernetes has itself).
CRD are the definitions of the other kinds, which the operators' repositories have:
mpi-operator: manifests/base/kubeflow.org_mpijobs.yaml; trainer:
manifests/base/crds/trainer.kubeflow.org_clustertrainingruntimes.yaml and ..._trainjobs.yaml.
"""
import re
import sys

import jsonschema
import yaml
from kubernetes.client import models

SIMPLE = {"str": str, "int": int, "bool": bool, "object": object, "float": (int, float), "datetime": str}
BUILT_IN = {"Job": "V1Job"}


def definitions(files):
    """Returns the schemas of the kinds that CRDs define."""
    schemas = {}
    for file in files:
        with open(file) as f:
            for d in yaml.safe_load_all(f):
                if d and d.get("kind") == "CustomResourceDefinition":
                    s = d["spec"]
                    for v in s["versions"]:
                        schemas[s["group"] + "/" + v["name"], s["names"]["kind"]] = v["schema"]["openAPIV3Schema"]
    return schemas


def closed(s):
    """Returns a schema that forbids fields which it does not name."""
    if isinstance(s, list):
        return [closed(v) for v in s]
    if not isinstance(s, dict):
        return s
    if s.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    s = {k: closed(v) for k, v in s.items()}
    if s.get("type") == "object" and "properties" in s and not s.get("x-kubernetes-preserve-unknown-fields"):
        s.setdefault("additionalProperties", False)
    return s


def faults(kind, value, path=""):
    """Yields what is wrong with a value of a kind that Kubernetes has itself."""
    if kind in SIMPLE:
        if not isinstance(value, SIMPLE[kind]) or kind == "int" and isinstance(value, bool):
            yield "%s: %r is no %s" % (path, value, kind)
    elif kind.lower().startswith("list["):
        if not isinstance(value, list):
            yield "%s: no list" % path
            return
        for i, v in enumerate(value):
            yield from faults(kind[5:-1], v, "%s[%d]" % (path, i))
    elif m := re.match(r"[dD]ict[\[(]\w+, (.*)[\])]$", kind):
        for k, v in value.items():
            yield from faults(m.group(1), v, path + "." + k)
    else:
        model = getattr(models, kind)
        fields = {theirs: ours for ours, theirs in model.attribute_map.items()}
        for k, v in value.items():
            if k in fields:
                yield from faults(model.openapi_types[fields[k]], v, path + "." + k)
            else:
                yield "%s: there is no field %s" % (path, k)


def main():
    at = sys.argv.index("--")
    schemas, bad = definitions(sys.argv[at + 1:]), 0
    for file in sys.argv[1:at]:
        with open(file) as f:
            documents = list(yaml.safe_load_all(f))
        for d in documents:
            kind = d["apiVersion"], d["kind"]
            if kind in schemas:
                schema = closed(schemas[kind])
                schema["properties"]["metadata"] = {"type": "object"}
                found = ["%s: %.200s" % (list(e.absolute_path), e.message) for e in jsonschema.Draft7Validator(schema).iter_errors(d)]
            else:
                found = list(faults(BUILT_IN[d["kind"]], d))
            print(file, "/".join(kind), found or "has no faults")
            bad += len(found)
    sys.exit(bad > 0)


main()
