"""Every operator takes what the schemas of all its versions say."""

import inspect
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("onnx")

import onnx

import tinygrad_cv.onnx  # noqa: F401  registers them
from tinygrad_cv.onnx.registry import NOT_ATTRIBUTES, OPERATORS, found

TYPES = {
    "FLOAT": {"float"},
    "INT": {"int", "bool", "DType"},
    "STRING": {"str"},
    "TENSOR": {"np.ndarray"},
    "GRAPH": {"Body"},
    "FLOATS": {"Floats"},
    "INTS": {"Integers"},
    "STRINGS": {"Strings"},
    "TYPE_PROTO": {"bytes"},
}
UNSUPPORTED = {  # attributes that must be absent: an error says so
    ("Constant", "sparse_value"),
    ("Constant", "value_string"),
    ("Constant", "value_strings"),
}
HISTORY = {}
for _schema in onnx.defs.get_all_schemas_with_history():
    HISTORY.setdefault((_schema.domain, _schema.name), []).append(_schema)


def schemas():
    """Each schema of a registered operator with the function that takes it. Some are there from a later version on."""
    for key, versions in sorted(OPERATORS.items()):
        for schema in sorted(HISTORY[key], key=lambda schema: schema.since_version):
            version = schema.since_version
            if version >= min(versions) and not schema.deprecated:
                yield pytest.param(schema, found(*key, version), id=f"{schema.name}-{version}")


SCHEMAS = list(schemas())


@pytest.mark.parametrize("schema, operator", SCHEMAS)
def test_attributes_are_those_of_the_schema(schema, operator):
    kinds = {name: kind for name, kind in operator.keywords if name not in NOT_ATTRIBUTES}
    defaults = {p.name for p in inspect.signature(operator.function).parameters.values() if p.default is not p.empty}
    for name, attribute in schema.attributes.items():
        if (schema.name, name) in UNSUPPORTED or name == "consumed_inputs":
            assert name not in kinds
        else:
            assert kinds.get(name) in TYPES[attribute.type.name], name
            assert attribute.required or attribute.default_value.type or name in defaults, name
    for name in kinds:
        made = (operator.name, name) == ("Gradient", "body")
        assert made or name in schema.attributes or name in defaults, (
            f"{name} has no value in version {schema.since_version}"
        )


@pytest.mark.parametrize("schema, operator", SCHEMAS)
def test_inputs_are_those_of_the_schema(schema, operator):
    last = schema.inputs[-1] if schema.inputs else None
    if last is not None and last.option.name == "Variadic":
        assert operator.rest is not None and len(operator.roles) <= len(schema.inputs) - 1
    else:
        assert operator.rest is None and len(operator.roles) >= len(schema.inputs)
    parameters = list(inspect.signature(operator.function).parameters.values())
    for formal, parameter in zip(schema.inputs, parameters, strict=False):
        if formal.option.name == "Optional":
            assert parameter.default is None, formal.name


@pytest.mark.parametrize("key", sorted(OPERATORS))
def test_versions_are_versions_of_the_operator(key):
    """A function begins where a schema does, so that it is clear what it is for; or below, for all older versions."""
    since = {schema.since_version for schema in HISTORY[key]}
    for version in OPERATORS[key]:
        assert version in since, version


def test_the_page_lists_all_operators():
    """By the file that they are in."""
    families = defaultdict(set)
    for versions in OPERATORS.values():
        for operator in versions.values():
            families[operator.function.__module__.rpartition(".")[2]].add(operator.name)
    page = (Path(__file__).parents[2] / "docs/onnx.md").read_text(encoding="utf-8")
    for family, names in families.items():
        assert f"| {family} | {', '.join(sorted(names))} |" in page, f"| {family} | {', '.join(sorted(names))} |"
