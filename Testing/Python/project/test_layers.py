"""Dependencies point one way; the imports say so."""

import ast
import sys
from pathlib import Path

import pytest

# Each layer may import itself and those before it; headless is at the end but imports neither panel nor self_test.
LAYERS = (
    "core",
    "placement",
    "phantom",
    "cohort",
    "files",
    "images",
    "audit",
    "cohort_files",
    "follow_up",
    "mrml",
    "api",
    "panel",
    "self_test",
    "headless",
)
MAY_NOT_MEET = {"headless": {"panel", "self_test"}}

# core/ in the order in which a measurement flows: a file imports only files listed before it.
CORE_FLOW = (
    "errors",
    "levels",
    "findings",
    "closed_spline",
    "outline.curve",
    "outline.shape",
    "outline.learned_shape",
    "regions.definition",
    "value_group",
    "protocol_values",
    "protocol",
    "outline.model",
    "cutoffs",
    "scan_facts",
    "ct_volume",
    "calibration_phantom",
    "calibration_line",
    "calibration",
    "pooled_calibration",
    "density_change",
    "rod_regions",
    "axial_stack",
    "endplate_fit",
    "own_endplates",
    "endplates",
    "posterior_arch",
    "body_height",
    "plane_image",
    "landmarks",
    "frame",
    "polygons",
    "outline.profiles",
    "outline.path",
    "outline.refine",
    "outline.search",
    "outline.fit",
    "outline.outline",
    "outline.behind_wall",
    "outline.level",
    "boundary",
    "inner_outline",
    "circle",
    "oval",
    "roi_shapes",
    "results",
    "summary_columns",
    "label_maps",
    "not_scanned",
    "quantities",
    "regions.given_mask",
    "regions.body",
    "regions.plane_shapes",
    "regions.mask_shapes",
    "regions.drawing",
    "checks.level",
    "checks.outline",
    "checks.acquisition",
    "checks.calibration",
    "densities",
    "classification",
    "sensitivity",
    "regions.trials",
    "checks.neighbors",
    "checks.place",
    "checks.surroundings",
    "checks.reading",
    "patient",
    "pipeline",
)

NUMERICS = {"numpy", "scipy"}
SCENE = NUMERICS | {"vtk", "vtkmodules", "slicer", "SimpleITK"}
# What a layer may import in addition to the standard library: at file scope, and inside functions as well.
AT_FILE_SCOPE = {
    "core": NUMERICS,
    "placement": NUMERICS,
    "phantom": NUMERICS,
    "cohort": NUMERICS,
    "files": NUMERICS,
    "images": NUMERICS,
    "audit": NUMERICS,
    "cohort_files": NUMERICS,
    "follow_up": NUMERICS,
    "mrml": SCENE,
    "api": NUMERICS,
    "panel": SCENE | {"qt", "ctk"},
    "self_test": SCENE | {"qt", "ctk"},
    "headless": SCENE,
}
INSIDE_FUNCTIONS = {
    "core": NUMERICS,
    "placement": NUMERICS,
    "phantom": NUMERICS,
    # Outcomes in the course of time; where lifelines is not installed, as in Slicer, they are left out by name. Data
    # frames, where a user asks for one.
    "cohort": NUMERICS | {"lifelines", "pandas"},
    "files": NUMERICS,
    "images": NUMERICS | {"SimpleITK", "pydicom"},
    "audit": NUMERICS | {"SimpleITK", "pydicom", "highdicom"},
    "cohort_files": NUMERICS | {"matplotlib"},
    "follow_up": NUMERICS | {"matplotlib"},
    "mrml": SCENE,
    "api": NUMERICS,
    "panel": SCENE | {"qt", "ctk"},
    "self_test": SCENE | {"qt", "ctk"},
    "headless": SCENE | {"pydicom", "distributed"},
}
# Names that exist in the application only.
APPLICATION_ONLY = {"app", "mrmlScene", "modules"}


def library_files(tracked_files, library: Path) -> dict[tuple[str, ...], ast.Module]:
    """Return module path below LumbarHULib, such as ("core", "frame") → syntax tree."""
    return {
        path.relative_to(library).with_suffix("").parts: ast.parse(path.read_text(encoding="utf-8"), str(path))
        for path in tracked_files
        if path.suffix == ".py" and library in path.parents
    }


@pytest.fixture(scope="module")
def trees(tracked_files, repository):
    return library_files(tracked_files, repository / "LumbarHU" / "LumbarHULib")


