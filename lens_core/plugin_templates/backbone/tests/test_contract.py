from lens_core.testing import BackboneContract


class TestBackbone(BackboneContract):
    name = "$name"
