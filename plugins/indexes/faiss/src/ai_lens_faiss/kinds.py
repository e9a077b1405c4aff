"""The three kinds of FAISS index: how each is built, tuned for searching, and rid of rows."""

from __future__ import annotations

import math
from typing import Any

import faiss
import numpy as np

from ai_lens_faiss.options import FaissOptions
from lens_core.contracts import Floats, Rows
from lens_core.errors import BadSettingError

_library: Any = faiss  # its type stubs know less of an index than the index does

TRAINING_POINTS = 39
"""Vectors that FAISS asks for, for each centre that k-means is to find (``min_points_per_centroid``)."""
ENOUGH_POINTS = 64
"""Vectors that k-means is given for each centre; FAISS's own 256 take four times as long."""
NUMBERS_PER_CODE = 8
LEAST_IN_VIEW = 256
IN_VIEW = 400
"""One vector in so many is kept in view by ``hnsw``, unless ``ef_search`` is given."""
PROBED = 4
"""One list in so many is looked at, unless ``nprobe`` is given."""

TYPES = {"flat": faiss.IndexFlat, "hnsw": faiss.IndexHNSWSQ, "ivfpq": faiss.IndexIVFPQ}


_OF_KIND = {
    "flat": (),
    "hnsw": ("m", "ef_construction", "ef_search"),
    "ivfpq": ("nlist", "nprobe", "pq_m", "pq_bits"),
}


def check(options: FaissOptions, dim: int) -> None:
    """Raises BadSettingError (E600) for an option of another kind, or one that does not fit the vectors."""
    usual = FaissOptions()
    for kind, names in _OF_KIND.items():
        for name in names:
            if kind != options.kind and getattr(options, name) != getattr(usual, name):
                raise BadSettingError(
                    f"faiss: {name} is an option of kind={kind}, and the kind is {options.kind}.",
                    f"Choose it, too: --index-option kind={kind}",
                )
    if options.kind == "ivfpq" and options.pq_m and dim % options.pq_m:
        fitting = [m for m in range(1, dim + 1) if dim % m == 0]
        raise BadSettingError(
            f"faiss cannot cut vectors of {dim} numbers into {options.pq_m} equal pieces.",
            f"Set pq_m to one of {', '.join(map(str, fitting))}.",
        )


def build(options: FaissOptions, vectors: Floats) -> faiss.Index:
    """An index over ``float32[N, D]``; too few to train ``ivfpq`` on are kept flat."""
    index: faiss.Index = _untrained(options, *vectors.shape)
    index.train(vectors)
    index.add(vectors)
    return index


def fewest(options: FaissOptions) -> int:
    """From how many vectors on codes of ``pq_bits`` can be learnt."""
    return TRAINING_POINTS * int(2**options.pq_bits)


def _untrained(options: FaissOptions, count: int, dim: int) -> Any:
    if options.kind == "hnsw":
        return _graph(options, dim)
    if options.kind == "ivfpq" and count >= fewest(options):
        return _lists(options, count, dim)
    return faiss.IndexFlatIP(dim)


def _graph(options: FaissOptions, dim: int) -> Any:
    # 16-bit numbers find what 32-bit ones do, in half the memory (measured, see the README).
    index = _library.index_factory(dim, f"HNSW{options.m},SQfp16", faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = options.ef_construction
    return index


def _lists(options: FaissOptions, count: int, dim: int) -> Any:
    lists = min(options.nlist or math.isqrt(16 * count), count // TRAINING_POINTS)
    description = f"IVF{lists},PQ{options.pq_m or _default_codes(dim)}x{options.pq_bits}"
    index = _library.index_factory(dim, description, faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = ENOUGH_POINTS
    index.pq.cp.max_points_per_centroid = ENOUGH_POINTS
    # Nine tenths of the training time (90 s for vectors of 512 numbers), for a filter that is not used here.
    index.do_polysemous_training = False
    return index


def _default_codes(dim: int) -> int:
    most = max(1, dim // NUMBERS_PER_CODE)
    return next(codes for codes in range(most, 0, -1) if dim % codes == 0)


def tune(index: faiss.Index, options: FaissOptions) -> None:
    """Search as widely as the options say; a saved index may remember otherwise."""
    if isinstance(index, faiss.IndexHNSW):
        index.hnsw.efSearch = options.ef_search or max(LEAST_IN_VIEW, index.ntotal // IN_VIEW)
    if isinstance(index, faiss.IndexIVF):
        index.nprobe = options.nprobe or math.ceil(index.nlist / PROBED)


def remove(index: faiss.Index, rows: Rows) -> None:
    """Forget these rows; those behind move up."""
    index.remove_ids(faiss.IDSelectorBatch(rows))
    if isinstance(index, faiss.IndexIVF):
        _close_gaps(index.invlists, np.unique(rows))


def _close_gaps(lists: Any, gone: Rows) -> None:
    """A flat index counts its rows anew by itself; lists keep the old numbers of theirs."""
    for number in range(lists.nlist):
        rows = faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number))
        rows -= np.searchsorted(gone, rows)
