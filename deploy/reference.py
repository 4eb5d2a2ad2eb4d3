"""``make reference``: write docs/reference.md from the docstrings of the public names of channels_live.

Public names are those in the ``__all__`` of a direct child of the package. griffe reads the sources without importing
them, so the page is the same on every machine.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference.md"
PACKAGE = "channels_live"
INTRODUCTION = """\
# Reference

The public names of `channels_live`, in the words of their docstrings; `make reference` writes this page. What is not
here is private, and may move with any release. [upgrading.md](upgrading.md) says what a release may change.
"""
# Classes of fields or values, which the docstring of the class explains together.
TABLES = re.compile(r"\b(Enum|IntEnum|StrEnum|NamedTuple|TypedDict)\b")
LONGEST_SIGNATURE = 100


def main() -> None:
    PAGE.write_text(page(public_modules()))
    print(PAGE.relative_to(ROOT))


def public_modules() -> dict[str, griffe.Module]:
    """Return the modules of the package that have an ``__all__``, by their full names in the order of the alphabet."""
    package = griffe.load(PACKAGE, search_paths=[ROOT / "src"], docstring_parser="google")
    return {module.path: module for _, module in sorted(package.modules.items()) if module.exports}


def public_objects(module: griffe.Module) -> dict[str, griffe.Object]:
    """Return what a module exports, by the names under which it is imported.

    Raises:
        KeyError: ``__all__`` has a name that the module does not define, or that griffe cannot see: what
            ``__getattr__`` imports late needs an import under ``TYPE_CHECKING`` too.
    """
    return {f"{module.path}.{name}": _exported(module, name) for name in sorted(map(str, module.exports or ()))}


def _exported(module: griffe.Module, name: str) -> griffe.Object:
    member = module[name]
    # A function may be in a module of its own name.
    found = member[name] if member.is_module and name in member.members else member
    return found.final_target if isinstance(found, griffe.Alias) else found


def public_members(owner: griffe.Object) -> Iterator[griffe.Object]:
    """Yield the public functions and attributes that a class or module defines itself, in the order of its source.

    Those of a base class that is not public come first: the reference describes them nowhere else.
    """
    for base in _private_bases(owner):
        yield from public_members(base)
    for name, member in owner.members.items():
        if name.startswith("_") or not isinstance(member, griffe.Function | griffe.Attribute):
            continue
        if member.docstring or _must_be_described(owner, member) or _is_field(owner, member):
            yield member


def undocumented(modules: dict[str, griffe.Module]) -> list[str]:
    """Return every public name without a docstring: of modules, of what they export, and of what a class defines."""
    missing = [path for path, module in modules.items() if not module.docstring]
    for module in modules.values():
        for path, found in public_objects(module).items():
            if not found.docstring:
                missing.append(path)
            missing += [
                f"{path}.{member.name}"
                for member in public_members(found)
                if _must_be_described(found, member) and not member.docstring
            ]
    return missing


def _must_be_described(owner: griffe.Object, member: griffe.Object) -> bool:
    # For a method that a base class may have described, that docstring holds.
    is_called = member.is_function or "property" in member.labels
    return is_called and not (isinstance(owner, griffe.Class) and _has_base(owner))


def _has_base(owner: griffe.Class) -> bool:
    private = {base.canonical_path for base in _private_bases(owner)}
    names = {base if isinstance(base, str) else base.canonical_path for base in owner.bases}
    return any(not re.search(r"\b(Protocol|Generic)\b", name) for name in names - private)


def _private_bases(owner: griffe.Object) -> Iterator[griffe.Class]:
    """Yield the base classes of a class that are of its own package, and that no module exports."""
    for base in owner.resolved_bases if isinstance(owner, griffe.Class) else ():
        if isinstance(base, griffe.Class) and base.package.path == owner.package.path and not _is_exported(base):
            yield base


def _is_exported(found: griffe.Class) -> bool:
    module: griffe.Object | griffe.Alias | None = found.module
    while module is not None:
        if found.name in map(str, module.exports or ()):
            return True
        module = module.parent
    return False


def _is_field(owner: griffe.Object, member: griffe.Object) -> bool:
    if not (isinstance(owner, griffe.Class) and isinstance(member, griffe.Attribute)):
        return False
    is_protocol = any("Protocol" in str(base) for base in owner.bases)
    is_table = "dataclass" in owner.labels or any(TABLES.search(str(base)) for base in owner.bases)
    return is_table or (is_protocol and member.annotation is not None) or _is_setting(member)


def _is_setting(member: griffe.Object) -> bool:
    return isinstance(member, griffe.Attribute) and str(member.value).startswith("Setting(")


# --- The page


def page(modules: dict[str, griffe.Module]) -> str:
    """Return the text of the whole page."""
    parts = [INTRODUCTION]
    for path, module in modules.items():
        names = ", ".join(f"`{name.rpartition('.')[2]}`" for name in public_objects(module))
        parts.append(f"- [{path}](#{path.replace('.', '')}): {names}")
    for path, module in modules.items():
        parts += [f"\n## {path}\n", _prose(module)]
        for name, found in public_objects(module).items():
            parts += _object(name, found)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).strip() + "\n"


def _object(name: str, found: griffe.Object) -> Iterator[str]:
    assert isinstance(found.filepath, Path)
    where = found.filepath.relative_to(ROOT)
    yield from (f"\n### {name}\n", _code(_signature(found, name)), f"[{where}](../{where})\n", _prose(found))
    members = list(public_members(found))
    fields = [member for member in members if _is_field(found, member)]
    # The signature of a dataclass has its fields.
    if any(member.docstring for member in fields) or "dataclass" not in found.labels:
        yield "\n".join(_setting(member) if _is_setting(member) else _field(member) for member in fields) + "\n"
    for member in members:
        if member not in fields:
            yield from (f"\n#### {found.name}.{member.name}\n", _code(_signature(member)), _prose(member))


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


def _signature(found: griffe.Object, exported: str = "") -> str:
    """Return the first line of a definition, under the name by which it is exported, if it is."""
    name = exported.rpartition(".")[2] or found.name
    if isinstance(found, griffe.Module):
        return f"from {exported.rpartition('.')[0]} import {name}"
    if isinstance(found, griffe.Class):
        return _broken("class " + (found.signature(return_type=False, name=name) or name))
    if isinstance(found, griffe.Function):
        kind = "async def " if "async" in found.labels else "def "
        return _broken(kind + found.signature(return_type=True, name=name))
    assert isinstance(found, griffe.Attribute)
    text = name + (f": {found.annotation}" if found.annotation else "")
    has_value = found.value is not None and "property" not in found.labels and len(str(found.value)) < LONGEST_SIGNATURE
    return f"{text} = {found.value}" if has_value else text


def _broken(signature: str) -> str:
    """Return a signature that is too long for a line with a line for each parameter."""
    if len(signature) <= LONGEST_SIGNATURE:
        return signature
    text, depth = "", 0
    for character in signature:
        depth += (character in "([{") - (character in ")]}")
        if character == ")" and depth == 0:
            text += ",\n"
        text += character
        if (character == "(" or character == ",") and depth == 1:
            text += "\n   " + " " * (character == "(")
    return text


def _prose(found: griffe.Object) -> str:
    """Return a docstring as Markdown."""
    parts = []
    for section in found.docstring.parsed if found.docstring else ():
        match section.kind:
            case griffe.DocstringSectionKind.text:
                parts.append(_markdown(section.value))
            case griffe.DocstringSectionKind.parameters | griffe.DocstringSectionKind.attributes:
                items = [f"- `{item.name}`: {_item(item)}" for item in section.value]
                parts.append("\n".join([f"{section.kind.value.capitalize()}:\n", *items]))
            case griffe.DocstringSectionKind.returns | griffe.DocstringSectionKind.yields:
                parts.append(f"{section.kind.value.capitalize()}: {' '.join(_item(item) for item in section.value)}")
            case griffe.DocstringSectionKind.raises:
                parts.append(
                    "\n".join(["Raises:\n", *(f"- `{item.annotation}`: {_item(item)}" for item in section.value)])
                )
            case griffe.DocstringSectionKind.admonition:
                parts.append(f"{section.title}: {_markdown(section.value.description)}")
            case _:
                raise NotImplementedError(f"{found.path}: a docstring's section {section.kind.value!r}")
    return "\n\n".join(parts) + "\n" if parts else ""


def _field(field: griffe.Object) -> str:
    description = f": {_markdown(field.docstring.value)}" if field.docstring else ""
    return f"- `{_signature(field)}`{description}".replace("\n", "\n  ")


def _setting(field: griffe.Object) -> str:
    """Return what channels_live.conf.Setting is told of a setting."""
    assert isinstance(field, griffe.Attribute)
    (statement,) = ast.parse(str(field.value), mode="exec").body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    kind, default, sentence = statement.value.args
    options = {keyword.arg: keyword.value for keyword in statement.value.keywords}
    shown = options.get("shown_default", default)
    facts = [ast.unparse(kind), f"by default {_text(shown, field.module) or 'empty'}"]
    if "unit" in options:
        facts.append(str(ast.literal_eval(options["unit"])))
    if {"minimum", "maximum"} <= options.keys():
        facts.append(f"{_text(options['minimum'], field.module)} to {_text(options['maximum'], field.module)}")
    return f"- `{field.name}` ({', '.join(facts)}): {ast.literal_eval(sentence)}"


def _text(value: ast.expr, module: griffe.Module) -> str:
    """Return a literal, or that of a module's constant, without quotes."""
    if isinstance(value, ast.Name) and isinstance(constant := module[value.id], griffe.Attribute):
        return str(constant.value)
    return ast.unparse(value).strip("'")


def _item(item: griffe.DocstringElement) -> str:
    return _markdown(item.description).replace("\n", "\n  ")


def _markdown(text: str) -> str:
    """Return reStructuredText, as far as docstrings here use it, as Markdown."""
    text = re.sub(r"(?<=\S)::$", ":", text, flags=re.MULTILINE)
    return re.sub(r"``([^`]+)``", r"`\1`", text)


if __name__ == "__main__":
    main()
