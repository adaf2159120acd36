"""What VTK complains of fails a test of the panel, although it raises nothing."""

import vtk
from panel.conftest import told_by_vtk


def test_errors_and_warnings_of_vtk_are_heard():
    told = told_by_vtk()
    vtk.vtkXMLPolyDataReader().Update()  # of no file
    assert "vtkXMLPolyDataReader" in told[0]
    vtk.vtkOutputWindow.GetInstance().DisplayWarningText("take care")
    assert told[-1] == "take care"
