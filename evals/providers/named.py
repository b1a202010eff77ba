"""A provider that `evals.toml` names: somebody else's code, kept to the contract of a provider.

Here: making it, telling its answers from everybody else's, turning whatever it raises into an error of a provider.
Not here: reading `evals.toml` (`evals.extensions`), or memory of its answers (`evals.providers.cached`).
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from evals.errors import EvalsError, InputError, ProviderError
from evals.exchange import Provenance, Provider, Request, Response
from evals.extensions import Extensions, Named
from evals.importing import Missing, imported
from evals.providers.cache_row import recording_in, row_of
from evals.recording import record


def model_of(provider: str, version: str, model: str) -> str:
    """How requests and scorecards name a model of such a provider, so that its answers are never taken for another's.

    >>> model_of("acme", "2", "claude-sonnet-5-5")
    'acme@2/claude-sonnet-5-5'
    """
    return f"{provider}@{version}/{model}"


class NamedProvider:
    """The provider under its name. Requests reach it with the plain name of the model."""

    def __init__(self, named: Named, provider: Provider, version: str) -> None:
        self._named = named
        self._provider = provider
        self._version = version
        self.identity = f"{named.key} {version} ({named.spec})"
        """Name, version and origin, for the header of scorecards."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        enter = getattr(self._provider, "__aenter__", None)
        if enter is not None:
            await self._stack.enter_async_context(self._provider)  # type: ignore[arg-type]  # it has __aenter__
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def model(self, name: str) -> str:
        """The name of a model for requests and scorecards."""
        return model_of(self._named.key, self._version, name)

    async def respond(self, request: Request) -> Response:
        """The response. Raises ProviderError for whatever goes wrong in it, and for a reply that is no Response."""
        plain = request.model.removeprefix(self.model(""))
        try:
            response = await self._provider.respond(replace(request, model=plain))
        except EvalsError:
            raise
        except Exception as error:
            message = f"provider `{self._named.key}` failed: {type(error).__name__}: {error}"
            raise ProviderError(message[:500]) from error
        if not isinstance(response, Response):
            message = f"provider `{self._named.key}` gave {type(response).__name__}, not evals.Response"
            raise ProviderError(message)
        return self._whole(request, response, plain)

    def _whole(self, request: Request, response: Response, plain: str) -> Response:
        """The response as it can be kept. Raises ProviderError where a field is of another type than it should be."""
        try:
            whole = replace(response, model=self.model(response.model or plain), provenance=self._origin(response))
            sound = recording_in(row_of(record(request, whole, place="")), request.digest) is not None
        except (AttributeError, TypeError, ValueError):
            sound = False
        if not sound:
            message = f"provider `{self._named.key}` gave a Response with fields of other types than evals.Response has"
            raise ProviderError(message)
        return whole

    def _origin(self, response: Response) -> Provenance:
        """Where it says that the answer came from. Without an id of a request it is this provider's word, and told as that."""
        said = response.provenance
        declared = tuple(sorted({**dict(said.declared), "provider": self.identity}.items()))
        if said.kind == "api" and said.request_id:
            return replace(said, declared=declared)
        return Provenance(kind="imported", recording_set=said.recording_set or self._named.key, declared=declared)


def named_provider(extensions: Extensions, name: str) -> NamedProvider:
    """The provider of that name, made by calling what `evals.toml` names without arguments. Raises InputError."""
    from evals.extensions import RESERVED
    from evals.nearest import nearest

    if name not in extensions.providers:
        known = [*RESERVED, *extensions.providers]
        message = f"no provider `{name}`{nearest(name, known)} (there: {', '.join(known)}; evals.toml can name more)"
        raise InputError(message)
    named = extensions.providers[name]
    try:
        made = imported(named.spec, extensions.root)()
    except Missing as error:
        raise InputError(named.fault(str(error))) from None
    except Exception as error:
        raise InputError(named.fault(f"making it failed: {type(error).__name__}: {error}"[:300])) from error
    version = getattr(made, "version", None)
    if not callable(getattr(made, "respond", None)) or not isinstance(version, (str, int)):
        raise InputError(named.fault("is no provider: it needs `async def respond(self, request)` and a `version`"))
    return NamedProvider(named, made, str(version))
