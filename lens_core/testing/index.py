"""The contract of an index: lens_core.contracts.VectorIndex."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lens_core.contracts import StoredIndex, members
from lens_core.testing.asking import (
    answers_from_threads,
    frozen_copy,
    refused_as_a_mistake,
    unless_it_cannot,
)
from lens_core.testing.index_files import IndexFiles
from lens_core.testing.vectors import (
    assert_same,
    clustered_vectors,
    exact_distances,
    random_vectors,
    recall,
    wrong_vectors,
)

MADE_UP = {"random": random_vectors, "clustered": clustered_vectors}


class IndexContract(IndexFiles):
    """Subclass it, set ``name``, and pytest does the rest."""

    least_recall: ClassVar[float] = 0.9
    """Share of the true nearest neighbours that must be found; 1.0 for an exact index."""
    distance_tolerance: ClassVar[float] = 0.05
    """How far a distance may be from 1 - cosine; an index that stores its vectors coarsely needs it."""

    # --- answers

    def test_a_new_index_is_empty(self) -> None:
        """len() counts the vectors.

        If this fails, check that make_index returns an index without vectors, and __len__.
        """
        assert len(self._made()) == 0

    def test_it_has_as_many_rows_as_vectors(self) -> None:
        """len() counts the vectors.

        If this fails, check __len__ and that build stores every vector, also when there is only one.
        """
        for count in (1, 2, 7, 100):
            assert len(self._built(random_vectors(count, self.dim))) == count

    def test_answers_have_the_promised_shape_and_type(self) -> None:
        """(distances float32[Q, k], rows int64[Q, k]) for any k from 1 to len.

        If this fails, check that search returns two numpy arrays, in this order, with k columns, and
        converts what the library answers: .astype(np.float32), .astype(np.int64).
        """
        index, queries = self._built(random_vectors(20, self.dim)), random_vectors(3, self.dim, seed=5)
        for k in (1, 7, 20):
            distances, rows = index.search(queries, k)
            assert isinstance(distances, np.ndarray)
            assert isinstance(rows, np.ndarray)
            assert distances.dtype == np.float32
            assert rows.dtype == np.int64
            assert (distances.shape, rows.shape) == ((3, k), (3, k))

    def test_rows_are_valid_and_never_repeated(self) -> None:
        """A row number is that of a stored vector, or -1 at distance 2 where too few were found.

        If this fails, check that rows start at 0, that no row is answered twice to one question, and that
        what the library could not find becomes row -1 at distance 2.
        """
        index = self._built(clustered_vectors(40, self.dim))
        distances, rows = index.search(random_vectors(9, self.dim, seed=5), 40)
        assert rows.min() >= -1
        assert rows.max() < 40
        for line in rows:
            found = line[line >= 0]
            assert len(set(found.tolist())) == len(found), (
                f"a row is answered twice: {sorted(found.tolist())}"
            )
        assert (distances[rows == -1] == 2).all(), "row -1 (not found) must be at distance 2"

    def test_nearest_come_first(self) -> None:
        """Each line of distances rises from left to right.

        If this fails, check that search sorts by distance, smallest first; a similarity falls instead.
        """
        index = self._built(clustered_vectors(60, self.dim))
        distances, _ = index.search(random_vectors(9, self.dim, seed=5), 20)
        assert (np.diff(distances, axis=1) >= 0).all()

    @pytest.mark.parametrize("kind", MADE_UP)
    def test_distances_are_one_minus_cosine(self, kind: str) -> None:
        """0 for the same direction, 1 for a right angle, 2 for the opposite.

        If this fails, check the metric: libraries answer the inner product (use 1 - it), the Euclidean
        distance d (use d**2 / 2) or its square (use half of it). A coarse index may set distance_tolerance.
        """
        vectors, queries = MADE_UP[kind](60, self.dim), MADE_UP[kind](9, self.dim, seed=0)
        queries[0] = -vectors[0]
        distances, rows = self._built(vectors).search(queries, 60)
        true = np.take_along_axis(exact_distances(queries, vectors), np.maximum(rows, 0), axis=1)
        found = rows >= 0
        assert np.isfinite(distances).all()
        assert distances.min() >= 0, (
            "rounding leaves 1 - cosine a little below 0: use np.clip(distances, 0, 2)"
        )
        assert distances.max() <= 2, (
            "rounding leaves 1 - cosine a little above 2: use np.clip(distances, 0, 2)"
        )
        np.testing.assert_allclose(distances[found], true[found], atol=self.distance_tolerance, rtol=0)

    @pytest.mark.parametrize("k", [1, 10])
    @pytest.mark.parametrize("kind", MADE_UP)
    def test_it_finds_the_nearest(self, kind: str, k: int) -> None:
        """Compared with a search among all vectors.

        If this fails, check that rows are numbered from 0 in the order in which build got the vectors, and
        that search compares by cosine. An approximate index may need better defaults, or to lower
        least_recall knowingly.
        """
        vectors, queries = MADE_UP[kind](400, self.dim), MADE_UP[kind](30, self.dim, seed=9)
        _, rows = self._built(vectors).search(queries, k)
        assert recall(queries, vectors, rows) >= self.least_recall

    def test_a_few_vectors_are_all_found(self) -> None:
        """A museum may begin with one photo.

        If this fails, check galleries that are smaller than the library's usual ones (fewer vectors than
        clusters, trees or neighbours): compare with every vector there.
        """
        for count in (1, 2, 3, 5):
            vectors = random_vectors(count, self.dim, seed=count)
            _, rows = self._built(vectors).search(vectors, 1)
            assert rows[:, 0].tolist() == list(range(count))

    def test_any_number_of_vectors(self) -> None:
        """Made-up galleries of many sizes, against a search among all vectors.

        If this fails, check the sizes in the message: a partition that stays empty, a k as large as the
        index.
        """

        @settings(max_examples=10, deadline=None, database=None, derandomize=True)
        @given(count=st.integers(1, 60), share=st.floats(0, 1), seed=st.integers(0, 99))
        def ask(count: int, share: float, seed: int) -> None:
            k = max(1, round(share * count))
            vectors, queries = clustered_vectors(count, self.dim, seed), random_vectors(4, self.dim, seed + 1)
            index = self._built(vectors)
            distances, rows = index.search(queries, k)
            assert len(index) == count
            assert distances.shape == rows.shape == (4, k)
            assert recall(queries, vectors, rows) >= min(self.least_recall, 0.75)  # four queries are few

        ask()

    def test_duplicates_are_rows_of_their_own(self) -> None:
        """The same photo may be enrolled twice.

        If this fails, check that build keeps equal vectors apart and that search answers each of them.
        """
        vectors = random_vectors(3, self.dim)[[0, 0, 1, 0, 2]]
        distances, rows = self._built(vectors).search(vectors[:1], 3)
        assert sorted(rows[0].tolist()) == [0, 1, 3]
        assert distances.max() <= self.distance_tolerance

    def test_the_same_question_gets_the_same_answer(self) -> None:
        """Also from an index that is built again from the same vectors.

        If this fails, check that the library has a fixed seed, and one thread for building if it adds in any
        order.
        """
        vectors, queries = clustered_vectors(200, self.dim), random_vectors(9, self.dim, seed=5)
        index, again = self._built(vectors), self._built(vectors)
        expected = index.search(queries, 10)
        assert_same(index.search(queries, 10), expected)
        assert_same(again.search(queries, 10), expected)

    def test_several_threads_may_search_at_once(self) -> None:
        """A server answers several visitors with one index.

        If this fails, check that search keeps nothing on self while it works, or put a lock around the
        library.
        """
        index = self._built(clustered_vectors(60, self.dim))
        questions = [random_vectors(2, self.dim, seed=seed) for seed in range(6)]
        expected = [index.search(question, 5) for question in questions]
        for answers in answers_from_threads(lambda question: index.search(question, 5), questions):
            for number, answer in answers:
                assert_same(answer, expected[number])

    # --- what goes in

    def test_what_is_passed_in_is_not_changed(self) -> None:
        """The gallery's own embeddings are passed in.

        If this fails, check for changes in place (/=, *=, sort, normalising): work on a copy.
        """
        vectors, queries, more = (random_vectors(20, self.dim, seed) for seed in range(3))
        copies = [vectors.copy(), queries.copy(), more.copy()]
        rows = np.array([5, 1], np.int64)
        index = self._built(vectors)
        index.search(queries, 3)
        unless_it_cannot(lambda: index.add(more))
        unless_it_cannot(lambda: index.remove(rows))
        for given_array, copy in zip((vectors, queries, more), copies, strict=True):
            np.testing.assert_array_equal(given_array, copy)
        assert rows.tolist() == [5, 1]

    def test_arrays_may_have_gaps_and_be_read_only(self) -> None:
        """A mapped gallery is read-only; a slice of it has gaps.

        If this fails, check that the library gets np.ascontiguousarray(vectors), and writes to a copy.
        """
        vectors, queries = random_vectors(30, self.dim), random_vectors(5, self.dim, seed=5)
        expected = self._built(vectors).search(queries, 4)
        assert_same(self._built(frozen_copy(vectors)).search(frozen_copy(queries), 4), expected)
        assert_same(self._built(np.asfortranarray(vectors)).search(np.asfortranarray(queries), 4), expected)

    @pytest.mark.parametrize("call", ["build", "search", "add"])
    @pytest.mark.parametrize("fault", ["float64", "int", "one vector", "another length", "NaN", "infinity"])
    def test_what_is_no_vector_is_refused(self, fault: str, call: str) -> None:
        """A mistake of the calling code is a ValueError, not a strange answer or a crash.

        If this fails, check dtype (float32), shape ([N, dim]) and np.isfinite before the library is called.
        """
        index, wrong = self._built(random_vectors(10, self.dim)), wrong_vectors(fault, self.dim)
        with refused_as_a_mistake(f"{call} with {fault}"):
            if call == "search":
                index.search(wrong, 1)
            elif call == "build":
                index.build(wrong)
            elif not unless_it_cannot(lambda: index.add(wrong)):
                raise ValueError("it cannot add at all")

    # --- building and changing

    def test_building_again_replaces_what_was_there(self) -> None:
        """build is not add.

        If this fails, check that build starts with an empty library index.
        """
        index = self._built(random_vectors(30, self.dim))
        vectors = random_vectors(12, self.dim, seed=1)
        index.build(vectors)
        assert len(index) == 12
        assert index.search(vectors, 1)[1][:, 0].tolist() == list(range(12))

    def test_added_vectors_follow_those_that_were_there(self) -> None:
        """Or add raises CannotDoError (E460), names a way out, and leaves the index as it was.

        If this fails, check that add appends, and that rows go on from len. A library that cannot: raise
        CannotDoError("...", "Use --index exact, or build it anew: ai-lens build-index ...").
        """
        first, more = random_vectors(12, self.dim), random_vectors(5, self.dim, seed=1)
        for start in (first, first[:0]):
            index = self._built(start) if len(start) else self._made()
            can = unless_it_cannot(lambda index=index: index.add(more))
            expected = np.concatenate([start, more]) if can else start
            assert len(index) == len(expected)
            if len(expected):
                assert index.search(expected, 1)[1][:, 0].tolist() == list(range(len(expected)))

    def test_rows_behind_removed_ones_move_up(self) -> None:
        """Or remove raises CannotDoError (E460), names a way out, and leaves the index as it was.

        If this fails, check that the removed vectors are never found again and that the rows that are left
        are numbered from 0 without gaps, in their old order. A library that cannot: raise
        CannotDoError("...", "Use --index exact, or build it anew: ai-lens build-index ...").
        """
        vectors, rows = random_vectors(12, self.dim), np.array([7, 0, 3], np.int64)
        index = self._built(vectors)
        can = unless_it_cannot(lambda: index.remove(rows))
        expected = np.delete(vectors, rows, axis=0) if can else vectors
        assert len(index) == len(expected)
        assert index.search(expected, 1)[1][:, 0].tolist() == list(range(len(expected)))
        assert len(set(index.search(vectors[:1], len(expected))[1][0].tolist())) == len(expected)

    # --- being stored

    def test_saving_loading_and_warming_up_come_together(self) -> None:
        """An index without all three is built whenever it is needed: right where that takes no time.

        If this fails, check save, load and warm_up against contracts.StoredIndex: add what is missing, or
        remove the others.
        """
        product, names = self.product(), members(StoredIndex)
        has = [name for name in names if hasattr(product, name)]
        assert has in ([], names), f"it has only {', '.join(has)}"
