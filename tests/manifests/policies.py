"""All policies that the manifests are checked against."""

import inspect
from collections.abc import Callable, Iterator

from tests.manifests import operation, pods, references
from tests.support.manifests import Manifests

Policy = Callable[[Manifests], Iterator[str]]


POLICIES: list[Policy] = [
    function
    for module in (pods, operation, references)
    for name, function in vars(module).items()
    if inspect.isgeneratorfunction(function) and not name.startswith("_")
]
