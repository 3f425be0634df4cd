# SPDX-FileCopyrightText: The Ravelin Authors
# SPDX-License-Identifier: Apache-2.0
"""Debian packages: installing what is missing, and fetching from other suites.

Another suite or architecture is read through lists of our own in the cache, so
that the machine's package state stays as it is. Addresses, components and keys
are those of the machine's own apt configuration.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

from . import paths
from .console import Console
from .errors import ExitCode, FetchError, RavelinError

_APT_HELPER = "/usr/lib/apt/apt-helper"
_SOURCES = pathlib.Path("/etc/apt")


@dataclasses.dataclass(frozen=True)
class Source:
    """One stanza of the machine's configuration: where a suite comes from."""

    uris: str
    suites: tuple[str, ...]
    components: str
    signed_by: str


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A file that a suite offers, with the hash from its signed list."""

    uri: str
    name: str
    size: int
    digest: str


def machine_codename() -> str:
    """The machine's release, "bookworm" for Debian 12."""
    text = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r"^VERSION_CODENAME=(\w+)", text, re.MULTILINE)
    if not found:
        raise RavelinError("/etc/os-release names no VERSION_CODENAME", ExitCode.SETUP_FAILED)
    return found.group(1)


def _deb822_sources(text: str) -> list[Source]:
    sources = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
        if "URIs" in fields and "Suites" in fields:
            suites = tuple(fields["Suites"].split())
            components = fields.get("Components", "main")
            sources.append(Source(fields["URIs"], suites, components, fields.get("Signed-By", "")))
    return sources


def _one_line_sources(text: str) -> list[Source]:
    pattern = re.compile(r"^deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$", re.MULTILINE)
    sources = []
    for options, uri, suite, components in pattern.findall(text):
        key = re.search(r"signed-by=(\S+)", options)
        sources.append(Source(uri, (suite,), components.strip(), key.group(1) if key else ""))
    return sources


def machine_sources() -> list[Source]:
    """Everything that the machine's apt configuration lists."""
    sources = []
    for path in [_SOURCES / "sources.list", *sorted((_SOURCES / "sources.list.d").glob("*"))]:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        parse = _deb822_sources if path.suffix == ".sources" else _one_line_sources
        sources += parse(path.read_text(encoding="utf-8"))
    return sources


def _root_prefix() -> list[str]:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if not sudo:
        raise RavelinError(
            "installing packages needs root: run this as root or install sudo",
            ExitCode.SETUP_FAILED,
        )
    return [sudo]


def missing(packages: list[str]) -> list[str]:
    """Those of `packages` that are not installed."""
    listing = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    installed = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def install(console: Console, packages: list[str]) -> None:
    """Installs packages from the machine's own release. RavelinError if one fails."""
    apt = [*_root_prefix(), "apt-get", "-q", "-o", "DPkg::Lock::Timeout=900"]
    console.run([*apt, "update"], "updating the package lists", ExitCode.SETUP_FAILED)
    console.run(
        [*apt, "install", "-y", "--no-install-recommends", *packages],
        f"installing {' '.join(packages)}",
        ExitCode.SETUP_FAILED,
        environment={"DEBIAN_FRONTEND": "noninteractive"},
    )


