"""A promptfoo configuration as cases: prompts × tests, with the assertions that have a counterpart.

The file is data: nothing in it is run, no file outside its folder is read, no variable of the environment is looked at.
Here: the order of the steps. Not here: prompts, tests, assertions and templates, which have modules of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.errors import Fault, InputError, raise_all
from evals.importers.imported import MAX_CASES, Check, Import, ImportedCase, LeftOut, text_inside
from evals.importers.promptfoo_assertions import read_assertions
from evals.importers.promptfoo_prompts import Prompt, held_by_one_suite, read_prompts
from evals.importers.promptfoo_tests import read_tests, unfolded
from evals.importers.template import NotPlain, filled, render
from evals.load import read_text
from evals.slug import slug
from evals.yaml_file import read_yaml

CARRIED = {"prompts", "tests", "defaultTest", "assertionTemplates", "description", "$schema"}
WHY = {
    "providers": "models are named in suite.yaml, or by --model",
    "targets": "models are named in suite.yaml, or by --model",
    "env": "keys belong into the environment",
    "evaluateOptions": "see --repeats and -j",
    "outputPath": "see --out",
    "scenarios": "tests made of tests; write them out",
    "nunjucksFilters": "code",
    "extensions": "code",
    "redteam": "attacks are made there, and cases are fixed here",
    "derivedMetrics": "scores are by dimension",
    "sharing": "nothing is uploaded",
}
CHANGES = {"transform", "postprocess"}
"""Options by which code changes an answer before anything looks at it."""
TEST_KEYS = {"description", "vars", "assert", "options", "prompts"}


def read_promptfoo(path: Path) -> Import:
    """What a configuration becomes. Raises InputError for a file that is none, with its line."""
    data = _data(path)
    reader = _Reader(data=data, folder=path.parent, file=str(path))
    for key in sorted(set(data) - CARRIED):
        reader.leave(key, _named(data[key]) or key, WHY.get(key, "no counterpart"))
    cases = reader.cases()
    return Import(cases=tuple(cases), left_out=tuple(reader.left_out), systems=tuple(reader.systems))


def _data(path: Path) -> dict[str, Any]:
    if path.suffix not in (".yaml", ".yml", ".json"):
        raise InputError(Fault(message="a configuration in YAML or JSON is read; code is not run", file=str(path)))
    located, faults = read_yaml(read_text(path, str(path)), str(path), foreign=True)
    raise_all(faults)
    if not isinstance(located.data, dict) or not {"prompts", "tests"} & set(located.data):
        message = "is no configuration of promptfoo: a mapping with `prompts` and `tests`"
        raise InputError(Fault(message=message, file=str(path), line=1))
    return located.data


def _named(value: Any) -> str:
    """Names in a list of providers, to say what was left."""
    items = value if isinstance(value, list) else [value]
    names = [str(item.get("id", next(iter(item), ""))) if isinstance(item, dict) else str(item) for item in items[:5]]
    return ", ".join(name for name in names if name)[:200]


@dataclass
class _Reader:
    data: Mapping[str, Any]
    folder: Path
    file: str
    left_out: dict[LeftOut, None] = field(default_factory=dict)
    """In the order in which they were met, each once."""
    tried: int = 0
    systems: list[str] = field(default_factory=list)

    def leave(self, where: str, what: str, why: str) -> None:
        self.left_out[LeftOut(where=where, what=what, why=why)] = None

    def cases(self) -> list[ImportedCase]:
        prompts = []
        for found in read_prompts(self.data.get("prompts", []), self.folder):
            if isinstance(found, LeftOut):
                self.left_out[found] = None
            else:
                prompts.append(found)
        kept, self.systems, other = held_by_one_suite(prompts)
        self.left_out |= dict.fromkeys(other)
        default = self._default()
        made: list[ImportedCase] = []
        for number, test in enumerate(read_tests(self.data.get("tests"), self.folder), 1):
            if isinstance(test, LeftOut):
                self.left_out[test] = None
            else:
                made += self._test(number, *test, default, kept)
        return made

    def _default(self) -> dict[str, Any]:
        """What all tests share. `options` of it are not carried over but for prefix and suffix."""
        default = self.data.get("defaultTest") or {}
        if isinstance(default, str):
            name = default.removeprefix("file://")
            located, faults = read_yaml(text_inside(self.folder, name), name, foreign=True)
            raise_all(faults)
            default = located.data
        if not isinstance(default, dict):
            self.leave("defaultTest", "defaultTest", "is no mapping")
            return {}
        self._unknown("defaultTest", default)
        return default

    def _unknown(self, where: str, test: Mapping[str, Any]) -> None:
        for key in sorted(set(test) - TEST_KEYS):
            self.leave(
                f"{where}.{key}",
                key,
                "a threshold over assertions; see `minimum`" if key == "threshold" else "no counterpart",
            )
        options = test.get("options")
        for key in sorted(set(options) - {"prefix", "suffix", *CHANGES}) if isinstance(options, dict) else ():
            self.leave(f"{where}.options.{key}", key, "no counterpart")

    def _test(
        self, number: int, where: str, test: dict[str, Any], default: dict[str, Any], prompts: Sequence[Prompt]
    ) -> Iterator[ImportedCase]:
        self._unknown(where, test)
        if CHANGES & {*_mapping(default.get("options")), *_mapping(test.get("options"))}:
            why = "code changes its answers before they are looked at; checks here look at the answer as it came"
            self.leave(where, "the whole test", why)
            return
        try:
            sets = unfolded(_both(default.get("vars"), test.get("vars")), self.folder, where)
        except InputError as error:
            self.leave(where, "the whole test", str(error))
            return
        name = slug(str(test.get("description") or "")) or f"test-{number}"
        chosen = self._chosen(test.get("prompts"), prompts, where)
        for count, values in enumerate(sets, 1):
            for order, prompt in enumerate(chosen, 1):
                self.tried += 1
                if self.tried > MAX_CASES:
                    message = f"prompts and variables unfold to more than {MAX_CASES:,} cases; import it in parts"
                    raise InputError(Fault(message=message, file=self.file))
                marks = [str(count)] * (len(sets) > 1) + [f"p{order}"] * (len(chosen) > 1)
                place = where if len(sets) == 1 else f"{where} (values {count})"
                case = self._case(where, place, test, default, prompt, values)
                if case:
                    yield ImportedCase(
                        name="-".join([name, *marks]),
                        title=case[0],
                        message=case[1],
                        checks=case[2],
                        family=name,
                        where=place,
                    )

    def _chosen(self, wanted: Any, prompts: Sequence[Prompt], where: str) -> Sequence[Prompt]:
        if not isinstance(wanted, list):
            return prompts
        chosen = [prompt for prompt in prompts if prompt.label in wanted]
        if not chosen:
            self.leave(
                f"{where}.prompts", "choice of prompts", "none of the labels is a prompt's; all prompts are used"
            )
        return chosen or prompts

    def _case(
        self,
        where: str,
        place: str,
        test: dict[str, Any],
        default: dict[str, Any],
        prompt: Prompt,
        values: dict[str, Any],
    ) -> tuple[str, str, tuple[Check, ...]] | None:
        """Title, message and checks; None where there is nothing to ask or nothing to decide."""
        options = {**_mapping(default.get("options")), **_mapping(test.get("options"))}
        try:
            known = filled(values)
            text = "".join([str(options.get("prefix", "")), prompt.user, str(options.get("suffix", ""))])
            message = render(text, known).strip() + "\n"
        except NotPlain as error:
            self.leave(place, f"{prompt.where} with it", str(error))
            return None
        checks = []
        for part, asserted in (("defaultTest", default.get("assert")), (where, test.get("assert"))):
            for found in read_assertions(self._resolved(asserted), f"{part}.assert", known):
                if isinstance(found, Check):
                    checks.append(found)
                else:
                    self.left_out[found] = None
        if not checks:
            self.leave(place, "the whole test", "no assertion of it could be carried over, and a case needs one")
            return None
        return str(test.get("description") or message), message, tuple(checks)

    def _resolved(self, asserted: Any) -> Any:
        """Assertions that refer to `assertionTemplates` are put in their place."""
        templates = _mapping(self.data.get("assertionTemplates"))
        prefix = "#/assertionTemplates/"
        return [
            {
                **_mapping(templates.get(str(item["$ref"]).removeprefix(prefix))),
                **{k: v for k, v in item.items() if k != "$ref"},
            }
            if isinstance(item, dict) and str(item.get("$ref", "")).startswith(prefix)
            else item
            for item in (asserted if isinstance(asserted, list) else [])
        ]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _both(default: Any, own: Any) -> Any:
    """A test's own variables go before the shared ones; files of variables are not mixed with others."""
    return (
        {**default, **(own or {})}
        if isinstance(default, dict) and (own is None or isinstance(own, dict))
        else own or default
    )
