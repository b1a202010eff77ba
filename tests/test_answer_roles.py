"""What answers do with their code: quoted bad code is not held against them, and proposed code cannot hide as quoted."""

from __future__ import annotations

import time

import pytest

from graders.answer import Role, read_answer
from graders.answer_cues import Cue, cue
from graders.task import NO_TASK, Task

OLD = """\
'use strict';

const express = require('express');
const store = require('./store');

const app = express();
app.use(express.json());

app.get('/notes', async (req, res) => {
  res.json(await store.listNotes());
});

app.get('/notes/:id', async (req, res) => {
  const rows = await store.query(`SELECT * FROM notes WHERE id = ${req.params.id}`);
  if (!rows.length) return res.status(404).json({ error: 'not found' });
  res.json(rows[0]);
});

app.delete('/notes/:id', async (req, res) => {
  await store.deleteNote(req.params.id);
  res.status(204).end();
});

module.exports = app;
"""
NEW = OLD.replace(
    "`SELECT * FROM notes WHERE id = ${req.params.id}`", "'SELECT * FROM notes WHERE id = $1', [req.params.id]"
)
HANDLER = "\n".join(OLD.split("\n")[12:17])
TASK = Task(text=f"Review this.\n\n```app.js\n{OLD}```\n", attachments=(("app.js", OLD),), files=("app.js",))
BAD = "cur.execute(f'SELECT * FROM users WHERE id = {user_id}')"


def fenced(code: str, info: str = "js") -> str:
    return f"```{info}\n{code}\n```\n"


def roles(text: str, task: Task = NO_TASK) -> list[Role]:
    return [block.role for block in read_answer(text, task).blocks]


def test_code_with_nothing_said_of_it_is_proposed() -> None:
    assert roles(fenced("f();")) == [Role.PROPOSED]
    assert roles(f"# Notes\n\nSome words.\n\n{fenced('f();')}") == [Role.PROPOSED]


PAIRS = [
    ("### Before", "### After"),
    ("**Before:**", "**After:**"),
    ("Before (vulnerable):", "After (fixed):"),
    ("❌ Bad", "✅ Good"),
    ("Current code:", "Corrected code:"),
    ("Your current query:", "It should be:"),
    ("The vulnerable line is:", "Use parameters instead:"),
    ("Don't do this:", "Do this:"),
    ("Instead of:", "Use:"),
    ("Instead of this:", "Write this:"),
    ("Replace this:", "With this:"),
    ("Change this:", "To:"),
    ("The problem is here:", "The fix:"),
    ("#### Problem", "#### Solution"),
    ("#### Wrong", "#### Right: fixed"),
    ("This is vulnerable to SQL injection:", "Instead of the vulnerable query, use this:"),
    ("You currently have:", "Change it to:"),
    ("The handler looks like this today:", "Replace the vulnerable query with a parameter:"),
    ("Never write this:", "A safer version:"),
    ("The original version:", "The improved version:"),
    ("- **Before**", "- **After**"),
]


@pytest.mark.parametrize(("against", "favour"), PAIRS)
def test_the_words_before_a_block_tell_its_role(against: str, favour: str) -> None:
    text = f"Some words.\n\n{against}\n\n{fenced(BAD, 'python')}\n{favour}\n\n{fenced('cur.execute(QUERY, (user_id,))', 'python')}"
    assert roles(text) == [Role.QUOTED, Role.PROPOSED]


@pytest.mark.parametrize(
    "lead",
    [
        "Run this before deploying:",
        "Before you deploy, run:",
        "After the migration, check:",
        "To avoid the lock, build it concurrently:",
        "Don't forget the index:",
        "Add this to your existing handler:",
        "Issue a token:",
        "The current user comes from the token:",
        "Wrong passwords are answered in the same time:",
        "This never blocks writers:",
        "Avoiding the race needs a lock:",
        "Original amounts are kept:",
        "If the provider has a problem, retry:",
        "It does not trust bad input:",
        "Here it is:",
        "Replace the vulnerable query with this:",
        "Fixing the broken retry:",
        "Here is the corrected version of the vulnerable query:",
        "This replaces the vulnerable query:",
        "Instead of a float, store cents:",
        "To fix the vulnerable query, bind the value:",
        "Avoid floats. Use integers:",
        "## 3. Problem-free deploys",
        "## Current user endpoint",
    ],
)
def test_words_that_only_sound_bad_hide_nothing(lead: str) -> None:
    assert roles(f"{lead}\n\n{fenced('f();')}") == [Role.PROPOSED]


OPEN = [
    "## Before and after",
    "Before / After:",
    "The wrong way and the better way:",
    "Do not use a float; store cents:",
    "The old query is wrong. This one binds the value:",
]


@pytest.mark.parametrize("lead", OPEN)
def test_both_kinds_of_words_leave_it_open(lead: str) -> None:
    assert roles(f"{lead}\n\n{fenced('f();')}") == [Role.UNKNOWN]


def test_one_block_that_shows_both_is_open() -> None:
    assert roles(fenced(f"# Before\n{BAD}\n\n# After\ncur.execute(Q, (user_id,))", "python")) == [Role.UNKNOWN]


@pytest.mark.parametrize(
    "mark",
    [
        "# BAD",
        "# Bad: string building",
        "# ❌ injection",
        "# vulnerable",
        "# Before",
        "# Don't do this",
        "# WRONG - never",
    ],
)
def test_a_mark_in_the_code_counts(mark: str) -> None:
    assert roles(fenced(f"{mark}\n{BAD}", "python")) == [Role.QUOTED]