class Suite:
    """A Debian suite seen through package lists in the cache."""

    def __init__(self, console: Console, codename: str, architectures: tuple[str, ...]) -> None:
        self.codename = codename
        self._console = console
        self._architectures = architectures
        self._folder = paths.cache_folder("apt", f"{codename}-{'-'.join(architectures)}")
        self._updated = False

    def _stanzas(self) -> list[Source]:
        """The machine's main archive with our suite; its security archive with ours."""
        base = machine_codename()
        stanzas = []
        for source in machine_sources():
            if base in source.suites:
                suites = [self.codename]
                if self.codename == base:
                    suites.append(f"{base}-updates")
                stanzas.append(dataclasses.replace(source, suites=tuple(suites)))
            if f"{base}-security" in source.suites and self.codename == base:
                stanzas.append(source)
        if not stanzas:
            raise RavelinError(
                f"no source of {base} in /etc/apt: cannot tell where to fetch from",
                ExitCode.SETUP_FAILED,
            )
        return stanzas

    def _write_configuration(self) -> None:
        texts = []
        for source in self._stanzas():
            lines = ["Types: deb deb-src", f"URIs: {source.uris}"]
            lines += [f"Suites: {' '.join(source.suites)}", f"Components: {source.components}"]
            lines += [f"Signed-By: {source.signed_by}"] if source.signed_by else []
            texts.append("\n".join(lines) + "\n")
        (self._folder / "parts").mkdir(exist_ok=True)
        (self._folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (self._folder / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        (self._folder / "parts" / "suite.sources").write_text("\n".join(texts), encoding="utf-8")
        (self._folder / "status").touch()

    def _options(self) -> list[str]:
        options = {
            "Dir::Etc::SourceList": "/nonexistent",
            "Dir::Etc::SourceParts": self._folder / "parts",
            "Dir::State::Lists": self._folder / "lists",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
            "APT::Architecture": self._architectures[0],
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        for architecture in self._architectures:
            words += ["-o", f"APT::Architectures::={architecture}"]
        return words

    def _run(self, program: str, *words: str) -> str:
        self.update()
        command = [program, "-q", *self._options(), *words]
        what = f"{program} {words[0]} for {self.codename}"
        try:
            return self._console.run(command, what, ExitCode.SETUP_FAILED)
        except RavelinError as error:
            raise FetchError(str(error)) from error

    def update(self) -> None:
        """Reads the suite's lists, once for each run of the command."""
        if self._updated:
            return
        self._updated = True
        self._write_configuration()
        self._run("apt-get", "update")

    def package_names(self, pattern: str) -> list[str]:
        """The names of the suite's packages that match the regular expression."""
        names = self._run("apt-cache", "pkgnames").split()
        return [name for name in names if re.fullmatch(pattern, name)]

    def version(self, package: str) -> str:
        """The newest version of a package. FetchError if the suite has none."""
        shown = self._run("apt-cache", "policy", package)
        found = re.search(r"Candidate: (\S+)", shown)
        if not found or found.group(1) == "(none)":
            raise FetchError(f"{self.codename} has no package {package}")
        return found.group(1)

    def _uris(self, *words: str) -> list[RemoteFile]:
        shown = self._run("apt-get", *words)
        pattern = re.compile(r"^'([^']+)' (\S+) (\d+) (\S+)$", re.MULTILINE)
        return [
            RemoteFile(uri, name, int(size), digest)
            for uri, name, size, digest in pattern.findall(shown)
        ]

    def download(self, packages: list[str]) -> list[pathlib.Path]:
        """Fetches binary packages, verified by the suite's signed list.

        Returns their paths in the cache; FetchError names the file that failed.
        """
        files = self._uris("download", "--print-uris", *packages)
        if len(files) != len(packages):
            raise FetchError(f"{self.codename} lists only {len(files)} of {' '.join(packages)}")
        folder = paths.cache_folder("debs")
        return [self._fetch(file, folder) for file in files]

    def size_of(self, packages: list[str]) -> int:
        """How many bytes a download of the packages is."""
        return sum(file.size for file in self._uris("download", "--print-uris", *packages))

    def source_files(self, package: str) -> list[RemoteFile]:
        """The files of a source package, as the suite lists them."""
        return self._uris("source", "--print-uris", package)

    def _fetch(self, file: RemoteFile, folder: pathlib.Path) -> pathlib.Path:
        target = folder / file.name
        if not target.exists():
            fetch(self._console, file.uri, file.digest, target)
        return target


def fetch(console: Console, uri: str, digest: str, target: pathlib.Path) -> None:
    """Fetches one file through apt, checked against `digest` ("SHA256:…").

    The target appears only when it is complete and verified. FetchError otherwise.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    command = [_APT_HELPER, *options, "download-file", uri, str(partial), digest]
    status, output = console.attempt(command)
    if status != 0:
        partial.unlink(missing_ok=True)
        reason = next((line for line in output.splitlines() if line.startswith("E:")), "")
        raise FetchError(
            f"fetching {target.name} failed: {reason.removeprefix('E:').strip()}"
            f" (log: {console.log_path})"
        )
    partial.replace(target)


def unpack(console: Console, packages: list[pathlib.Path], folder: pathlib.Path) -> None:
    """Unpacks packages over each other into a folder, without installing them."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        console.run(
            ["dpkg", "-x", package, folder], f"unpacking {package.name}", ExitCode.SETUP_FAILED
        )
