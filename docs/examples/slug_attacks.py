"""An execution grader: runs the answer's `slug.py` in a sandbox and looks at what it says."""

from collections.abc import Collection, Mapping

from graders import Attack, AttackSuite, Outcome, Status, bare_python, open_box, scratch

ASKED, EXPECTED = "Crème Brûlée, twice!", "creme-brulee-twice"


def run(files: Mapping[str, str], wanted: Collection[str]) -> Mapping[str, Outcome]:
    if "slug.py" not in files:
        return {"SLUG-1": Outcome(status=Status.FAIL, reason="the answer has no complete slug.py")}
    program, mounts, env = bare_python()
    with scratch() as place:
        folder = place / "box"
        folder.mkdir()
        (folder / "slug.py").write_text(files["slug.py"], encoding="utf-8")
        with open_box(folder, mounts) as box:
            box.start("slug", [program, "-I", "-S", "-X", "utf8", "slug.py", ASKED], env)
            box.wait("slug", 20)
            said = box.output("slug").strip()[:200]
    status = Status.PASS if said == EXPECTED else Status.FAIL
    return {"SLUG-1": Outcome(status=status, reason=f"asked for {ASKED!r}", transcript=(f"it said {said!r}",))}


SUITE = AttackSuite(name="slug", attacks=(Attack(id="SLUG-1", title="accents and signs"),), files=("slug.py",), run=run)
