"""The layout is the data flow: imports go down the list in docs/architecture.md only, and there are no cycles."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import netwright

ROOT = Path(netwright.__file__).parent

DOCUMENT = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text()
LAYERS = tuple(tuple(re.split(r"  +", line)[0].split()) for line in DOCUMENT.split("```")[1].strip().splitlines())
"""From the top to the bottom, as the document says; units of one line do not import each other."""

HEIGHT = {unit: -place for place, units in enumerate(LAYERS) for unit in units}
LAZY = {
    ("netwright/build/bags.py", "scipy"),  # only who trains bags of n-grams on a processor waits for it
    ("netwright/build/source/parts/images.py", "PIL"),  # who gives arrays does without, and so of sounds
    ("netwright/build/source/parts/sounds.py", "soundfile"),
    ("netwright/cli/answering.py", "answers"),  # a command that fits nothing must not wait for PyTorch
    ("netwright/cli/answering.py", "evaluation"),
    ("netwright/cli/answering.py", "report"),
    ("netwright/cli/answering.py", "serve"),  # FastAPI and uvicorn, which nothing else needs
    ("netwright/cli/exporting.py", "export"),
    ("netwright/cli/looking.py", "cli"),
    ("netwright/cli/looking.py", "report"),
    ("netwright/cli/options.py", "model"),
    ("netwright/cli/training.py", "api"),
    ("netwright/cli/training.py", "cli"),
    ("netwright/cli/training.py", "report"),
    ("netwright/estimators/estimator.py", "api"),  # one that was fitted before predicts without PyTorch
    ("netwright/export/companion/predict.py", "bert_words"),
    ("netwright/export/companion/predict.py", "images"),  # only who has images needs Pillow, and so on
    ("netwright/export/companion/predict.py", "sounds"),
    ("netwright/export/companion/predict.py", "texts"),
    ("netwright/export/companion/predict.py", "tokens"),
    ("netwright/export/forms.py", "export"),  # who wants one form need not have the packages of all
    ("netwright/inference/feed.py", "data"),  # soundfile, as below
    ("netwright/model.py", "inference"),  # a model is loaded and shown without ONNX Runtime
    ("netwright/model.py", "train"),  # and without PyTorch
    ("netwright/train/frameworks.py", "train"),  # a run loads the framework that trains, and no other
    ("netwright/search/tpe.py", "search"),  # a search without a model must not wait for Optuna
    ("netwright/pretrained/hub.py", "huggingface_hub"),  # only who asks for it needs it
    ("netwright/team/cluster_worker.py", "ray"),  # a worker that is no actor has none
    ("netwright/team/staff.py", "team"),  # Ray, which only who names a cluster needs
    ("netwright/pretrained/trunks.py", "inference"),  # nor without ONNX Runtime
    ("netwright/pretrained/trunks.py", "train"),  # a model is loaded and shown without PyTorch
    ("netwright/pretrained/trunks.py", "build"),
    ("netwright/pretrained/trunks.py", "data"),  # tokenizers, which other models do without
    ("netwright/tasks/audio.py", "data"),  # soundfile and Pillow, as below
    ("netwright/tasks/image.py", "data"),  # Pillow, which models for tables do without
    ("netwright/data/large.py", "data"),  # pyarrow: half a second that a CSV reader need not pay
    ("netwright/data/reading.py", "data"),  # the same, and openpyxl
}
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax"}
FRAMEWORK_HOMES = ("build", "train", "testing")


def files() -> list[Path]:
    """Return every source file but the package's own first one, which names what it lends lazily."""
    return sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def unit_of(path: Path) -> str:
    """Return the top folder or file of the package that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> list[tuple[str, ...]]:
    """Return the imported modules, as parts of their dotted names."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [tuple(alias.name.split(".")) for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            base = tuple((node.module or "").split("."))
            found += [(*base, alias.name) for alias in node.names]
    return found


def type_checking_removed(tree: ast.Module) -> ast.Module:
    """Return the module without the imports that only the type checker sees."""
    body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))]
    return ast.Module(body, [])


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    """A unit imports units below it, and itself."""
    unit = unit_of(path)
    for name in imports(type_checking_removed(ast.parse(path.read_text()))):
        if name[0] == "netwright" and len(name) > 1 and name[1] in HEIGHT and name[1] != unit:
            assert HEIGHT[name[1]] < HEIGHT[unit], f"{unit} imports {name[1]}, which is not below it"
        if name[0] in FRAMEWORKS:
            assert unit in FRAMEWORK_HOMES or path.name in ("run.py",), f"{unit} imports {name[0]}"


def test_every_unit_has_a_place() -> None:
    """A new folder or file has to say in the document where it belongs, once."""
    assert len(HEIGHT) == sum(map(len, LAYERS))
    assert {unit_of(path) for path in files()} == set(HEIGHT)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_imported_by_a_name_made_up_at_run_time(path: Path) -> None:
    """Such an import could go anywhere."""
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not {"__import__", "exec", "eval"} & set(calls)
    assert not [call for call in calls if call.endswith("import_module")]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_hides_in_a_function(path: Path) -> None:
    """Imports stand at the top, but for those that have a reason here."""
    tree = ast.parse(path.read_text())
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for name in imports(ast.Module(function.body, [])):
            unit = name[1] if name[0] == "netwright" and len(name) > 1 else name[0]
            assert (str(path.relative_to(ROOT.parent)), unit) in LAZY, f"{function.name} imports {'.'.join(name)}"


def test_no_unit_takes_part_in_a_cycle_of_files() -> None:
    """Files within a unit import each other in one direction too."""
    modules = {"netwright." + ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files()}
    edges: dict[str, set[str]] = {}
    for module, path in modules.items():
        names = {".".join(name) for name in imports(type_checking_removed(ast.parse(path.read_text())))}
        names |= {name.rpartition(".")[0] for name in names}
        edges[module] = (names & set(modules)) - {module}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"a cycle: {' → '.join((*path, module))}"
        if module not in done:
            for other in edges[module]:
                visit(other, (*path, module))
            done.add(module)

    for module in modules:
        visit(module, ())


@pytest.mark.parametrize("unit", ["tasks"])
def test_a_task_knows_neither_search_nor_trainer(unit: str) -> None:
    """A task imports data, spec and metrics, and what lies below them."""
    allowed = {"data", "spec", "metrics", "errors", "result", "tasks"}
    for path in (ROOT / unit).glob("*.py"):
        used = {name[1] for name in imports(ast.parse(path.read_text())) if name[0] == "netwright" and len(name) > 1}
        assert used <= allowed, f"{path.name} imports {used - allowed}"
