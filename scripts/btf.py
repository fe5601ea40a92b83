#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Read the exported symbols and the types (BTF) of a kernel image.

extract() reads them from an unpacked image, and Image from the files that it wrote:
exports, vmlinux.btf, and MODULE.btf for the modules that vhost-tap uses. The kernel's
documentation describes the format ("BPF Type Format").
"""

import lzma
import os
import struct
import subprocess
import sys

# The modules whose functions or types the driver uses.
MODULES = ("tun", "tap", "vhost_iotlb", "vhost", "vhost_net")

(INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR,
 DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64) = range(1, 20)
# Bytes that follow the header of a type: fixed ones, and for each of its members.
FIXED = {INT: 4, ARRAY: 12, VAR: 4, DECL_TAG: 4}
EACH = {STRUCT: 12, UNION: 12, ENUM: 8, FUNC_PROTO: 8, DATASEC: 12, ENUM64: 12}
QUALIFIERS = {VOLATILE: "volatile ", CONST: "const "}


class Elf:
    """The sections and symbols of a 64-bit little-endian ELF file"""

    def __init__(self, data):
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("no 64-bit little-endian ELF file")
        self.data = data
        at, = struct.unpack_from("<Q", data, 0x28)
        size, count, names = struct.unpack_from("<HHH", data, 0x3a)
        rows = [struct.unpack_from("<IIQQQQ", data, at + i * size) for i in range(count)]
        # The name -> (address, offset, size)
        self.sections = {text(data, rows[names][4] + r[0]): r[3:6] for r in rows}

    def section(self, name):
        _, offset, size = self.sections.get(name, (0, 0, 0))
        return self.data[offset:offset + size]

    def symbols(self):
        """Yield (name, value, section) of the symbol table"""
        table, names = self.section(".symtab"), self.section(".strtab")
        for at in range(0, len(table), 24):
            name, _, _, section, value = struct.unpack_from("<IBBHQ", table, at)
            yield text(names, name), value, section

    def undefined(self):
        """Return the names of the symbols that the file imports"""
        return {name for name, _, section in self.symbols() if not section and name}


def text(data, at):
    return data[at:data.index(b"\0", at)].decode()


def module_exports(elf):
    """Return {symbol: namespace} of a module"""
    names = elf.section("__ksymtab_strings")
    symbols = {name: value for name, value, _ in elf.symbols()}
    return {name[10:]: text(names, symbols.get("__kstrtabns_" + name[10:], len(names) - 1))
            for name in symbols if name.startswith("__ksymtab_")}


def kernel_exports(elf):
    """Return {symbol: namespace} of vmlinux

    struct kernel_symbol has the distances to the value, the name and the namespace.
    """
    found = {}
    base, start, _ = elf.sections["__ksymtab_strings"]
    for name in ("__ksymtab", "__ksymtab_gpl"):
        address, offset, size = elf.sections.get(name, (0, 0, 0))
        for i in range(0, size, 12):
            _, to_name, to_space = struct.unpack_from("<iii", elf.data, offset + i)
            at = address + i - base + start
            found[text(elf.data, at + 4 + to_name)] = text(elf.data, at + 8 + to_space)
    return found


def extract(image, dest):
    """Write the exports and the BTF of an unpacked image part of scripts/kernels"""
    os.makedirs(dest, exist_ok=True)
    with open(f"{image}/vmlinux", "rb") as f:
        elf = Elf(f.read())
    files = {"vmlinux": elf.section(".BTF")}
    rows = [f"{symbol} vmlinux {space}" for symbol, space in kernel_exports(elf).items()]
    for folder, _, names in os.walk(f"{image}/lib/modules"):
        for name in names:
            module = name.split(".ko")[0].replace("-", "_")
            if module not in MODULES or ".ko" not in name:
                continue
            elf = Elf(unpacked(os.path.join(folder, name)))
            files[module] = elf.section(".BTF")
            rows += [f"{symbol} {module} {space}" for symbol, space in module_exports(elf).items()]
    if not rows or not all(files.values()):
        raise ValueError(f"{image}: no exports, or no BTF of " + " ".join(k for k in files if not files[k]))
    for name, data in files.items():
        with open(f"{dest}/{name}.btf", "wb") as f:
            f.write(data)
    with open(f"{dest}/exports", "w", encoding="utf-8") as f:
        f.write("".join(row.rstrip() + "\n" for row in sorted(rows)))


def unpacked(path):
    if path.endswith(".xz"):
        with lzma.open(path) as f:
            return f.read()
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout
    with open(path, "rb") as f:
        return f.read()


class Btf:
    """The types of vmlinux, or of a module, which continues those of vmlinux"""

    def __init__(self, data, base=None):
        magic, _, _, header, type_off, type_len, str_off, str_len = struct.unpack_from("<HBBIIIII", data)
        if magic != 0xeb9f:
            raise ValueError("no BTF")
        self.base = base
        self.names = data[header + str_off:header + str_off + str_len]
        self.first_name = base.first_name + len(base.names) if base else 0
        self.first = base.first + len(base.types) if base else 0
        # Each type: (kind, name, flag, size or type, bytes that follow). Type 0 is void.
        self.types = [] if base else [(0, "void", 0, 0, b"")]
        at, end = header + type_off, header + type_off + type_len
        while at < end:
            name, info, size = struct.unpack_from("<III", data, at)
            kind = info >> 24 & 31
            if not INT <= kind <= ENUM64:
                raise ValueError(f"unknown kind of type {kind}")
            rest = FIXED.get(kind, 0) + EACH.get(kind, 0) * (info & 0xffff)
            self.types.append((kind, self.name(name), info >> 31, size, data[at + 12:at + 12 + rest]))
            at += 12 + rest
        if at != end:
            raise ValueError("types of a wrong length")

    def name(self, at):
        if at < self.first_name:
            return self.base.name(at)
        return text(self.names, at - self.first_name)

    def get(self, number):
        if number < self.first:
            return self.base.get(number)
        return self.types[number - self.first]

    def members(self, kind, rest, flag):
        """Yield (name, type, bits) of the members of a struct or union"""
        for name, number, offset in struct.iter_unpack("<III", rest):
            yield self.name(name), number, offset >> 24 if flag and kind in (STRUCT, UNION) else 0

    def behind(self, number):
        """Return the type behind typedefs and qualifiers"""
        kind, _, _, target, _ = self.get(number)
        while kind in (TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG):
            number = target
            kind, _, _, target, _ = self.get(number)
        return number

    def show(self, number):
        """Return the type in the notation of C. A struct with a name is that name."""
        kind, name, flag, size, rest = self.get(number)
        if kind in (RESTRICT, TYPE_TAG):
            return self.show(size)
        if kind in QUALIFIERS:
            return QUALIFIERS[kind] + self.show(size)
        if kind == PTR:
            inner = self.show(size)
            return inner.replace("(", "(*)(", 1) if self.get(size)[0] == FUNC_PROTO else inner + " *"
        if kind == ARRAY:
            element, _, count = struct.unpack("<III", rest)
            return f"{self.show(element)}[{count}]"
        if kind == FUNC_PROTO:
            # The last parameter of a function with a variable number has no type.
            args = [self.show(t) if t else "..." for _, t in struct.iter_unpack("<II", rest)]
            return f"{self.show(size)} ({', '.join(args)})"
        word = {STRUCT: "struct", UNION: "union", ENUM: "enum", ENUM64: "enum",
                FWD: "union" if flag else "struct"}.get(kind, "")
        if name:
            return f"{word} {name}".strip()
        if kind in (STRUCT, UNION):
            inner = "; ".join(f"{self.show(t)} {n}{f':{b}' if b else ''}" for n, t, b in self.members(kind, rest, flag))
            return f"{word} {{ {inner} }}"
        return word


class Image:
    """The exports and types of one kernel, by name

    A lookup returns a set, because functions and structs of one name can differ. With
    modules=True it leaves out what vmlinux has.
    """

    def __init__(self, folder):
        self.exports = {}  # symbol -> (module, namespace)
        with open(f"{folder}/exports", encoding="utf-8") as f:
            for line in f:
                symbol, module, *space = line.split()
                self.exports[symbol] = (module, " ".join(space))
        kernel = Btf(read(f"{folder}/vmlinux.btf"))
        parts = [Btf(read(f"{folder}/{module}.btf"), kernel) for module in MODULES
                 if os.path.exists(f"{folder}/{module}.btf")]
        self.has_modules = bool(parts)
        # name -> [(part, number of a type, or value)]
        self.functions, self.structs, self.enumerators = {}, {}, {}
        for part in [kernel] + parts:
            self.index(part)

    def index(self, part):
        for i, (kind, name, flag, size, rest) in enumerate(part.types, part.first):
            if kind == FUNC:
                self.functions.setdefault(name, []).append((part, size))
            elif kind in (STRUCT, UNION, TYPEDEF) and name:
                self.structs.setdefault(name, []).append((part, i))
            elif kind == ENUM:
                for at, value in struct.iter_unpack("<Ii" if flag else "<II", rest):
                    self.enumerators.setdefault(part.name(at), []).append((part, value))
            elif kind == ENUM64:
                for at, low, high in struct.iter_unpack("<IIi" if flag else "<III", rest):
                    self.enumerators.setdefault(part.name(at), []).append((part, high << 32 | low))

    def export(self, name, modules=False):
        """Return the module and namespace of an exported symbol"""
        module, space = self.exports.get(name, ("vmlinux", None))
        return set() if space is None or (modules and module == "vmlinux") else {(module, space)}

    @staticmethod
    def rows(index, name, modules):
        """Return what an index has. A module can have a copy of a type of vmlinux."""
        found = index.get(name, [])
        return [] if modules and any(not part.base for part, _ in found) else found

    def function(self, name, modules=False):
        """Return the declarations of the functions, without names of parameters"""
        return {part.show(i) for part, i in self.rows(self.functions, name, modules)}

    def parameters(self, name, modules=False):
        """Return the number of parameters of the functions"""
        return {len(part.get(i)[4]) // 8 for part, i in self.rows(self.functions, name, modules)}

    def member(self, name, modules=False):
        """Return the types of "STRUCT.MEMBER". A union or typedef also counts as a struct."""
        name, _, member = name.partition(".")
        rows = self.rows(self.structs, name, modules)
        return set().union(*(search(part, part.behind(i), member) for part, i in rows))

    def enumerator(self, name, modules=False):
        """Return the values of the enumerators"""
        return {value for _, value in self.rows(self.enumerators, name, modules)}


def search(part, number, wanted):
    """Find a member of a struct or of the unnamed ones in it"""
    kind, _, flag, _, rest = part.get(number)
    found = set()
    if kind not in (STRUCT, UNION):
        return found
    for name, target, bits in part.members(kind, rest, flag):
        if name == wanted:
            found.add(part.show(target) + (f":{bits}" if bits else ""))
        elif not name:
            found |= search(part, part.behind(target), wanted)
    return found


def read(path):
    with open(path, "rb") as f:
        return f.read()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: btf.py IMAGE DEST - write exports and BTF of an unpacked image")
    extract(sys.argv[1], sys.argv[2])
