#!/usr/bin/env python3
"""Makes units.inc from ucum-essence.xml: every unit atom as a factor and powers of the seven base units.

Usage: generate.py ESSENCE.xml > units.inc
"""
import re
import sys
import xml.etree.ElementTree as ET
from fractions import Fraction

NS = '{http://unitsofmeasure.org/ucum-essence}'
root = ET.parse(sys.argv[1]).getroot()
base = [u.get('Code') for u in root.findall(NS + 'base-unit')]
prefixes = {p.get('Code'): Fraction(p.find(NS + 'value').get('value')) for p in root.findall(NS + 'prefix')}
units = {u.get('Code'): u for u in root.findall(NS + 'unit')}
metric = {c for c, u in units.items() if u.get('isMetric') == 'yes'} | set(base)
known = {}


def times(left, right, power=1):
    return (left[0] * right[0] ** power, tuple(a + b * power for a, b in zip(left[1], right[1])))


ONE = (Fraction(1), (0,) * len(base))


def atom(code):
    if code in base:
        return (Fraction(1), tuple(int(code == b) for b in base))
    if code in known:
        return known[code]
    if code in units:
        value = units[code].find(NS + 'value')
        function = value.find(NS + 'function')
        if function is not None:
            result = times((Fraction(function.get('value')), ONE[1]), term(function.get('Unit')))
        else:
            result = times((Fraction(value.get('value')), ONE[1]), term(value.get('Unit')))
        known[code] = result
        return result
    for length in (2, 1):
        if code[:length] in prefixes and code[length:] in metric:
            return times((prefixes[code[:length]], ONE[1]), atom(code[length:]))
    raise ValueError(code)


def term(text):
    """A product of atoms with exponents, as the essence file writes its own definitions: no brackets, no annotations."""
    result, sign = ONE, 1
    for part in re.split(r'([./])(?![^\[]*\])', text):
        if part in ('', '.', '/'):
            sign = -1 if part == '/' else sign if part == '' else 1
            continue
        if re.fullmatch(r'\d+', part):
            result = times(result, (Fraction(part), ONE[1]), sign)
            continue
        split = re.fullmatch(r'(.*?[^\d+-])([+-]?\d+)?', part) if part not in units else None
        code, power = (split.group(1), int(split.group(2) or 1)) if split else (part, 1)
        result = times(result, atom(code), sign * power)
    return result


def literal(value):
    return f'{value}.0L'


print('// Made by generate.py from ucum-essence.xml 2.0.1. The Unified Code for Units of Measure is copyright Regenstrief')
print('// Institute and the UCUM Organization (https://ucum.org/license); this table carries its facts, not its text, and is')
print('// not UCUM itself.')
print('constexpr Prefix kPrefixes[] = {')
for code, value in sorted(prefixes.items()):
    print(f'    {{"{code}", {literal(value.numerator)} / {literal(value.denominator)}}},')
print('};')
print('constexpr Atom kAtoms[] = {')
for code in sorted([*base, *units]):
    factor, powers = atom(code)
    function = None if code in base else units[code].find(NS + 'value').find(NS + 'function')
    name = 'none' if function is None else re.sub(r'^100tan$', 'tanTimes100', function.get('name'))
    flag = 'true' if code in metric else 'false'
    print(f'    {{"{code}", {flag}, Function::{name}, {literal(factor.numerator)} / {literal(factor.denominator)}, '
          f'{{{", ".join(map(str, powers))}}}}},')
print('};')
print('constexpr std::string_view kBaseUnits[] = {' + ', '.join(f'"{b}"' for b in base) + '};')
