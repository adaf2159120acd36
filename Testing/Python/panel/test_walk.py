"""The panel's own test, which a reader can start in 3D Slicer, is taken in the harness."""


def test_every_step_of_the_walk_is_taken(application):
    import LumbarHU

    LumbarHU.LumbarHUTest().runTest()
