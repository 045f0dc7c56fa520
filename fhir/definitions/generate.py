#!/usr/bin/env python3
"""Compiles the official FHIR R4 definitions into tables.inc, which definitions.cpp includes.

Usage: generate.py REFERENCE_DIR [--check]
REFERENCE_DIR holds profiles-types.json, profiles-resources.json.gz, search-parameters.json, compartments.json,
valuesets.json, v3-codesystems.json and v2-tables.json of R4 4.0.1. --check compares instead of writing; exit 1 when
the committed file is not what the definitions say.
"""

import gzip
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "tables.inc")
NONE = 0xFFFF

PRIMITIVES = {
    "base64Binary": "base64_binary", "boolean": "boolean", "canonical": "canonical", "code": "code", "date": "date",
    "dateTime": "date_time", "decimal": "decimal", "id": "id", "instant": "instant", "integer": "integer",
    "markdown": "markdown", "oid": "oid", "positiveInt": "positive_int", "string": "string", "time": "time",
    "unsignedInt": "unsigned_int", "uri": "uri", "url": "url", "uuid": "uuid", "xhtml": "xhtml",
}
BINDABLE = {"code", "Coding", "CodeableConcept", "Quantity", "Age", "Count", "Distance", "Duration", "string", "uri"}
# R4 pairs `code` with the reference parameter relatesto here, and `target` with the token parameter relation.
SWAPPED_COMPONENTS = "http://hl7.org/fhir/SearchParameter/DocumentReference-relationship"
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"


def load(directory, name):
    path = os.path.join(directory, name)
    opener = gzip.open if name.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [entry["resource"] for entry in json.load(file)["entry"]]


def tail(url):
    return url.split("|")[0].rsplit("/", 1)[-1]


def fnv(seed, name):
    """The hash of definitions.cpp: FNV-1a over the name, started from the type's index."""
    value = 2166136261 ^ seed
    for byte in name.encode("ascii"):
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value ^ (value >> 15)


def to_hash_slots(keys):
    """An open-addressed table with linear probing, at most half full; slots hold the row's index or NONE."""
    size = 1
    while size < 2 * len(keys):
        size *= 2
    slots = [NONE] * size
    for index, (seed, name) in enumerate(keys):
        at = fnv(seed, name) & (size - 1)
        while slots[at] != NONE:
            at = (at + 1) & (size - 1)
        slots[at] = index
    return slots


class Pool:
    """All texts, each once, in one string literal."""

    def __init__(self):
        self.parts, self.offsets, self.size = [], {}, 0

    def add(self, text):
        assert text.isascii(), text
        if text not in self.offsets:
            self.offsets[text] = self.size
            self.parts.append(text)
            self.size += len(text)
        return "{%d,%d}" % (self.offsets[text], len(text))

    def to_literal(self):
        text = "".join(self.parts)
        lines = []
        for start in range(0, len(text), 100):
            piece = text[start:start + 100].replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
            assert "\n" not in piece
            lines.append('"%s"' % piece)
        return "\n".join(lines)


class Runs:
    """Runs of rows in one list; equal runs are stored once."""

    def __init__(self):
        self.rows, self.known = [], {}

    def add(self, rows):
        key = tuple(rows)
        if not key:
            return "{0,0}"
        if key not in self.known:
            self.known[key] = len(self.rows)
            self.rows.extend(key)
        return "{%d,%d}" % (self.known[key], len(key))


