"""What VTK complains of fails a test of the panel, although it raises nothing."""

import vtk
from panel.conftest import vtk_messages


def test_errors_and_warnings_of_vtk_are_heard():
    reported = vtk_messages()
    vtk.vtkXMLPolyDataReader().Update()  # of no file
    assert "vtkXMLPolyDataReader" in reported[0]
    vtk.vtkOutputWindow.GetInstance().DisplayWarningText("take care")
    assert reported[-1] == "take care"
