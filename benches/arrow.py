"""Results as record batches, beside a client that only walks over packets, and beside connectorx.

`ci/bench-arrow` runs this with the tables' URL in OTARIA_BENCH_URL: the programs take turns, and the
medians of their times are printed. Times are of the reading alone; processor time is that of user
space, of all threads.
"""

import os
import resource
import statistics
import subprocess
import sys

COLUMNS = (
    "l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax, "
    "l_returnflag, l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, "
    "l_comment"
)

CONNECTORX = """
import resource, sys, time
import connectorx, pyarrow
url, sql = sys.argv[1:]
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_utime, time.perf_counter()
table = connectorx.read_sql(url, sql, return_type="arrow")
wall = time.perf_counter() - start
user = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
print(wall, user, table.num_rows * table.num_columns)
"""


def otaria(program, how, count):
    """Time on the wall and of the processor in user space, and how many cells were read."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    output = subprocess.run(
        [program, how, str(count)], check=True, capture_output=True, text=True
    )
    user = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    wall, _, cells = output.stdout.split()
    return int(wall) / 1e9, user, int(cells)


def connectorx(python, url, count):
    """The same of connectorx, without what it takes to load it."""
    sql = f"SELECT {COLUMNS} FROM lineitem LIMIT {count}"
    output = subprocess.run(
        [python, "-c", CONNECTORX, url.replace("mariadb://", "mysql://"), sql],
        check=True, capture_output=True, text=True,
    )
    wall, user, cells = output.stdout.split()
    return float(wall), float(user), int(cells)


def instructions(program, how, fewer, more):
    """The instructions of user space that one more row costs: the difference of two runs."""

    def count(rows):
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        output = subprocess.run(
            [*command, program, how, str(rows)], check=True, capture_output=True, text=True
        )
        line = [line for line in output.stderr.splitlines() if "Collected :" in line][-1]
        return int(line.split()[-1])

    return (count(more) - count(fewer)) / (more - fewer)


def in_turns(rounds, ways):
    """What each way came to in each round, the ways taking turns."""
    measured = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            measured[name].append(way())
    return measured


def report(measured, floors):
    """A line for each way: medians, and the median of its rates by that of the floor beside it."""
    for name, runs in measured.items():
        wall = statistics.median(run[0] for run in runs)
        user = statistics.median(run[1] for run in runs)
        line = f"{name:<28}{wall:>9.3f} s{user:>9.3f} s"
        if floor := floors.get(name):
            ratio = statistics.median(
                run[0] / beside[0] for run, beside in zip(runs, measured[floor])
            )
            line += f"{ratio:>8.2f} of {floor}"
        print(line)
    return {
        name: statistics.median(run[1] for run in runs) for name, runs in measured.items()
    }


def main():
    program, count, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    url = os.environ["OTARIA_BENCH_URL"]
    if sys.argv[4:] == ["vectors"]:
        otaria(program, "fill_vectors", count)
        ways = ["floor_vectors", "vectors"]
        measured = in_turns(rounds, {way: lambda way=way: otaria(program, way, count) for way in ways})
        print(f"{count} rows of 384 floats{'wall':>15}{'user':>11}")
        report(measured, {"vectors": "floor_vectors"})
        return
    for how in ["binary", "text"]:
        print(f"{how}: {instructions(program, how, 20_000, 60_000):.0f} instructions a row", flush=True)
    ways = {
        way: lambda way=way: otaria(program, way, count)
        for way in ["floor_binary", "binary", "floor_text", "text"]
    }
    ways["connectorx"] = lambda: connectorx(sys.executable, url, count)
    measured = in_turns(rounds, ways)
    cells = {runs[0][2] for name, runs in measured.items() if not name.startswith("floor")}
    assert len(cells) == 1, f"not all have read the same: {cells}"
    print(f"{count} rows of 16 columns{'wall':>17}{'user':>11}")
    user = report(measured, {"binary": "floor_binary", "text": "floor_text"})
    for how in ["binary", "text"]:
        print(f"user time of connectorx: {user['connectorx'] / user[how]:.1f} times that of {how}")


if __name__ == "__main__":
    main()
