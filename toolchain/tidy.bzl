# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy as an aspect, so that Bazel runs it in parallel and only on changes.

    bazel build --config=tidy //...
    bazel build --config=tidy --config=el2_debian //...

The first looks at what compiles for the build machine, the second at what
compiles for EL2 only.
"""

load("//toolchain:flags.bzl", "TIDY", "TIDY_EL2")

_SOURCES = ["cc", "cpp"]

def _own_sources(ctx):
    """The C++ sources of a target of this repository."""
    if ctx.label.workspace_name or not hasattr(ctx.rule.attr, "srcs"):
        return []
    files = [file for target in ctx.rule.attr.srcs for file in target.files.to_list()]
    return [file for file in files if file.extension in _SOURCES and file.is_source]

def _for_el2(ctx):
    return ctx.target_platform_has_constraint(ctx.attr._bare[platform_common.ConstraintValueInfo])

def _wanted(ctx):
    """Whether this run looks at the target: EL2-only ones when building for EL2."""
    return not _for_el2(ctx) or bool(getattr(ctx.rule.attr, "target_compatible_with", []))

def _include_flags(context):
    flags = ["-iquote" + path for path in context.quote_includes.to_list()]
    flags += ["-isystem" + path for path in context.system_includes.to_list()]
    flags += ["-I" + path for path in context.includes.to_list()]
    defines = context.defines.to_list() + context.local_defines.to_list()
    return flags + ["-D" + define for define in defines]

def _check_flags(source):
    # The path-sensitive analysis of GoogleTest's macros takes most of the time
    # and finds nothing in the code under test.
    return ["--checks=-clang-analyzer-*"] if source.basename.endswith("_test.cc") else []

def _tidy(ctx, source, context):
    stamp = ctx.actions.declare_file("%s.%s.tidy" % (ctx.label.name, source.basename))
    ctx.actions.run(
        executable = ctx.executable._runner,
        inputs = depset(
            [source, ctx.file._config],
            transitive = [context.headers],
        ),
        outputs = [stamp],
        arguments = [stamp.path, "--config-file=" + ctx.file._config.path] +
                    _check_flags(source) + [source.path, "--"] +
                    TIDY + (TIDY_EL2 if _for_el2(ctx) else []) + _include_flags(context),
        mnemonic = "ClangTidy",
        progress_message = "clang-tidy %s" % source.short_path,
    )
    return stamp

def _clang_tidy_impl(target, ctx):
    if CcInfo not in target or not _wanted(ctx):
        return [OutputGroupInfo(tidy = depset())]
    context = target[CcInfo].compilation_context
    stamps = [_tidy(ctx, source, context) for source in _own_sources(ctx)]
    return [OutputGroupInfo(tidy = depset(stamps))]

clang_tidy = aspect(
    implementation = _clang_tidy_impl,
    attrs = {
        "_bare": attr.label(default = "@platforms//os:none"),
        "_config": attr.label(default = "//:.clang-tidy", allow_single_file = True),
        "_runner": attr.label(
            default = "//toolchain:run_clang_tidy.sh",
            allow_single_file = True,
            cfg = "exec",
            executable = True,
        ),
    },
)
