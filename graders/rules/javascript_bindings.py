"""How JavaScript declares names: variables, parameters, imports, patterns that take values apart.

Here: one declaration → its bindings. Not here: looking a name up (`javascript_tree`).
"""

from __future__ import annotations

from collections.abc import Iterator

from graders.rules.javascript_node import BLOCKS, CLASSES, FUNCTIONS, Binding, Node, plain_module, quoted, unwrapped


def pattern_names(node: Node) -> Iterator[tuple[Node, str | None, Node | None]]:
    """(identifier, key, default) of each name in a pattern; nested patterns give dotted keys."""
    stack: list[tuple[Node, str | None]] = [(node, None)]
    while stack:
        node, key = stack.pop()
        node, default = unwrapped(node)
        if node.kind in ("identifier", "shorthand_property_identifier_pattern"):
            own = node.text if node.kind != "identifier" else None
            yield node, (f"{key}.{own}" if key and own else own or key), default
        elif node.kind == "object_pattern":
            stack.extend((child, key) for child in reversed(node.children))
        elif node.kind == "array_pattern":
            stack.extend((child, f"{key}.{i}" if key else str(i)) for i, child in _places(node))
        elif node.kind == "pair_pattern":
            name, inner = node.field("key"), node.field("value")
            if name is not None and inner is not None:
                stack.append((inner, f"{key}.{name.text}" if key else name.text))
        elif node.kind == "rest_pattern" and node.children:
            stack.append((node.children[0], "..."))


def _places(array: Node) -> Iterator[tuple[int, Node]]:
    """Each element of an array pattern with its index; holes count."""
    starts = [child.range().start.index for child in array.sg.children() if child.kind() == ","]
    for child in array.children:
        yield sum(start < child.start for start in starts), child


def _scope(node: Node, *, function: bool = False) -> Node:
    """The block (or, for `var` and parameters, the function) in which a declaration is seen."""
    last = node
    for last in node.ancestors():
        if last.kind in FUNCTIONS or last.kind == "program" or (not function and last.kind in BLOCKS):
            break
    return last


def _declarators(node: Node) -> Iterator[Binding]:
    name, value, parent = node.field("name"), node.field("value"), node.parent
    if name is None or parent is None:
        return
    how = "var" if parent.kind == "variable_declaration" else "const" if parent.has_token("const") else "let"
    for target, key, _ in pattern_names(name):
        yield Binding(
            name=target.text, scope=_scope(node, function=how == "var"), how=how, site=node, value=value, key=key
        )


def _functions(node: Node) -> Iterator[Binding]:
    name = node.field("name")
    if name is not None and node.kind.endswith("declaration"):
        yield Binding(name=name.text, scope=_scope(node), how="function", site=node, value=node)
    listed, alone = node.field("parameters"), node.field("parameter")
    for each in [alone] if alone is not None else listed.children if listed is not None else []:
        pattern, default = unwrapped(each)
        for target, key, inner in pattern_names(pattern):
            whole = default if key is None else inner
            yield Binding(name=target.text, scope=node, how="parameter", site=each, value=whole, key=key)


def _classes(node: Node) -> Iterator[Binding]:
    name = node.field("name")
    if name is not None:
        yield Binding(name=name.text, scope=_scope(node), how="class", site=node, value=node)


def _catches(node: Node) -> Iterator[Binding]:
    target = node.field("parameter")
    if target is not None:
        for name, key, _ in pattern_names(target):
            yield Binding(name=name.text, scope=node, how="catch", site=node, key=key)


def _loops(node: Node) -> Iterator[Binding]:
    target, over = node.field("left"), node.field("right")
    if target is not None:
        for name, key, _ in pattern_names(target):
            yield Binding(name=name.text, scope=node, how="loop", site=node, value=over, key=f"?.{key}" if key else "?")


def _imports(node: Node) -> Iterator[Binding]:
    clause = next((c for c in node.children if c.kind in ("import_clause", "import_require_clause")), None)
    if clause is None:
        return
    inside = next((c for c in clause.children if c.kind == "string"), None)
    where = inside if clause.kind == "import_require_clause" else node.field("source")
    if where is None:
        return
    module = plain_module(quoted(where))
    for part in clause.children:
        for name, path in _imported(part, module):
            yield Binding(name=name, scope=_scope(node), how="import", site=node, module=path)


def _imported(part: Node, module: str) -> Iterator[tuple[str, str]]:
    """(local name, where it comes from) of each name in a part of an import."""
    if part.kind == "identifier":
        yield part.text, module
    elif part.kind == "namespace_import" and part.children:
        yield part.children[0].text, module
    elif part.kind == "named_imports":
        for each in part.children:
            name, alias = each.field("name"), each.field("alias")
            if name is not None:
                yield (alias or name).text, module if name.text == "default" else f"{module}.{name.text}"


READERS = {
    "variable_declarator": _declarators,
    "import_statement": _imports,
    "catch_clause": _catches,
    "for_in_statement": _loops,
    **dict.fromkeys(FUNCTIONS, _functions),
    **dict.fromkeys(CLASSES, _classes),
}
