"""3D Slicer's application for tests: real MRML, real Qt, real slice views, and PythonQt's rules between them."""
