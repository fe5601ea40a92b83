#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""check-kubernetes.py GUIDE: the YAML of the Kubernetes guide against what the objects take.

The schema below is the part of KMM's Module (kmm.sigs.x-k8s.io/v1beta1) and of the
core objects that the guide may use, written down from their public definitions:
field names, types, what is required. A field that is not in it is an error, as it
is for a server that validates strictly. Exit 0 or 1 with what is wrong.
"""

import json
import re
import sys

import jsonschema
import yaml


def obj(required=(), **fields):
    """An object with these fields and no others."""
    return {"type": "object", "properties": fields, "required": list(required),
            "additionalProperties": False}


def array(of, least=0):
    """A list."""
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
LIMITS = obj(limits={"type": "object", "additionalProperties": {"type": ["integer", "string"]}})

KINDS = {
    ("kmm.sigs.x-k8s.io/v1beta1", "Module"): obj(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion=STR, kind=STR, metadata=META,
        spec=obj(["selector"], selector=MAP, moduleLoader=LOADER, imageRepoSecret=NAME,
                 devicePlugin=obj(["container"], container=CONTAINER, serviceAccountName=STR))),
    ("v1", "ConfigMap"): obj(["apiVersion", "kind", "metadata"], apiVersion=STR, kind=STR,
                             metadata=META, data=MAP),
    ("v1", "Pod"): obj(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion=STR, kind=STR, metadata=META,
        spec=obj(["containers"], containers=array(obj(
            ["name", "image"], name=STR, image=STR, command=array(STR), args=array(STR),
            resources=LIMITS), 1))),
}

# Releases of kernels the module is for, and one it is not for.
KERNELS = {"6.1.0-56-amd64": True, "6.12.117+deb12-amd64": True, "7.3.4+deb13-amd64": True,
           "5.10.0-30-amd64": False}


def beyond_types(doc):
    """What a schema does not see."""
    spec = doc["spec"]
    mapping = spec["moduleLoader"]["container"]["kernelMappings"][0]
    for release, wanted in KERNELS.items():
        if bool(re.search(mapping["regexp"], release)) != wanted:
            sys.exit(f"the mapping's regexp is wrong about {release}")
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
        jsonschema.validate(doc, KINDS[kind])
        if kind[1] == "Module":
            beyond_types(doc)
        seen.append(kind[1])
    if seen != ["ConfigMap", "Module", "Pod"]:
        sys.exit(f"objects: {seen}")


if __name__ == "__main__":
    main()
