"""``python -m tests.onnx``: how many cases of onnx.backend.test pass, by operator, and why others do not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import onnx

from .campaign import FAILED, run, table
from .cases import SUITES, cases


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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.onnx", description=__doc__)
    parser.add_argument("--suite", choices=SUITES, action="append", help="all, if none is given")
    parser.add_argument("--only", default="", help="cases whose operators or name contain this")
    parser.add_argument("--jit", action="store_true", help="compiled, not eagerly")
    parser.add_argument("--schema", metavar="NAME", help="print the signature of each version of an operator")
    options = parser.parse_args()
    if options.schema:
        print("\n".join(signatures(options.schema)))
        return 0
    failed = False
    for suite in options.suite or SUITES:
        chosen = [c for c in cases(suite) if options.only.lower() in f"{c.operators} {c.name}".lower()]
        outcomes = [run(case, options.jit) for case in chosen]
        print(f"--- {suite}")
        print(table(outcomes))
        failed |= any(outcome.result == FAILED for outcome in outcomes)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
