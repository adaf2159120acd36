"""The types of nodes are written by hand: each method is one of Slicer's own class, with as many arguments."""

import inspect
import re

import pytest
import slicer
import vtk

from LumbarHULib.mrml import node_types

TYPED = [
    one
    for _name, one in inspect.getmembers(node_types, inspect.isclass)
    if one.__module__ == node_types.__name__ and getattr(one, "_is_protocol", False)
]
METHODS = [(one, name) for one in TYPED for name in vars(one) if not name.startswith("_")]
# VTK documents each overload: “SetName(self, name:str) -> None”; a comma in parentheses or brackets is of a type.
SIGNATURE = r"\b{name}\(self(.*?)\) (?:-> |C\+\+: )"
OF_A_TYPE = re.compile(r"[(\[][^()\[\]]*[)\]]")


def theirs_of(typed):
    (name,) = re.findall(r", (vtk\w+)\.$", typed.__doc__.splitlines()[0])
    return getattr(slicer, name, None) or getattr(vtk, name)


def counts_of(method, name):
    """Return with how many arguments the method can be called."""
    counts = set()
    for text in re.findall(SIGNATURE.format(name=name), " ".join(method.__doc__.split())):
        while OF_A_TYPE.search(text):
            text = OF_A_TYPE.sub("", text)
        parameters = [part for part in text.split(",") if part.strip()]
        counts |= set(range(sum("=" not in part for part in parameters), len(parameters) + 1))
    return counts


def test_every_class_names_slicers_own():
    assert len(TYPED) > 10
    assert [one.__name__ for one in TYPED if not issubclass(theirs_of(one), vtk.vtkObject)] == []


@pytest.mark.parametrize(("typed", "name"), METHODS, ids=lambda value: getattr(value, "__name__", value))
def test_each_method_is_slicers_and_takes_as_many_arguments(typed, name):
    parameters = list(inspect.signature(getattr(typed, name)).parameters.values())[1:]
    least = sum(one.default is inspect.Parameter.empty for one in parameters)
    method = getattr(theirs_of(typed), name)
    assert counts_of(method, name) & set(range(least, len(parameters) + 1)), method.__doc__
