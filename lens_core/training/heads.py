"""The two heads on a backbone's features: an embedding, and a direction in it for each class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from attrs import frozen
from torch import nn

from lens_core import plugins
from lens_core.artifacts.gallery import normalise
from lens_core.blame import blaming
from lens_core.contracts import ClassScorer, ClassWeighted, Floats, Loss
from lens_core.errors import BadSettingError, BrokenPluginError
from lens_core.settings import Settings, loss_terms
from lens_core.training.sampling import class_weights, shown
from lens_core.training.split import Labels

EPOCHS = 30
VIEW_SHARE = 0.7
"""How often a changed view stands in for the photo itself."""
HEAD_LR_FACTOR = 10
EMBED_LR_SHARE = 1 / 3
"""The embedding starts from whitening, which is good already; it moves less than the class directions."""
WHITENING_SHRINKAGE = 1.0


@frozen(eq=False)
class Heads:
    """Trained heads. Everything is float32."""

    weight: Floats
    """[D, F]."""
    bias: Floats
    """[D]."""
    directions: Floats
    """[C, D], L2-normalised."""

    def embed(self, features: Floats) -> Floats:
        """float32[N, F] -> L2-normalised float32[N, D]."""
        return normalise(features @ self.weight.T + self.bias)


def whitening(features: torch.Tensor, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(weight [dim, F], bias [dim]): shrunk PCA whitening of features float32[N, F].

    Directions in which all exhibits vary together count less, so distances tell exhibits apart; directions
    beyond the rank of the data stay at zero.
    """
    mean = features.mean(dim=0)
    if bool((features == features[0]).all()):
        mean = torch.zeros_like(mean)  # one photo, or copies of it: centred, nothing would be left
    _, singular, axes = torch.linalg.svd(features - mean, full_matrices=False)
    variance = singular**2 / len(features)
    shrunk = variance + WHITENING_SHRINKAGE * variance.sum() / features.shape[1]
    weight = features.new_zeros(dim, features.shape[1])
    kept = min(dim, len(axes))
    weight[:kept] = axes[:kept] / shrunk[:kept, None].sqrt()
    return weight, -weight @ mean