class Terminology:
    """Expands value sets from the complete code systems of the specification."""

    def __init__(self, directory):
        self.value_sets, self.code_systems = {}, {}
        for name in ("valuesets.json", "v3-codesystems.json", "v2-tables.json"):
            for resource in load(directory, name):
                if resource["resourceType"] == "ValueSet":
                    self.value_sets[resource["url"]] = resource
                elif resource["resourceType"] == "CodeSystem":
                    self.code_systems[resource["url"]] = resource

    def expand(self, url):
        """The set of (code, system), or None when it cannot be enumerated from what the specification defines."""
        value_set = self.value_sets.get(url)
        if value_set is None:
            return None
        found = set()
        for include in value_set["compose"]["include"]:
            codes = self.codes_of(include)
            if codes is None:
                return None
            found |= codes
        for exclude in value_set["compose"].get("exclude", []):
            codes = self.codes_of(exclude)
            if codes is None:
                return None
            found -= codes
        return found

    def codes_of(self, include):
        sets = []
        system = include.get("system")
        if "concept" in include:
            sets.append({(concept["code"], system) for concept in include["concept"]})
        elif system is not None:
            code_system = self.code_systems.get(system)
            if code_system is None or code_system["content"] != "complete":
                return None
            sets.append({(code, system) for code in self.filtered(code_system, include.get("filter", []))})
        for url in include.get("valueSet", []):
            expansion = self.expand(url.split("|")[0])
            if expansion is None:
                return None
            sets.append(expansion)
        return set.intersection(*sets)

    def filtered(self, code_system, filters):
        """Codes under every `concept is-a` filter; other filters are unknown here and must not pass silently."""
        parents = {}

        def walk(concepts, above):
            for concept in concepts:
                known = parents.setdefault(concept["code"], set())
                known |= above
                for prop in concept.get("property", []):
                    if prop["code"] == "subsumedBy":
                        known.add(prop["valueCode"])
                walk(concept.get("concept", []), {concept["code"]})

        walk(code_system.get("concept", []), set())

        def is_a(code, ancestor):
            return code == ancestor or any(is_a(parent, ancestor) for parent in parents.get(code, ()))

        codes = set(parents)
        for condition in filters:
            assert condition["property"] == "concept" and condition["op"] == "is-a", condition
            codes = {code for code in codes if is_a(code, condition["value"])}
        return codes


