"""``python -m tests.onnx``: how many cases of onnx.backend.test pass, by operator, and why others do not."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

import onnx

from .agreement import distances
from .beside_runtime import agree, ours, runtime
from .campaign import FAILED, run, run_runtime, table
from .cases import SUITES, cases
from .gradients import check, chosen
from .networks import LIGHT, SHIPPED, before_sigmoid, light, shipped
from .versions import rows


def signatures(name: str) -> Iterator[str]:
    """The inputs, outputs and attributes of each version of an operator."""
    versions = [schema for schema in onnx.defs.get_all_schemas_with_history() if schema.name == name]
    for schema in sorted(versions, key=lambda schema: schema.since_version):
        inputs, outputs = (", ".join(map(_formal, formals)) for formals in (schema.inputs, schema.outputs))
        attributes = ", ".join(f"{key}: {entry.type.name}" for key, entry in sorted(schema.attributes.items()))
        gone = ", deprecated" if schema.deprecated else ""
        yield f"{name} {schema.since_version}{gone}: {inputs} -> {outputs}; {attributes or 'no attributes'}"


def _formal(formal: onnx.defs.OpSchema.FormalParameter) -> str:
    return formal.name + ("" if formal.option.name == "Single" else f" ({formal.option.name.lower()})")


def gradients(only: str) -> int:
    """How many cases have right gradients, to order 2; which do not."""
    verdicts: Counter[str] = Counter()
    for case in chosen():
        if only.lower() in f"{case.operators} {case.name}".lower():
            report = check(case)
            verdicts[report.verdict] += 1
            if report.verdict != "correct":
                print(f"{case.operators} {case.name}: {report}")
    print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
    return int("wrong" in verdicts)


def networks(only: str) -> int:
    """A row of a table for each network: how far outputs are from ONNX Runtime's, and both from float64."""
    for name in (*SHIPPED, *LIGHT):
        if only.lower() in name:
            network = light(name) if name in LIGHT else shipped(name)
            if network is None:
                print(f"{name}: its package is not installed")
            else:
                numbers = " | ".join(f"{value:.0e}" for value in distances(before_sigmoid(network)))
                print(f"| {name} | {numbers} |", flush=True)
    return 0


def versions(only: str) -> int:
    """How many operators in a version, with some attributes, agree with ONNX Runtime; what does not."""
    same, refused, different = 0, 0, []
    for row in rows():
        if only.lower() in str(row).lower():
            y, theirs = ours(row), runtime(row)
            if isinstance(y, str):
                different.append(f"{row}: refused here: {y}")
            elif isinstance(theirs, str):
                refused += 1
            elif agree(y, theirs):
                same += 1
            else:
                different.append(f"{row}: {[t.shape for t in y]}, {[t.shape for t in theirs]} in ONNX Runtime")
    print("\n".join([*different, f"{same} agree, {len(different)} do not, {refused} are refused by ONNX Runtime"]))
    return int(bool(different))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.onnx", description=__doc__)
    parser.add_argument("--suite", choices=SUITES, action="append", help="all, if none is given")
    parser.add_argument("--only", default="", help="cases whose operators or name contain this")
    parser.add_argument("--jit", action="store_true", help="compiled, not eagerly")
    parser.add_argument("--schema", metavar="NAME", help="print the signature of each version of an operator")
    parser.add_argument("--runtime", action="store_true", help="ONNX Runtime instead of this library")
    parser.add_argument("--gradients", action="store_true", help="gradients of operators, to order 2")
    parser.add_argument("--versions", action="store_true", help="operators in their versions beside ONNX Runtime's")
    parser.add_argument("--networks", action="store_true", help="real networks beside ONNX Runtime's")
    options = parser.parse_args()
    if options.schema:
        print("\n".join(signatures(options.schema)))
        return 0
    if options.networks:
        return networks(options.only)
    if options.gradients:
        return gradients(options.only)
    if options.versions:
        return versions(options.only)
    failed = False
    for suite in options.suite or SUITES:
        chosen = [c for c in cases(suite) if options.only.lower() in f"{c.operators} {c.name}".lower()]
        outcomes = [run_runtime(case) if options.runtime else run(case, options.jit) for case in chosen]
        print(f"--- {suite}")
        print(table(outcomes))
        failed |= any(outcome.result == FAILED for outcome in outcomes)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
