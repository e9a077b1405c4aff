from lens_core.testing import TrackerContract


class TestTracker(TrackerContract):
    name = "$name"
