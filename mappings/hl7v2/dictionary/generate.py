#!/usr/bin/env python3
"""Writes tables.cpp from the public dictionary of HL7 v2 (one JSON per version) and our supplement in ../structures.

    generate.py <folder of hl7v2-*.json>

Only facts are taken: positions, types, optionality, lengths, table numbers, names, and the grammars of structures.
"""
import json
import pathlib
import re
import sys

VERSIONS = ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8"]
UNUSED = 0xFFFF
HERE = pathlib.Path(__file__).resolve().parent


class Numbered:
    """Gives each distinct item a number, in order of appearance."""

    def __init__(self):
        self.numbers = {}

    def __call__(self, item):
        return self.numbers.setdefault(item, len(self.numbers))

    def items(self):
        return list(self.numbers)


class Lists:
    """Stores sequences one after the other; equal sequences are stored once."""

    def __init__(self):
        self.places, self.flat = {}, []

    def __call__(self, sequence):
        sequence = tuple(sequence)
        if sequence not in self.places:
            self.places[sequence] = len(self.flat)
            self.flat.extend(sequence)
        return self.places[sequence]


text, field, field_lists, node_lists = Numbered(), Numbered(), Lists(), Lists()


# The few typographic characters in the source's names, as ASCII.
PLAIN = str.maketrans({"\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})


def plain(name):
    """One line of ASCII; the source holds a few dashes decoded with the wrong character set."""
    return " ".join(name.translate(PLAIN).replace('\u0432\u0402"', "- ").split())


def field_list(fields):
    rows = {}
    for number, f in (fields or {}).items():
        length = f.get("len") or 0
        rows[int(number)] = field((text(f["type"]), text(plain(f["desc"])),
                                   length if length <= 0xFFFF else 0, f.get("table") or 0,
                                   f.get("opt") or "O", f["rep"] != 1))
    count = max(rows, default=0)
    return count, field_lists(rows.get(n, UNUSED) for n in range(1, count + 1))


def in_order(children):
    """The children in their order, with the places that the source lost.

    A segment that stands twice in a structure is one key in the source: it keeps the place of its first appearance in the
    file and the index of its last, so the first index is missing.
    """
    keys = list(children)
    by_index = {child["idx"]: name for name, child in children.items()}
    ordered, seen = [], 0
    for index in range(max(by_index, default=-1) + 1):
        name = by_index.get(index)
        if name is None and seen < len(keys):
            name = keys[seen]
        if name is None:
            continue
        if seen < len(keys) and name == keys[seen]:
            seen += 1
        ordered.append((name, children[name]))
    return ordered


# What a choice that the source lists as ",,," stands for, by the group that holds it.
LOST_CHOICES = {
    "RESOURCE_DETAIL": "AIS,AIG,AIL,AIP",
    "CLINICAL_HISTORY_DETAIL": "OBR,ODS,PR1,RF1,AL1,IAM,ACC,RMI,DB1,DG1,DRG,PDA",
}


# Names that the source spells wrong.
MISSPELT = {"TIIMING": "TIMING"}


# The groups of the referral messages as 2.4 and later call them: 2.3 says OBSERVATION for what is RESULTS_NOTES since, and the
# maps bind notes to groups by name.
REFERRAL_GROUPS_OF_2_3 = {"AUTHORIZATION": "AUTHORIZATION_CONTACT", "PROVIDER": "PROVIDER_CONTACT", "RESULTS": "OBSERVATION",
                          "OBSERVATION": "RESULTS_NOTES", "VISIT": "PATIENT_VISIT"}


def spelt(children, names=MISSPELT):
    """The children with right names, theirs too."""
    return {names.get(name, name): child | ({"segments": spelt(child["segments"], names)} if "segments" in child else {})
            for name, child in children.items()}


def mend(children, before, after):
    """What repeats in the version before and in the one after repeats in between too: 2.6 lost it for OBSERVATION and others."""
    for name, child in children.items():
        one, other = before.get(name, {}), after.get(name, {})
        if one and other and child.get("max") == 1 and 1 not in (one.get("max"), other.get("max")):
            child["min"], child["max"] = other.get("min"), other.get("max")
        mend(child.get("segments", {}), one.get("segments", {}), other.get("segments", {}))


def mend_optionality(before, fields, after):
    """A field that one version alone requires is not required there: the source took its conditions for that."""
    for number, f in fields.items():
        others = [(other.get(number) or {}).get("opt") for other in (before, after)]
        if f.get("opt") == "R" and all(others) and "R" not in others:
            f["opt"] = others[0]


def visit_groups(ordered):
    """An ADT structure's root with the groups that the source does not name, so that a table can tell the parts apart.

    The second PID of A17, A24 and A37 begins another PATIENT; a ROL behind PV1 speaks of the VISIT, one before it of the
    patient.
    """
    names = [name for name, _ in ordered]
    if names.count("PID") == 2:
        first, second = names.index("PID"), len(names) - 1 - names[::-1].index("PID")
        group = {"min": 1, "max": 2, "segments": ordered[first:second]}
        return ordered[:first] + [("PATIENT", group)]
    if "ROL" not in names or "PV1" not in names:
        return ordered
    begin = end = names.index("PV1")
    while end < len(names) and names[end] in ("PV1", "PV2", "ARV", "ROL"):
        end += 1
    if "ROL" not in names[begin:end]:
        return ordered
    low = ordered[begin][1].get("min") or 0
    return ordered[:begin] + [("VISIT", {"min": low, "max": 1, "segments": ordered[begin:end]})] + ordered[end:]


def nodes(children, parent):
    """The node rows of a group's children: (name, min, max, kind, child count, first child)."""
    rows = []
    ordered = children if isinstance(children, list) else in_order(children)
    for name, child in visit_groups(ordered) if parent.startswith("ADT_") else ordered:
        low, high = child.get("min") or 0, child.get("max") or 0
        if "," in name:
            if not name.strip(","):
                name = LOST_CHOICES.get(parent, "ROL,PRD" if parent.startswith("ROLE_") else None)
                assert name, parent
            options = [(text(option), 1, 1, "segment", 0, 0) for option in name.split(",")]
            rows.append((text(""), low, high or 1, "choice", len(options), node_lists(options)))
        elif "segments" in child:
            inner = nodes(child["segments"], name)
            rows.append((text(name), low, high, "group", len(inner), node_lists(inner)))
        else:
            rows.append((text(name), low, high, "segment", 0, 0))
    return rows


def supplement():
    """Reads ../structures/supplement.txt: {structure: children rows}."""
    found = {}
    for line in (HERE.parent / "structures/supplement.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, grammar = line.split("=", 1)
        tokens = re.findall(r"[A-Z][A-Z0-9_]*|[\[\]{}()<>|]", grammar)

        def sequence(end):
            rows = []
            while tokens and tokens[0] != end:
                rows.append(item())
            if end:
                assert tokens.pop(0) == end, name
            return rows

        def item():
            token = tokens.pop(0)
            if token in "[{":
                inner = sequence("]" if token == "[" else "}")
                assert len(inner) == 1, name
                row = list(inner[0])
                if token == "[":
                    row[1] = 0
                else:
                    row[2] = 0
                return tuple(row)
            if token == "<":
                options = [o for o in iter(lambda: tokens.pop(0), ">") if o != "|"]
                rows = [(text(option), 1, 1, "segment", 0, 0) for option in options]
                return (text(""), 1, 1, "choice", len(rows), node_lists(rows))
            if tokens and tokens[0] == "(":
                tokens.pop(0)
                inner = sequence(")")
                return (text(token), 1, 1, "group", len(inner), node_lists(inner))
            return (text(token), 1, 1, "segment", 0, 0)

        found[name.strip()] = sequence(None)
    return found


def read_sources(folder):
    sources = [json.loads((folder / f"hl7v2-{version}.json").read_text()) for version in VERSIONS]
    for message in (message for source in sources for message in source["messages"].values()):
        message["segments"] = spelt(message["segments"])
    for name in ("REF_I12", "RRI_I12"):
        message = sources[VERSIONS.index("2.3")]["messages"][name]
        message["segments"] = spelt(message["segments"], REFERRAL_GROUPS_OF_2_3)
    for before, source, after in zip(sources, sources[1:], sources[2:]):
        for name, message in source["messages"].items():
            neighbours = [other["messages"].get(name, {}).get("segments", {}) for other in (before, after)]
            mend(message["segments"], *neighbours)
        for name, segment in source["segments"].items():
            mend_optionality(*((other["segments"].get(name) or {}).get("fields") or {} for other in (before, source, after)))
    return sources


def version_tables(source, extra):
    segments = {text(n): field_list(s["fields"]) for n, s in source["segments"].items()}
    types = {text(n): field_list(t.get("fields")) for n, t in source["types"].items()}
    structures = {text(n): nodes(m["segments"], n) for n, m in source["messages"].items()}
    for name, rows in extra.items():
        structures.setdefault(text(name), rows)
    by_name = {number: name for name, number in text.numbers.items()}
    order = lambda table: sorted(table.items(), key=lambda item: by_name[item[0]].encode())
    return (order(segments), order(types), [(n, (len(r), node_lists(r))) for n, r in order(structures)])


def events():
    rows = set()
    for line in (HERE.parent / "structures/events.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            structure, code, *names = line.split()
            rows |= {(code, event, structure) for event in names}
    return [(text(c), text(e), text(s)) for c, e, s in sorted(rows)]


def array(type_, name, rows, per_line=8):
    print(f"constexpr {type_} {name}[] = {{")
    for at in range(0, len(rows), per_line):
        print("    " + ", ".join(rows[at:at + per_line]) + ",")
    print("};\n")


def braces(row):
    return "{" + ", ".join(str(x) for x in row) + "}"


def quoted(string):
    return '"' + string.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") + '"'


def with_lost_types(sources):
    """From 2.7 on the source says ST where HL7 says "varies", and for fields that are withdrawn: what 2.6 says stands."""
    last = next(source for source in sources if source["version"] == "2.6")
    for source in sources[sources.index(last) + 1:]:
        for name, segment in source["segments"].items():
            before = (last["segments"].get(name) or {}).get("fields") or {}
            for number, f in (segment.get("fields") or {}).items():
                known = before.get(number, {}).get("type")
                if f["type"] == "ST" and known and (known == "VARIES" or f.get("opt") == "B"):
                    f["type"] = known
    return sources


def main():
    folder = pathlib.Path(sys.argv[1])
    text("")
    extra = supplement()
    versions = [version_tables(source, extra) for source in with_lost_types(list(read_sources(folder)))]
    event_rows = events()

    strings = text.items()
    assert len(strings) < 0xFFFF and len(field.numbers) < UNUSED
    begins, pool = [0], ""
    for string in strings:
        pool += string
        begins.append(len(pool.encode()))
    assert pool.isascii(), [s for s in strings if not s.isascii()]

    sys.stdout = open(HERE / "tables.cpp", "w")
    print("// Generated by generate.py; not to be edited.")
    print('#include "mappings/hl7v2/dictionary/tables.hpp"\n')
    print("// clang-format off")
    print("namespace mappings::hl7v2::tables {\nnamespace {\n")
    print('#pragma GCC diagnostic ignored "-Woverlength-strings"')
    print("constexpr char kTextPool[] =")
    for at in range(0, len(pool), 110):
        print("    " + quoted(pool[at:at + 110]))
    print(";\n")
    array("std::uint32_t", "kBegins", [str(b) for b in begins], 16)
    array("FieldRow", "kFieldRows",
          [braces((t, n, length, table, f"'{o}'", "true" if r else "false"))
           for t, n, length, table, o, r in field.items()])
    array("std::uint16_t", "kLists", [str(n) for n in field_lists.flat], 20)
    array("NodeRow", "kNodeRows",
          [braces((n, low, high, f"NodeKind::{kind}", count, first))
           for n, low, high, kind, count, first in node_lists.flat], 4)
    lists = Lists()
    spans = []
    for segments, types, structures in versions:
        spans.append((len(segments), lists((n, c, f) for n, (c, f) in segments), len(types),
                      lists((n, c, f) for n, (c, f) in types)))
    array("ListRow", "kListRows", [braces(row) for row in lists.flat])
    structure_lists = Lists()
    places = [structure_lists((n, c, f) for n, (c, f) in structures) for _, _, structures in versions]
    array("StructureRow", "kStructureRows", [braces(row) for row in structure_lists.flat])
    array("EventRow", "kEventRows", [braces(row) for row in event_rows])
    print("constexpr VersionRow kVersionRows[] = {")
    for (segment_count, segment_first, type_count, type_first), place, (_, _, structures), name in zip(
            spans, places, versions, VERSIONS):
        print(f"    {{{{kListRows + {segment_first}, {segment_count}}}, {{kListRows + {type_first}, {type_count}}}, "
              f"{{kStructureRows + {place}, {len(structures)}}}}},  // {name}")
    print("};\n\n}  // namespace\n")
    print("std::span<char const> const kText{kTextPool, sizeof kTextPool - 1};")
    for type_, name, rows in (("std::uint32_t", "kTextBegin", "kBegins"), ("FieldRow", "kFields", "kFieldRows"),
                              ("std::uint16_t", "kFieldLists", "kLists"), ("NodeRow", "kNodes", "kNodeRows"),
                              ("VersionRow", "kVersions", "kVersionRows"), ("EventRow", "kEvents", "kEventRows")):
        print(f"std::span<{type_} const> const {name}{{{rows}}};")
    print("\n}  // namespace mappings::hl7v2::tables")


main()
