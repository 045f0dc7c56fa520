#!/usr/bin/env python3
"""Writes the *.txt beside it as one file per message: <STRUCTURE>/<name>.hl7, segments ended by CR as HL7 v2 wants them.

The *.txt are the source: `== STRUCTURE/name  what it shows`, then one segment per line; `[windows-1252]` first in what it shows
writes the message in that encoding (Python's names; utf-16 gets a byte order mark), UTF-8 otherwise. Every person, place and
number in them is invented. Run after editing:  python3 tests/corpora/v2/generate.py
Then UPDATE_GOLDEN=1 build/debug/tests/mappings/maps/maps_test --gtest_filter='Golden.*' writes what each becomes beside it
(<name>.fhir.json, the Bundle; <name>.back.er7, the message written from it alone): read that difference before committing it.
"""
import pathlib
import re

here = pathlib.Path(__file__).parent
for old in here.glob("*/*.hl7"):
    old.unlink()


def flush(name, encoding, lines):
    path = here / (name + ".hl7")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes("".join(line + "\r" for line in lines).encode(encoding))


for source in sorted(here.glob("*.txt")):
    if source.stem == "differences":  # what some of them lose, kept by the tests of convert
        continue
    name, encoding, lines = None, "utf-8", []
    for line in source.read_text("utf-8").splitlines():
        if line.startswith("== "):
            if name:
                flush(name, encoding, lines)
            name, lines = line[3:].split()[0], []
            said = re.match(r"== \S+\s+\[([\w-]+)\]", line)
            encoding = said.group(1) if said else "utf-8"
        elif line and not line.startswith("# "):
            lines.append(line)
    if name:
        flush(name, encoding, lines)
for golden in [*here.glob("*/*.fhir.json"), *here.glob("*/*.back.er7")]:
    message = golden.parent / (golden.name.split(".fhir.json")[0].split(".back.er7")[0] + ".hl7")
    if not message.exists():
        golden.unlink()