class Tables:
    def __init__(self, directory):
        self.pool, self.pointers, self.code_runs = Pool(), Runs(), Runs()
        self.terminology = Terminology(directory)
        self.structures = load(directory, "profiles-types.json") + load(directory, "profiles-resources.json.gz")
        self.types = []  # (name, structure, snapshot elements under it, base, kind)
        self.type_index = {}
        self.element_rows, self.element_keys = [], []
        self.binding_rows, self.binding_index = [], {}
        self.type_rows = []
        self.collect_types()
        for index in range(len(self.types)):
            self.add_type(index)
        self.add_search_parameters(load(directory, "search-parameters.json"))
        self.add_compartments(load(directory, "compartments.json"))

    def collect_types(self):
        for structure in self.structures:
            root = structure["id"]
            elements = structure["snapshot"]["element"]
            kind = {"primitive-type": "primitive", "complex-type": "complex", "resource": "resource"}[structure["kind"]]
            base = tail(structure["baseDefinition"]) if "baseDefinition" in structure else None
            # SimpleQuantity and MoneyQuantity constrain Quantity; their paths start with that name.
            prefix = structure["type"]
            owners = [(prefix, root, kind, base)]
            for element in elements[1:]:
                codes = [t["code"] for t in element.get("type", [])]
                if codes in (["BackboneElement"], ["Element"]) and kind != "primitive":
                    if any(e["path"].startswith(element["path"] + ".") for e in elements):
                        owners.append((element["path"], element["path"], "backbone", codes[0]))
            for path, name, owner_kind, owner_base in owners:
                depth = path.count(".") + 1
                below = [e for e in elements if e["path"].startswith(path + ".") and e["path"].count(".") == depth]
                self.type_index[name] = len(self.types)
                self.types.append((name, structure, below if kind != "primitive" else [], owner_base, owner_kind))

    def type_codes(self, element, structure):
        """[(type name, target names)] of an element."""
        if "contentReference" in element:
            return [(element["contentReference"].lstrip("#"), [])]
        found = []
        for entry in element["type"]:
            code = entry["code"]
            if code.startswith("http://hl7.org/fhirpath/"):
                fhir_type = [e for e in entry.get("extension", []) if e["url"] == FHIR_TYPE]
                code = fhir_type[0]["valueUrl"] if fhir_type else "string"
            if element["path"].split(".")[-1] == "id" and structure["kind"] == "resource" and element["path"].count(".") == 1:
                code = "id"  # R4's snapshots say string for Resource.id; the specification's text says id.
            if element["path"] in self.type_index and code in ("BackboneElement", "Element"):
                code = element["path"]
            found.append((code, [tail(url) for url in entry.get("targetProfile", [])]))
        return found

    def add_binding(self, element):
        binding = element.get("binding")
        if binding is None or "valueSet" not in binding:
            return NONE
        url, strength = binding["valueSet"].split("|")[0], binding["strength"]
        key = (url, strength)
        if key not in self.binding_index:
            run = "{0,0}"
            if strength == "required":
                expansion = self.terminology.expand(url)
                if expansion:
                    run = self.code_runs.add(["{%s,%s}" % (self.pool.add(c), self.pool.add(s)) for c, s in sorted(expansion)])
            self.binding_index[key] = len(self.binding_rows)
            self.binding_rows.append("{%s,%s,BindingStrength::%s}" % (self.pool.add(url), run, strength))
        return self.binding_index[key]

    def add_type(self, index):
        name, structure, elements, base, kind = self.types[index]
        first = len(self.element_rows)
        group = 0
        for element in elements:
            last = element["path"].rsplit(".", 1)[-1]
            is_choice = last.endswith("[x]")
            group += is_choice
            path_name = last[:-3] if is_choice else last
            types = self.type_codes(element, structure)
            assert is_choice or len(types) == 1, element["path"]
            binding = self.add_binding(element)
            for code, targets in types:
                json_name = path_name + code[0].upper() + code[1:] if is_choice else path_name
                run = self.pointers.add([self.type_index[target] for target in sorted(targets)])
                bound = binding if code in BINDABLE else NONE
                order = len(self.element_rows) - first
                flags = [element["max"] not in ("0", "1"), element["max"] == "0", element.get("isSummary", False),
                         element.get("isModifier", False)]
                self.element_keys.append((index, json_name))
                self.element_rows.append("{%s,%s,%d,%d,%d,%d,%d,%d,%s}" % (
                    self.pool.add(json_name), run, self.type_index[code], bound, order, len(path_name),
                    group if is_choice else 0, element["min"], ",".join("%d" % flag for flag in flags)))
        abstract = structure.get("abstract", False) and kind != "backbone"
        self.type_rows.append("{%s,{%d,%d},%d,TypeKind::%s,Primitive::%s,%d}" % (
            self.pool.add(name), first, len(self.element_rows) - first, self.type_index.get(base, NONE), kind,
            PRIMITIVES.get(name, "none") if kind == "primitive" else "none", abstract))

    def resources(self):
        return sorted(name for name, structure, _, _, kind in self.types if kind == "resource" and not structure["abstract"])

    def ancestors(self, name):
        while name is not None:
            yield name
            name = self.types[self.type_index[name]][3]

    def add_search_parameters(self, resources):
        def standard(identifier):
            return not (identifier.startswith("example") or identifier == "filter" or "-extensions-" in identifier
                        or "-genetic-" in identifier)

        parameters = [r for r in resources if standard(r["id"])]
        index = {parameter["url"]: i for i, parameter in enumerate(parameters)}
        self.parameter_rows, components = [], Runs()
        by_type = {name: [] for name in self.resources()}
        for i, parameter in enumerate(parameters):
            if parameter["url"] == SWAPPED_COMPONENTS:
                first, second = parameter["component"]
                first["definition"], second["definition"] = second["definition"], first["definition"]
            run = components.add(["{%s,%d}" % (self.pool.add(c["expression"]), index[c["definition"]])
                                  for c in parameter.get("component", [])])
            self.parameter_rows.append("{%s,%s,%s,%s,%s,%s,ParameterType::%s}" % (
                self.pool.add(parameter["code"]), self.pool.add(parameter["url"]),
                self.pool.add(parameter.get("expression", "")),
                self.pointers.add([self.type_index[base] for base in parameter["base"]]),
                self.pointers.add([self.type_index[target] for target in parameter.get("target", [])]),
                run, parameter["type"]))
            for name, codes in by_type.items():
                if set(parameter["base"]) & set(self.ancestors(name)):
                    codes.append((parameter["code"], i))
        self.component_rows = components.rows
        self.parameter_pointers, self.parameter_runs = [], []
        for name in self.resources():
            codes = sorted(by_type[name])
            assert len({code for code, _ in codes}) == len(codes), name
            self.parameter_runs.append("{%d,%d}" % (len(self.parameter_pointers), len(codes)))
            self.parameter_pointers.extend(i for _, i in codes)

    def add_compartments(self, resources):
        self.compartment_names, self.compartment_rows, names = [], [], Runs()
        for resource in sorted(resources, key=lambda r: r["code"]):
            if resource["id"] == "example":
                continue
            self.compartment_names.append(resource["code"])
            for member in sorted(resource["resource"], key=lambda m: m["code"]):
                params = member.get("param", [])
                if params:
                    self.compartment_rows.append('{%d,%d,%s}' % (
                        len(self.compartment_names) - 1, self.type_index[member["code"]],
                        names.add(['"%s"' % param for param in params])))
        self.compartment_parameter_names = names.rows

    def write(self):
        types = len(self.types)
        type_slots = to_hash_slots([(NONE, name) for name, *_ in self.types])
        element_slots = to_hash_slots(self.element_keys)
        assert len(self.element_rows) < NONE and types < NONE and len(self.binding_rows) < NONE
        out = ["// Generated by generate.py from the FHIR R4 4.0.1 definitions (CC0-1.0). Do not edit.", "// clang-format off"]

        def table(declaration, rows, per_line=1):
            out.append("%s[] = {" % declaration)
            for start in range(0, len(rows), per_line):
                out.append(",".join(rows[start:start + per_line]) + ",")
            out.append("};")

        out.append("constexpr char kPool[] =\n%s;" % self.pool.to_literal())
        table("constexpr TypeDefinition kTypes", self.type_rows)
        table("constexpr ElementDefinition kElements", self.element_rows, 2)
        table("constexpr BoundCode kCodes", self.code_runs.rows, 5)
        table("constexpr Binding kBindings", self.binding_rows, 2)
        table("constexpr SearchComponent kComponents", self.component_rows, 4)
        table("constexpr SearchParameter kParameters", self.parameter_rows)
        table("constexpr TypeDefinition const* kTypePointers", ["kTypes+%d" % i for i in self.pointers.rows], 10)
        table("constexpr TypeDefinition const* kResourceTypes",
              ["kTypes+%d" % self.type_index[name] for name in self.resources()], 10)
        table("constexpr SearchParameter const* kParameterPointers",
              ["kParameters+%d" % i for i in self.parameter_pointers], 8)
        table("constexpr Run kParameterRuns", self.parameter_runs, 10)
        table("constexpr std::uint16_t kTypeSlots", ["%d" % slot for slot in type_slots], 20)
        table("constexpr std::uint16_t kElementSlots", ["%d" % slot for slot in element_slots], 20)
        table("constexpr std::string_view kCompartments", ['"%s"' % name for name in self.compartment_names], 5)
        table("constexpr std::string_view kCompartmentParameters", self.compartment_parameter_names, 8)
        table("constexpr CompartmentMember kCompartmentMembers", self.compartment_rows, 6)
        return "\n".join(out) + "\n"


def main(arguments):
    directories = [argument for argument in arguments if not argument.startswith("--")]
    if len(directories) != 1:
        sys.exit(__doc__)
    text = Tables(directories[0]).write()
    if "--check" in arguments:
        with open(OUTPUT, encoding="ascii") as file:
            if file.read() != text:
                sys.exit("tables.inc is not what generate.py makes of these definitions; run it again and commit the result")
        return
    with open(OUTPUT, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