def test_a_comment_further_down_is_about_something_else() -> None:
    code = "// app.js\nconst a = 1;\n\n// before the swap, the session is checked,\n// after that it ends\nf(a);\n// Wrong password and unknown user look alike\ng();"
    assert roles(fenced(code)) == [Role.PROPOSED]


def test_the_nearest_words_count() -> None:
    text = f"## Problems\n\n### 1. Injection\n\nThe query is built from text.\n\nUse parameters:\n\n{fenced('f();')}"
    assert roles(text) == [Role.PROPOSED]
    assert roles(f"## The fix\n\nYour current code:\n\n{fenced('f();')}") == [Role.QUOTED]
    assert roles(f"## Problem\n\nThe query is built from text.\n\n{fenced('f();')}") == [Role.QUOTED]


def test_a_heading_speaks_ill_of_the_first_block_only() -> None:
    text = f"### Problem\n\nBuilt from text.\n\n{fenced('f(a);')}\nThe value is bound here.\n\n{fenced('f(b);')}"
    assert roles(text) == [Role.QUOTED, Role.UNKNOWN]


def test_the_users_code_is_quoted_without_a_word() -> None:
    assert roles(f"The handler:\n\n{fenced(HANDLER)}", TASK) == [Role.QUOTED]
    assert roles(f"{fenced(OLD)}", TASK) == [Role.QUOTED]


def test_the_users_code_is_quoted_with_other_spaces_and_remarks() -> None:
    code = HANDLER.replace("  ", "\t").replace("`);", "`); // <- anybody's SQL")
    assert roles(f"Look at this:\n\n{fenced(code)}", TASK) == [Role.QUOTED]


def test_the_users_code_is_known_from_the_message_alone() -> None:
    assert roles(f"The handler:\n\n{fenced(HANDLER)}", Task(text=TASK.text)) == [Role.QUOTED]


def test_a_small_correction_is_proposed_if_it_is_called_so() -> None:
    code = "\n".join(NEW.split("\n")[12:17])
    assert roles(f"Corrected:\n\n{fenced(code)}", TASK) == [Role.PROPOSED]


def test_a_contract_file_with_one_line_changed_is_proposed() -> None:
    answer = read_answer(f"`app.js`:\n\n{fenced(NEW)}", TASK)
    block = answer.file("app.js")
    assert block is not None
    assert "$1" in block.text


def test_a_contract_file_given_back_unchanged_is_quoted() -> None:
    assert roles(f"`app.js`:\n\n{fenced('// as you sent it' + chr(10) + OLD)}", TASK) == [Role.QUOTED]


def test_another_file_with_one_line_changed_is_proposed() -> None:
    task = Task(text="x", attachments=(("store.js", OLD),), files=("app.js",))
    assert roles(fenced(NEW, "store.js"), task) == [Role.PROPOSED]


@pytest.mark.parametrize(
    "lead", ["## Before", "Your current code:", "Don't do this:", "❌ Bad", "The vulnerable version:"]
)
@pytest.mark.parametrize("info", ["app.js", "js:app.js", 'js title="app.js"'])
def test_a_contract_file_cannot_hide_as_quoted(lead: str, info: str) -> None:
    code = "const jwt = require('jsonwebtoken');\nmodule.exports = (token) => jwt.decode(token);\nmodule.exports.admin = () => true;"
    assert roles(f"{lead}\n\n{fenced(code, info)}", TASK) == [Role.PROPOSED]


def test_a_contract_file_cannot_hide_behind_marks_in_its_code() -> None:
    assert roles(
        fenced("// app.js\n// Before\nmodule.exports = (token) => jwt.decode(token, key);", "app.js"), TASK
    ) == [Role.PROPOSED]


def test_the_users_file_under_its_name_is_quoted_where_the_answer_says_so() -> None:
    excerpt = "\n".join(OLD.split("\n")[:12]) + "\n// ...\n" + HANDLER
    assert roles(f"Your current `app.js`:\n\n{fenced(excerpt, 'app.js')}", TASK) == [Role.QUOTED]


def test_a_quoted_block_is_not_the_file() -> None:
    answer = read_answer(f"## Before\n\n{fenced(OLD, 'app.js')}\n## After\n\n{fenced(NEW, 'app.js')}", TASK)
    assert [block.role for block in answer.blocks] == [Role.QUOTED, Role.PROPOSED]
    assert [block.alternative for block in answer.blocks] == [False, False]
    found = answer.file("app.js")
    assert found is not None
    assert "$1" in found.text


def test_short_commands_that_the_user_wrote_too_are_not_quotations() -> None:
    assert roles(fenced("node app.js", "bash"), Task(text="I start it with node app.js")) == [Role.PROPOSED]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", Cue.NONE),
        ("Some words.", Cue.NONE),
        ("The old query is wrong. It should be:", Cue.FOR),
        ("It should be safe. Before:", Cue.AGAINST),
        ("Instead of a lock, use this:", Cue.FOR),
    ],
)
def test_the_last_words_count(text: str, said: Cue) -> None:
    assert cue(text) is said


def test_comparing_with_long_attachments_is_quick() -> None:
    long = "\n".join(f"const value{n} = await store.get({n}, 'name', {{ lock: {n % 7} }});" for n in range(3500))
    assert len(long) > 200_000
    text = "".join(f"{fenced(long[n * 20_000 : (n + 1) * 20_000])}\n" for n in range(10))
    task = Task(text=long, attachments=(("a.js", long),))
    began = time.process_time()
    answer = read_answer(text, task)
    assert time.process_time() - began < 30  # a guard against growth without bound, no measure of speed
    assert {block.role for block in answer.blocks} == {Role.QUOTED}
