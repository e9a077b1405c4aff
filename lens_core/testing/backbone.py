"""The contract of a backbone: lens_core.contracts.Backbone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from lens_core.contracts import BackboneOptions, Layered, Preprocess
from lens_core.errors import BadSettingError
from lens_core.testing.loading import PluginContract

if TYPE_CHECKING:
    import torch


class BackboneContract(PluginContract):
    """Subclass it, set ``name``, and pytest does the rest. The bare architecture is asked: no downloads.

    Name a small network if there are several (``timm:test_resnet``), or set ``options = {"img_size": 64}``.
    """

    family: ClassVar[str] = "backbone"
    tolerance: ClassVar[float] = 1e-4
    """How far features that should be equal may differ, relative to the largest of them."""

    def test_it_is_a_torch_module(self) -> None:
        """It is trained, saved and exported as a part of the network.

        If this fails, check that make_backbone returns a torch.nn.Module.
        """
        import torch

        assert isinstance(self.product(), torch.nn.Module)

    def test_its_layers_are_told_in_order(self) -> None:
        """Each parameter in one layer, from the photo to the features. For backbones with layers.

        If this fails, check that every name of named_parameters() is there once, and that the layer that sees
        the photo comes first.
        """
        backbone = self.product()
        if not isinstance(backbone, Layered):
            return
        layers = backbone.layers()
        told = [name for layer in layers for name in layer]
        there = [name for name, _ in backbone.named_parameters()]  # type: ignore[attr-defined]
        assert sorted(told) == sorted(there)
        assert all(layers), "a layer is empty"
        assert there[0] in layers[0], f"'{there[0]}' is not in the first layer"

    def test_its_options_are_those_of_every_backbone(self) -> None:
        """ai-lens passes pretrained, weights and img_size.

        If this fails, check that options_type returns BackboneOptions or a class that extends it.
        """
        assert issubclass(self.driver().options_type(self.name), BackboneOptions)

    def test_it_says_how_photos_are_prepared(self) -> None:
        """A lens_core.contracts.Preprocess.

        If this fails, check that preprocess is a Preprocess whose mean and std are three numbers each, for
        values 0..1, with std above 0.
        """
        preprocess = self.product().preprocess
        assert isinstance(preprocess, Preprocess)
        assert len(preprocess.mean) == len(preprocess.std) == 3
        assert all(0 <= mean <= 1 for mean in preprocess.mean)
        assert all(0 < std <= 1 for std in preprocess.std)

    def test_it_names_itself_and_the_licence_of_its_weights(self) -> None:
        """Both are recorded with every model.

        If this fails, check that full_name and licence are text; licence is 'unknown' where nobody says.
        """
        backbone = self.product()
        for value in (backbone.full_name, backbone.licence):
            assert isinstance(value, str)
            assert value.strip()

    @pytest.mark.parametrize("count", [1, 3])
    def test_features_have_the_promised_shape_and_type(self, count: int) -> None:
        """float32[N, dim], finite.

        If this fails, check that dim is the number of features (an int), and that maps are pooled and
        flattened.
        """
        import torch

        backbone = self.product()
        features = _see(backbone, self._photos(count))
        assert isinstance(backbone.dim, int)
        assert features.shape == (count, backbone.dim)
        assert features.dtype == torch.float32
        assert bool(features.isfinite().all())

    def test_different_photos_get_different_features(self) -> None:
        """A network that sees the same in everything knows nothing.

        If this fails, check that features depend on the photo.
        """
        features = _see(self.product(), self._photos(3))
        assert not bool((features[0] == features[1]).all())

    def test_a_photo_gets_the_same_features_alone_and_in_a_batch(self) -> None:
        """In evaluation mode nobody's answer depends on who else asks.

        If this fails, check for statistics over the batch in forward; BatchNorm must be a torch module, so
        that eval() reaches it.
        """
        import torch

        backbone, photos = self.product(), self._photos(3)
        alone = torch.cat([_see(backbone, photo[None]) for photo in photos])
        self._assert_same(alone, _see(backbone, photos))

    def test_the_same_photo_gets_the_same_features(self) -> None:
        """In evaluation mode, asked twice.

        If this fails, check for Dropout or noise that does not heed self.training.
        """
        backbone, photos = self.product(), self._photos(2)
        self._assert_same(_see(backbone, photos), _see(backbone, photos))

    def test_photos_are_not_changed(self) -> None:
        """Features are cached by the photo's content.

        If this fails, check for operations in place (names that end in _, +=) on the input.
        """
        import torch

        photos = self._photos(2)
        before = photos.clone()
        _see(self.product(), photos)
        assert torch.equal(photos, before)

    def test_it_can_be_trained(self) -> None:
        """Gradients reach its weights, where it has any.

        If this fails, check for torch.no_grad() and .detach() in forward, and for weights without
        requires_grad.
        """
        backbone = self._made().train()
        weights = list(backbone.parameters())
        if not weights:
            return
        _, photos = backbone.zero_grad(), self._photos(4)
        backbone(photos).square().sum().backward()
        moved = [
            weight for weight in weights if weight.grad is not None and bool(weight.grad.abs().sum() > 0)
        ]
        assert moved, "no gradient reaches any weight"

    def test_a_checkpoint_fills_the_bare_architecture(self) -> None:
        """A model is opened by building the bare backbone and loading the trained weights into it.

        If this fails, check that everything forward uses is a parameter or a persistent buffer, and that no
        two names in state_dict share one tensor: safetensors keeps no shared ones.
        """
        import safetensors.torch
        import torch

        trained, bare, photos = self._made(seed=1), self._made(seed=2), self._photos(2)
        stored = safetensors.torch.save(
            {name: value.contiguous() for name, value in trained.state_dict().items()}
        )
        torch.nn.Module.load_state_dict(bare, safetensors.torch.load(stored))
        self._assert_same(_see(bare, photos), _see(trained, photos))

    def test_another_size_of_photos(self) -> None:
        """--img-size is heeded, or refused with BadSettingError (E600).

        If this fails, check that preprocess.size is options.img_size where that is given, and that the
        features keep their number at that size.
        """
        try:
            backbone = self._made(img_size=96)
        except BadSettingError:
            return
        assert backbone.preprocess.size == 96
        assert _see(backbone, self._photos(2, size=96)).shape == (2, backbone.dim)

    def test_the_bare_architecture_needs_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With pretrained: false nothing is downloaded.

        If this fails, check that options.pretrained and options.weights are asked before anything is
        fetched.
        """
        import socket

        def refuse(*_: object) -> None:
            raise AssertionError("it wants to use the network although pretrained is false")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        self._made()

    # --- helpers

    def product(self) -> Any:
        return self.once("product", self._made)

    def _made(self, seed: int = 0, **more: Any) -> Any:
        """The bare architecture with random weights, the same for the same seed, in evaluation mode."""
        import torch

        driver = self.driver()
        given = {"pretrained": False, **self.options, **more}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            options = driver.options(given, self.name)
            made = driver.make("make_backbone", name=self.name, options=options)
        return made.eval()

    def _photos(self, count: int, size: int | None = None) -> torch.Tensor:
        """Normalised photos float32[count, 3, S, S]."""
        import torch

        size = size or self.product().preprocess.size
        return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(size))

    def _assert_same(self, found: torch.Tensor, expected: torch.Tensor) -> None:
        import torch

        atol = self.tolerance * float(expected.abs().max())
        torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def _see(backbone: Any, photos: torch.Tensor) -> torch.Tensor:
    """Features, in evaluation mode."""
    import torch

    with torch.no_grad():
        features: torch.Tensor = backbone.eval()(photos)
    return features