def imported_names(node: ast.AST) -> list[str]:
    """Return the dotted names in an import statement, a.b for `from a import b`; in any other statement none."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["." * node.level + f"{node.module or ''}.{alias.name}" for alias in node.names]
    return []


def all_imports(tree: ast.AST) -> list[str]:
    return [name for node in ast.walk(tree) for name in imported_names(node)]


def imports_of_the_house(tree: ast.AST) -> list[tuple[str, ...]]:
    """Return, for each import from a layer, its parts after LumbarHULib, such as ("core", "frame", "Frame")."""
    names = [name.split(".") for name in all_imports(tree)]
    return [tuple(parts[1:]) for parts in names if parts[0] == "LumbarHULib" and set(parts[1:2]) & set(LAYERS)]


def packages_imported(names: list[str]) -> set[str]:
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"LumbarHULib"}


def imports_at_file_scope(tree: ast.Module) -> list[str]:
    """Return the imports that run when the file is imported; those under `if TYPE_CHECKING` do not."""
    names, waiting = [], list(tree.body)
    while waiting:
        node = waiting.pop()
        names += imported_names(node)
        is_for_types_only = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        if not is_for_types_only and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return names


def test_every_folder_of_the_library_is_a_layer(trees):
    assert {module[0] for module in trees if len(module) > 1} <= set(LAYERS)


def test_a_layer_imports_only_itself_and_the_layers_before_it(trees):
    wrong = [
        f"{'/'.join(module)} imports {'.'.join(name)}"
        for module, tree in trees.items()
        if len(module) > 1
        for name in imports_of_the_house(tree)
        if LAYERS.index(name[0]) > LAYERS.index(module[0]) or name[0] in MAY_NOT_MEET.get(module[0], ())
    ]
    assert wrong == []


def test_every_file_of_the_core_has_a_position_in_the_flow(trees):
    files = [".".join(module[1:]) for module in trees if module[0] == "core" and module[-1] != "__init__"]
    assert sorted(files) == sorted(CORE_FLOW)


def test_a_file_of_the_core_imports_only_files_listed_before_it(trees):
    wrong = []
    for module, tree in trees.items():
        if module[0] == "core" and module[-1] != "__init__":
            place = CORE_FLOW.index(".".join(module[1:]))
            imported = {".".join(name[1:end]) for name in imports_of_the_house(tree) for end in range(1, len(name) + 1)}
            wrong += [f"{CORE_FLOW[place]} imports {name}" for name in imported & set(CORE_FLOW[place:])]
    assert wrong == []


def test_imports_are_absolute(trees):
    wrong = [
        f"{'/'.join(module)}: {name}" for module, tree in trees.items() for name in all_imports(tree) if name[0] == "."
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_its_permitted_packages(trees, layer):
    wrong = []
    for module, tree in trees.items():
        if module[0] == layer:
            at_file_scope = packages_imported(imports_at_file_scope(tree)) - AT_FILE_SCOPE[layer]
            anywhere = packages_imported(all_imports(tree)) - INSIDE_FUNCTIONS[layer]
            wrong += [f"{'/'.join(module)}: {package}" for package in sorted(at_file_scope | anywhere)]
    assert wrong == []


def test_only_the_panel_sees_the_application(trees):
    wrong = [
        f"{'/'.join(module)}:{node.lineno} uses slicer.{node.attr}"
        for module, tree in trees.items()
        if module[0] not in {"panel", "self_test"}
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in APPLICATION_ONLY
        if isinstance(node.value, ast.Name) and node.value.id == "slicer"
    ]
    assert wrong == []


def test_importing_a_file_runs_nothing(trees):
    def is_quiet(statement: ast.stmt) -> bool:
        if isinstance(statement, ast.If):
            return ast.unparse(statement.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"}
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        return is_docstring or isinstance(
            statement,
            (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef),
        )

    wrong = [
        f"{'/'.join(module)}:{statement.lineno}"
        for module, tree in trees.items()
        for statement in tree.body
        if not is_quiet(statement)
    ]
    assert wrong == []


def test_the_library_installs_nothing(trees):
    wrong = [
        f"{'/'.join(module)}:{node.lineno}"
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and node.value in {"pip", "ensurepip"})
        or (isinstance(node, ast.Attribute) and node.attr.startswith("pip_"))
    ]
    assert wrong == []
