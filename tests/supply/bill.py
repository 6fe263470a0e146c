"""The bill of materials, requirements/sbom.json: CycloneDX, of the packages that production installs.

`make sbom` writes it, the gate compares it. It has no date and no serial number: the same packages, the same file.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tomllib
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from integrations.version import VERSION
from tests.supply import locks

BILL = locks.REQUIREMENTS / "sbom.json"
# Where the metadata name no SPDX licence, or the package is not for every machine: as its project states it.
STATED = {
    "amqp": "BSD-3-Clause",
    "async-timeout": "Apache-2.0",
    "billiard": "BSD-3-Clause",
    "click-plugins": "BSD-3-Clause",
    "colorama": "BSD-3-Clause",
    "django-csp": "BSD-3-Clause",
    "django-ninja": "MIT",
    "prompt-toolkit": "BSD-3-Clause",
    "pyasn1-modules": "BSD-2-Clause",
    "pyopenssl": "Apache-2.0",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "reportlab": "BSD-3-Clause",
    "segno": "BSD-3-Clause",
    "sqlparse": "BSD-3-Clause",
    "vine": "BSD-3-Clause",
    "wcwidth": "MIT",
}


class UnknownLicenceError(Exception):
    """A package names no SPDX licence, and `STATED` has none for it."""


def written() -> str:
    """Return the bill of what the lock file names."""
    packages = locks.read(locks.RUN)
    content: dict[str, Any] = json.loads(JsonV1Dot6(_bom(packages)).output_as_string())
    del content["serialNumber"], content["metadata"]["timestamp"]
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _bom(packages: list[locks.Package]) -> Bom:
    components = {package.name: _component(package) for package in packages}
    product = _product()
    bom = Bom(components=components.values())
    bom.metadata.component = product
    bom.register_dependency(product, [components[package.name] for package in packages if package.is_direct])
    for name, component in components.items():
        bom.register_dependency(component, [components[each.name] for each in packages if name in each.needed_by])
    return bom


def _product() -> Component:
    project = tomllib.loads((locks.REQUIREMENTS.parent / "pyproject.toml").read_text())["project"]
    name = project["name"]
    return Component(type=ComponentType.APPLICATION, name=name, version=VERSION, bom_ref=f"{name}@{VERSION}")


def _component(package: locks.Package) -> Component:
    address = PackageURL(type="pypi", name=package.name, version=package.version)
    # One hash for each file of the release: any of them may be the one that is installed.
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(f"https://pypi.org/project/{package.name}/{package.version}/#files"),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.hashes],
    )
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=address,
        bom_ref=str(address),
        licenses=[licence_of(package.name)],
        external_references=[files],
    )


def licence_of(name: str) -> License:
    """Return the SPDX licence of a package. Raises `UnknownLicenceError`."""
    licence = LicenseFactory().make_from_string(STATED.get(name) or _of_metadata(name))
    is_spdx = isinstance(licence, LicenseExpression) or licence.id is not None
    if not is_spdx:
        raise UnknownLicenceError(f"{name} names no SPDX licence. Look it up and add it to tests/supply/bill.py.")
    return licence


def _of_metadata(name: str) -> str:
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed here"
    fields = ("License-Expression", "License")
    named = [metadata[field] for field in fields if field in metadata]
    return next(filter(None, named), "no licence named")


def main(arguments: list[str]) -> int:
    """Write the bill, or with --check compare it; return the exit code."""
    try:
        text = written()
    except (UnknownLicenceError, ValueError) as problem:
        print(f"sbom      {problem}", file=sys.stderr)
        return 1
    if "--check" not in arguments:
        BILL.write_text(text)
        print(f"sbom      {BILL.name} is written")
    elif not BILL.exists() or BILL.read_text() != text:
        print("sbom      requirements/sbom.json is not that of requirements/run.lock. Run: make sbom", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
