"""Prints a row of a table: a network, the millions of instructions of a step, the shares of NEON's
assembly, of Go's runtime and of other Go, and the largest function of the latter.

python3 shares.py NETWORK PROGRAM BLOCKS-OF-ONE-STEP BLOCKS-OF-TWO
"""

import bisect
import collections
import subprocess
import sys

network, program, one, two = sys.argv[1:]
functions = []
for line in subprocess.check_output(["go", "tool", "nm", program], text=True).splitlines():
    words = line.split()
    if len(words) >= 3 and words[1] in "tT":
        functions.append((int(words[0], 16), words[-1]))
functions.sort()
addresses = [a for a, _ in functions]


def by_function(path):
    count = collections.Counter()
    for line in open(path):
        address, instructions, times = line.split()
        name = functions[bisect.bisect_right(addresses, int(address, 16)) - 1][1]
        count[name] += int(instructions) * int(times)
    return count


step = by_function(two)
step.subtract(by_function(one))
total = sum(step.values())
shares, largest = collections.Counter(), collections.Counter()
for name, n in step.items():
    name = name.removesuffix(".abi0")
    if name.endswith("NEON"):
        shares["assembly"] += n
    elif name.startswith(("runtime.", "internal/", "sync", "mem")):
        shares["runtime"] += n
    else:
        shares["Go"] += n
        largest[name.rsplit("/", 1)[-1]] += n
name, n = largest.most_common(1)[0]
percent = lambda n: f"{100 * n / total:.1f} %"
print(f"| {network} | {total / 1e6:.0f} | {percent(shares['assembly'])} | {percent(shares['runtime'])} | {percent(shares['Go'])} | `{name}` {percent(n)} |")
