# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""External repositories for sources that `./ravelin setup` put on this machine.

Nothing is downloaded here: the sources were verified when they were fetched.
"""

load("//toolchain:repositories.bzl", "cache_folder")

def _local_sources_impl(repository_ctx):
    path = repository_ctx.attr.path
    root = path if path.startswith("/") else cache_folder(repository_ctx) + "/third_party/" + path
    root_path = repository_ctx.path(root)
    if not root_path.exists:
        fail("%s is missing: run ./ravelin setup" % root)
    for entry in root_path.readdir():
        if entry.basename not in ["BUILD", "BUILD.bazel", "WORKSPACE"]:
            repository_ctx.symlink(entry, entry.basename)
    repository_ctx.symlink(repository_ctx.attr.build_file, "BUILD")
    repository_ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % repository_ctx.name)

_local_sources = repository_rule(
    implementation = _local_sources_impl,
    attrs = {
        "build_file": attr.label(mandatory = True, allow_single_file = True),
        "path": attr.string(
            mandatory = True,
            doc = "The folder with the sources; relative to the cache's third_party folder.",
        ),
    },
    environ = ["HOME", "RAVELIN_CACHE", "RAVELIN_SETUP"],
    local = True,
    doc = "A folder of this machine, with a BUILD file of ours.",
)

def third_party_repositories():
    """Declares every third-party library."""
    _local_sources(
        name = "libfdt",
        build_file = "//third_party:libfdt.BUILD",
        path = "libfdt",
    )
    _local_sources(
        name = "qemu_plugin",
        build_file = "//third_party:qemu_plugin.BUILD",
        path = "qemu_plugin",
    )
    _local_sources(
        name = "googletest",
        build_file = "//third_party:googletest.BUILD",
        path = "/usr/src/googletest",
    )
