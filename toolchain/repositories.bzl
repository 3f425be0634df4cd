# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the compilers of this machine and describes them to //toolchain.

The repository that this makes holds one file, `compilers.bzl`, with a dict
`COMPILERS`: name -> struct(found, tools, includes, version).
"""

_TOOLS = ["ar", "cpp", "gcc", "gcov", "ld", "nm", "objcopy", "objdump", "strip"]
_ARM_PREFIX = "aarch64-none-elf-"
_DEBIAN_PREFIX = "aarch64-linux-gnu-"

# The oldest one for which libstdc++ has <expected>.
_CLANG = "clang-19"

def cache_folder(repository_ctx):
    """The folder that `./ravelin setup` fills, as a string."""
    environment = repository_ctx.os.environ
    if environment.get("RAVELIN_CACHE"):
        return environment["RAVELIN_CACHE"]
    return environment["HOME"] + "/.cache/ravelin"

def _folder_with_gcc(repository_ctx, folder, prefix):
    """The real folder behind `folder` if it has the compiler."""
    path = repository_ctx.path(folder + "/" + prefix + "gcc")
    return str(path.realpath.dirname) if path.exists else None

def _find_arm_gnu(repository_ctx):
    """The folder of aarch64-none-elf-gcc, or None: environment, PATH, cache."""
    root = repository_ctx.os.environ.get("ARM_GNU_TOOLCHAIN")
    if root:
        for folder in [root + "/bin", root]:
            if _folder_with_gcc(repository_ctx, folder, _ARM_PREFIX):
                return folder
        fail("ARM_GNU_TOOLCHAIN=%s has no %sgcc" % (root, _ARM_PREFIX))
    on_path = repository_ctx.which(_ARM_PREFIX + "gcc")
    if on_path:
        return str(on_path.dirname)
    cached = cache_folder(repository_ctx) + "/arm-gnu-toolchain/current/usr/bin"
    return _folder_with_gcc(repository_ctx, cached, _ARM_PREFIX)

def _find_on_path(repository_ctx, prefix):
    path = repository_ctx.which(prefix + "gcc")
    return str(path.dirname) if path else None

def _include_folders(repository_ctx, gcc):
    """The folders that the compiler searches for <...> headers, both spellings."""
    folders = []
    for language in ["c", "c++"]:
        result = repository_ctx.execute(
            [gcc, "-no-canonical-prefixes", "-E", "-v", "-x", language, "/dev/null"],
            environment = {"LC_ALL": "C"},
        )
        if result.return_code != 0:
            fail("%s does not run: %s" % (gcc, result.stderr))
        listing = result.stderr.split("#include <...> search starts here:")[1]
        for line in listing.split("End of search list.")[0].strip().split("\n"):
            path = repository_ctx.path(line.strip())
            for folder in [str(path), str(path.realpath)]:
                if folder not in folders:
                    folders.append(folder)
    return folders

_NOT_FOUND = "struct(found = False, tools = {}, includes = [], version = \"\")"

def _found(repository_ctx, tools, version, more_includes = []):
    return "struct(found = True, tools = %s, includes = %s, version = %s)" % (
        repr(tools),
        repr(_include_folders(repository_ctx, tools["gcc"]) + more_includes),
        repr(version),
    )

def _describe(repository_ctx, folder, prefix):
    if not folder:
        return _NOT_FOUND
    tools = {tool: folder + "/" + prefix + tool for tool in _TOOLS}
    version = repository_ctx.execute([tools["gcc"], "-dumpfullversion"]).stdout.strip()
    return _found(repository_ctx, tools, version)

def _describe_clang(repository_ctx, folder):
    """Clang with the other tools of the build machine."""
    clang = repository_ctx.which(_CLANG)
    if not clang or not folder:
        return _NOT_FOUND
    tools = {tool: folder + "/" + tool for tool in _TOOLS}
    tools["gcc"] = str(clang.realpath)
    version = repository_ctx.execute([clang, "-dumpversion"]).stdout.strip()

    # Its sanitizers read lists from there, which count as included.
    resources = repository_ctx.execute([tools["gcc"], "-print-resource-dir"]).stdout.strip()
    return _found(repository_ctx, tools, version, [resources + "/share"])

def _cc_compilers_impl(repository_ctx):
    debian = _find_on_path(repository_ctx, _DEBIAN_PREFIX)
    arm_gnu = _find_arm_gnu(repository_ctx)
    host = _find_on_path(repository_ctx, "")
    arm_prefix = _ARM_PREFIX if arm_gnu else _DEBIAN_PREFIX
    descriptions = {
        "host": _describe(repository_ctx, host, ""),
        "clang": _describe_clang(repository_ctx, host),
        "debian": _describe(repository_ctx, debian, _DEBIAN_PREFIX),
        "arm_gnu": _describe(repository_ctx, arm_gnu or debian, arm_prefix),
    }
    lines = ["    %s: %s," % (repr(name), text) for name, text in descriptions.items()]
    repository_ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % repository_ctx.name)
    repository_ctx.file("BUILD", "")
    repository_ctx.file("compilers.bzl", "COMPILERS = {\n%s\n}\n" % "\n".join(lines))

cc_compilers = repository_rule(
    implementation = _cc_compilers_impl,
    configure = True,
    environ = ["ARM_GNU_TOOLCHAIN", "HOME", "PATH", "RAVELIN_CACHE", "RAVELIN_SETUP"],
    local = True,
    doc = "Locates the four compilers of this repository.",
)