@contextmanager
def one_thread() -> Iterator[None]:
    """Matrices this small are fastest on one core: beside another busy process, two were 25 times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def fit_heads(features: Floats, labels: Labels, settings: Settings, seed: int) -> Heads:
    """Train both heads on cached features float32[N, 1 + V, F] of classes 0..C-1; seconds on a CPU."""
    torch.manual_seed(seed)
    rows, targets = torch.from_numpy(features), torch.from_numpy(labels)
    embed = nn.Linear(rows.shape[2], settings.embedding_dim)
    objective = Objective(settings, int(labels.max()) + 1)
    start_from(rows[:, 0], targets, embed, objective)
    if settings.balance == "weights":
        objective.weigh(class_weights(targets, int(labels.max()) + 1))
    _descend(embed, objective, rows, targets, settings)
    with torch.no_grad():
        directions = objective.class_directions(embed(rows[:, 0]), targets)
    return Heads(embed.weight.detach().numpy(), embed.bias.detach().numpy(), directions.numpy())


def start_from(features: torch.Tensor, labels: torch.Tensor, embed: nn.Linear, objective: Objective) -> None:
    """Heads begin where features float32[N, F] put them: whitened, each class at the mean of its photos."""
    with torch.no_grad():
        weight, bias = whitening(features, embed.out_features)
        embed.weight.copy_(weight)
        embed.bias.copy_(bias)
        objective.start_from(embed(features), labels)


def head_lr(settings: Settings) -> float:
    """A backbone that has seen a million photos must not run as fast as heads that have seen none."""
    return settings.head_lr or settings.lr * (HEAD_LR_FACTOR if settings.published else 1)


def diverged() -> BadSettingError:
    """What to raise when a network that learns makes no finite numbers any more."""
    return BadSettingError(
        "The network has diverged: its embeddings are no finite numbers any more.",
        "Train with a lower learning rate: --lr, head_lr.",
    )


class Objective(nn.Module):
    """The losses of ``settings.loss`` (``ce+0.5*arcface``), weighted and added up."""

    def __init__(self, settings: Settings, class_count: int) -> None:
        super().__init__()
        weights = loss_terms(settings.loss)
        self.weights = list(weights.values())
        self.plugins = [plugins.choose("loss", name) for name in weights]
        made: list[Loss] = [
            plugins.make(
                "loss",
                name,
                settings.loss_options.get(name, {}),
                embedding_dim=settings.embedding_dim,
                class_count=class_count,
            )
            for name in weights
        ]
        for plugin, loss in zip(self.plugins, made, strict=True):
            if not isinstance(loss, nn.Module):
                raise BrokenPluginError(
                    f"{plugin.title} made a {type(loss).__name__}, not a torch.nn.Module."
                )
        self.losses = nn.ModuleList(made)  # type: ignore[arg-type]

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(float32[N, D], int64[N]) -> a scalar. A loss that fails or answers no finite scalar is named."""
        if not bool(torch.isfinite(embeddings.detach()).all()):
            raise diverged()
        total = embeddings.new_zeros(())
        for plugin, weight, loss in zip(self.plugins, self.weights, self.losses, strict=True):
            with blaming(plugin, "in training"):
                value: torch.Tensor = loss(embeddings, labels)
                if value.shape != () or not bool(torch.isfinite(value)):
                    raise ValueError(f"it answered {value.detach()!s:.60}, not a finite scalar")
                total = total + weight * value
        return total

    def start_from(self, embeddings: torch.Tensor, labels: torch.Tensor) -> None:
        """Let every loss that learns class directions begin at the classes' mean embeddings."""
        means = mean_directions(embeddings.detach(), labels)
        for scorer in self._scorers():
            scorer.start_from(means)

    def class_directions(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What the first loss that names classes has learned; the classes' means where none does."""
        for scorer in self._scorers():
            return scorer.class_directions().detach()
        return mean_directions(embeddings, labels)

    @property
    def names_classes(self) -> bool:
        """Whether a loss learns what items look like."""
        return any(True for _ in self._scorers())

    def weigh(self, weights: torch.Tensor) -> None:
        """Let classes count so many times: float32[C]. Losses that cannot are left as they are."""
        for loss in self.losses:
            if isinstance(loss, ClassWeighted):
                loss.weigh(weights)

    def _scorers(self) -> Iterator[ClassScorer]:
        return (loss for loss in self.losses if isinstance(loss, ClassScorer))


def mean_directions(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """float32[C, D]: the normalised mean of each class's normalised embeddings."""
    unit = F.normalize(embeddings)
    sums = unit.new_zeros(int(labels.max()) + 1, unit.shape[1]).index_add_(0, labels, unit)
    return F.normalize(sums)


def _descend(
    embed: nn.Linear, objective: Objective, rows: torch.Tensor, targets: torch.Tensor, settings: Settings
) -> None:
    asked = settings.epochs if settings.finetune == "none" else None
    epochs = asked or EPOCHS  # of a network that learns, too, these are not the passes that were asked for
    learned = list(objective.parameters())
    rate = head_lr(settings)
    groups: list[dict[str, Any]] = [{"params": list(embed.parameters()), "lr": rate * EMBED_LR_SHARE}]
    if learned:
        groups.append({"params": learned, "lr": rate})
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
    steps = epochs * -(-len(rows) // settings.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        order = shown(targets, settings.balance)[torch.randperm(len(rows))]
        for batch in torch.split(order, settings.batch_size):
            embeddings = embed(_pick_views(rows[batch]))
            loss = objective(embeddings, targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _pick_views(rows: torch.Tensor) -> torch.Tensor:
    """float32[B, 1 + V, F] -> float32[B, F]: the photo itself, or now and then one of its views."""
    count, views = rows.shape[0], rows.shape[1] - 1
    if views == 0:
        return rows[:, 0]
    changed = torch.rand(count) < VIEW_SHARE
    picked = torch.where(changed, torch.randint(1, views + 1, (count,)), 0)
    return rows[torch.arange(count), picked]
