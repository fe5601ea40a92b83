#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""check-kubernetes.py GUIDE KIND...: check the YAML of a guide, which has objects of these kinds

Objects of Kubernetes itself are compared with the models of its Python client, which
are generated from its API description. For KMM's Module (kmm.sigs.x-k8s.io/v1beta1) the
schema below has the part that the guide may use: names, types, required fields. It
follows KMM's config/crd/bases/kmm.sigs.x-k8s.io_modules.yaml at 557a9218e3f0 and
047da8e274bf. As in a strict server, an unknown field is an error. Exit status: 0, or 1
with a message.
"""

import json
import re
import sys

import jsonschema
import yaml
from kubernetes.client import models

PLAIN = {"str": str, "bool": bool, "int": int, "float": (int, float)}


def obj(required=(), **fields):
    """Accept an object with these fields and no others."""
    return {"type": "object", "properties": fields, "required": list(required),
            "additionalProperties": False}


def array(of, least=0):
    """Accept a list."""
    return {"type": "array", "items": of, "minItems": least}


STR = {"type": "string"}
BOOL = {"type": "boolean"}
MAP = {"type": "object", "additionalProperties": STR}
NAME = obj(["name"], name=STR)
TLS = obj(insecure=BOOL, insecureSkipTLSVerify=BOOL)
BUILD = obj(["dockerfileConfigMap"], dockerfileConfigMap=NAME, secrets=array(NAME), selector=MAP,
            buildArgs=array(obj(["name", "value"], name=STR, value=STR)), baseImageRegistryTLS=TLS)
SIGN = obj(["keySecret", "certSecret"], keySecret=NAME, certSecret=NAME, filesToSign=array(STR),
           unsignedImage=STR)
MAPPING = obj(["containerImage"], containerImage=STR, literal=STR, regexp=STR, build=BUILD, sign=SIGN,
              inTreeModulesToRemove=array(STR), registryTLS=TLS)
LOADER = obj(["container"], serviceAccountName=STR, container=obj(
    ["kernelMappings", "modprobe"], kernelMappings=array(MAPPING, 1), version=STR, build=BUILD,
    sign=SIGN, containerImage=STR, imagePullPolicy={"enum": ["Always", "Never", "IfNotPresent"]},
    modprobe=obj(moduleName=STR, parameters=array(STR), dirName=STR, firmwarePath=STR,
                 modulesLoadingOrder=array(STR))))
CONTAINER = obj(["image"], image=STR, args=array(STR), command=array(STR), env=array(NAME))
META = obj(["name"], name=STR, namespace=STR, labels=MAP)

MODULE = obj(["apiVersion", "kind", "metadata", "spec"], apiVersion=STR, kind=STR, metadata=META,
             spec=obj(["selector"], selector=MAP, moduleLoader=LOADER, imageRepoSecret=NAME,
                      devicePlugin=obj(["container"], container=CONTAINER, serviceAccountName=STR)))


def model(value, kind, where):
    """Return VALUE as the client's model of that name, or exit."""
    if kind in PLAIN:
        # Quantities are strings for the client, but numbers are valid too.
        quantity = kind == "str" and re.search(r"\.(limits|requests)\.", where)
        if not isinstance(value, (int, str) if quantity else PLAIN[kind]):
            sys.exit(f"{where}: {value!r} is not a {kind}")
        return value
    if kind.startswith("list["):
        if not isinstance(value, list):
            sys.exit(f"{where} is not a list")
        return [model(v, kind[5:-1], f"{where}[{i}]") for i, v in enumerate(value)]
    if not isinstance(value, dict):
        sys.exit(f"{where} has no fields")
    if kind.startswith("dict("):
        return {k: model(v, kind[5:-1].split(", ")[1], f"{where}.{k}") for k, v in value.items()}
    cls = getattr(models, kind)
    names = {field: name for name, field in cls.attribute_map.items()}
    for field in value:
        if field not in names:
            sys.exit(f"{where}: {kind} has no field {field}")
    try:
        return cls(**{names[f]: model(v, cls.openapi_types[names[f]], f"{where}.{f}")
                      for f, v in value.items()})
    except ValueError as e:     # a field that is required, or a value out of its list
        sys.exit(f"{where}: {e}")


# Releases that the module supports, and one that it does not support.
KERNELS = {"6.1.0-56-amd64": True, "6.12.117+deb12-amd64": True, "7.3.4+deb13-amd64": True,
           "5.10.0-30-amd64": False}


def beyond_types(doc):
    """Check what a schema cannot express."""
    spec = doc["spec"]
    mapping = spec["moduleLoader"]["container"]["kernelMappings"][0]
    for release, wanted in KERNELS.items():
        if bool(re.search(mapping["regexp"], release)) != wanted:
            sys.exit(f"the mapping's regexp is wrong for {release}")
    if "devicePlugin" not in spec:      # KubeVirt has its own
        return
    device = json.loads(spec["devicePlugin"]["container"]["args"][1])
    if device["groups"][0]["paths"][0]["path"] != "/dev/vhost-tap":
        sys.exit("the device plugin has another path")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text = f.read()
    blocks = re.findall(r"^\.\. code-block:: yaml\n\n((?:   .*\n|\n)+)", text, re.M)
    seen = []
    for block in blocks:
        doc = yaml.safe_load("\n".join(line[3:] for line in block.split("\n")))
        kind = (doc["apiVersion"], doc["kind"])
        if kind == ("kmm.sigs.x-k8s.io/v1beta1", "Module"):
            jsonschema.validate(doc, MODULE)
            model(doc["metadata"], "V1ObjectMeta", "Module.metadata")
            if "devicePlugin" in doc["spec"]:
                model({"name": "plugin", **doc["spec"]["devicePlugin"]["container"]}, "V1Container",
                      "Module.devicePlugin.container")
            beyond_types(doc)
        elif kind[0] == "v1":
            model(doc, "V1" + kind[1], kind[1])
        else:
            sys.exit(f"unknown kind {kind}")
        seen.append(kind[1])
    if seen != sys.argv[2:]:
        sys.exit(f"objects: {seen}")


if __name__ == "__main__":
    main()
