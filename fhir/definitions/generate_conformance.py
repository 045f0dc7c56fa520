#!/usr/bin/env python3
"""Writes conformance.ndjson.gz: the conformance resources of FHIR R4 4.0.1 without their prose, one JSON per line.

Usage: generate_conformance.py REFERENCE_DIR [--check]
REFERENCE_DIR holds the official files named in FILES. Kept is what a machine judges by: element definitions
(cardinality, types, bindings, fixed values, slicing, invariants), codes with their displays, concept maps, search
parameters. A type or resource is kept as its snapshot, a profile or extension as its differential: its snapshot is
generated. Definitions, comments, narratives, mappings and contacts are left out; the definition of a concept stays
where it has no display. --check compares the text instead of writing; exit 1 when the committed file is another.
"""

import gzip
import os
import sys

from generate import HERE, load
import json

OUTPUT = os.path.join(HERE, "conformance.ndjson.gz")
FILES = ("profiles-types.json", "profiles-resources.json.gz", "profiles-others.json", "extension-definitions.json",
         "valuesets.json", "v3-codesystems.json", "v2-tables.json", "conceptmaps.json", "search-parameters.json")

HEAD = ("resourceType", "url", "version", "id", "name", "title", "status", "experimental")
KEPT = {
    "StructureDefinition": ("kind", "abstract", "context", "contextInvariant", "type", "baseDefinition", "derivation",
                            "snapshot", "differential"),
    "ValueSet": ("identifier", "immutable", "compose", "expansion", "contained"),
    "CodeSystem": ("identifier", "caseSensitive", "valueSet", "hierarchyMeaning", "compositional", "versionNeeded",
                   "content", "supplements", "count", "filter", "property", "concept"),
    "ConceptMap": ("sourceUri", "sourceCanonical", "targetUri", "targetCanonical", "group"),
    "SearchParameter": ("code", "base", "type", "expression", "target", "comparator", "multipleOr", "multipleAnd",
                        "modifier", "chain", "component"),
}
ELEMENT_PROSE = {"short", "definition", "comment", "requirements", "alias", "mapping", "example", "meaningWhenMissing",
                 "orderMeaning", "isModifierReason", "label", "code"}
BINDING_EXTENSIONS = {"http://hl7.org/fhir/StructureDefinition/elementdefinition-" + name
                      for name in ("maxValueSet", "minValueSet")}
# Extensions of an element definition that a validator reads.
ELEMENT_EXTENSIONS = {"http://hl7.org/fhir/StructureDefinition/" + name
                      for name in ("structuredefinition-fhir-type", "regex", "elementdefinition-bindingName")}


def strip_constraint(constraint):
    return {key: constraint[key] for key in ("key", "severity", "human", "expression", "source") if key in constraint}


def strip_binding(binding):
    kept = {key: binding[key] for key in ("strength", "valueSet") if key in binding}
    extensions = [one for one in binding.get("extension", []) if one["url"] in BINDING_EXTENSIONS]
    return {"extension": extensions, **kept} if extensions else kept


def strip_element(element):
    kept = {key: value for key, value in element.items() if key not in ELEMENT_PROSE and not key.startswith("_")}
    extensions = [one for one in kept.pop("extension", []) if one["url"] in ELEMENT_EXTENSIONS]
    if extensions:
        kept["extension"] = extensions
    if "constraint" in kept:
        kept["constraint"] = [strip_constraint(one) for one in kept["constraint"]]
    if "binding" in kept:
        kept["binding"] = strip_binding(kept["binding"])
    if "slicing" in kept:
        kept["slicing"] = {key: value for key, value in kept["slicing"].items() if key != "description"}
    return kept


def strip_concept(concept):
    kept = {key: concept[key] for key in ("code", "display", "designation", "property") if key in concept}
    if "display" not in kept and "definition" in concept:
        kept["definition"] = concept["definition"]
    if "concept" in concept:
        kept["concept"] = [strip_concept(child) for child in concept["concept"]]
    return kept


def strip(resource):
    kept = {key: resource[key] for key in HEAD + KEPT[resource["resourceType"]] if key in resource}
    if resource["resourceType"] == "StructureDefinition":
        kept.pop("differential" if resource.get("derivation") != "constraint" else "snapshot", None)
        for view in ("snapshot", "differential"):
            if view in kept:
                kept[view] = {"element": [strip_element(one) for one in kept[view]["element"]]}
    if resource["resourceType"] == "CodeSystem" and "concept" in kept:
        kept["concept"] = [strip_concept(one) for one in kept["concept"]]
    if resource["resourceType"] == "ConceptMap":
        for group in kept.get("group", []):
            for element in group["element"]:
                for target in element.get("target", []):
                    target.pop("comment", None)
    return kept


def generate(directory):
    resources = [strip(one) for name in FILES for one in load(directory, name) if one["resourceType"] in KEPT]
    resources.sort(key=lambda one: (one["resourceType"], one.get("url", ""), one["id"]))
    return "".join(json.dumps(one, separators=(",", ":"), ensure_ascii=False) + "\n" for one in resources)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    text = generate(sys.argv[1]).encode("utf-8")
    if "--check" in sys.argv[2:]:
        with gzip.open(OUTPUT, "rb") as file:
            if file.read() != text:
                sys.exit("conformance.ndjson.gz is not what the definitions say: run generate_conformance.py")
        return
    with open(OUTPUT, "wb") as file:
        file.write(gzip.compress(text, 9, mtime=0))
    print(f"{text.count(chr(10).encode())} resources, {len(text)} bytes, {os.path.getsize(OUTPUT)} compressed")


if __name__ == "__main__":
    main()
