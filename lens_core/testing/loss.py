"""The contract of a loss: lens_core.contracts.Loss, and ClassScorer and ClassWeighted for those that can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from lens_core.contracts import ClassScorer
from lens_core.testing.loading import PluginContract

if TYPE_CHECKING:
    import torch

DIM = 16
CLASSES = 4
PER_CLASS = 6
STEPS = 40
_SCORER = ("class_directions", "start_from")


class LossContract(PluginContract):
    """Subclass it, set ``name``, and pytest does the rest."""

    family: ClassVar[str] = "loss"

    def test_it_is_a_torch_module(self) -> None:
        """What it learns is trained and moved with the network.

        If this fails, check that the loss is a torch.nn.Module, and what it learns a torch.nn.Parameter.
        """
        import torch

        assert isinstance(self._made(), torch.nn.Module)

    @pytest.mark.parametrize("scale", [0.01, 1, 100], ids=lambda scale: f"x{scale}")
    def test_it_answers_one_finite_number(self, scale: float) -> None:
        """Embeddings come un-normalised, so they may be short or long.

        If this fails, check that forward returns a scalar (.mean(), not one number per photo), that
        embeddings are normalised where unit vectors are needed, and that nothing divides by zero, overflows
        in exp, or takes the logarithm of 0.
        """
        embeddings, labels = _photos()
        value = self._made()(embeddings * scale, labels)
        assert value.shape == (), f"the loss has shape {tuple(value.shape)}, not that of a scalar"
        assert value.dtype == embeddings.dtype
        assert bool(value.isfinite()), f"the loss is {value.item()}"

    @pytest.mark.parametrize("scale", [0.01, 1, 100], ids=lambda scale: f"x{scale}")
    def test_gradients_reach_the_embeddings(self, scale: float) -> None:
        """Without them the network learns nothing.

        If this fails, check for .detach(), .item(), torch.no_grad() and numpy inside forward, and for acos
        or sqrt at their ends, where the slope is infinite.
        """
        embeddings, labels = _photos()
        leaf = (embeddings * scale).requires_grad_()
        value = self._made()(leaf, labels)
        assert value.requires_grad, "the loss does not depend on the embeddings"
        value.backward()
        assert leaf.grad is not None, "no gradient reaches the embeddings"
        assert bool(leaf.grad.isfinite().all())
        assert bool(leaf.grad.abs().sum() > 0), "the gradient is zero everywhere"

    def test_training_brings_it_down_and_items_apart(self) -> None:
        """On photos that can be told apart.

        If this fails, check the sign of the loss, and that labels are used.
        """
        embed, loss, photos, labels = self._lesson()
        before, apart = float(loss(embed(photos), labels).detach()), _apart(embed(photos), labels)
        _train(embed, loss, photos, labels)
        assert float(loss(embed(photos), labels).detach()) < before
        assert _apart(embed(photos), labels) > apart

    def test_right_labels_cost_less_than_wrong_ones(self) -> None:
        """Well placed embeddings must cost less than the same with labels mixed up.

        If this fails, check the sign of the loss, and that every label meets its own row.
        """
        import torch

        embed, loss, photos, labels = self._lesson()
        if isinstance(loss, ClassScorer):
            embeddings = torch.nn.functional.normalize(_seeded((CLASSES, DIM), 7))[labels]
            loss.start_from(embeddings[:CLASSES])
        else:
            _train(embed, loss, photos, labels)
            embeddings = embed(photos).detach()
        every_second = torch.arange(len(labels)) // CLASSES % 2
        mixed = (labels + every_second) % CLASSES  # half of each item's photos carry another's label
        right, wrong = float(loss(embeddings, labels).detach()), float(loss(embeddings, mixed).detach())
        assert right < wrong

    def test_the_order_of_photos_does_not_matter(self) -> None:
        """Batches are shuffled.

        If this fails, check that labels and embeddings are picked by the same rows, and that nothing depends
        on the position in the batch.
        """
        import torch

        embeddings, labels = _photos()
        loss = self._made()
        expected = loss(embeddings, labels)
        for seed in range(3):
            order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
            found = loss(embeddings[order], labels[order])
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)

    def test_the_same_photos_cost_the_same(self) -> None:
        """Asked twice without learning in between.

        If this fails, check for randomness and for counters or averages kept in forward.
        """
        embeddings, labels = _photos()
        loss = self._made()
        assert float(loss(embeddings, labels).detach()) == pytest.approx(
            float(loss(embeddings, labels).detach()), rel=1e-5
        )

    def test_what_is_passed_in_is_not_changed(self) -> None:
        """Other losses get the same embeddings after this one.

        If this fails, check for operations in place: names that end in _, +=, or writing to a slice.
        """
        import torch

        embeddings, labels = _photos()
        copies = embeddings.clone(), labels.clone()
        self._made()(embeddings, labels)
        assert torch.equal(embeddings, copies[0])
        assert torch.equal(labels, copies[1])

    @pytest.mark.parametrize(
        "labels",
        [[0, 0, 0, 0], [0, 1, 2, 3], [1, 1], [0, 3], [2]],
        ids=["one item", "every photo another item", "two of one item", "two items", "one photo"],
    )
    def test_small_and_one_sided_batches(self, labels: list[int]) -> None:
        """The last batch of a round may be anything.

        If this fails, check what happens without any pair of one item, without any pair of two items, and
        with one photo: the mean of nothing is NaN. Zero that still depends on the embeddings is a good
        answer.
        """
        import torch

        embeddings = _photos()[0][: len(labels)].requires_grad_()
        value = self._made()(embeddings, torch.tensor(labels))
        assert value.shape == ()
        assert bool(value.isfinite()), f"the loss is {value.item()}"
        if value.requires_grad:
            value.backward()
            assert embeddings.grad is None or bool(embeddings.grad.isfinite().all())

    # --- losses in which some classes can count more

    def test_classes_can_count_more_than_others(self) -> None:
        """Weights of 1 change nothing; photos of a class with weight 0 move no more. For losses with weigh.

        If this fails, check that weigh keeps the weights, that each photo's loss is multiplied by that of its
        own label, and that the sum is still divided by the number of photos.
        """
        import torch

        loss = self._made()
        if not hasattr(loss, "weigh"):
            return
        embeddings, labels = _photos()
        usual = loss(embeddings, labels).detach()
        loss.weigh(torch.ones(CLASSES))
        torch.testing.assert_close(loss(embeddings, labels).detach(), usual, rtol=1e-4, atol=1e-5)
        only_first = torch.zeros(CLASSES)
        only_first[0] = CLASSES
        loss.weigh(only_first)
        leaf = embeddings.clone().requires_grad_()
        loss(leaf, labels).backward()
        assert leaf.grad is not None
        moved = leaf.grad.abs().sum(dim=1) > 0
        assert moved.tolist() == (labels == 0).tolist(), "other photos count than those of the class"

    # --- losses that learn one direction per class

    def test_a_loss_that_names_classes_does_so_fully(self) -> None:
        """class_directions and start_from come together.

        If this fails, check both against contracts.ClassScorer: add the missing one, or remove the other.
        """
        has = [name for name in _SCORER if hasattr(self._made(), name)]
        assert has in ([], list(_SCORER)), f"it has only {has}"

    def test_class_directions_are_unit_vectors_one_per_class(self) -> None:
        """float32[C, D], L2-normalised. For losses with class_directions.

        If this fails, check that class_directions normalises the learned weights, transposes them if they
        are [D, C], and merges several centres of a class into one.
        """
        import torch

        loss = self._made()
        if not isinstance(loss, ClassScorer):
            return
        directions = loss.class_directions()
        assert directions.shape == (CLASSES, DIM)
        assert directions.dtype == torch.float32
        torch.testing.assert_close(directions.norm(dim=1), torch.ones(CLASSES), rtol=0, atol=1e-4)

    def test_start_from_sets_the_class_directions(self) -> None:
        """Training begins at the mean of each class's photos. For losses with class_directions.

        If this fails, check that start_from copies the directions into the learned weights (under
        torch.no_grad(), without keeping or changing the tensor that was given), whatever their length.
        """
        import torch

        loss, wanted = self._made(), torch.nn.functional.normalize(_seeded((CLASSES, DIM), 5))
        if not isinstance(loss, ClassScorer):
            return
        for scale in (1.0, 3.0):
            given = wanted * scale
            loss.start_from(given)
            assert torch.equal(given, wanted * scale)
            assert float((loss.class_directions().detach() * wanted).sum(dim=1).min()) > 0.95

    def test_class_directions_are_learned(self) -> None:
        """After training, a photo's embedding is nearest to its own class. For losses with class_directions.

        If this fails, check that the weights behind class_directions are torch.nn.Parameter, that classes
        are in the order of labels, and that they are the weights that forward uses.
        """
        import torch

        embed, loss, photos, labels = self._lesson()
        if not isinstance(loss, ClassScorer):
            return
        before = loss.class_directions().detach().clone()
        _train(embed, loss, photos, labels)
        after = loss.class_directions().detach()
        assert not torch.equal(before, after), "training does not move class_directions"
        named = (torch.nn.functional.normalize(embed(photos)) @ after.T).argmax(dim=1)
        assert float((named == labels).float().mean()) > 0.9

    # --- helpers

    def product(self) -> Any:
        return self.once("product", self._made)

    def _made(self) -> Any:
        """A new loss; the same one every time."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.make(embedding_dim=DIM, class_count=CLASSES)

    def _lesson(self) -> tuple[torch.nn.Module, Any, torch.Tensor, torch.Tensor]:
        """An embedding to be trained, the loss, and photos' features that a linear map can tell apart."""
        import torch

        photos, labels = _photos(spread=2.0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            return torch.nn.Linear(DIM, DIM), self._made(), photos, labels


def _photos(spread: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """(float32[N, D], int64[N]): groups around one centre per class, in mixed order."""
    import torch

    labels = torch.arange(CLASSES * PER_CLASS) % CLASSES
    return 2 * _seeded((CLASSES, DIM), 7)[labels] + spread * _seeded((len(labels), DIM), 8), labels


def _seeded(shape: tuple[int, int], seed: int) -> torch.Tensor:
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _train(embed: torch.nn.Module, loss: Any, photos: torch.Tensor, labels: torch.Tensor) -> None:
    import torch

    optimizer = torch.optim.AdamW([*embed.parameters(), *loss.parameters()], lr=0.02)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(embed(photos), labels).backward()
        optimizer.step()


def _apart(embeddings: torch.Tensor, labels: torch.Tensor) -> float:
    """Mean cosine of two photos of one item, less that of two photos of different items."""
    import torch

    units = torch.nn.functional.normalize(embeddings.detach())
    cosines, same = units @ units.T, labels[:, None] == labels
    return float(cosines[same].mean() - cosines[~same].mean())
