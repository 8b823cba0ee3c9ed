"""Finds what one forgot when adding a model, a format or a layout. Reads the sources as text: it imports none of them."""
import ast
import json
import re
from pathlib import Path

# Files of models/ that hold no models.
HELPERS = {"models.cc", "cast_floating_point.cc", "example_input.cc", "__init__.py", "package.py"}


def faults_of_models(root):
    """Returns a sentence for each line that is absent from models/models.def or models/__init__.py, and each absent file."""
    folder = Path(root) / "models"
    in_cpp = re.findall(r"^LOADPATH_MODELS\((\w+), (\w+)\)$", (folder / "models.def").read_text(), re.MULTILINE)
    in_python = _files_of_python(folder / "__init__.py")
    faults = []
    for file, function in in_cpp:
        source = folder / f"{file}.cc"
        if not source.exists():
            faults.append(f"models/models.def lists {file}, and there is no models/{file}.cc")
        elif f"std::vector<Model> {function}()" not in source.read_text():
            faults.append(f"models/models.def lists {function}, and models/{file}.cc does not define it")
        if file not in in_python:
            faults.append(f'models/__init__.py lacks the line "{file}": (…) in FILES, which models/models.def has')
    for file in in_python:
        if not (folder / f"{file}.py").exists():
            faults.append(f"models/__init__.py lists {file}, and there is no models/{file}.py")
        if file not in dict(in_cpp):
            faults.append(f"models/models.def lacks the line LOADPATH_MODELS({file}, …), which models/__init__.py has")
    known = {f"{file}.cc" for file, _ in in_cpp} | {f"{file}.py" for file in in_python} | HELPERS
    for path in sorted([*folder.glob("*.cc"), *folder.glob("*.py")]):
        if path.name not in known:
            table = "models/models.def" if path.suffix == ".cc" else "models/__init__.py"
            faults.append(f"models/{path.name} is not in {table}: add its line")
    return faults


def faults_of_reference_files(root):
    """Returns a sentence for each format and layout whose Python function is absent, or that no line lists."""
    source = "harness/golden/reference_files.json"
    table = json.loads((Path(root) / source).read_text())
    layouts = [*table["layouts"], *(shared["layout"] for shared in table["shared"])]
    faults = [f'{source}: the format {row["name"]} has the layout {layout}, which "layouts" and "shared" lack'
              for row in table["formats"] for layout in row["layouts"] if layout not in layouts]
    for file, prefix, wanted in (("formats.py", "write_", [row["name"] for row in table["formats"]]),
                                 ("layouts.py", "layout_", list(table["layouts"]))):
        path = f"scripts/loadpath/reference/{file}"
        functions = _functions_of(Path(root) / path)
        faults += [f"{path} lacks the function {prefix}{name}: {source} lists {name}"
                   for name in wanted if prefix + name not in functions]
        faults += [f"{source} lacks a line for {name.removeprefix(prefix)}: {path} has the function {name}"
                   for name in functions if name.startswith(prefix) and name.removeprefix(prefix) not in wanted]
    return faults


def _functions_of(path):
    return [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]


def _files_of_python(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "FILES":
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} has no FILES")
