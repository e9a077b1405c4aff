from lens_core.testing import LossContract


class TestLoss(LossContract):
    name = "$name"
