#!/usr/bin/env python3
"""Writes messages.txt as one file per message: <STRUCTURE>/<name>.hl7, segments ended by CR as HL7 v2 wants them.

messages.txt is the source: `== STRUCTURE/name  what it shows`, then one segment per line. Every person, place and number in it is
invented. Run after editing:  python3 tests/corpora/v2/generate.py
"""
import pathlib

here = pathlib.Path(__file__).parent
for old in here.glob("*/*.hl7"):
    old.unlink()
name, lines = None, []


def flush():
    if name:
        path = here / (name + ".hl7")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes("".join(line + "\r" for line in lines).encode("utf-8"))


for line in (here / "messages.txt").read_text("utf-8").splitlines():
    if line.startswith("== "):
        flush()
        name, lines = line[3:].split()[0], []
    elif line and not line.startswith("# "):
        lines.append(line)
flush()
