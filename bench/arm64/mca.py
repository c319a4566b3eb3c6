"""Prints what llvm-mca says of the inner loops of the NEON kernels: cycles, and the share
of the processor model's rate of FMLA.

usage: python bench/arm64/mca.py, from the root of the repository

needs Go and LLVM 19 or later (llvm-mca and llvm-objdump, also as llvm-mca-19). The
models are LLVM's: apple-m1 has three vector pipes there, the chip four, and
cortex-a76 is taken for a Cortex-A57, with one.
"""
import os
import re
import shutil
import subprocess
import tempfile

KERNELS = [("gemm", "gemmNNEON"), ("gemm", "gemmTNEON"), ("gemm", "gemmDNEON"), ("winograd", "winoProductNEON")]
PIPES = {"neoverse-n1": 2, "neoverse-v1": 4, "apple-m1": 3, "cortex-a76": 1}  # of the models
TIMES = 300


def tool(name):
    for n in (name + "-19", name):
        if shutil.which(n):
            return n
    raise SystemExit("there is no " + name)


def loop(binary, symbol):
    """Returns the instructions of the function's loop that has the most FMLA."""
    text = subprocess.run([tool("llvm-objdump"), "-d", "--no-show-raw-insn", "--disassemble-symbols=" + symbol, binary],
                          capture_output=True, text=True, check=True).stdout
    code = []
    for line in text.splitlines():
        if m := re.match(r"\s*([0-9a-f]+):\s+(\S.*)$", line):
            code.append((int(m[1], 16), re.split(r"//|<", m[2])[0].strip()))
    where = {address: i for i, (address, _) in enumerate(code)}
    loops = []
    for i, (_, instruction) in enumerate(code):
        if m := re.match(r"b\.\w+\s+0x([0-9a-f]+)", instruction):
            start = where.get(int(m[1], 16), i)
            if start < i:
                loops.append([c for _, c in code[start:i + 1]])
    return max(loops, key=lambda body: sum("fmla" in c for c in body))


def cycles(body, processor):
    """Returns the cycles of one turn of a loop."""
    text = "again:\n" + "\n".join(re.sub(r"0x[0-9a-f]+$", "again", c) if c.startswith("b.") else c for c in body)
    said = subprocess.run([tool("llvm-mca"), "-mtriple=aarch64", "-mcpu=" + processor, "-iterations=%d" % TIMES,
                           "-instruction-info=0", "-resource-pressure=0"], input=text, capture_output=True, text=True, check=True).stdout
    return int(re.search(r"Total Cycles:\s+(\d+)", said)[1]) / TIMES


def main():
    print("| loop | instructions | FMLA | " + " | ".join(PIPES) + " |")
    print("|---" * (3 + len(PIPES)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for room, kernel in KERNELS:
            binary = os.path.join(folder, room)
            if not os.path.exists(binary):
                subprocess.run(["go", "test", "-c", "-o", binary, "./internal/kernel/" + room], check=True,
                               env=os.environ | {"GOARCH": "arm64", "GOOS": "linux", "CGO_ENABLED": "0"})
            body = loop(binary, "github.com/whippet-ml/whippet/internal/kernel/%s.%s.abi0" % (room, kernel))
            fmla = sum("fmla" in c for c in body)
            cells = []
            for processor, pipes in PIPES.items():
                c = cycles(body, processor)
                cells.append("%.0f cycles, %.0f %%" % (c, 100 * fmla / pipes / c))
            print("| %s | %d | %d | %s |" % (kernel, len(body), fmla, " | ".join(cells)))


main()
