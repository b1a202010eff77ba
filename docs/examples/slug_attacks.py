"""An execution grader: runs the answer's `slug.py` in a sandbox and looks at what it says."""

from collections.abc import Collection, Mapping
from pathlib import Path

from graders import Attack, AttackSuite, Mutant, Outcome, Status, bare_python, open_box, scratch

ACCENTS = Attack(id="SLUG-1", title="accents and signs")
SPACES = Mutant(id="slug-spaces", answer="good", file="slug.py", old="[^a-z0-9]+", new=" +", noticed_by=("SLUG-1",))
GOOD = {"good": Path(__file__).with_name("answers").joinpath("good.md").read_text(encoding="utf-8")}


def run(files: Mapping[str, str], wanted: Collection[str]) -> Mapping[str, Outcome]:
    if "slug.py" not in files:
        return {"SLUG-1": Outcome(status=Status.FAIL, reason="the answer has no complete slug.py")}
    program, mounts, env = bare_python()
    with scratch() as folder, open_box(folder, mounts) as box:
        (folder / "slug.py").write_text(files["slug.py"], encoding="utf-8")
        box.start("slug", [program, "-I", "-X", "utf8", "slug.py", "Crème Brûlée, twice!"], env)
        box.wait("slug", 20)
        said = box.output("slug").strip()[:200]
    status = Status.PASS if said == "creme-brulee-twice" else Status.FAIL
    return {
        "SLUG-1": Outcome(status=status, reason="a title with accents and signs", transcript=(f"it said {said!r}",))
    }


SUITE = AttackSuite(
    name="slug", attacks=(ACCENTS,), files=("slug.py",), run=run, good_answers=lambda: GOOD, mutants=lambda: (SPACES,)
)
