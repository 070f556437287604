#!/bin/bash
# schema.sh - the JSON Schema for editors and the program's own checks agree on every file of tests/topologies.
#
# The unit tests hold the program to `good` and `bad`; here the schema is held to them. A bad file whose fault JSON
# Schema cannot express says `# schema: accepts` in its second line, and then the schema must accept it.
# Usage: schema.sh [SOURCE-DIR]
set -u
top=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
python=/usr/bin/python3
if ! "$python" -c 'import jsonschema, yaml' 2>/dev/null; then
	echo "skip - python3-jsonschema or python3-yaml is not installed"
	exit 0
fi
exec "$python" - "$top" <<'PYTHON'
import glob, json, os, re, sys
import jsonschema, yaml

top = sys.argv[1]


class Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2, as editors read it: yes, no, on, off and 1:30 are text."""
    yaml_implicit_resolvers = {}


for tag, pattern, first in [
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
     list("-+0123456789.")),
    ("merge", r"^<<$", ["<"]),
]:
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), first)


def construct_int(loader, node):
    text = node.value
    return int(text[2:], {"0o": 8, "0x": 16}[text[:2]]) if text[:2] in ("0o", "0x") else int(text)


Loader.add_constructor("tag:yaml.org,2002:int", construct_int)
Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan")))

with open(top + "/data/redis-operator.schema.json") as f:
    schema = json.load(f)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)


def as_json(value, left=None):
    """JSON has no other keys than texts, and no aliases: what they stand for is written out, up to a limit."""
    left = left or [100000]
    left[0] -= 1
    if left[0] < 0:
        raise ValueError("its aliases stand for too much")
    if isinstance(value, dict):
        return {str(key): as_json(item, left) for key, item in value.items()}
    return [as_json(item, left) for item in value] if isinstance(value, list) else value


def complaint(path):
    """None when the schema accepts the file; YAML that cannot be read is not accepted."""
    try:
        with open(path, newline="", encoding="utf-8") as f:
            document = as_json(yaml.load(f, Loader))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as e:
        return "not readable: " + type(e).__name__
    error = next(iter(validator.iter_errors(document)), None)
    return error and "/".join(map(str, error.absolute_path)) + ": " + error.message[:100]


def says_accepts(path):
    with open(path, newline="", encoding="utf-8") as f:
        return "# schema: accepts" in f.read(4000).split("\n")[1]


failures = 0
files = sorted(glob.glob(top + "/tests/topologies/good/*.yaml")) + sorted(glob.glob(top + "/examples/topologies/*.yaml"))
bad = sorted(glob.glob(top + "/tests/topologies/bad/*.yaml"))
for path in files + bad:
    name = os.path.relpath(path, top)
    wanted = path not in bad or says_accepts(path)
    why = complaint(path)
    if wanted == (why is None):
        print("ok - %s %s" % (name, "accepted" if wanted else "refused"))
    else:
        failures += 1
        print("not ok - %s: %s" % (name, why or "the schema accepts it and the program does not"))
if len(files) < 12 or len(bad) < 60:
    failures += 1
    print("not ok - there are only %d good and %d bad files" % (len(files), len(bad)))
sys.exit(1 if failures else 0)
PYTHON
