"""The registry: immutable versions of models, their states, and which of them is live.

::

    models/<name>/states.json               every change of state; one object, changed by compare-and-swap
    models/<name>/v3/manifest.json, ...     a model's files (see model_package), never changed
    models/<name>/v3/release/registration.json   who registered it, and the digest of every file

The states lie outside the versions' folders because a server is given such a folder as it is, and accepts no file that it does
not know.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from clinical_ner import version_states
from clinical_ner.clock import Clock, utc_now
from clinical_ner.errors import AlreadyExists, ConfigError, Conflict, ModelFormatError, NotFound
from clinical_ner.model_package import ModelFiles, verify
from clinical_ner.model_versions import (
    METRICS,
    ModelVersion,
    check_name,
    complete_versions,
    delete_files,
    find_damage,
    model_folder,
    parse_metrics,
    read_files,
    read_model_version,
)
from clinical_ner.registration import REGISTRATION, read_registration, write_version
from clinical_ner.storage import Storage
from clinical_ner.version_states import Cause, Change, State, States

# Of the writers that meet one always succeeds: this many must be beaten in a row before one gives up.
_ATTEMPTS = 100


class Registry:
    """Models in ``storage``; ``clock`` tells the times that are written down.

    Where a version is asked for, ``live`` and ``latest`` are accepted too. Methods that change a state take the ``actor`` and
    the ``reason``, both not blank, and change nothing when the version has that state already.
    """

    def __init__(self, storage: Storage, clock: Clock = utc_now) -> None:
        self._storage = storage
        self._clock = clock

    def register(self, name: str, files: ModelFiles, *, actor: str, reason: str) -> ModelVersion:
        """Store a model as the next version, a candidate, or return the version that already holds exactly these files.

        Raises:
            ConfigError: the name is unfit for host names, or not the one in the manifest; the actor or reason is blank.
            ModelFormatError: the files are not a sound model, or their metrics are not a JSON object.
        """
        manifest = verify(files)
        if manifest.name != check_name(name):
            raise ConfigError(f"the manifest names the model {manifest.name!r}, not {name!r}: register it under its own name")
        if METRICS in files:
            parse_metrics(files[METRICS])
        cause = Cause(actor, self._clock(), reason)
        version = write_version(self._storage, model_folder(name), files, cause, self.states(name))
        return self.get(name, version)

    def versions(self, name: str) -> list[ModelVersion]:
        """All complete versions, oldest first."""
        states = self.states(name)
        return [self._read(name, version, states) for version in self.version_names(name)]

    def version_names(self, name: str) -> list[str]:
        """Names of all complete versions, oldest first; nothing in them is read."""
        pruned = self.states(name).pruned
        return [version for version in complete_versions(self._storage, name) if version not in pruned]

    def get(self, name: str, version: str) -> ModelVersion:
        """One version.

        Raises:
            NotFound: there is none of that name, or none is live.
            ModelFormatError: its manifest, registration or metrics are damaged.
        """
        return self._read(name, self._resolve(name, version), self.states(name))

    def champion(self, name: str) -> ModelVersion | None:
        """The live version, or None before the first promotion."""
        states = self.states(name)
        return self._read(name, states.live, states) if states.live else None

    def files(self, name: str, version: str) -> dict[str, bytes]:
        """All files of a version, verified.

        Raises:
            NotFound: there is no such version.
            ModelFormatError: a file is damaged, missing or foreign.
        """
        folder = model_folder(name, self._resolve(name, version))
        files = read_files(self._storage, folder)
        problems = find_damage(files, read_registration(self._storage, folder))
        if problems:
            raise ModelFormatError(f"{folder}: {'; '.join(problems)}")
        verify(files)
        return files

    def damage(self, name: str, version: str) -> list[str]:
        """What is wrong with a version's files, a line each that begins with the path; empty when all are as registered.

        Raises:
            NotFound: there is no such version.
        """
        folder = model_folder(name, self._resolve(name, version))
        try:
            registration = read_registration(self._storage, folder)
        except (NotFound, ModelFormatError):
            return [f"{REGISTRATION}: missing or damaged: the files cannot be compared with what was registered"]
        return find_damage(read_files(self._storage, folder), registration)

    def states(self, name: str) -> States:
        """Every change of the model's versions; empty before the first."""
        return self._read_states(name)[0]

    def history(self, name: str, version: str) -> list[Change]:
        """All states of a version in order, its registration first."""
        model = self.get(name, version)
        made = read_registration(self._storage, model_folder(name, model.version))
        first = Change(
            version=model.version,
            digest=model.digest,
            state=State.CANDIDATE,
            actor=made.actor,
            time=made.time,
            reason=made.reason,
        )
        return [first, *self.states(name).changes_of(model.version)]

    def approve(self, name: str, version: str, *, actor: str, reason: str) -> ModelVersion:
        """Make a candidate approved; raises RegistryError from another state or when its digest was once rolled back."""
        return self._move(name, version, State.APPROVED, Cause(actor, self._clock(), reason))

    def reject(self, name: str, version: str, *, actor: str, reason: str) -> ModelVersion:
        """Make a candidate or approved version rejected, for good; raises RegistryError from another state."""
        return self._move(name, version, State.REJECTED, Cause(actor, self._clock(), reason))

    def promote(
        self, name: str, version: str, *, actor: str, reason: str, restore: bool = False, seen: str | None = None
    ) -> ModelVersion:
        """Make an approved version live, or with ``restore`` a retired one; the live one before it retires in the same write.

        With the token of ``seen`` states nothing is changed but from these.

        Raises:
            RegistryError: it is in another state.
            ModelFormatError: its files are damaged.
            Conflict: the states are others than those seen.
        """
        model, cause = self.get(name, version), Cause(actor, self._clock(), reason)
        self.files(name, model.version)
        digest = model.digest
        self._update(name, lambda states: version_states.promote(states, model.version, digest, cause, restore=restore), seen)
        return self.get(name, model.version)

    def roll_back(self, name: str, version: str, *, actor: str, reason: str, seen: str | None = None) -> ModelVersion:
        """Withdraw an approved or live version for good; after a live one the previous is live again, in the same write.

        With the token of ``seen`` states nothing is changed but from these.

        Raises:
            RegistryError: it is in another state, or there is no version to go back to.
            Conflict: the states are others than those seen.
        """
        model, cause = self.get(name, version), Cause(actor, self._clock(), reason)
        self._update(name, lambda states: version_states.roll_back(states, model.version, model.digest, cause), seen)
        return self.get(name, model.version)

    def raise_fence(self, name: str, by: str) -> None:
        """Have every change refused that was asked for by a token of before, however late it comes; see version_states."""
        self._update(name, lambda states: version_states.raise_fence(states, by))

    def prune(self, name: str, *, keep: int, referenced: AbstractSet[str] = frozenset(), dry_run: bool = False) -> list[str]:
        """Remove the files of old versions and return their names.

        Kept are the newest ``keep``, the live, the previous and the ``referenced`` ones (those of a rollout, say).
        """
        names = self.version_names(name)
        if dry_run:
            return version_states.prunable(self.states(name), names, keep=keep, referenced=referenced)

        def mark(states: States) -> States:
            chosen = version_states.prunable(states, names, keep=keep, referenced=referenced)
            new = [version for version in chosen if version not in states.pruned]
            return states.model_copy(update={"pruned": (*states.pruned, *new)}) if new else states

        # Marked first: from then on no promotion can choose them, and a later prune removes what this one may leave.
        pruned = self._update(name, mark).pruned
        for version in pruned:
            delete_files(self._storage, model_folder(name, version))
        return [version for version in names if version in pruned]

    def _resolve(self, name: str, version: str) -> str:
        names = self.version_names(name)
        aliases = {"latest": names[-1] if names else None, "live": self.states(name).live}
        resolved = aliases.get(version, version)
        if resolved is None or resolved not in names:
            place = f"none in {self._storage.uri(model_folder(name))} (elsewhere? --registry-uri, CLINICAL_NER_REGISTRY_URI)"
            raise NotFound(f"{name} has no version {version!r}; it has {', '.join(names) or place}")
        return resolved

    def _read(self, name: str, version: str, states: States) -> ModelVersion:
        return read_model_version(self._storage, name, version, states.of(version))

    def _read_states(self, name: str) -> tuple[States, str | None]:
        key = _states_key(name)
        try:
            data, etag = self._storage.read_versioned(key)
        except NotFound:
            return States(), None
        return version_states.parse_states(data, key=key), etag

    def _move(self, name: str, version: str, state: State, cause: Cause) -> ModelVersion:
        model = self.get(name, version)
        self._update(name, lambda states: version_states.move(states, model.version, model.digest, state, cause))
        return self.get(name, model.version)

    def _update(self, name: str, change: Callable[[States], States], seen: str | None = None) -> States:
        for _ in range(_ATTEMPTS):
            states, etag = self._read_states(name)
            after = change(states)
            if after is not states and seen not in {None, states.token}:
                raise Conflict(f"{_states_key(name)}: changed since it was looked at; nothing was done, look again")
            if after is states or self._swap(_states_key(name), after.to_json(), etag):
                return after
        raise Conflict(f"{_states_key(name)}: changed by others {_ATTEMPTS} times in a row; try again")

    def _swap(self, key: str, data: bytes, etag: str | None) -> bool:
        try:
            if etag is None:
                self._storage.create(key, data)
            else:
                self._storage.replace(key, data, etag)
        except (AlreadyExists, Conflict):
            return False
        return True


def _states_key(name: str) -> str:
    return f"{model_folder(name)}/states.json"
