#!/usr/bin/env python3
"""Prints tests/data/audience.eval: who may see what, for every combination that the rule can tell apart.

Written from the last paragraph of proto/README.md section 7 alone, not from the C rule that it checks:
    python3 tests/unit/member/audience.py > tests/data/audience.eval
"""
from itertools import product

ME, OTHER, THIRD = 7, 8, 9
CLEAR, GREEN, AMBER, AMBER_STRICT, RED = range(1, 6)
SUBSETS = [(), (10,), (20,), (10, 20)]


def may_see(label, named_groups, my_groups, recipients, own, suspended, client):
    if suspended:
        return False            # a suspended member is cut off: it sees not even its own
    if client and label not in (CLEAR, GREEN, AMBER):
        return False
    if own:
        return True
    by_label = {CLEAR: True, GREEN: True, AMBER: True, AMBER_STRICT: True, RED: ME in recipients}
    in_group = bool(set(named_groups) & set(my_groups)) if named_groups else True
    return by_label.get(label, False) and in_group


def main():
    print("# Made by tests/unit/member/audience.py. I am member 7, in groups 10 and 20 or fewer.")
    print("# tlp, groups of the report, my groups, recipients, publisher, suspended, client of a member: may I see it?")
    for label, named, mine, recipients, publisher, suspended, client in product(
            range(0, 7), SUBSETS, SUBSETS, [(), (ME,), (OTHER,), (ME, OTHER)], (ME, THIRD), (0, 1), (0, 1)):
        seen = may_see(label, named, mine, recipients, publisher == ME, suspended, client)
        text = lambda ids: ",".join(map(str, ids)) or "-"
        print(label, text(named), text(mine), text(recipients), publisher, suspended, client, "yes" if seen else "no")


main()
