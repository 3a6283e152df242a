"""How many instructions a pair, or an item of a sweep, takes in the kernels of each instruction set:
counted in the disassembled objects, so it needs no machine of that kind.

usage: instructions.py OBJDUMP=FOLDER:ISA... for example
       instructions.py objdump=build:avx2 aarch64-linux-gnu-objdump=build/arm64:baseline

For each tile kernel: the loop over sources of a full chunk of targets, which is the first inner loop
of its function. For the series: the shortest loop that multiplies by powers, which is that over
sources at one anchor.
"""

import re
import subprocess
import sys

TILES = ("hinge", "step", "softplus", "sigmoid", "bump")
SWEEPS = ("sum_below", "sum_above")
TERMS = 16
# Doubles in a vector, and vectors of targets that go along together (VECTORS in tile_kernels.c).
SHAPES = {"baseline": (2, 4), "avx2": (4, 4), "avx512": (8, 2)}
JUMP = re.compile(r"(?:j\w+|b\.\w+|b|cbn?z|tbn?z)\s+(?:[^<]*, )?([0-9a-f]+) <")
VECTOR = re.compile(r"%[xyz]mm|\bv\d+\.|\bq\d+\b")
SCALAR = re.compile(r"\sv?\w+sd\s|\s[d]\d+, ")


def functions(objdump, path):
    """{name: [(address, text)]}"""
    text = subprocess.run([objdump, "-d", "--no-show-raw-insn", path], capture_output=True, text=True,
                          check=True).stdout
    found = {}
    for line in text.splitlines():
        head = re.match(r"[0-9a-f]+ <(\S+)>:", line)
        if head:
            code = found.setdefault(head.group(1), [])
        row = re.match(r"\s+([0-9a-f]+):\s+(.*)", line)
        if row:
            code.append((int(row.group(1), 16), row.group(2).strip()))
    return found


def inner_loops(code):
    """The instructions of each loop that holds no other."""
    places = {address: i for i, (address, _) in enumerate(code)}
    loops = []
    for i, (_, text) in enumerate(code):
        jump = JUMP.match(text)
        begin = places.get(int(jump.group(1), 16)) if jump else None
        if begin is not None and begin <= i:
            loops.append((begin, i))
    return [[text for _, text in code[begin:end + 1]] for begin, end in loops
            if not any((begin, end) != other and begin <= other[0] and other[1] <= end for other in loops)]


def count(objdump, folder, isa):
    """{kernel: (instructions, of these vector ones, pairs or items of one round)}"""
    suffix = "" if isa == "baseline" else f".{isa}"
    width, vectors = SHAPES[isa]
    tiles = functions(objdump, f"{folder}/core/fields/tile_kernels{suffix}.o")
    series = functions(objdump, f"{folder}/core/fields/series_kernels{suffix}.o")
    chosen = {name: (inner_loops(tiles[name])[0], width * vectors) for name in TILES}
    for name in SWEEPS:
        loops = [loop for loop in inner_loops(series[name])
                 if sum("mul" in text and bool(VECTOR.search(text)) for text in loop) >= TERMS // width]
        chosen[name] = (min(loops, key=len), 1)
    return {name: (len(loop), sum(bool(VECTOR.search(text)) and not SCALAR.search(text) for text in loop), items)
            for name, (loop, items) in chosen.items()}


def main(columns):
    sets = {}
    for column in columns:
        objdump, place = column.split("=")
        folder, isa = place.rsplit(":", 1)
        name = "NEON" if "aarch64" in objdump else {"baseline": "SSE2", "avx2": "AVX2", "avx512": "AVX-512"}[isa]
        sets[name] = count(objdump, folder, isa)
    print("| kernel | " + " | ".join(sets) + " |")
    print("| --- |" + " ---: |" * len(sets))
    for kernel in (*TILES, *SWEEPS):
        cells = [f"{length / items:.2f} ({length}, {vector} on vectors)"
                 for length, vector, items in (counts[kernel] for counts in sets.values())]
        print(f"| {kernel} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
