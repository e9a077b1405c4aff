from lens_core.testing import TrackerContract


class TestTensorBoard(TrackerContract):
    name = "tensorboard"
