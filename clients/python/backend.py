"""Builds the wheel of this package, as PEP 517 asks for it, with Python alone.

So `pip install ./clients/python` fetches no build tools: a machine without network installs it.
"""

import base64
import hashlib
import os
import re
import tarfile
import tomllib
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "src")
PACKAGE = os.path.join(SOURCE, "ranklossd")
ENDINGS = (".py", ".typed")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {f"ranklossd/{name}": _bytes(PACKAGE, name)
             for name in sorted(os.listdir(PACKAGE)) if name.endswith(ENDINGS)}
    return _write_wheel(wheel_directory, files)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """For `pip install -e`: a wheel that points here."""
    return _write_wheel(wheel_directory, {"ranklossd.pth": (SOURCE + "\n").encode()})


def build_sdist(sdist_directory, config_settings=None):
    stem = f"ranklossd-{_version()}"
    with tarfile.open(os.path.join(sdist_directory, f"{stem}.tar.gz"), "w:gz") as archive:
        for name in ("pyproject.toml", "README.md", "backend.py"):
            archive.add(os.path.join(HERE, name), f"{stem}/{name}")
        for name in sorted(os.listdir(PACKAGE)):
            if name.endswith(ENDINGS):
                archive.add(os.path.join(PACKAGE, name), f"{stem}/src/ranklossd/{name}")
    return f"{stem}.tar.gz"


def _bytes(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def _version():
    return re.search(rb'__version__ = "(.*)"', _bytes(PACKAGE, "_version.py")).group(1).decode()


def _write_wheel(folder, files):
    """The wheel of these files and of what describes them. Returns its name."""
    info, name = f"ranklossd-{_version()}.dist-info", f"ranklossd-{_version()}-py3-none-any.whl"
    project = tomllib.loads(_bytes(HERE, "pyproject.toml").decode())["project"]
    files = {**files, f"{info}/METADATA": _metadata(project).encode(),
             f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: ranklossd\n"
                              b"Root-Is-Purelib: true\nTag: py3-none-any\n",
             f"{info}/entry_points.txt": _scripts(project).encode()}
    record = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():  # of one date, so that the same source has the same bytes
            entry = zipfile.ZipInfo(path)
            entry.external_attr, entry.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)
    return name


def _digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _metadata(project):
    extras = project["optional-dependencies"]
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {_version()}",
             f"Summary: {project['description']}", f"License: {project['license']['text']}",
             f"Requires-Python: {project['requires-python']}",
             "Description-Content-Type: text/markdown"]
    lines += [f"Classifier: {text}" for text in project["classifiers"]]
    lines += [f"Requires-Dist: {text}" for text in project["dependencies"]]
    for extra, packages in extras.items():
        lines += [f"Provides-Extra: {extra}"]
        lines += [f'Requires-Dist: {text}; extra == "{extra}"' for text in packages]
    return "\n".join(lines) + "\n\n" + _bytes(HERE, project["readme"]).decode()


def _scripts(project):
    return "\n".join(["[console_scripts]", *(f"{name} = {place}" for name, place
                                             in project["scripts"].items()), ""])
