"""What a stranger can check of a STIX bundle: the rules of STIX 2.1 that matter here, the OASIS schemas where they are at hand, and the publisher's signature."""
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import uuid

import nacl.signing
import pytest

EXTENSION = "extension-definition--c2f6f1c4-6d0e-4a3f-9f0b-3c1d5e8a7b26"
TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP2 = {"clear": "94868c89-83c2-464b-929b-a1a8aa3c8487", "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003", "red": "e828b379-4e03-4974-9ac4-e53a884c97c1"}
REQUIRED = {"indicator": ("pattern", "pattern_type", "valid_from", "name", "indicator_types", "created_by_ref"), "identity": ("name",),
            "malware": ("is_family",), "relationship": ("relationship_type", "source_ref", "target_ref"), "sighting": ("sighting_of_ref",),
            "note": ("content", "object_refs"), "marking-definition": ("extensions",),
            "extension-definition": ("name", "schema", "version", "extension_types", "created_by_ref")}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z")


def lists(value):
    """Every list in it."""
    if isinstance(value, list):
        yield value
        for each in value:
            yield from lists(each)
    if isinstance(value, dict):
        for each in value.values():
            yield from lists(each)


def check_object(o, ids):
    kind, number = o["id"].split("--")
    assert kind == o["type"] and str(uuid.UUID(number)) == number and o["spec_version"] == "2.1"
    assert kind in REQUIRED, f"{kind} is not expected"
    assert all(o.get(key) not in (None, "", []) for key in REQUIRED[kind]), o
    for key in ("created", "modified", "valid_from", "valid_until", "first_seen", "last_seen"):
        assert key not in o or TIME.fullmatch(o[key]), (key, o[key])
    if kind == "marking-definition":
        tlp = o["extensions"][TLP_EXTENSION]["tlp_2_0"]
        assert number == TLP2[tlp] and o["created"] == "2022-10-01T00:00:00.000Z" and o["name"] == "TLP:" + tlp.upper() and "modified" not in o
        return
    assert o["created"] <= o["modified"]
    assert o.get("valid_until", "9") > o.get("valid_from", "0") and 0 <= o.get("confidence", 0) <= 100
    for ref in o.get("object_marking_refs", []) + ([o["created_by_ref"]] if "created_by_ref" in o else []):
        assert ref in ids, f"{o['id']} refers to {ref}, which is not there"
    for name in o.get("extensions", {}):
        assert name in ids, f"no definition of {name}"


def check(bundle):
    """By hand, what INTEROP asks; returns the objects by type."""
    assert bundle["type"] == "bundle" and re.fullmatch(r"bundle--[0-9a-f-]{36}", bundle["id"]) and "spec_version" not in bundle
    objects = bundle.get("objects", [])
    assert "objects" not in bundle or objects
    assert all(lists(bundle)), "an empty list"
    ids, numbers, by = {o["id"] for o in objects}, {}, {}
    for o in objects:
        check_object(o, ids)
        kind, number = o["id"].split("--")
        assert numbers.setdefault(number, kind) == kind, "one UUID under two types"
        by.setdefault(o["type"], []).append(o)
    return by


AJV = r"""
const fs = require('fs'), path = require('path'), root = process.argv[1], modules = process.argv[2];
const Ajv = require(modules + '/ajv/dist/2020').default, ajv = new Ajv({strict: false, allErrors: true, unicodeRegExp: false});
require(modules + '/ajv-formats')(ajv);
const add = folder => { for (const name of fs.readdirSync(folder)) if (name.endsWith('.json'))
    ajv.addSchema(JSON.parse(fs.readFileSync(path.join(folder, name)))); };
for (const folder of ['common', 'observables', 'sdos', 'sros']) add(path.join(root, 'schemas', folder));
const find = type => { for (const key of Object.keys(ajv.schemas)) if (key.endsWith('/' + type + '.json')) return ajv.getSchema(key); };
// bundle.json of that repository takes these types for custom ones of two sorts at once: they are looked at by themselves only.
const unlisted = ['extension-definition', 'note', 'grouping', 'opinion'];
const listed = bundle => bundle.objects ? {...bundle, objects: bundle.objects.filter(o => !unlisted.includes(o.type))} : bundle;
let bad = 0; const bundles = JSON.parse(fs.readFileSync(0));
for (const bundle of bundles) for (const o of [listed(bundle)].concat(bundle.objects || [])) {
    const validate = find(o.type);
    if (!validate) { console.log('no schema for ' + o.type); bad++; continue; }
    if (!validate(o)) { console.log(JSON.stringify(o).slice(0, 600), ajv.errorsText(validate.errors)); bad++; }
}
process.exit(bad ? 1 : 0);
"""


def oasis(*bundles):
    """By the OASIS schemas with ajv, where ISAC_STIX_SCHEMAS (a copy of cti-stix2-json-schemas) and ISAC_NODE_MODULES (with ajv, ajv-formats) are set; else skipped."""
    schemas, modules = os.environ.get("ISAC_STIX_SCHEMAS"), os.environ.get("ISAC_NODE_MODULES")
    if not schemas or not modules or not shutil.which("node"):
        pytest.skip("ISAC_STIX_SCHEMAS, ISAC_NODE_MODULES or node are not there")
    done = subprocess.run(["node", "-e", AJV, str(pathlib.Path(schemas).resolve()), str(pathlib.Path(modules).resolve())],
                          input=json.dumps(bundles), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[:3000] + done.stderr[:2000]


def fields(message):
    """A protobuf message as {number: last value}."""
    out, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte, at = message[at], at + 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = varint()
        if tag & 7 == 2:
            size = varint()
            out[tag >> 3], at = message[at:at + size], at + size
        else:
            assert tag & 7 == 0
            out[tag >> 3] = varint()
    return out


def node(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32).digest()


def verify(o, public_key):
    """The publisher's signature holds on this very object's item: by the words of the extension's definition alone. Returns the item's bytes."""
    e = o["extensions"][EXTENSION]
    assert e["public_key"] == public_key
    header, item = base64.b64decode(e["header_bin"]), base64.b64decode(e["item_bin"])
    message = b"isac1 6 report 16 " + e["hub_id"].encode() + b" " + str(len(header)).encode() + b" " + header
    nacl.signing.VerifyKey(bytes.fromhex(public_key)).verify(message, bytes.fromhex(e["signature"]))
    head = fields(header)
    assert head[1].hex() == e["report_id"].replace("-", "") and head[8] == e["item_count"]
    here, index, last = node(b"\0", bytes.fromhex(e["salt"]), item), e["item"], e["item_count"] - 1
    for sibling in map(bytes.fromhex, e.get("path", [])):      # RFC 9162 section 2.1.3.2
        assert last
        if index & 1 or index == last:
            here = node(b"\1", sibling, here)
            while not index & 1:
                index, last = index >> 1, last >> 1
        else:
            here = node(b"\1", here, sibling)
        index, last = index >> 1, last >> 1
    assert not last and here == head[9], "the item is not under the root that was signed"
    return item
