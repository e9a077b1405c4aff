"""What the contract of an index asks of those that gallery files hold: lens_core.contracts.StoredIndex."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from lens_core.contracts import Floats, StoredIndex, members
from lens_core.errors import ArtifactError, WrongGalleryError
from lens_core.testing import garbage
from lens_core.testing.asking import files_in, unless_it_cannot
from lens_core.testing.loading import PluginContract
from lens_core.testing.vectors import assert_same, clustered_vectors, random_vectors

FIRST = np.array([0], np.int64)


class IndexFiles(PluginContract):
    """Saving and loading. Not asked of an index that is built whenever it is needed."""

    family: ClassVar[str] = "index"
    dim: ClassVar[int] = 32
    """Length of the vectors; set another where the library has a taste."""

    def test_a_saved_index_answers_as_before(self, tmp_path: Path) -> None:
        """Into an index that held something else.

        If this fails, check that save writes every vector, in order, and everything search needs; that load
        replaces what was there; and that distances come back in the same unit.
        """
        vectors, queries = clustered_vectors(90, self.dim), random_vectors(9, self.dim, seed=5)
        index = self._built(vectors)
        index.save(tmp_path / "A.index")
        for again in (self._made(), self._built(random_vectors(5, self.dim, seed=7))):
            again.load(tmp_path / "A.index")
            assert len(again) == 90
            assert_same(again.search(queries, 10), index.search(queries, 10))

    def test_saving_writes_one_file_under_any_name(self, tmp_path: Path) -> None:
        """The file has the name that was asked for; Korean names and no suffix are usual.

        If this fails, check for temporary or second files left behind, and for libraries that cannot open
        such names or append a suffix: save under a plain temporary name and rename, or write the bytes in
        Python.
        """
        vectors = random_vectors(20, self.dim)
        for name in ("전시 1관.index", "index"):
            folder = tmp_path / f"폴더 {name}"
            folder.mkdir()
            index, again = self._built(vectors), self._made()
            index.save(folder / name)
            index.save(folder / name)
            assert list(files_in(folder)) == [name]
            again.load(folder / name)
            assert again.search(vectors, 1)[1][:, 0].tolist() == list(range(20))

    def test_a_saved_file_is_replaced(self, tmp_path: Path) -> None:
        """Saving again under the same name leaves the newer index.

        If this fails, check that save replaces a file that is there.
        """
        self._built(random_vectors(30, self.dim)).save(tmp_path / "A.index")
        self._built(random_vectors(4, self.dim)).save(tmp_path / "A.index")
        index = self._made()
        index.load(tmp_path / "A.index")
        assert len(index) == 4

    def test_a_loaded_index_never_changes_its_file(self, tmp_path: Path) -> None:
        """Not by loading, searching or warming up, nor by adding and removing afterwards.

        If this fails, check that the file is opened for reading only, and that a mapped index is copied into
        memory before it is changed (or raises CannotDoError).
        """
        vectors, more = random_vectors(20, self.dim), random_vectors(2, self.dim, seed=1)
        self._built(vectors).save(tmp_path / "A.index")
        before = files_in(tmp_path)
        for change in ("nothing", "add", "remove"):
            index, expected = self._made(), vectors
            index.load(tmp_path / "A.index")
            index.warm_up()
            if change == "add" and unless_it_cannot(lambda index=index: index.add(more)):
                expected = np.concatenate([vectors, more])
            if change == "remove" and unless_it_cannot(lambda index=index: index.remove(FIRST)):
                expected = vectors[1:]
            assert len(index) == len(expected)
            assert index.search(expected, 1)[1][:, 0].tolist() == list(range(len(expected)))
            same = files_in(tmp_path) == before
            assert same, f"the file changed (after loading: {change})"

    def test_warming_up_changes_no_answer(self, tmp_path: Path) -> None:
        """A server warms up every index before the first visitor.

        If this fails, check that warm_up only reads, and that it also works for an index that was not
        loaded.
        """
        vectors, queries = random_vectors(30, self.dim), random_vectors(5, self.dim, seed=5)
        index, loaded = self._built(vectors), self._made()
        expected = index.search(queries, 4)
        index.save(tmp_path / "A.index")
        loaded.load(tmp_path / "A.index")
        for one in (index, loaded):
            one.warm_up()
            assert_same(one.search(queries, 4), expected)
        self._made().warm_up()

    def test_a_file_of_other_vectors_is_refused(self, tmp_path: Path) -> None:
        """A gallery of another model has vectors of another length: WrongGalleryError (E220).

        If this fails, check that load compares the file's vector length with dim; store it if the format
        does not.
        """
        other = self.make(dim=2 * self.dim)
        other.build(random_vectors(20, 2 * self.dim))
        other.save(tmp_path / "A.index")
        with pytest.raises(WrongGalleryError):
            self._made().load(tmp_path / "A.index")

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        """Raises ModelLoadError (E200).

        If this fails, check that load turns OSError into ModelLoadError.
        """
        with pytest.raises(ArtifactError):
            self._made().load(tmp_path / "none.index")

    def test_garbage_is_refused_without_a_crash(self, tmp_path: Path) -> None:
        """Empty, short, foreign and cut files raise ModelLoadError (E200) or DamagedArtifactError (E210).

        Asked in a process of its own, which a library may end.

        If this fails, check the file before the library parses it: its seal (lens_core.artifacts.integrity),
        or a header and the length; and turn the library's errors into DamagedArtifactError.
        """
        self._built(random_vectors(50, self.dim)).save(tmp_path / "whole.index")
        complaints = garbage.complaints(
            tmp_path, self.name, {**self.options}, self.dim, (tmp_path / "whole.index").read_bytes()
        )
        assert complaints == []

    # --- helpers

    @pytest.fixture(autouse=True)
    def _only_where_it_is_stored(self, request: pytest.FixtureRequest, _one_cause_one_failure: None) -> None:
        if request.node.originalname not in vars(IndexFiles):
            return
        if not all(hasattr(self.product(), name) for name in members(StoredIndex)):
            pytest.skip("this index is built whenever it is needed: it has no save, load and warm_up")

    def product(self) -> StoredIndex:
        index: StoredIndex = self.once("product", self._made)
        return index

    def _made(self) -> StoredIndex:
        index: StoredIndex = self.make(dim=self.dim)
        return index

    def _built(self, vectors: Floats) -> StoredIndex:
        index = self._made()
        index.build(vectors)
        return index
